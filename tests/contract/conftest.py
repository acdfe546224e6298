"""The same API as that of the suites."""

from backburner.development.suites.conftest import api

__all__ = ["api"]
