"""The table, the queues and the bucket, by the names that template.yaml puts into the environment.

The clients are boto3's own low-level ones, made by botocore: `import boto3` would bring in S3's
transfers at every cold start.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from botocore.config import Config
from botocore.session import Session, get_session

from backburner.aws import Patience
from backburner.errors import MissingSetting
from backburner.given_up import GivenUp
from backburner.http.event import Site
from backburner.large_results import LargeResults
from backburner.run_times import RunTimes
from backburner.store import Leases, Store
from backburner.task_queue import TaskQueue

REQUEST = Patience(connect=0.25, read=0.5, pauses=[0.1], total=1.7)
"""A client waits: under 3 s in all, whatever the calls are. The sum does not depend on the path, so
a call more changes nothing. Not in it: to resolve a name, and to try a second address of it."""
WORKER = Patience(connect=1, read=2, pauses=[0.5, 1])
"""A heartbeat that is not answered leaves the lease time for the next one."""
PUT = Patience(connect=2, read=5, pauses=[0.5])
"""Of a large result: the lease outlasts it, and the call that completes the job after it. What is
sent may stop for `connect` seconds at most."""
DEAD_LETTER = Patience(connect=1, read=2, pauses=[0.5, 1], total=20)
"""Under the function's 30 s, for a batch; what has had no time stays in the queue."""

IN_ITS_REGION = Config(signature_version="s3v4", s3={"us_east_1_regional_endpoint": "regional"})
"""S3's URLs: signed as every region takes it, at the bucket's own host, which the console knows."""


def store(environ: Mapping[str, str], patience: Patience) -> Store:
    return Store(
        _client("dynamodb", patience),
        table=_setting(environ, "TABLE_NAME"),
        leases=_leases(environ),
    )


def task_queue(environ: Mapping[str, str], patience: Patience) -> TaskQueue:
    return TaskQueue(
        lambda: _client("sqs", patience),
        url=_setting(environ, "QUEUE_URL"),
        max_backlog=int(environ.get("MAX_BACKLOG") or 0),
    )


def given_up(environ: Mapping[str, str], patience: Patience) -> GivenUp:
    return GivenUp(
        lambda: _client("sqs", patience),
        url=_setting(environ, "GIVEN_UP_QUEUE_URL"),
    )


def large_results(environ: Mapping[str, str]) -> LargeResults:
    return LargeResults(
        lambda: _client("s3", PUT, IN_ITS_REGION),
        bucket=_setting(environ, "LARGE_RESULTS_BUCKET"),
    )


def site(environ: Mapping[str, str]) -> Site:
    """Both settings are empty where nothing is before the paths, and nobody needs a token."""
    base_path = environ.get("BASE_PATH", "").strip("/")
    return Site(
        base_path=f"/{base_path}" if base_path else "",
        needs_token=bool(environ.get("JWT_ISSUER")),
    )


def run_times(store: Store) -> RunTimes:
    """They are in the same table."""
    return RunTimes(client=store.client, table=store.table, clock=store.clock)


def _client(service: str, patience: Patience, config: Config | None = None) -> Any:
    client = _session().create_client(service, config=patience.config.merge(config or Config()))
    patience.bound(client)
    return client


@cache
def _session() -> Session:
    return get_session()


def _leases(environ: Mapping[str, str]) -> Leases:
    """The design's leases, unless the environment sets others: RUNNING_LEASE=5 and so on."""
    names = {
        "running": "RUNNING_LEASE",
        "heartbeat": "HEARTBEAT_INTERVAL",
        "queued": "QUEUED_LEASE",
    }
    return Leases(**{k: float(environ[name]) for k, name in names.items() if name in environ})


def _setting(environ: Mapping[str, str], name: str) -> str:
    if name not in environ:
        raise MissingSetting(f"the environment has no {name}; template.yaml sets it")
    return environ[name]
