"""The deployment: starts and ends moto, the sandboxes, the HTTP API and the pumps together."""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Any, Self

import boto3
from botocore.config import Config
from werkzeug.serving import BaseWSGIServer, make_server

from backburner.development.errors import CommandError
from backburner.development.local import template
from backburner.development.local.edits import Edits
from backburner.development.local.env_file import EnvFile, declared_by
from backburner.development.local.function import STDERR, Function, InvocationError
from backburner.development.local.http_api import HttpApi
from backburner.development.local.loopback import HOSTS, OnlyThisMachine
from backburner.development.local.pump import Pump
from backburner.development.local.server import BoundedRequestHandler

HOST = "127.0.0.1"
REGION = "us-east-1"
MOTO_SERVER = Path(__file__).with_name("moto_server.py")
KEPT_IN = Path(".backburner")
"""The folder beside template.yaml; git ignores it."""
RUNNING_FILE = "running.json"
"""In the same folder: where the stores are, and the key to them."""
REQUEST_SANDBOXES = 4
REQUEST_PATIENCE = "4"
"""All its calls then end within 9.8 s, and the request function has 10."""
LOOK_AGAIN = 0.2
"""Seconds between checks that the processes are alive."""
IDLE_S = 60
"""Seconds without work after which a sandbox ends that was not started in advance."""


class PortInUse(CommandError):
    """Another process already listens on the port."""

    def __init__(self, port: int, another: str) -> None:
        super().__init__(f"port {port} is in use; end what uses it, or take another: {another}")


class StoresLost(CommandError):
    """moto's process has ended."""


class KeptNotReadable(CommandError):
    """What an earlier run has kept cannot be used."""


