"""What `make run` prints: lines for people, and never a line twice."""

import io
import json
import logging
import re
from collections.abc import Iterator

import pytest

from backburner import telemetry
from backburner.development.local.log_lines import LogLines, _is_told
from backburner.errors import AttemptFailed

AT = r"^\d\d:\d\d:\d\d "
SIGNED = "10b3bc15" + 56 * "0"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is logged here, as `make run` prints it."""
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(LogLines(3600))
    handler.addFilter(_is_told)
    telemetry.logger.addHandler(handler)
    telemetry.correlate("request-1", "campaign-forecast", SIGNED)
    yield handler.stream
    telemetry.correlate()
    telemetry.logger._logger.removeHandler(handler)


def test_a_failed_attempt_is_a_line_and_one_traceback(lines: io.StringIO) -> None:
    failure = AttemptFailed("ZeroDivisionError, campaign_forecast.py:92", where="File …\nZ")
    telemetry.attempt_failed("campaign-forecast", 1, 3, failure)
    first, *trace = lines.getvalue().splitlines()
    assert re.search(
        AT + "campaign-forecast 10b3bc15 attempt 1 of 3 failed: "
        r"ZeroDivisionError, campaign_forecast\.py:92$",
        first,
    )
    assert trace == ["File …", "Z"]


def test_a_line_of_the_engine_has_its_values_and_its_traceback(lines: io.StringIO) -> None:
    telemetry.logger.info("forgotten", operator="ann")
    telemetry.logger.error("a request failed", exc_info=ValueError("lost\x1b[2J\x9b\u202e"))
    first, second, *trace = lines.getvalue().splitlines()
    assert first.endswith("campaign-forecast 10b3bc15 forgotten: operator ann")
    assert second.endswith("campaign-forecast 10b3bc15 a request failed")
    assert trace[-1] == r"ValueError: lost\u001b[2J\u009b\u202e"


def test_a_job_that_is_sent_again_is_told_but_not_its_first_message(lines: io.StringIO) -> None:
    for sends in (1, 2):
        telemetry.logger.info("job sent", sends=sends)
    assert [line[9:] for line in lines.getvalue().splitlines()] == [
        "campaign-forecast 10b3bc15 job sent: sends 2"
    ]


@pytest.mark.parametrize(
    ("metric", "value", "says", "told"),
    [
        ("miss", 1, "", "miss"),
        ("hit", 1, "", "hit"),
        ("run_time", 6.14, "", "computed in 6.1 s"),
        ("run_time", 0.0351, "", "computed in 0.035 s"),
        ("failed", 1, "given up", "given up"),
        ("queue_wait", 1, "", None),
        ("computed", 1, "", None),
        ("malformed", 1, "", None),
    ],
)
def test_a_metric_is_a_line_for_people_or_none(
    metric: str, value: float, says: str, told: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    telemetry.correlate("request-1", "doubling", SIGNED)
    LogLines(0).emit(metric, "", value, "doubling", says)
    telemetry.correlate()
    printed = [line[9:] for line in capsys.readouterr().out.splitlines()]
    assert printed == ([f"doubling 10b3bc15 {told}"] if told else [])


def test_who_asks_again_and_again_while_it_is_computed_is_told_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = LogLines(0)
    for metric in ("miss", "collapsed", "collapsed", "hit", "hit"):
        lines.emit(metric, "Count", 1, "doubling", "")
    printed = [line[9:] for line in capsys.readouterr().out.splitlines()]
    assert printed == [f"doubling {told}" for told in ("miss", "under way already", "hit", "hit")]


def test_what_a_metric_says_is_not_in_awss_line(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.count("failed", "doubling", says="the number is 4711")
    [line] = capsys.readouterr().out.splitlines()
    assert json.loads(line)["failed"] == [1.0]
    assert "4711" not in line
