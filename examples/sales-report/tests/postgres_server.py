"""A PostgreSQL server of the tests' own: in a temporary folder, on a free port."""

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGINT
from typing import Any, Self

import psycopg
import pytest

HOST = "127.0.0.1"
SALES_SQL = Path(__file__).parent.parent / "sales.sql"
PATIENCE_S = 60
"""Seconds for the server to start, and to end."""


class NotInstalled(Exception):
    """This machine has no PostgreSQL server."""


class PostgresServer:
    """A context manager, within which the server answers at `host:port`."""

    def __init__(self, programs: Path) -> None:
        self.port = free_port()
        self._programs = programs
        self._admin_password = secrets.token_urlsafe()
        # PostgreSQL refuses to run as root; Debian's package has made this user for it.
        self._as: dict[str, Any] = (
            {"user": "postgres", "group": "postgres", "extra_groups": []}
            if os.geteuid() == 0
            else {}
        )

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            folder = tempfile.TemporaryDirectory(prefix="postgres-")
            self._folder = Path(starting.enter_context(folder))
            self._initdb()
            self._process = self._start()
            starting.callback(self._end)
            self._wait()
            self._running = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def url(self, user: str, password: str) -> str:
        return f"postgresql://{user}:{password}@{HOST}:{self.port}/postgres"

    @property
    def admin_url(self) -> str:
        return self.url("postgres", self._admin_password)

    def load(self, rows: int) -> None:
        """Run sales.sql."""
        options = ["--no-psqlrc", "--quiet", f"--set=rows={rows}", f"--file={SALES_SQL}"]
        subprocess.run(
            [self._programs / "psql", *options, self.url("postgres", "")],
            env={"PATH": os.environ["PATH"], "PGPASSWORD": self._admin_password},
            check=True,
        )

    def execute(self, statement: str) -> None:
        """As the administrator."""
        with psycopg.connect(self.admin_url) as connection:
            connection.execute(statement.encode())

    def _initdb(self) -> None:
        password = self._folder / "password"
        password.write_text(self._admin_password)
        if self._as:
            for path in (self._folder, password):
                shutil.chown(path, self._as["user"], self._as["group"])
        options = ["--auth=scram-sha-256", f"--pwfile={password}", "--username=postgres"]
        options += ["--encoding=UTF8", "--locale=C", "--no-sync"]
        subprocess.run(
            [self._programs / "initdb", *options, "--pgdata", self._folder / "data"],
            **self._as,
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            check=True,
        )

    def _start(self) -> subprocess.Popen[bytes]:
        settings = {
            "listen_addresses": HOST,
            "port": self.port,
            "unix_socket_directories": "",
            "fsync": "off",
            "TimeZone": "Pacific/Auckland",  # a day of the server's is not one of UTC
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        with (self._folder / "log.txt").open("wb") as log:
            return subprocess.Popen(
                [self._programs / "postgres", "-D", self._folder / "data", *options],
                **self._as,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _wait(self) -> None:
        """Until it lets the administrator in."""
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                psycopg.connect(self.admin_url).close()
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError((self._folder / "log.txt").read_text()) from None
                time.sleep(0.05)
            else:
                return

    def _end(self) -> None:
        """The fast shutdown: whoever is connected is cut off."""
        self._process.send_signal(SIGINT)
        try:
            self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@dataclass(frozen=True)
class SalesDatabase:
    """A server with sales, and how to get in as the role that may only read them."""

    server: PostgresServer
    password: str = field(default_factory=secrets.token_urlsafe)

    @property
    def url(self) -> str:
        return self.server.url("sales_report", self.password)


@contextmanager
def sales_database(programs: Path, rows: int) -> Iterator[SalesDatabase]:
    with PostgresServer(programs) as server:
        server.load(rows)
        database = SalesDatabase(server)
        server.execute(f"ALTER ROLE sales_report PASSWORD '{database.password}'")
        yield database


def installed(environment: Mapping[str, str], folders: Iterable[Path]) -> Path:
    """The folder of the programs. Without it, tests are skipped, but in CI they fail."""
    try:
        return programs(folders)
    except NotInstalled as error:
        if environment.get("CI"):
            raise
        pytest.skip(str(error))


def programs(folders: Iterable[Path]) -> Path:
    """The first folder that has the server's programs; raises NotInstalled."""
    for folder in folders:
        if all((folder / name).is_file() for name in ("initdb", "postgres", "psql")):
            return folder
    raise NotInstalled(
        "PostgreSQL is not installed: apt-get install postgresql, or brew install postgresql"
    )


def folders() -> Iterator[Path]:
    """Where the programs may be."""
    with suppress(OSError, subprocess.CalledProcessError):
        yield Path(subprocess.check_output(["pg_config", "--bindir"], text=True).strip())
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if found := shutil.which("postgres"):
        yield Path(found).resolve().parent


def free_port() -> int:
    with socket.create_server((HOST, 0)) as listener:
        return int(listener.getsockname()[1])
