"""A Lambda function. `invoke` runs its handler in a sandbox: a process for one event at a time."""

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import Pipe
from pathlib import Path
from queue import Empty, LifoQueue
from signal import SIGKILL
from threading import Lock
from typing import Any

from backburner.development.listed_imports import lists
from backburner.development.local import runtime, template
from backburner.development.local.env_file import EnvFile

MAX_EVENT_BYTES = 6 * 1024 * 1024
"""Bytes: Lambda's 6 MB."""
MAX_IMPORT_S = 30.0
"""Seconds. Lambda allows 10, on a processor that nothing else uses."""
STDERR = 2

IGNORED = (".", "__pycache__")
"""Names that start so are ignored: they are not code, and may change all the time."""

Invoke = Callable[[object], Any]
"""Calls a function with an event and returns its answer."""

SourceState = frozenset[tuple[str, int]]
"""Every source file and the time of its last change."""


class InvocationError(Exception):
    """The handler gave no answer: it raised, ran out of time, or its process ended."""


class EventTooLarge(InvocationError):
    """The event is too large for Lambda."""


class Function:
    def __init__(
        self,
        declaration: template.FunctionDeclaration,
        *,
        environment: Mapping[str, str],
        most_sandboxes: int,
        computations: Sequence[Path] = (),
        env_file: EnvFile | None = None,
        console: int = STDERR,
        before: Callable[[], None] = lambda: None,
    ) -> None:
        """`before` is called before each event is handled."""
        self.name = declaration.name
        self.timeout = declaration.timeout
        self.code = declaration.code
        self.console = console
        sources = [declaration.code.resolve(), *(folder.parent for folder in computations)]
        listed = [each for source in sources for each in lists(source, declaration.has_layers)]
        self.command = [
            declaration.handler,
            os.pathsep.join(map(str, listed)),
            *map(str, computations),
        ]
        self.environment = environment
        self._before = before
        self._env_file = env_file
        self._sources = [declaration.code, *computations, *listed]
        self._sources += [env_file.path] if env_file else []
        # None is a sandbox that was never needed. Last in, first out, so it may never be.
        self._idle: LifoQueue[Sandbox | None] = LifoQueue()
        for _ in range(most_sandboxes):
            self._idle.put(None)
        self._started: list[Sandbox] = []
        self._lock = Lock()
        self._is_closed = False

    def start(self, sandboxes: int = 1) -> None:
        """Start so many sandboxes in advance."""
        for sandbox in [self._idle.get() for _ in range(sandboxes)]:
            self._idle.put(self._usable(sandbox))

    def await_import(self) -> None:
        with self._sandbox() as sandbox:
            sandbox.await_import()

    def invoke(self, event: object) -> Any:
        """Return what the handler returns. If all sandboxes are busy, wait for one."""
        event_json = json.dumps(event, ensure_ascii=False).encode()
        if len(event_json) > MAX_EVENT_BYTES:
            raise EventTooLarge(f"{self.name}: the event has {len(event_json)} bytes")
        self._before()
        with self._sandbox() as sandbox:
            return json.loads(sandbox.invoke(event_json))

    def pids(self) -> list[int]:
        with self._lock:
            return [sandbox.pid for sandbox in self._started if sandbox.is_alive()]

    def rest(self, seconds: float) -> None:
        """End all idle sandboxes but one that have had no event for so long."""
        idle: list[Sandbox | None] = []
        with suppress(Empty):
            while True:
                idle.insert(0, self._idle.get_nowait())
        for number, sandbox in enumerate(idle):
            is_last = number == len(idle) - 1
            if sandbox and not is_last and time.monotonic() - sandbox.used_at >= seconds:
                sandbox.kill()
            self._idle.put(sandbox)

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            for sandbox in self._started:
                sandbox.kill()

    @contextmanager
    def _sandbox(self) -> "Iterator[Sandbox]":
        sandbox = self._idle.get()
        try:
            sandbox = self._usable(sandbox)
            yield sandbox
        finally:
            self._idle.put(sandbox)

    def _usable(self, sandbox: "Sandbox | None") -> "Sandbox":
        """The same sandbox, or a new one if it is dead or its code or .env file was edited."""
        sources = source_state(self._sources)
        if sandbox and sandbox.is_alive() and sandbox.sources == sources:
            return sandbox
        if sandbox:
            sandbox.kill()
        with self._lock:
            if self._is_closed:
                raise InvocationError(f"{self.name}: the deployment is closed")
            if self._env_file:
                self._env_file.load()
            fresh = Sandbox(self, sources)
            self._started = [s for s in self._started if s.is_alive()] + [fresh]
        return fresh


class Sandbox:
    """A process in its own session, so that its children can be ended with it."""

    def __init__(self, function: Function, sources: SourceState) -> None:
        self.name = function.name
        self.timeout = function.timeout
        self.sources = sources
        self._pipe, theirs = Pipe()
        fd = theirs.fileno()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - the template gives the command
                [sys.executable, "-u", "-P", runtime.__file__, str(fd), *function.command],
                cwd=function.code,
                env=function.environment,
                pass_fds=[fd],
                stdin=subprocess.DEVNULL,
                stdout=function.console,
                stderr=function.console,
                start_new_session=True,
            )
        self.used_at = time.monotonic()
        self._is_imported = False
        self._is_ended = False

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_alive(self) -> bool:
        if self._process.poll() is not None:
            self.kill()
        return not self._is_ended

    def await_import(self) -> None:
        if not self._is_imported:
            self._receive(MAX_IMPORT_S)
            self._is_imported = True

    def invoke(self, event: bytes) -> bytes:
        """The handler's return value as JSON, for an event as JSON."""
        self.await_import()
        self.used_at = time.monotonic()
        invocation: runtime.Invocation = (str(uuid.uuid4()), time.time() + self.timeout, event)
        with suppress(OSError):  # a dead process is noticed on receiving
            self._pipe.send(invocation)
        returned, result = self._receive(self.timeout)
        if not returned:
            raise InvocationError(f"{self.name}: {result.decode()}")
        return bytes(result)

    def kill(self) -> None:
        """End the process and its children; only once, as another group may get its number."""
        if not self._is_ended:
            self._is_ended = True
            with suppress(ProcessLookupError):
                os.killpg(self.pid, SIGKILL)
            self._process.wait()

    def _receive(self, timeout: float) -> Any:
        try:
            if self._pipe.poll(timeout):
                return self._pipe.recv()
        except (EOFError, OSError):
            self.kill()
            raise InvocationError(f"{self.name}: process {self.pid} ended") from None
        self.kill()
        raise InvocationError(f"{self.name}: task timed out after {timeout:.2f} seconds")


def source_state(sources: Sequence[Path]) -> SourceState:
    """Of folders, and of files that need not be there."""
    return frozenset(state for source in sources for state in _states(source))


def _states(source: Path) -> Iterator[tuple[str, int]]:
    if source.is_dir():
        yield from _file_states(source)
    else:
        with suppress(FileNotFoundError):
            yield str(source), source.stat().st_mtime_ns


def _file_states(folder: Path | str) -> Iterator[tuple[str, int]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(IGNORED):
                continue
            if entry.is_dir():
                yield from _file_states(entry.path)
            else:
                with suppress(FileNotFoundError):  # an editor has just replaced it
                    yield entry.path, entry.stat().st_mtime_ns
