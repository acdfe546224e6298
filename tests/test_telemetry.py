"""Metrics: one line each, with one dimension. And what is logged of an error quotes nothing."""

import json
from pathlib import Path

import pytest
from aws_lambda_powertools import single_metric
from aws_lambda_powertools.metrics import MetricUnit

from backburner import telemetry
from backburner.development.local.template import Stack
from backburner.telemetry import where
from tests.support.environment import exactly


@pytest.mark.parametrize("metric", ["refused", "run_time"])
def test_a_metric_is_a_line_as_powertools_would_write_it(
    metric: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where it knows no service: then it has no dimension more."""
    unit = MetricUnit.Count if metric == "refused" else MetricUnit.Seconds
    with exactly({"METRICS_NAMESPACE": "stack"}):
        if unit is MetricUnit.Count:
            telemetry.count(metric, "doubling")
        else:
            telemetry.measure(metric, 1.0, "doubling")
        with single_metric(name=metric, unit=unit, value=1, namespace="stack") as theirs:
            theirs.add_dimension("computation", "doubling")
    ours, expected = map(json.loads, capsys.readouterr().out.splitlines())
    assert 0 <= expected["_aws"].pop("Timestamp") - ours["_aws"].pop("Timestamp") < 5000
    assert ours == expected


def test_each_line_has_its_own_value_and_names(capsys: pytest.CaptureFixture[str]) -> None:
    with exactly({"METRICS_NAMESPACE": "null-stack"}):
        for seconds in (0.25, 1e-07):
            telemetry.measure("run_time", seconds, "null-check")
        telemetry.count("hit", "doubling")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line.get("run_time", line.get("hit")) for line in lines] == [[0.25], [1e-07], [1.0]]
    assert [line["computation"] for line in lines] == ["null-check", "null-check", "doubling"]


def test_whatever_the_environment_says_a_metric_has_one_dimension(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with exactly({"POWERTOOLS_SERVICE_NAME": "else", "POWERTOOLS_METRICS_DISABLED": "true"}):
        telemetry.count("hit", "doubling")
    [directive] = json.loads(capsys.readouterr().out)["_aws"]["CloudWatchMetrics"]
    assert directive["Dimensions"] == [["computation"]]


@pytest.fixture
def error() -> KeyError:
    """It has a cause, and both quote a parameter."""

    def fail() -> None:
        raise ValueError("4711")

    try:
        fail()
    except ValueError as cause:
        error = KeyError("0815")
        error.__cause__ = cause
    return error


def test_where_tells_the_lines_and_the_types_of_an_error_and_its_cause_but_no_text(
    error: KeyError, stack: Stack
) -> None:
    with exactly(stack.function("WorkerFunction").environment):
        told = where(error)
    assert told.index("ValueError") < told.index("KeyError")
    assert Path(__file__).name in told
    assert 'raise ValueError("4711")' in told  # the code, which holds no parameters
    assert "ValueError: 4711" not in told
    assert "0815" not in told


@pytest.mark.parametrize("shown", ["", "yes"])
def test_a_traceback_begins_with_the_authors_own_first_frame(shown: str) -> None:
    theirs = compile("def of():\n  json.loads('{')\nof()", "/theirs/it.py", "exec")

    def engine() -> None:
        exec(theirs, {"json": json})  # noqa: S102

    with exactly({"SHOW_ERRORS": shown}), pytest.raises(ValueError, match="Expecting") as caught:
        engine()
    with exactly({"SHOW_ERRORS": shown}):
        told = where(caught.value, ("/the", "/theirs"))
        said = telemetry.what(caught.value, ("/the", "/theirs"))
    files = [line.split('"')[1] for line in told.splitlines() if line.startswith("  File")]
    assert files[:2] == ["/theirs/it.py"] * 2
    assert "engine" not in told
    assert files[-1].endswith("decoder.py")
    assert said.startswith("JSONDecodeError, it.py:2")
    assert ("Expecting property name" in said) is bool(shown)


def test_on_the_machine_of_its_author_an_error_is_told_with_its_text(error: KeyError) -> None:
    with exactly({"SHOW_ERRORS": "yes"}):
        told = where(error)
    assert told.index("ValueError: 4711") < told.index("KeyError: '0815'")
    assert Path(__file__).name in told
