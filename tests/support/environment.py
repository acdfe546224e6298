"""A function's environment as Lambda makes it: what the template declares, and Lambda's own."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

LAMBDAS_OWN = {
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LANG",
    "PATH",
    "TZ",
}
"""What Lambda sets, whatever the template declares."""


@contextmanager
def exactly(declared: Mapping[str, str]) -> Iterator[None]:
    """Inside, the environment is what is declared, and of this process only what Lambda sets."""
    before = dict(os.environ)
    kept = {name: value for name, value in before.items() if name in LAMBDAS_OWN}
    try:
        _set(kept | dict(declared))
        yield
    finally:
        _set(before)


def _set(environment: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
