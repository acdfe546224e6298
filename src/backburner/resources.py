"""The table, the queues and the bucket that the settings name, and their clients.

The request function's clients are light where the environment allows (aws/light_client.py).
botocore makes the others, the same as boto3's low-level ones: `import boto3` would load S3's
transfers.
"""

from collections.abc import Callable
from functools import cache, partial
from threading import Lock
from typing import TYPE_CHECKING, Any

from backburner import settings
from backburner.aws.environment import light_client
from backburner.aws.time_limits import TimeLimits
from backburner.computation import STANDARD, WAITING
from backburner.http.event import Site
from backburner.large_results import LargeResults
from backburner.protocol.failed_jobs import FailedJobs
from backburner.protocol.lanes import Lanes
from backburner.protocol.store import Leases, Store
from backburner.protocol.task_queue import TaskQueue
from backburner.retry_after.run_times import RunTimes
from backburner.telemetry import logger

if TYPE_CHECKING:
    from botocore.config import Config
    from botocore.session import Session

    from backburner.attempt.declared_values import DeclaredValues


def request_limits() -> TimeLimits:
    """A client waits, so all calls take under 3 s together, however many there are.

    Not included: the time to resolve a name, and to try its second address. The local deployment
    sets REQUEST_PATIENCE, as many times the limits: it has one busy machine for AWS and all else.
    """
    times = settings.number("REQUEST_PATIENCE", 1)
    return TimeLimits(connect=0.25 * times, read=0.5 * times, pauses=[0.1], total=1.7 * times)


def value_limits() -> TimeLimits:
    """For all secrets and settings of an attempt; the lease outlasts them and the first heartbeat.

    Locally, moto takes seconds to read the first: it imports that service then.
    """
    times = settings.number("REQUEST_PATIENCE", 1)
    return TimeLimits(connect=1 * times, read=2 * times, pauses=[0.5], total=4 * times)


REQUEST = request_limits()
WORKER = TimeLimits(connect=1, read=2, pauses=[0.5, 1])
"""If a heartbeat gets no answer, the lease lasts until the next one."""
PUT = TimeLimits(connect=2, read=5, pauses=[0.5])
"""For a large result. The lease outlasts the put and the call that completes the job after it.
Sending may stall for at most `connect` seconds."""
VALUES = value_limits()
DEAD_LETTER = TimeLimits(connect=1, read=2, pauses=[0.5, 1], total=20)
"""For a batch, within the function's 30 s. Messages that it has no time for stay in the queue."""


_making = Lock()


def store(time_limits: TimeLimits, *, light: bool = False) -> Store:
    """The table. A light client has only the calls that a request makes."""
    return Store(
        _client("dynamodb", time_limits, light=light),
        table=settings.required("TABLE_NAME"),
        leases=_leases(),
    )


def sqs(time_limits: TimeLimits, *, light: bool = False) -> Callable[[], Any]:
    """Makes one client for both queues when it is first needed: a hit does not need it."""
    return cache(partial(_client, "sqs", time_limits, light=light))


def task_queue(sqs: Callable[[], Any]) -> TaskQueue:
    """The queue of the worker's own lane."""
    return TaskQueue(sqs, url=settings.required("QUEUE_URL"))


def lanes(sqs: Callable[[], Any]) -> Lanes:
    """The queues of all lanes that are deployed."""
    urls = {STANDARD: settings.required("QUEUE_URL"), WAITING: settings.text("WAITING_QUEUE_URL")}
    most = int(settings.number("MAX_BACKLOG", 0))
    return Lanes({lane: TaskQueue(sqs, url, most) for lane, url in urls.items() if url})


def failed_jobs(sqs: Callable[[], Any]) -> FailedJobs:
    return FailedJobs(sqs, url=settings.required("FAILED_JOBS_QUEUE_URL"))


def large_results() -> LargeResults:
    return LargeResults(
        partial(_client, "s3", PUT),
        bucket=settings.required("LARGE_RESULTS_BUCKET"),
    )


def declared_values() -> "DeclaredValues":
    from backburner.attempt.declared_values import (
        DeclaredValues,  # the request function has no need of it
    )

    return DeclaredValues(
        prefix=settings.required("SETTINGS_PREFIX"),
        make_client=partial(_client, time_limits=VALUES),
        time_limits=VALUES,
    )


def site() -> Site:
    """How the deployment is reached."""
    base_path = settings.text("BASE_PATH").strip("/")
    return Site(
        base_path=f"/{base_path}" if base_path else "",
        needs_token=bool(settings.text("JWT_ISSUER")),
        large_results=settings.text("LARGE_RESULTS_ORIGIN"),
    )


def run_times(store: Store) -> RunTimes:
    """The run times, which are in the same table."""
    return RunTimes(client=store.client, table=store.table, clock=store.clock)


def _client(service: str, time_limits: TimeLimits, *, light: bool = False) -> Any:
    client = light_client(service, time_limits) if light else None
    logger.debug("a client is made", client_of=service, is_light=client is not None)
    if client:
        return client
    config = time_limits.config
    with _making:  # botocore makes no two at once
        made = _session().create_client(
            service, config=config.merge(in_its_region()) if service == "s3" else config
        )
    time_limits.bound(made)
    return made


def in_its_region() -> "Config":
    """For S3's URLs: the signature that all regions take, and the host that the console knows."""
    from botocore.config import Config  # which loads most of botocore

    return Config(signature_version="s3v4", s3={"us_east_1_regional_endpoint": "regional"})


@cache
def _session() -> "Session":
    from botocore.session import get_session  # which loads the rest

    return get_session()


def _leases() -> Leases:
    usual = Leases()
    return Leases(
        running=settings.number("RUNNING_LEASE", usual.running),
        heartbeat=settings.number("HEARTBEAT_INTERVAL", usual.heartbeat),
        queued=settings.number("QUEUED_LEASE", usual.queued),
    )
