"""What a client is told when something failed: every exception becomes a problem, and is logged."""

from botocore.exceptions import BotoCoreError, ClientError

from backburner import aws
from backburner.errors import Unsent, where
from backburner.problems import InternalError, Problem, Unavailable
from backburner.telemetry import logger

RETRY_AFTER_S = 2
"""When to ask again after AWS did not answer."""


def problem_of(error: Exception) -> Problem:
    """The problem itself, 503 where asking again may help, 500 where the fault is ours."""
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
    if aws.is_passing(error.__cause__ if isinstance(error, Unsent) else error):
        logger.error("AWS did not answer", exc_info=error)
        return Unavailable(
            "the table or the queue did not answer; ask again", retry_after=RETRY_AFTER_S
        )
    logger.error("AWS refused a call", exc_info=error)
    return _internal_error()


def _internal_error() -> Problem:
    return InternalError("this is a fault of the service, and it is logged; ask again later")
