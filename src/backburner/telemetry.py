"""Logs and metrics: one line of JSON each, tied together by the correlation id.

The metrics: hit, stale, miss, collapsed, refused, failed, computed, dead_letter, malformed
(counts), run_time and queue_wait (seconds); each with the computation as its dimension.
"""

import os

from aws_lambda_powertools import Logger, single_metric
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger(service="backburner")
NAMESPACE = os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "backburner")
"""Of the metrics: the stack's name, so that two deployments in one account are told apart."""


def count(metric: str, computation: str) -> None:
    _emit(metric, MetricUnit.Count, 1, computation)


def measure(metric: str, seconds: float, computation: str) -> None:
    _emit(metric, MetricUnit.Seconds, seconds, computation)


def _emit(metric: str, unit: MetricUnit, value: float, computation: str) -> None:
    with single_metric(name=metric, unit=unit, value=value, namespace=NAMESPACE) as emitted:
        emitted.add_dimension(name="computation", value=computation)
