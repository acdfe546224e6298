"""What an attempt starts or writes ends with it: its processes and its files.

On Linux the worker adopts what the attempt orphans, however it was detached, and so can end it
(PR_SET_CHILD_SUBREAPER). Elsewhere only the attempt's own process is ended; it stays in the
worker's group, so that the rest ends with the worker.
"""

import ctypes
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.process import BaseProcess
from pathlib import Path
from signal import SIGKILL

from backburner.telemetry import logger

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
MAX_KILL_S = 5.0
"""Seconds until what does not die is left alone: it hangs in the kernel."""
POLL_S = 0.005


class Isolation:
    """A folder for an attempt, and the end of all that it started."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.worker = os.getpid()
        self._bystanders = _children()

    def enter(self) -> None:
        """The child: in a session and a folder of its own, and dead as soon as the worker is."""
        if sys.platform == "linux":
            os.setsid()
            _prctl(PR_SET_PDEATHSIG, SIGKILL)
            if os.getppid() != self.worker:
                os._exit(1)
        os.environ["TMPDIR"] = tempfile.tempdir = self.folder
        os.chdir(self.folder)

    def end(self, child: BaseProcess) -> None:
        """Kill the child and whatever came of it. This takes PATIENCE at most."""
        until = time.monotonic() + MAX_KILL_S
        child.kill()
        while not self._is_over(child):
            if time.monotonic() > until:
                logger.error("processes of an attempt do not die", processes=sorted(_children()))
                return
            time.sleep(POLL_S)

    def _is_over(self, child: BaseProcess) -> bool:
        """Kill whoever is left. When they are dead, their children are among ours."""
        orphans = _children() - self._bystanders - {child.pid}
        for pid in orphans:
            _kill(pid)
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        return has_ended(child) and not orphans


def has_ended(child: BaseProcess) -> bool:
    """Asks without waiting. `child.join` waits for a pipe that others may hold, or without end."""
    return child.exitcode is not None


@contextmanager
def isolated() -> Iterator[Isolation]:
    """While this lasts, orphans fall to this process."""
    folder = tempfile.TemporaryDirectory(prefix="attempt-")
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    try:
        yield Isolation(folder.name)
    finally:
        _prctl(PR_SET_CHILD_SUBREAPER, 0)
        try:
            folder.cleanup()
        except OSError:
            logger.exception("files of an attempt could not be removed")


def _children() -> set[int]:
    """The processes whose parent this is, dead ones too, until they are waited for."""
    if sys.platform != "linux":
        return set()
    numbered = (each for each in Path("/proc").iterdir() if each.name.isdigit())
    return {int(each.name) for each in numbered if _parent(each) == os.getpid()}


def _parent(process: Path) -> int | None:
    with suppress(OSError):  # it has just ended
        # Its name comes before, in brackets, and may have anything in it.
        return int((process / "stat").read_bytes().rpartition(b")")[2].split()[1])
    return None


def _kill(pid: int) -> None:
    """A child that nobody has waited for, and its group: at one blow, however fast it forks."""
    with suppress(ProcessLookupError, PermissionError):
        group = os.getpgid(pid)
        if group == os.getpgrp():
            os.kill(pid, SIGKILL)
        else:
            os.killpg(group, SIGKILL)


def _prctl(option: int, value: int) -> None:
    if sys.platform != "linux":
        return
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        reason = os.strerror(ctypes.get_errno())
        logger.error("what an attempt starts may outlive it", prctl=option, reason=reason)
