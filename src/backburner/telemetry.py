"""Logs and metrics: one line of JSON each, tied together by the correlation id.

The metrics: hit, stale, miss, collapsed, refused, failed, computed, dead_letter, malformed
(counts), run_time and queue_wait (seconds). Each has the computation as its only dimension.
"""

import json
import sys
import time
import traceback
from functools import cache

from aws_lambda_powertools import Logger

from backburner import settings

logger = Logger(service="backburner")

MAX_CHAIN = 10
"""Errors, of a chain of causes, whose traceback is logged."""
HERE = "\0"
"""Stands for what is another each time: no name contains it."""


def correlate(correlation_id: str) -> None:
    """Have it in the lines that this thread logs from now on; others have their own."""
    logger.thread_safe_append_keys(correlation_id=correlation_id)


def count(metric: str, computation: str) -> None:
    _emit(metric, "Count", 1.0, computation)


def measure(metric: str, seconds: float, computation: str) -> None:
    _emit(metric, "Seconds", seconds, computation)


def _emit(metric: str, unit: str, value: float, computation: str) -> None:
    """One line in CloudWatch's embedded metric format.

    Written by hand: Powertools takes three times as long, and adds a dimension if the environment
    names a service. CloudWatch finds a metric only by its exact dimensions.
    """
    namespace = settings.text("METRICS_NAMESPACE", "backburner")
    start, middle, end = _around(metric, unit, computation, namespace)
    sys.stdout.write(f"{start}{int(time.time() * 1000)}{middle}{value!r}{end}\n")


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


def where(error: BaseException) -> str:
    """The traceback of an error and its causes, with the types of the errors.

    Their texts are left out: they may quote parameters, which do not belong in logs. On the
    author's own machine (SHOW_ERRORS) they are kept.
    """
    if settings.shows_errors():
        return "".join(traceback.format_exception(error)).rstrip("\n")
    chain = [error]
    while len(chain) < MAX_CHAIN and (cause := chain[0].__cause__ or chain[0].__context__):
        chain.insert(0, cause)
    return "\n".join(
        "".join([*traceback.format_tb(each.__traceback__), type(each).__qualname__])
        for each in chain
    )
