"""Puts the values of a .env file where the worker reads secrets and settings.

`SALES_DATABASE=…` is the secret or the setting `sales-database`, whichever a computation declares;
what none declares stays in the file. No message quotes a value.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout, suppress
from io import StringIO
from pathlib import Path
from typing import Any

from dotenv.parser import parse_stream

from backburner.development.local.runtime import add_computations
from backburner.errors import BrokenComputation

MAX_IMPORT_S = 30
Names = set[tuple[str, str]]
"""The kind and the name of secrets and settings."""


def values(path: Path) -> dict[str, str]:
    """By the name of the secret or setting; empty if there is no file. Empty values are none."""
    return {name: value for name, value in _assignments(path) if value}


def _assignments(path: Path) -> Iterator[tuple[str, str]]:
    text = path.read_text("utf-8", errors="replace") if path.is_file() else ""
    for found in parse_stream(StringIO(text)):
        if found.key and found.value is not None:
            yield found.key.lower().replace("_", "-"), found.value
        elif found.error or found.key:
            # The blank lines before a statement belong to it.
            said = found.original.string
            line = found.original.line + said[: len(said) - len(said.lstrip())].count("\n")
            print(
                f"{path}, line {line} is ignored: write KEY=value or KEY='value'", file=sys.stderr
            )


class EnvFile:
    """A .env file, and the names of it that are in Secrets Manager and Parameter Store."""

    def __init__(
        self,
        path: Path,
        prefix: str,
        make_client: Callable[[str], Any],
        declared: Callable[[], Names],
    ) -> None:
        """`declared` tells what computations declare; it is asked only if the file has values."""
        self.path = path
        self._prefix = prefix
        self._make_client = make_client
        self._declared = declared
        self._loaded: Names = set()

    def load(self) -> None:
        """Bring both stores to what the file says now."""
        found = values(self.path)
        wanted = {(k, name) for k, name in self._declared() if name in found} if found else set()
        for kind, name in self._loaded - wanted:
            self._delete(kind, f"{self._prefix}/{name}")
        for kind, name in wanted:
            self._put(kind, f"{self._prefix}/{name}", found[name])
        self._loaded = wanted

    def _delete(self, kind: str, name: str) -> None:
        if kind == "secret":
            secrets = self._make_client("secretsmanager")
            secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
        else:
            self._make_client("ssm").delete_parameter(Name=f"/{name}")

    def _put(self, kind: str, name: str, value: str) -> None:
        if kind == "secret":
            secrets = self._make_client("secretsmanager")
            with suppress(secrets.exceptions.ResourceExistsException):
                secrets.create_secret(Name=name, SecretString=value)
            secrets.put_secret_value(SecretId=name, SecretString=value)
        else:
            self._make_client("ssm").put_parameter(
                Name=f"/{name}", Value=value, Type="SecureString", Overwrite=True
            )


def declared_by(code: Path, environment: Mapping[str, str], folders: Sequence[Path]) -> Names:
    """What the computations declare; a process of its own imports them."""
    command = [sys.executable, "-P", __file__, *map(str, folders)]
    try:
        said = subprocess.run(  # noqa: S603 - the command is fixed
            command,
            cwd=code,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=MAX_IMPORT_S,
            check=True,
        ).stdout
        return {(kind, name) for kind, name in json.loads(said.splitlines()[-1])}
    except (subprocess.SubprocessError, ValueError, IndexError) as error:
        print(f"no secrets and settings: {error}", file=sys.stderr)
        return set()


def tell(folders: list[str]) -> None:
    """Print what the computations of this process declare. The functions say which are broken."""
    from backburner.computation import registry

    found = []
    with redirect_stdout(sys.stderr):
        add_computations(folders)
        for name in registry.names():
            with suppress(BrokenComputation):
                found += [(each.kind, each.name) for each in registry.load(name).declared]
    print("\n" + json.dumps(found))


if __name__ == "__main__":
    tell(sys.argv[1:])
