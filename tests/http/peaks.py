"""What each hostile request takes at most, each in a process of its own: run as a module.

Not by getrusage: its peak begins with that of the process which started this one.
"""

import gc
import os
import resource
import sys
from pathlib import Path

from tests.http import hostile

MEMORY = 1_024 * 1024 * 1024
"""Bytes: what the function has in template.yaml."""


def main() -> None:
    for name, event in hostile.dearest():
        gc.collect()
        child = os.fork()
        if child == 0:
            _tell(name, event)
        os.waitpid(child, 0)


def _tell(name: str, event: hostile.Event) -> None:
    """A line: name, status, bytes of the answer, kB at the peak and before it."""
    try:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        before = _kilobytes("VmRSS")
        answer = hostile.ask(event)
        told = (name, answer["statusCode"], len(answer["body"]), _kilobytes("VmHWM"), before)
        sys.stdout.write("\t".join(map(str, told)) + "\n")
        sys.stdout.flush()
    finally:
        os._exit(0)


def _kilobytes(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    [line] = [line for line in lines if line.startswith(name)]
    return int(line.split()[1])


if __name__ == "__main__":
    main()
