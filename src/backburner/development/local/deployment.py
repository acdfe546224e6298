"""The deployment: starts and ends moto, the sandboxes, the HTTP API and the pumps together."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Thread
from typing import Any, Self

import boto3
from botocore.config import Config
from werkzeug.serving import make_server

from backburner.development.errors import CommandError
from backburner.development.local import template
from backburner.development.local.edits import Edits
from backburner.development.local.env_file import EnvFile
from backburner.development.local.function import STDERR, Function, InvocationError
from backburner.development.local.http_api import HttpApi
from backburner.development.local.pump import Pump
from backburner.development.local.server import BoundedRequestHandler

HOST = "127.0.0.1"
REGION = "us-east-1"
MOTO_SERVER = Path(__file__).with_name("moto_server.py")
REQUEST_SANDBOXES = 4
REQUEST_PATIENCE = "4"
"""All its calls then end within 9.8 s, and the request function has 10."""
LOOK_AGAIN = 0.2
"""Seconds between checks that the processes are alive."""


class PortInUse(CommandError):
    """Another process already listens on the port."""

    def __init__(self, port: int, another: str) -> None:
        super().__init__(f"port {port} is in use; end what uses it, or take another: {another}")


class StoresLost(CommandError):
    """moto's process has ended."""


class Deployment:
    """A context manager, within which the template's deployment answers at `url`."""

    url: str
    moto_url: str
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
        for_people: bool = False,
    ) -> None:
        """Port 0 means any free one. `environment` overrides that of every function.

        `moto_host` is the address of this machine at which moto listens.
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

    def pids(self, logical_id: str) -> list[int]:
        """The processes that run a function, without their own children."""
        return self.functions[logical_id].pids()

    def client(self, service: Any) -> Any:
        """A boto3 client for moto."""
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.moto_url,
            aws_access_key_id="local",
            aws_secret_access_key="local",  # noqa: S106 - moto needs credentials, but accepts any
            config=Config(
                proxies={},
                retries={"total_max_attempts": 1},
                max_pool_connections=self._workers + 8,
            ),
        )

    def _start(self, running: ExitStack) -> None:
        """Start all parts; they end in reverse order."""
        listener = running.enter_context(listen(self._port))
        self.url = address(listener)
        self._start_moto(running)
        self.stack = template.create_stack(self.client("cloudformation"), self._template)
        declarations = self.stack.functions()
        self._edits = Edits(
            self.client("dynamodb"),
            self.stack.physical_ids["Table"],
            declarations[0].code.resolve(),
            self._computations,
            self._say,
        )
        self._edits.notice()
        self.functions = {d.name: self._function(d) for d in declarations}
        for declaration in declarations:
            running.callback(self.functions[declaration.name].close)
            if declaration.is_default_route:
                self._start_http_api(running, listener, self.functions[declaration.name])
        for declaration in declarations:
            for source in declaration.event_sources:
                self._start_pump(running, source, self.functions[declaration.name])

    def _start_moto(self, running: ExitStack) -> None:
        with listen(self._moto_port, self._moto_host, "--moto-port {}") as listener:
            self.moto_url = address(listener)
            fd = listener.fileno()
            self._moto = subprocess.Popen(  # noqa: S603 - the command is fixed
                [sys.executable, "-P", MOTO_SERVER, str(fd)],
                stdin=subprocess.PIPE,
                pass_fds=[fd],
                start_new_session=True,
            )
        running.enter_context(self._moto)

    def _start_http_api(
        self, running: ExitStack, listener: socket.socket, function: Function
    ) -> None:
        function.start()
        with suppress(InvocationError):  # the console says why; the next edit may mend it
            function.await_import()
        http_api = HttpApi(function.invoke)
        running.callback(http_api.close)
        server = make_server(
            HOST,
            0,
            http_api,
            threaded=True,
            request_handler=BoundedRequestHandler,
            fd=listener.fileno(),
        )
        running.callback(server.server_close)
        running.callback(server.shutdown)
        Thread(target=server.serve_forever, args=[0.05], daemon=True).start()

    def _start_pump(
        self, running: ExitStack, source: template.EventSource, function: Function
    ) -> None:
        pollers = self._pollers(source)
        function.start(pollers)
        pump = Pump(self.client("sqs"), source, function.invoke, pollers)
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
        return EnvFile(self._env_file, prefix, self.client) if prefix else None

    def _function_environment(self, declaration: template.FunctionDeclaration) -> dict[str, str]:
        inherited = ("HOME", "LANG", "PATH", "TMPDIR")
        return {
            **{name: os.environ[name] for name in inherited if name in os.environ},
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
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


def listen(port: int, host: str = HOST, another: str = "make run PORT={}") -> socket.socket:
    try:
        return socket.create_server((host, port), backlog=128)
    except OSError as error:
        raise PortInUse(port, another.format(port + 1)) from error


def address(listener: socket.socket) -> str:
    host, port = listener.getsockname()
    return f"http://{host}:{port}"
