"""The table, the queues and the bucket, by the names that template.yaml puts into the environment.

The clients are boto3's own low-level ones, made by botocore: `import boto3` would bring in S3's
transfers at every cold start.
"""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, cast

from botocore.config import Config
from botocore.session import Session, get_session

from backburner.errors import MissingSetting
from backburner.given_up import GivenUp
from backburner.http.event import Site
from backburner.large_results import LargeResults
from backburner.run_times import RunTimes
from backburner.store import Leases, Store
from backburner.task_queue import TaskQueue

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

PATIENCE = Config(
    connect_timeout=1, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3}
)
"""A client of ours waits for an answer; better a quick 503 than a slow one."""
IN_ITS_REGION = PATIENCE.merge(
    Config(signature_version="s3v4", s3={"us_east_1_regional_endpoint": "regional"})
)
"""S3's URLs: signed as every region takes it, at the bucket's own host, which the console knows."""


def store(environ: Mapping[str, str]) -> Store:
    return Store(
        cast("DynamoDBClient", _session().create_client("dynamodb", config=PATIENCE)),
        table=_setting(environ, "TABLE_NAME"),
        leases=_leases(environ),
    )


def task_queue(environ: Mapping[str, str]) -> TaskQueue:
    return TaskQueue(
        _sqs,
        url=_setting(environ, "QUEUE_URL"),
        max_backlog=int(environ.get("MAX_BACKLOG") or 0),
    )


def given_up(environ: Mapping[str, str]) -> GivenUp:
    return GivenUp(_sqs, url=_setting(environ, "GIVEN_UP_QUEUE_URL"))


def large_results(environ: Mapping[str, str]) -> LargeResults:
    return LargeResults(
        lambda: cast("S3Client", _session().create_client("s3", config=IN_ITS_REGION)),
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


def _sqs() -> "SQSClient":
    return cast("SQSClient", _session().create_client("sqs", config=PATIENCE))


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
