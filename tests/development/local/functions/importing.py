"""What a handler's child process says of an import that no list has."""

import multiprocessing
from typing import Any


def try_it(pipe: Any) -> None:
    try:
        import httpx  # noqa: F401
    except ImportError as error:
        pipe.send(str(error))
    pipe.close()


def in_a_child(method: str, _context: object) -> Any:
    processes = multiprocessing.get_context(method)
    ours, theirs = processes.Pipe()
    processes.Process(target=try_it, args=[theirs]).start()  # type: ignore[attr-defined]
    theirs.close()
    return ours.recv()
