"""Ends an attempt's processes and removes its files when the attempt ends.

On Linux the worker adopts the processes that the attempt orphans, even detached ones, and so can
kill them (PR_SET_CHILD_SUBREAPER). Elsewhere it kills only the attempt's own process; the others
stay in the worker's process group and end with the worker.
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
"""Seconds until a process that does not die is left alone: it hangs in the kernel."""
POLL_S = 0.005


class Isolation:
    """An attempt's folder and the processes that it started."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.worker = os.getpid()
        self._bystanders = _children()

    def enter(self) -> None:
        """Give the child its own session and folder, and let it die with its parent, the worker."""
        if sys.platform == "linux":
            os.setsid()
            _prctl(PR_SET_PDEATHSIG, SIGKILL)
            if os.getppid() != self.worker:
                os._exit(1)
        os.environ["TMPDIR"] = tempfile.tempdir = self.folder
        os.chdir(self.folder)

    def end(self, child: BaseProcess) -> None:
        """Kill the child and all that it started, within MAX_KILL_S seconds."""
        until = time.monotonic() + MAX_KILL_S
        child.kill()
        while not self._is_over(child):
            if time.monotonic() > until:
                logger.error("processes of an attempt do not die", processes=sorted(_children()))
                return
            time.sleep(POLL_S)

    def _is_over(self, child: BaseProcess) -> bool:
        """Kill the orphans; True if all are dead. Their own children are then orphans, too."""
        # Before the list is made: what the child leaves when it dies is in no list from before.
        is_dead = has_ended(child)
        orphans = _children() - self._bystanders - {child.pid}
        for pid in orphans:
            _kill(pid)
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        return is_dead and not orphans


def has_ended(child: BaseProcess) -> bool:
    """Check without waiting: `child.join` may wait for ever, or for a pipe that others hold."""
    return child.exitcode is not None


@contextmanager
def isolated() -> Iterator[Isolation]:
    """Let this process adopt orphans meanwhile; remove the attempt's folder at the end."""
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
    """The ids of this process's children, including dead ones that were not waited for."""
    if sys.platform != "linux":
        return set()
    numbered = (each for each in Path("/proc").iterdir() if each.name.isdigit())
    return {int(each.name) for each in numbered if _parent(each) == os.getpid()}


def _parent(process: Path) -> int | None:
    with suppress(OSError):  # the process has just ended
        # The name comes first, in brackets, and may contain any character.
        return int((process / "stat").read_bytes().rpartition(b")")[2].split()[1])
    return None


def _kill(pid: int) -> None:
    """Kill a child and its whole group in one call, so that it cannot fork faster than it dies."""
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
