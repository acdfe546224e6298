"""Makes what the first event needs in Lambda's Init phase, which has more processor time.

On demand, a client waits for Init, so it makes only what every event needs, and the connection to
DynamoDB. For a snapshot or provisioned concurrency nobody waits, so it makes all, but opens no
connection, which would end before the first event. Outside Lambda it makes nothing.
"""

from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Any, Protocol

from backburner import settings
from backburner.aws.light_client import LightClient
from backburner.computation import registry

if TYPE_CHECKING:
    from backburner.protocol.failed_jobs import FailedJobs
    from backburner.protocol.store import Store

ON_DEMAND = "on-demand"
LOADING_S = 5
"""Seconds for the computations. One that hangs when it is imported must not hold up the others."""


class Prepared(Protocol):
    """What the functions that prepare have in common."""

    @property
    def store(self) -> "Store": ...
    @property
    def failed_jobs(self) -> "FailedJobs": ...


def prepare(make: Callable[[], Prepared]) -> None:
    """Make the function and what it needs. Errors are left to the first event that meets them."""
    kind = settings.initialization_type()
    if not kind:
        return
    with suppress(Exception):
        function = make()
        if kind == ON_DEMAND:
            _connect(function.store.client)
        else:
            _ = function.failed_jobs.client  # which is that of the lanes, too
    if kind != ON_DEMAND:
        loading = Thread(target=_load_computations, daemon=True)
        loading.start()
        loading.join(LOADING_S)


def _connect(client: Any) -> None:
    """Leave an open connection with the client.

    For botocore's: the address answers any GET without credentials ("healthy"), which is no
    operation of DynamoDB and is not billed. botocore has no public way to connect alone.
    """
    if isinstance(client, LightClient):
        client.connect()
        return
    from botocore.awsrequest import AWSRequest

    client._endpoint.http_session.send(AWSRequest("GET", client.meta.endpoint_url).prepare())


def _load_computations() -> None:
    for name in registry.names():
        with suppress(BaseException):
            registry.load(name)
