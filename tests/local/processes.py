"""The processes of a deployment that runs in a process of its own."""

import subprocess


def moto_of(pid: int) -> int:
    command = ["ps", "-A", "-o", "pid=,ppid=,args="]
    table = subprocess.check_output(command, text=True)  # noqa: S603
    rows = [line.split(maxsplit=2) for line in table.splitlines()]
    [moto] = [
        int(own) for own, parent, args in rows if int(parent) == pid and "moto_server" in args
    ]
    return moto
