"""The same API as that of the suites."""

from backburner.development.suites.conftest import api, env_file

__all__ = ["api", "env_file"]
