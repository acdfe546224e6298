"""The built functions in the local deployment: short jobs, and hits while jobs wait."""

import json
import os
import statistics
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from backburner.development.local import deployment, function
from backburner.development.local.deployment import Deployment
from benchmarks import built
from benchmarks.client import PatientClient
from benchmarks.inside import COMPUTATIONS
from benchmarks.paired import Ratio

SHORT_JOBS = 60
QUEUED = 10_000
BURST, BURSTS = 40, 16
NAPPING = "/v1/napping"
NAP = 110
"""Seconds for which jobs hold the workers."""


BUILT = built.BUILT / "template.yaml"


@contextmanager
def deployed(
    computed: Path = Path(os.devnull), template: Path = BUILT, **environment: str
) -> Iterator[Deployment]:
    """A local deployment of what is built; `napping` writes its numbers into `computed`.

    It does not look for edits at each request, and many messages may wait in it.
    """
    function.source_state = lambda sources: frozenset()  # noqa: ARG005
    deployment.MOTO_SERVER = Path(__file__).with_name("moto_counting.py")
    with ExitStack() as stack:
        nowhere = stack.enter_context(Path(os.devnull).open("w"))
        made = Deployment(
            template=template,
            computations=[COMPUTATIONS],
            environment={"COMPUTED": str(computed), **environment},
            console=nowhere.fileno(),
        )
        yield stack.enter_context(made)


def short_jobs() -> dict[str, dict[str, float]]:
    """One job at a time, so that a worker is free."""
    with deployed() as running:
        client = PatientClient(running.url, NAPPING)
        for n in range(10):  # both workers are warm, and their times known
            client.ask({"number": n})
        asked = [client.ask({"number": 100 + n}) for n in range(SHORT_JOBS)]
    seconds = percentiles([each.result for each in asked])
    polls = statistics.mean(each.requests - 1 for each in asked)
    return {
        "short_job_p50": {"ratio": round(seconds[50], 3)},
        "short_job_p99": {"ratio": round(seconds[99], 3)},
        "polls_per_result": {"ratio": round(polls, 2)},
    }


def hits_under_load() -> dict[str, dict[str, float]]:
    """Bursts of hits and polls in turns at two deployments, of which one has many jobs queued."""
    with deployed() as calm, deployed() as loaded:
        clients = [prepared(calm, jobs=1), prepared(loaded, jobs=3)]
        queue(loaded)
        rounds = []
        for n in range(BURSTS):
            order = clients if n % 2 else clients[::-1]
            bursts = {id(each): burst(*each) for each in order}
            rounds.append([bursts[id(each)] for each in clients])
    none, many = (percentiles([t for r in rounds for t in r[n]])[99] for n in (0, 1))
    medians = [statistics.median(loaded) / statistics.median(calm) for calm, loaded in rounds]
    return {
        "hits_under_load": {"ratio": round(many / none, 3)},
        "hits_under_load_p50": Ratio.of(medians).as_json(),
    }


def prepared(running: Deployment, jobs: int) -> tuple[PatientClient, str, str]:
    """A client, the location of an answer, and that of a job that takes long."""
    client = PatientClient(running.url, NAPPING)
    client.ask({"number": 0})
    naps = [json.dumps({"number": n, "seconds": NAP}) for n in range(1, jobs + 1)]
    locations = [client.request("POST", NAPPING, nap)[1] for nap in naps]
    return client, '{"number": 0}', locations[-1]


def burst(client: PatientClient, answered: str, waiting: str) -> list[float]:
    """Seconds of each request of a burst: hits and polls by turns."""
    client.times.clear()
    for _ in range(BURST // 2):
        hit, *_ = client.request("POST", NAPPING, answered)
        poll, *_ = client.request("GET", waiting, None)
        if (hit, poll) != (200, 202):
            raise RuntimeError(f"a hit got {hit}, and a poll {poll}; make the bursts shorter")
    return list(client.times)


def queue(running: Deployment) -> None:
    """Put messages into the queue, behind the jobs that hold both workers."""
    sqs, url = running.client("sqs"), running.stack.physical_ids["Queue"]
    body = json.dumps({"signature": "0" * 64, "computation": "napping", "correlation_id": "none"})
    batch = [{"Id": str(n), "MessageBody": body, "MessageGroupId": "x"} for n in range(10)]
    for _ in range(QUEUED // 10):
        sqs.send_message_batch(QueueUrl=url, Entries=batch)


def percentiles(values: list[float]) -> dict[int, float]:
    """The percentiles, from the first to the ninety-ninth."""
    found = statistics.quantiles(values, n=100, method="inclusive")
    return dict(enumerate(found, start=1))
