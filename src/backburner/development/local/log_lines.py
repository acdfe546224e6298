"""What a function prints for people: one line an event and, of a failure, its traceback."""

import logging
import sys
from datetime import UTC, datetime, timedelta, timezone

from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from backburner import telemetry
from backburner.development.terminal import printable

WORDS = {
    "hit": "hit",
    "stale": "stale",
    "miss": "miss",
    "collapsed": "under way already",
    "refused": "refused: too many jobs are waiting",
    "failed": "failed",
    "dead_letter": "a message became a dead letter",
}
"""What a metric is to people. Of the others there is a line of their own."""
SIGNATURE = 8
"""Digits of a signature that are shown."""
KNOWN = {*vars(logging.makeLogRecord({})), "computation", "signature", "where"}
"""What of a record is not told as a value."""


class LogLines(LambdaPowertoolsFormatter):
    """Writes log records and metrics as lines for people."""

    def __init__(self, east_of_utc: float) -> None:
        super().__init__()
        self.zone = timezone(timedelta(seconds=east_of_utc))
        self.last = ""

    def format(self, record: logging.LogRecord) -> str:
        told = {name: value for name, value in vars(record).items() if name not in KNOWN}
        says = record.getMessage()
        if "attempt" in told:
            says = "attempt {attempt} of {of} failed: {reason}".format(**told)
        elif told:
            says += ": " + ", ".join(f"{name} {value}" for name, value in told.items())
        trace = getattr(record, "where", None)
        if record.exc_info and record.exc_info[0]:
            trace = self.formatException(record.exc_info)
        return self.line(says, getattr(record, "computation", ""), trace)

    def line(self, says: str, computation: str = "", trace: str | None = None) -> str:
        keys = self.thread_safe_get_current_keys()
        signature = str(keys.get("signature") or "")[:SIGNATURE]
        time = f"{datetime.now(UTC).astimezone(self.zone):%H:%M:%S}"
        about = (computation or keys.get("computation") or "", signature, says)
        text = " ".join(filter(None, (time, *about)))
        return printable(f"{text}\n{trace}" if trace else text)

    def emit(self, metric: str, _unit: str, value: float, computation: str, says: str) -> None:
        if metric == "run_time":
            says = f"computed in {value:.1f} s" if value >= 1 else f"computed in {value:.3f} s"
        line = self.line(says or WORDS.get(metric, ""), computation)
        if metric not in (*WORDS, "run_time") or (metric == "collapsed" and line[8:] == self.last):
            return  # who waits asks again and again
        self.last = line[8:]
        sys.stdout.write(f"{line}\n")


def install(east_of_utc: str) -> None:
    """Have lines for people in this process, at the time of the machine: functions have UTC."""
    lines = LogLines(float(east_of_utc))
    telemetry.logger.registered_handler.setFormatter(lines)
    telemetry.logger.addFilter(_is_told)
    telemetry.emit = lines.emit


def _is_told(record: logging.LogRecord) -> bool:
    """The first message of a job is a miss, which is told."""
    return record.msg != "job sent" or getattr(record, "sends", 1) > 1
