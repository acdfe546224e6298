"""Errors of the commands."""

from backburner.errors import BackburnerError


class CommandError(BackburnerError):
    """A command cannot go on. Its text is one sentence with the remedy."""