class Deployment:
    """A context manager, within which the template's deployment answers at `url`."""

    url: str
    moto_url: str
    kept: str = "kept until it ends"
    """How long what is stored is there, and where."""
    stack: template.Stack
    functions: dict[str, Function]
    """By logical id."""

    def __init__(
        self,
        *,
        port: int = 0,
        moto_port: int = 0,
        moto_host: str = HOST,
        workers: int = 2,
        environment: Mapping[str, str] | None = None,
        computations: Sequence[Path] = (),
        template: Path = template.TEMPLATE,
        env_file: Path | None = None,
        console: int = STDERR,
        kept_in: Path | None = None,
        is_fresh: bool = False,
        more_hosts: Sequence[str] = (),
        for_people: bool = False,
    ) -> None:
        """Port 0 means any free one. `environment` overrides that of every function.

        `moto_host` is the address of this machine at which moto listens; containers may know it by
        `more_hosts`. What is stored is kept in the folder `kept_in`, if there is one, for the next
        deployment that is not fresh.
        `env_file` has values of secrets and settings; by default it is .env beside the template.
        `console` is the file descriptor that the functions print to: as in AWS, or `for_people`.
        """
        self._port = port
        self._moto_port = moto_port
        self._moto_host = moto_host
        self._workers = workers
        self._environment = environment or {}
        self._computations = [folder.resolve() for folder in computations]
        self._template = template
        self._env_file = env_file or template.with_name(".env")
        self._console = console
        self._kept_in = kept_in
        self._is_fresh = is_fresh
        self._more_hosts = more_hosts
        self._key, self.url_key = secrets.token_hex(16), secrets.token_hex(16)
        self._for_people = for_people

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            self._start(starting)
            self._running = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def check(self) -> None:
        """Raise StoresLost if moto has ended: unlike a sandbox, it is not started again."""
        status = self._moto.poll()
        if status is not None:
            lost = "the table, queues and bucket are lost with it"
            raise StoresLost(f"moto's process ended (exit code {status}), and {lost}; start again")

    def serve(self) -> None:
        """Until moto has ended, of which StoresLost tells; sandboxes without work end meanwhile."""
        ended = Event()

        def await_end() -> None:
            self._moto.wait()
            ended.set()

        Thread(target=await_end, daemon=True).start()
        while not ended.wait(IDLE_S):
            for function in self.functions.values():
                function.rest(IDLE_S)
        self.check()

    def pids(self, logical_id: str) -> list[int]:
        """The processes that run a function, without their own children."""
        return self.functions[logical_id].pids()

    def client(self, service: Any) -> Any:
        """A boto3 client for moto."""
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.moto_url,
            aws_access_key_id=self._key,
            aws_secret_access_key=self._key,
            config=Config(
                proxies={},
                retries={"total_max_attempts": 1},
                max_pool_connections=self._workers + 8,
            ),
        )

    @property
    def access(self) -> dict[str, Any]:
        """What a command needs to reach the table, the queues and the bucket."""
        return {
            "endpoint_url": self.moto_url,
            "region_name": REGION,
            "aws_access_key_id": self._key,
            "aws_secret_access_key": self._key,
            "outputs": template.outputs(self.stack),
        }

    def _start(self, running: ExitStack) -> None:
        """Start all parts; they end in reverse order. Each imports while the others do."""
        listener = running.enter_context(listen(self._port))
        self.url = address(listener)
        self._start_moto(running)
        declarations = self.stack.functions()
        self._edits = Edits(
            self.client("dynamodb"),
            self.stack.physical_ids["Table"],
            declarations[0].code.resolve(),
            self._computations,
            self._say,
        )
        self.functions = {d.name: self._function(d) for d in declarations}
        for function in self.functions.values():
            running.callback(function.close)
        for declaration in declarations:
            if declaration.is_default_route:
                self.functions[declaration.name].start()
        self._await_moto(running)
        self._edits.notice()
        for declaration in declarations:
            for source in declaration.event_sources:
                self._start_pump(running, source, self.functions[declaration.name])
        for declaration in declarations:
            if declaration.is_default_route:
                self._start_http_api(running, listener, self.functions[declaration.name])

    def _start_moto(self, running: ExitStack) -> None:
        with listen(self._moto_port, self._moto_host, "--moto-port {}") as listener:
            self.moto_url = address(listener)
            self.stack = template.named(template.declared(self._template, REGION), self.moto_url)
            fd = listener.fileno()
            self._moto = subprocess.Popen(  # noqa: S603 - the command is fixed
                [sys.executable, "-P", MOTO_SERVER, str(fd)],
                # moto's own CORS would let pages of any origin in.
                env={**os.environ, "MOTO_DISABLE_GLOBAL_CORS": "true"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                pass_fds=[fd],
                start_new_session=True,
            )
        running.enter_context(self._moto)
        start = {
            "region": REGION,
            "resources": template.resources(self.stack),
            "key": self._key,
            "url_key": self.url_key,
            "hosts": [*HOSTS, self._moto_host, *self._more_hosts],
            "folder": self._kept_in and str(self._kept_in),
            "is_fresh": self._is_fresh,
        }
        assert self._moto.stdin  # noqa: S101 - it is a pipe
        self._moto.stdin.write(json.dumps(start).encode() + b"\n")
        self._moto.stdin.flush()

    def _await_moto(self, running: ExitStack) -> None:
        """Until what was kept is back; say where it is kept now."""
        assert self._moto.stdout  # noqa: S101 - it is a pipe
        told = json.loads(self._moto.stdout.readline() or "null")
        if told is None:
            self._moto.wait()
            self.check()
        elif "not_readable" in told:
            raise KeptNotReadable(told["not_readable"])
        elif "not_kept" in told:
            self.kept = f"kept until it ends, as {told['not_kept']}"
        elif self._kept_in:
            self.kept = f"kept in {self._kept_in} for the next run; FRESH=1 make run starts empty"
            running.enter_context(written(self._kept_in / RUNNING_FILE, json.dumps(self.access)))

    def _start_http_api(
        self, running: ExitStack, listener: socket.socket, function: Function
    ) -> None:
        with suppress(InvocationError):  # the console says why; the next edit may mend it
            function.await_import()
        http_api = HttpApi(function.invoke)
        running.callback(http_api.close)
        server = make_server(
            HOST,
            0,
            OnlyThisMachine(http_api),
            threaded=True,
            request_handler=BoundedRequestHandler,
            fd=listener.fileno(),
        )
        running.enter_context(served(server))

    def _start_pump(
        self, running: ExitStack, source: template.EventSource, function: Function
    ) -> None:
        if source.queue_arn not in template.dead_letters(
            self.stack
        ):  # those are hardly ever needed
            function.start()
        pump = Pump(self.client("sqs"), source, function.invoke, self._pollers(source))
        running.callback(pump.stop)
        pump.start()

    def _pollers(self, source: template.EventSource) -> int:
        return min(self._workers, source.maximum_concurrency)

    def _function(self, declaration: template.FunctionDeclaration) -> Function:
        pollers = [self._pollers(source) for source in declaration.event_sources]
        return Function(
            declaration,
            environment=self._function_environment(declaration),
            most_sandboxes=sum(pollers) if pollers else REQUEST_SANDBOXES,
            computations=self._computations,
            env_file=self._env_file_of(declaration),
            console=self._console,
            before=self._edits.notice,
        )

    def _say(self, text: str) -> None:
        os.write(self._console, f"{time.strftime('%H:%M:%S')} {text}\n".encode())

    def _env_file_of(self, declaration: template.FunctionDeclaration) -> EnvFile | None:
        """None for a function that reads no secrets and settings."""
        prefix = declaration.environment.get("SETTINGS_PREFIX")
        if not prefix:
            return None
        environment = self._function_environment(declaration)
        declared = partial(declared_by, declaration.code, environment, self._computations)
        return EnvFile(self._env_file, prefix, self.client, declared)

    def _function_environment(self, declaration: template.FunctionDeclaration) -> dict[str, str]:
        key = self._key if "SETTINGS_PREFIX" in declaration.environment else self.url_key
        inherited = ("HOME", "LANG", "PATH", "TMPDIR")
        return {
            **{name: os.environ[name] for name in inherited if name in os.environ},
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": key,
            # Nothing of this machine's AWS, as in Lambda.
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": self.moto_url,
            "AWS_LAMBDA_FUNCTION_NAME": declaration.name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(declaration.memory),
            "PYTHONPATH": str(declaration.code.resolve()),
            "TZ": ":UTC",
            **declaration.environment,
            "LARGE_RESULTS_ORIGIN": self.moto_url,
            "SHOW_ERRORS": "yes",
            "REQUEST_PATIENCE": REQUEST_PATIENCE,
            **({"LINES_EAST_OF_UTC": str(time.localtime().tm_gmtoff)} if self._for_people else {}),
            **self._environment,
        }


@contextmanager
def written(file: Path, text: str) -> Iterator[None]:
    """A file that only this user can read, and that is there meanwhile."""
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(text)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


@contextmanager
def served(server: BaseWSGIServer) -> Iterator[None]:
    """Answer requests meanwhile. Nothing wakes the server but these, and at last one of ours."""
    ended = Event()

    def serve() -> None:
        while not ended.is_set():
            server.handle_request()

    thread = Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        with suppress(OSError):
            socket.create_connection((HOST, server.port), timeout=1).close()
        thread.join(1)
        server.server_close()


def listen(port: int, host: str = HOST, another: str = "make run PORT={}") -> socket.socket:
    try:
        return socket.create_server((host, port), backlog=128)
    except OSError as error:
        raise PortInUse(port, another.format(port + 1)) from error


def address(listener: socket.socket) -> str:
    host, port = listener.getsockname()
    return f"http://{host}:{port}"
