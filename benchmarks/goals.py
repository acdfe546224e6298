"""The figures that have to be reached."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure measures, and what it may be at most; None for one that only informs."""

    name: str
    what: str
    most: float | None


GOALS = (
    Goal("table_hit_get", "table hit, GET by signature", 1.10),
    Goal("table_hit_post", "table hit, POST of 21 stops, seen before", 1.15),
    Goal("table_hit_post_first", "table hit, POST of 21 stops, for the first time", None),
    Goal("local_cache_hit_get", "local-cache hit, GET by signature ÷ a bare table hit", 0.04),
    Goal("local_cache_hit_post", "local-cache hit, POST of 21 stops ÷ a bare table hit", 0.05),
    Goal("miss_4", "miss, POST of 4 stops, for the first time", 1.15),
    Goal("miss", "miss, POST of 21 stops, for the first time", 1.15),
    Goal("poll_get", "poll, GET by signature", 1.10),
    Goal("poll_post", "poll, POST of 4 stops", 1.15),
    Goal("worker", "worker, an instant job without its child process", 1.15),
    Goal("hit_1000_seen", "table hit, POST of 1,000 stops, seen before", 1.3),
    Goal("hit_1000_first", "table hit, POST of 1,000 stops, for the first time", 4),
    Goal("signature_1000", "body to signature ÷ json.loads, 1,000 stops", 5),
    Goal("signature_1mb", "body to signature ÷ json.loads, 1 MB of numbers", 3),
    Goal("cold_start_post", "cold start, first request a POST", 0.90),
    Goal("cold_start_get", "cold start, first request a GET by signature", 0.65),
    Goal("worker_cold_start", "cold start of the worker, with its first job", 1.25),
    Goal("cold_start_compiled", "cold start with a POST ÷ the same without bytecode", None),
    Goal("short_job_p50", "50 ms job, from asking to the result, p50, seconds", 0.3),
    Goal("short_job_p99", "50 ms job, from asking to the result, p99, seconds", 1.0),
    Goal("polls_per_result", "polls per result of these jobs", 1.5),
    Goal("hits_under_load", "hits' p99 with 10,000 jobs queued ÷ with none", 1.10),
    Goal("hits_under_load_p50", "the same, of their p50", None),
    Goal("bundle_mb", "bundle of the request function, unpacked, MB", 13),
)
