"""The service of each peer: started, told apart from its worker, and ended."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from backburner.development.local import deployment
from benchmarks import built
from benchmarks.deployed import deployed

WORKERS = 2
FRONTS = deployment.REQUEST_SANDBOXES
APPS = Path(__file__).parent / "apps"
LAMBDAS = Path(__file__).parent / "lambdas/template.yaml"
VENV = built.ROOT / ".venv-bench/bin"
REDIS = os.environ.get("REDIS_SERVER") or shutil.which("redis-server")
REDIS_OPTIONS = ("--bind", "127.0.0.1", "--save", "")
STARTS_WITHIN = 30
"""Seconds."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service that answers at `url`."""

    url: str
    computed: Path
    """A line for each computation."""
    request_function: Callable[[], list[int]]
    """The processes that answer requests."""
    kill_workers: Callable[[], None]
    """Kills the processes that compute; new ones come as they would by themselves."""


@dataclass
class Processes:
    """Processes of a peer, each in a group of its own."""

    environment: dict[str, str]
    stack: ExitStack
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(  # noqa: S603 - the command is ours
            command,
            cwd=APPS,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.stack.callback(kill, process)
        return process


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all that it has started, which may be in groups of their own."""
    for pid in [process.pid, *descendants(process.pid)]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def descendants(pid: int) -> list[int]:
    with suppress(FileNotFoundError):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [each for child in map(int, children) for each in (child, *descendants(child))]
    return []


@contextmanager
def ours(folder: Path) -> Iterator[Service]:
    computed = folder / "computed"
    with deployed(computed) as running:

        def kill_workers() -> None:
            for pid in running.pids("WorkerFunction"):
                os.killpg(pid, signal.SIGKILL)

        yield Service(running.url, computed, lambda: running.pids("RequestFunction"), kill_workers)


@contextmanager
def in_the_request(folder: Path, idempotent: str) -> Iterator[Service]:
    """A function that computes within the request, in as many instances as there are workers."""
    computed = folder / "computed"
    deployment.REQUEST_SANDBOXES = WORKERS
    try:
        with deployed(computed, LAMBDAS, IDEMPOTENT=idempotent) as running:

            def pids() -> list[int]:
                return running.pids("Function")

            def kill_workers() -> None:
                for pid in pids():
                    os.killpg(pid, signal.SIGKILL)

            yield Service(running.url, computed, pids, kill_workers)
    finally:
        deployment.REQUEST_SANDBOXES = FRONTS


def plain(folder: Path) -> AbstractContextManager[Service]:
    return in_the_request(folder, "no")


def peers_environment(redis: int, computed: Path) -> dict[str, str]:
    return {
        "PATH": f"{VENV}:{os.environ['PATH']}",
        "REDIS_URL": f"redis://127.0.0.1:{redis}",
        "COMPUTED": str(computed),
        "PYTHONPATH": str(APPS),
        "LD_LIBRARY_PATH": os.environ.get("LD_LIBRARY_PATH", ""),
    }


@contextmanager
def with_redis(folder: Path, app: str, workers: list[list[str]]) -> Iterator[Service]:
    """FastAPI by uvicorn, Redis, and workers that are started again when they end."""
    redis, port = free_port(), free_port()
    computed = folder / "computed"
    with ExitStack() as stack:
        processes = Processes(peers_environment(redis, computed), stack)
        processes.start(str(REDIS), *REDIS_OPTIONS, "--port", str(redis), "--dir", str(folder))
        wait_for(redis)
        uvicorn = processes.start(f"{VENV}/uvicorn", f"{app}:app", "--port", str(port))
        running = [processes.start(f"{VENV}/{name}", *rest) for name, *rest in workers]
        wait_for(port)

        def kill_workers() -> None:
            for each in running:
                kill(each)
            running[:] = [processes.start(f"{VENV}/{name}", *rest) for name, *rest in workers]

        yield Service(f"http://127.0.0.1:{port}", computed, lambda: [uvicorn.pid], kill_workers)


def celery(folder: Path) -> AbstractContextManager[Service]:
    worker = ["celery", "-A", "with_celery:celery", "worker", "--concurrency", str(WORKERS)]
    return with_redis(folder, "with_celery", [[*worker, "--loglevel", "ERROR"]])


def rq(folder: Path) -> AbstractContextManager[Service]:
    return with_redis(folder, "with_rq", [["rq", "worker", "--quiet"]] * WORKERS)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def wait_for(port: int) -> None:
    until = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < until:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on port {port} after {STARTS_WITHIN} s")
