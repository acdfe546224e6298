"""Logs and metrics: one line of JSON each, tied together by the correlation id.

The metrics: hit, stale, miss, collapsed, refused, failed, computed, dead_letter, malformed
(counts), run_time and queue_wait (seconds). Each has the computation as its only dimension.
"""

import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from functools import cache
from types import FrameType, TracebackType

from aws_lambda_powertools import Logger

from backburner import settings

logger = Logger(service="backburner", serialize_stacktrace=False)  # which is the traceback again

MAX_CHAIN = 10
"""Errors, of a chain of causes, whose traceback is logged."""
HERE = "\0"
"""Stands for what is another each time: no name contains it."""


def correlate(
    correlation_id: str | None = None,
    computation: str | None = None,
    signature: str | None = None,
) -> None:
    """Have them in the lines that this thread logs from now on; others have their own."""
    logger.thread_safe_append_keys(
        correlation_id=correlation_id, computation=computation, signature=signature
    )


def count(metric: str, computation: str, *, says: str = "") -> None:
    """Count one. What it says may quote parameters, so only its author's terminal shows that."""
    emit(metric, "Count", 1.0, computation, says)


def measure(metric: str, seconds: float, computation: str) -> None:
    emit(metric, "Seconds", seconds, computation, "")


def _emit(metric: str, unit: str, value: float, computation: str, _says: str) -> None:
    """One line in CloudWatch's embedded metric format.

    Written by hand: Powertools takes three times as long, and adds a dimension if the environment
    names a service. CloudWatch finds a metric only by its exact dimensions.
    """
    namespace = settings.text("METRICS_NAMESPACE", "backburner")
    start, middle, end = _around(metric, unit, computation, namespace)
    sys.stdout.write(f"{start}{int(time.time() * 1000)}{middle}{value!r}{end}\n")


emit: Callable[[str, str, float, str, str], None] = _emit
"""The local deployment has lines for people here."""


@cache
def _around(metric: str, unit: str, computation: str, namespace: str) -> list[str]:
    """What is around a line's time and its value: all else is the same each time."""
    directive = {
        # The stack's name tells apart two deployments in one account.
        "Namespace": namespace,
        "Dimensions": [["computation"]],
        "Metrics": [{"Name": metric, "Unit": unit}],
    }
    line = {
        "_aws": {"Timestamp": HERE, "CloudWatchMetrics": [directive]},
        "computation": computation,
        metric: [HERE],
    }
    return json.dumps(line, separators=(",", ":")).split(json.dumps(HERE))


def attempt_failed(computation: str, attempt: int, of: int, failure: Exception) -> str:
    """Log a failed attempt, with one traceback; return what its author's clients may read of it."""
    reason = str(failure).removeprefix(f"{computation} ")
    trace = getattr(failure, "where", "") or None
    logger.warning("an attempt failed", attempt=attempt, of=of, reason=reason, where=trace)
    return reason if settings.shows_errors() else ""


def where(error: BaseException, folders: tuple[str, ...] = ()) -> str:
    """The traceback of an error and its causes, with the types of the errors.

    Each begins with its first frame in these folders, if it has one. The texts of the errors are
    left out: they may quote parameters, which do not belong in logs. On the author's own machine
    (SHOW_ERRORS) they are kept.
    """
    chain = [error]
    while len(chain) < MAX_CHAIN and (cause := chain[0].__cause__ or chain[0].__context__):
        chain.insert(0, cause)
    for each in chain:
        each.__traceback__ = _since(each.__traceback__, folders)
    if settings.shows_errors():
        return "".join(traceback.format_exception(error)).rstrip("\n")
    return "\n".join(
        "".join([*traceback.format_tb(each.__traceback__), type(each).__qualname__])
        for each in chain
    )


def what(error: BaseException, folders: tuple[str, ...]) -> str:
    """The type of an error and the last line in these folders that led to it.

    On the author's own machine, also its text.
    """
    frames = traceback.walk_tb(error.__traceback__)
    own = [(frame.f_code.co_filename, line) for frame, line in frames if _is_in(frame, folders)]
    place = f", {_relative(own[-1][0], folders)}:{own[-1][1]}" if own else ""
    said = "".join(traceback.format_exception_only(error)).partition(": ")[2]
    text = said if settings.shows_errors() else ""
    return f"{type(error).__qualname__}{place}{text and ': '}{text}"


def _since(trace: TracebackType | None, folders: tuple[str, ...]) -> TracebackType | None:
    first = trace
    while first and not _is_in(first.tb_frame, folders):
        first = first.tb_next
    return first or trace


def _is_in(frame: FrameType, folders: tuple[str, ...]) -> bool:
    return any(frame.f_code.co_filename.startswith(f"{each}{os.sep}") for each in folders)


def _relative(file: str, folders: tuple[str, ...]) -> str:
    return min((file.removeprefix(f"{each}{os.sep}") for each in folders), key=len)
