"""Turns every exception into a problem for the client, and logs it."""

from botocore.exceptions import BotoCoreError, ClientError

from backburner.aws import time_limits
from backburner.errors import Unsent
from backburner.problems import InternalError, Problem, Unavailable
from backburner.telemetry import logger, where

RETRY_AFTER_S = 2
"""Seconds after which to ask again if AWS did not answer."""


def problem_of(error: Exception) -> Problem:
    """The problem itself, 503 if asking again may help, or 500 if the service is at fault."""
    match error:
        case Problem():
            return error
        case ClientError() | BotoCoreError() | Unsent():
            return _unanswered(error)
    logger.error("a request failed", where=where(error))
    return _internal_error()


def changes_too_fast(signature: str) -> Problem:
    return Unavailable(
        f"the entry {signature} is changing too fast; ask again", retry_after=RETRY_AFTER_S
    )


def _unanswered(error: Exception) -> Problem:
    if time_limits.is_passing(error.__cause__ if isinstance(error, Unsent) else error):
        logger.error("AWS did not answer", exc_info=error)
        return Unavailable(
            "the table or the queue did not answer; ask again", retry_after=RETRY_AFTER_S
        )
    logger.error("AWS refused a call", exc_info=error)
    return _internal_error()


def _internal_error() -> Problem:
    return InternalError("this is a fault of the service, and it is logged; ask again later")
