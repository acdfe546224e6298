"""Time limits for AWS: for one attempt at a call, for a call, and for all calls of an event.

Every wait is bounded, so the bounds can be added up. That is why botocore's own retries are off:
it sleeps for as long as AWS's answer says, up to six seconds.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf
from threading import local
from typing import TYPE_CHECKING, Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    HTTPClientError,
)
from botocore.exceptions import ConnectionError as NoConnection

from backburner.errors import BackburnerError
from backburner.telemetry import logger

if TYPE_CHECKING:
    from botocore.awsrequest import AWSResponse
    from botocore.client import BaseClient
    from botocore.config import Config
    from botocore.model import OperationModel

THROTTLED = ("Throttl", "ThroughputExceeded", "RequestLimitExceeded", "SlowDown", "Unavailable")
"""Parts of the error codes that mean throttled or unavailable."""
ONCE = ("GetQueueAttributes",)
"""Optional calls, which are never retried."""


class TimeIsUp(BackburnerError, BotoCoreError):
    """It is too late to begin this call; treated as if AWS had not answered."""

    fmt = "no call begins later than {total:g} s after an event; this one is not made"


@dataclass(kw_only=True, eq=False)
class TimeLimits:
    """How long a function waits for AWS, in seconds. A thread handles one event at a time."""

    connect: float
    read: float
    pauses: Sequence[float]
    """Pauses before the second attempt at a call, the third, and so on."""
    total: float = inf
    """No call begins later than this after an event, and none is retried after half of it."""
    timer: Callable[[], float] = time.monotonic
    _event: local = field(default_factory=local, init=False)
    """Each thread has its own: a batch of messages may be worked on at once."""

    @property
    def attempt(self) -> float:
        return self.connect + self.read

    @property
    def call(self) -> float:
        return self.attempt * (1 + len(self.pauses)) + sum(self.pauses)

    @property
    def event(self) -> float:
        """The longest that all calls of an event take: the last begins just in time and hangs."""
        return self.total + self.attempt

    @property
    def config(self) -> "Config":
        from botocore.config import Config  # which loads most of botocore

        return Config(
            connect_timeout=self.connect,
            read_timeout=self.read,
            retries={"mode": "standard", "total_max_attempts": 1},
        )

    def begin(self) -> None:
        """Start the clock for a new event."""
        self._event.began_at = self.timer()

    def bound(self, client: "BaseClient") -> None:
        """Apply the limits to the calls of that client."""
        client.meta.events.register_first("before-send", lambda **_: self.check())
        client.meta.events.register("needs-retry", self._needs_retry)  # type: ignore[arg-type]

    def check(self) -> None:
        """TimeIsUp if it is too late to begin a call or another attempt at it."""
        if self._passed() >= self.total:
            raise TimeIsUp(total=self.total)

    def pause(self, attempts: int, operation: str, failure: Exception) -> float | None:
        """Seconds to wait before another attempt; None for no other attempt."""
        if isinstance(failure, TimeIsUp) or not is_passing(failure):
            return None
        further = 0 if operation in ONCE else len(self.pauses)
        if attempts > further or self._passed() >= self.total / 2:
            return None
        return self.pauses[attempts - 1]

    def _passed(self) -> float:
        return self.timer() - getattr(self._event, "began_at", inf)

    def _needs_retry(
        self,
        attempts: int,
        operation: "OperationModel",
        response: "tuple[AWSResponse, dict[str, Any]] | None",
        caught_exception: Exception | None,
        **_: object,
    ) -> float | None:
        failure = caught_exception or _failure(response)
        if failure is None:
            return None
        pause = self.pause(attempts, operation.name, failure)
        if pause is None and isinstance(failure, ConnectionClosedError):
            raise failure
        return pause


def is_passing(error: BaseException | None) -> bool:
    """True if a retry may succeed (no answer, throttled); otherwise the fault is on our side."""
    if not isinstance(error, ClientError):
        return isinstance(error, NoConnection | HTTPClientError | TimeIsUp)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
    code = error.response.get("Error", {}).get("Code", "")
    return status >= 500 or any(word in code for word in THROTTLED)


def log(message: str, error: Exception) -> None:
    """Log that an optional call failed: a warning if that will pass, else an error."""
    (logger.warning if is_passing(error) else logger.error)(message, exc_info=error)


def _failure(response: "tuple[AWSResponse, dict[str, Any]] | None") -> Exception | None:
    if response is None:
        return None
    answer, parsed = response
    if _is_cut_short(answer):
        return ConnectionClosedError(endpoint_url=answer.url)
    return ClientError(parsed, "") if answer.status_code >= 300 else None  # type: ignore[arg-type]


def _is_cut_short(answer: "AWSResponse") -> bool:
    """True for half an answer, which botocore would take for an empty one."""
    return len(answer.content) < int(answer.headers.get("content-length", 0))
