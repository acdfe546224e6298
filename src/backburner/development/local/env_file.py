"""Puts the values of a .env file where the worker reads secrets and settings.

`SALES_DATABASE=…` becomes both the secret and the setting `sales-database`: the file does not say
which a computation declares. No message quotes a value.
"""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

LINE = re.compile(
    r"""(?a)(?:export\s+)?(\w+)\s*=\s*(?:'([^']*)'|"((?:[^"\\]|\\.)*)"|((?!['"#]).*?))(?:\s+\#.*)?"""
)
ESCAPED = {"n": "\n", "t": "\t"}


def values(path: Path) -> dict[str, str]:
    """By the name of the secret or setting; empty if there is no file. Empty values are none."""
    return {name: value for name, value in _assignments(path) if value}


def _assignments(path: Path) -> Iterator[tuple[str, str]]:
    text = path.read_text("utf-8", errors="replace") if path.is_file() else ""
    for number, line in enumerate(map(str.strip, text.splitlines()), start=1):
        if not line or line.startswith("#"):
            continue
        if not (found := LINE.fullmatch(line)):
            print(
                f"{path}, line {number} is ignored: write KEY=value or KEY='value'", file=sys.stderr
            )
            continue
        name, literal, escaped, plain = found.groups()
        unescaped = re.sub(r"\\(.)", lambda m: ESCAPED.get(m[1], m[1]), escaped or "")
        yield name.lower().replace("_", "-"), literal or unescaped or (plain or "").strip()


class EnvFile:
    """A .env file, and the names of it that are in Secrets Manager and Parameter Store."""

    def __init__(self, path: Path, prefix: str, make_client: Callable[[str], Any]) -> None:
        self.path = path
        self._prefix = prefix
        self._make_client = make_client
        self._names: set[str] = set()

    def load(self) -> None:
        """Bring both stores to what the file says now."""
        found = values(self.path)
        if not found and not self._names:
            return
        secrets, parameters = self._make_client("secretsmanager"), self._make_client("ssm")
        for name in self._names - set(found):
            secrets.delete_secret(SecretId=self._full(name), ForceDeleteWithoutRecovery=True)
            parameters.delete_parameter(Name=f"/{self._full(name)}")
        for name, value in found.items():
            with suppress(secrets.exceptions.ResourceExistsException):
                secrets.create_secret(Name=self._full(name), SecretString=value)
            secrets.put_secret_value(SecretId=self._full(name), SecretString=value)
            parameters.put_parameter(
                Name=f"/{self._full(name)}", Value=value, Type="SecureString", Overwrite=True
            )
        self._names = set(found)

    def _full(self, name: str) -> str:
        return f"{self._prefix}/{name}"
