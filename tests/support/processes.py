"""The processes of a deployment that runs in a process of its own."""

import re
import subprocess
from collections.abc import Iterable


def greeting(printed: Iterable[str]) -> str:
    """The first line of `backburner run` that has an address; a slow start says other things."""
    return next((line for line in printed if "http://" in line), "")


def url_in(printed: Iterable[str]) -> str:
    """Where `backburner run` says that it is."""
    [found, *_] = re.findall(r"http://[\w.]+:\d+", greeting(printed))
    return str(found)


def children(pid: int, named: str) -> list[int]:
    """Those that the process has started with that in their command."""
    command = ["ps", "-A", "-ww", "-o", "pid=,ppid=,args="]
    table = subprocess.check_output(command, text=True)  # noqa: S603
    rows = [line.split(maxsplit=2) for line in table.splitlines()]
    return [int(own) for own, parent, args in rows if int(parent) == pid and named in args]


def moto_of(pid: int) -> int:
    [moto] = children(pid, "moto_server")
    return moto
