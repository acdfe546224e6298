"""The environment variables for computations, from the parameter WorkerEnvironment."""

import re
import shlex

from backburner import settings
from backburner.errors import AttemptFailed

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
RESERVED = ("COMPUTATIONS_PACKAGE",)
"""What the engine reads in an attempt's process, and is not set in AWS."""


def enter() -> None:
    """Set the variables in this process: `NAME=value`, quoted as in a shell.

    A variable that is set already is never changed: the engine or Lambda needs it.
    """
    for word in _words(settings.text("WORKER_ENVIRONMENT")):
        name, equals, value = word.partition("=")
        if not equals or not NAME.fullmatch(name):
            raise _refusal(f"has {word!r}, which is not NAME=value; quote values with spaces")
        if name in RESERVED or not settings.add(name, value):
            raise _refusal(f"sets {name}, which Lambda or backburner sets; take another name")


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise _refusal(f"cannot be split ({error}); quote it as in a shell") from None


def _refusal(why: str) -> AttemptFailed:
    return AttemptFailed(f"is not begun: the parameter WorkerEnvironment {why}")
