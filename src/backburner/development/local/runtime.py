"""Runs inside a sandbox, like Lambda's runtime.

    python runtime.py FD MODULE.HANDLER LISTS [FOLDER …]

It imports the handler once and then gives it one event at a time. Events and answers travel over a
separate pipe, FD, as handlers and libraries may print. A function has only the libraries that the
requirements.txt of its LISTS name, if there are any. The folders hold more computations.
"""

import importlib
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any

Handler = Callable[[Any, "Context"], Any]

Invocation = tuple[str, float, bytes]
"""The request's id, the Unix time at which the function times out, and the event as JSON."""

Answer = tuple[bool, bytes]
"""Whether the handler returned, and what it returned or raised, as JSON."""

MAX_RESPONSE_BYTES = 6 * 1024 * 1024 + 100
"""Lambda's 6 MB, in bytes as Lambda counts them."""


class Context:
    """The part of Lambda's context object that handlers and their libraries use."""

    function_version = "$LATEST"
    log_group_name = log_stream_name = "local"
    identity = client_context = None

    def __init__(self, request_id: str, deadline: float, environ: Mapping[str, str]) -> None:
        self.aws_request_id = request_id
        self.function_name = environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.memory_limit_in_mb = int(environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"])
        self.invoked_function_arn = (
            f"arn:aws:lambda:{environ['AWS_REGION']}:123456789012:function:{self.function_name}"
        )
        self._deadline = deadline

    def get_remaining_time_in_millis(self) -> int:
        return max(0, round((self._deadline - time.time()) * 1000))


def main(fd: str, handler_name: str) -> None:
    pipe: Connection[Any, Any] = Connection(int(fd))
    # Children of the handler must not hold the pipe: it has to close when this process dies.
    os.set_inheritable(pipe.fileno(), False)
    os.register_at_fork(after_in_child=pipe.close)
    invocations: SimpleQueue[Invocation] = SimpleQueue()
    Thread(target=listen, args=(pipe, invocations), daemon=True).start()
    handler = load(handler_name)
    pipe.send("ready")
    while True:
        pipe.send(answer(handler, invocations.get()))


def listen(pipe: "Connection[Any, Any]", invocations: "SimpleQueue[Invocation]") -> None:
    try:
        while True:
            invocations.put(pipe.recv())
    except (EOFError, OSError):
        # The process that started this sandbox is gone: end the sandbox and all its children.
        os.killpg(0, signal.SIGKILL)


def load(handler_name: str) -> Handler:
    module, _, name = handler_name.rpartition(".")
    handler: Handler = getattr(importlib.import_module(module), name)
    return handler


def answer(handler: Handler, invocation: Invocation) -> Answer:
    request_id, deadline, event = invocation
    try:
        response = handler(json.loads(event), Context(request_id, deadline, os.environ))
        return True, encoded(response)
    except Exception as error:  # noqa: BLE001 - as in Lambda, the sandbox goes on
        traceback.print_exc()
        failure = {"errorType": type(error).__name__, "errorMessage": str(error)}
        return False, json.dumps(failure).encode()


def encoded(response: Any) -> bytes:
    response_json = json.dumps(response, ensure_ascii=False).encode()
    if len(response_json) > MAX_RESPONSE_BYTES:
        raise ValueError(
            f"the response has {len(response_json)} bytes; {MAX_RESPONSE_BYTES} at most"
        )
    return response_json


def add_computations(folders: list[str]) -> None:
    if folders:
        path = importlib.import_module("computations").__path__
        for folder in folders:
            path.append(folder)  # a package without __init__.py has no `extend`


def import_only(lists: str) -> None:
    if lists:
        listed_imports = importlib.import_module("backburner.development.listed_imports")
        listed_imports.install(*map(Path, lists.split(os.pathsep)))


def log_for_people() -> None:
    if east_of_utc := os.environ.get("LINES_EAST_OF_UTC"):
        importlib.import_module("backburner.development.local.log_lines").install(east_of_utc)


# A child that the handler spawns (not forks) runs this file again under the second name.
if __name__ in ("__main__", "__mp_main__"):
    log_for_people()
    import_only(sys.argv[3])
    add_computations(sys.argv[4:])
if __name__ == "__main__":
    main(*sys.argv[1:3])
