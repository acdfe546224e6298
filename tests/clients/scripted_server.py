"""A server that does what a row of clients/behaviours.json says, and notes what differs from it.

A row is run at a base URL of its own, `/{run}-{row}`, so the clients of all languages may run all
rows at once. `GET /verdict/{run}-{row}` tells what was wrong with the requests of a run.
"""

import gzip
import json
import socket
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

TABLE = Path(__file__).parent.parent.parent / "clients/behaviours.json"
SIGNATURE = "5" * 64
PARTS = 20
PAUSE = 0.05
"""Seconds between the parts of a body that comes slowly."""

Json = dict[str, Any]


@dataclass
class Script:
    """What is left of a row, and what was wrong so far."""

    steps: list[Json]
    complaints: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> list[str]:
        return [*self.complaints, *(f"was not asked: {step['to']}" for step in self.steps)]

    def next(self, asked: str, headers: Any, body: bytes) -> Json | None:
        """The step for this request; None if there is none."""
        if not self.steps:
            self.complaints.append(f"asked once too often: {asked}")
            return None
        step = self.steps.pop(0)
        sent = {
            "to": asked,
            "token": (headers["authorization"] or "").removeprefix("Bearer ") or None,
            "etag": headers["if-none-match"],
            "question": json.loads(body) if body else None,
        }
        told = {
            "to": step["to"],
            "token": step.get("token"),
            "etag": step.get("etag"),
            "question": {"question": 1} if step["to"] == "POST" else None,
        }
        if sent != told:
            self.complaints.append(f"asked {sent}, not {told}")
        return step


class Scripts:
    def __init__(self, table: Json) -> None:
        self.named: Json = table["answers"]
        self.rows: list[Json] = table["behaviours"]
        self.running: dict[str, Script] = {}
        self.lock = threading.Lock()

    def of(self, run: str) -> Script:
        with self.lock:
            row = self.rows[int(run.rpartition("-")[2])]
            steps = [step for step in row["server"] for _ in range(step.get("times", 1))]
            return self.running.setdefault(run, Script(steps))

    def answer(self, step: Json) -> Json:
        """The step's answer: the named one with what the step changes; null removes a header."""
        named = self.named.get(step.get("answer", ""), {})
        headers = {**named.get("headers", {}), **step.get("headers", {})}
        body = named.get("body")
        if "body" in step:
            body = {**(body or {}), **step["body"]} if step["body"] is not None else None
        return {**named, **step, "headers": headers, "body": body}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    scripts: Scripts
    stopped: threading.Event
    elsewhere: "ThreadingHTTPServer"
    here: "ThreadingHTTPServer"

    def do_GET(self) -> None:
        run = self.path.split("/")[2 if self.path.startswith("/verdict/") else 1]
        script = self.scripts.of(run)
        if self.path.startswith("/verdict/"):
            self._send({"status": 200, "headers": {}, "body": script.verdict}, run)
            return
        body = self.rfile.read(int(self.headers["content-length"] or 0))
        step = script.next(self._asked(run), self.headers, body)
        self._send(self.scripts.answer(step) if step else {"status": 418, "headers": {}}, run)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """The runs are told of by their verdicts."""

    def _asked(self, run: str) -> str:
        if self.server is self.elsewhere:
            return f"{self.command} elsewhere"
        expected = {"POST": f"/{run}/v1/slow", "GET": f"/{run}/v1/slow/{SIGNATURE}"}
        is_expected = expected.get(self.command) == self.path
        return self.command if is_expected else f"{self.command} {self.path}"

    def _send(self, answer: Json, run: str) -> None:
        does = DOES.get(answer.get("does", ""), as_it_is)
        does(self, self._head(answer, run), self._content(answer, run))

    def _head(self, answer: Json, run: str) -> list[str]:
        given = {"Date": self.date_time_string(), **answer["headers"]}
        lines = [f"{name}: {value}" for name, value in given.items() if value is not None]
        status = answer.get("status", 200)
        return [f"HTTP/1.1 {status} Whatever", *(self._filled(line, run) for line in lines)]

    def _content(self, answer: Json, run: str) -> bytes:
        if size := answer.get("size"):
            return json.dumps("x" * (size - 2)).encode()
        if (text := answer.get("text")) is not None:
            return self._filled(str(text), run).encode()
        if depth := int(answer.get("nested", 0)):
            return b"[" * depth + b"]" * depth
        body = answer.get("body")
        return b"" if body is None else self._filled(json.dumps(body), run).encode()

    def _filled(self, text: str, run: str) -> str:
        here, elsewhere = (f"{address(server)}/{run}" for server in (self.here, self.elsewhere))
        given = {"{base}": f"/{run}", "{here}": here, "{elsewhere}": elsewhere}
        for name, value in {**given, "{signature}": SIGNATURE, "{digits}": "9" * 5000}.items():
            text = text.replace(name, value)
        return text


# What a server may do with a response, beside sending it.


def as_it_is(handler: Handler, head: list[str], content: bytes) -> None:
    has_none = head[0].split()[1] in ("204", "304")
    length = [] if has_none else [f"Content-Length: {len(content)}"]
    write(handler, [*head, *length], content)


def gzipped(handler: Handler, head: list[str], content: bytes) -> None:
    as_it_is(handler, [*head, "Content-Encoding: gzip"], gzip.compress(content))


def broken_gzip(handler: Handler, head: list[str], content: bytes) -> None:
    as_it_is(handler, [*head, "Content-Encoding: gzip"], b"no gzip " + content)


def gzipped_twice(handler: Handler, head: list[str], content: bytes) -> None:
    twice = gzip.compress(gzip.compress(content))
    as_it_is(handler, [*head, "Content-Encoding: gzip, gzip"], twice)


def flood(handler: Handler, head: list[str], content: bytes) -> None:
    write(handler, [*head, "Content-Encoding: gzip"], b"")
    endless = zlib.compressobj(1, wbits=31)
    with suppress(OSError):  # the client leaves, as it should
        for _ in range(PARTS * 1000):
            handler.wfile.write(endless.compress(b" " * 100_000))
    close(handler)


def http_1_0(handler: Handler, head: list[str], content: bytes) -> None:
    """The end of the connection is the end of the body."""
    write(handler, [head[0].replace("HTTP/1.1", "HTTP/1.0"), *head[1:]], content)
    close(handler)


def half(handler: Handler, head: list[str], content: bytes) -> None:
    write(handler, [*head, f"Content-Length: {2 * len(content)}"], content)
    close(handler)


def slow(handler: Handler, head: list[str], content: bytes) -> None:
    write(handler, [*head, f"Content-Length: {len(content)}"], b"")
    for at in range(len(content)):
        time.sleep(PAUSE)
        handler.wfile.write(content[at : at + 1])


def trickle(handler: Handler, head: list[str], content: bytes) -> None:
    write(handler, [*head, f"Content-Length: {PARTS * 1000}"], b"")
    with suppress(OSError):  # the client leaves, as it should
        for _ in range(PARTS * 10):
            handler.wfile.write(b" ")
            if handler.stopped.wait(PAUSE):
                break
    close(handler)


def hang(handler: Handler, head: list[str], content: bytes) -> None:
    handler.connection.settimeout(PARTS * PAUSE)
    with suppress(OSError):
        handler.connection.recv(1)  # until the client leaves
    close(handler)


def reset(handler: Handler, head: list[str], content: bytes) -> None:
    at_once = struct.pack("ii", 1, 0)
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
    handler.connection.close()
    handler.close_connection = True


def noise(handler: Handler, head: list[str], content: bytes) -> None:
    handler.wfile.write(b"220 mail.example ESMTP ready\r\n\r\n")
    close(handler)


def close(handler: Handler, head: list[str] | None = None, content: bytes = b"") -> None:
    handler.close_connection = True


def write(handler: Handler, head: list[str], content: bytes) -> None:
    handler.wfile.write("\r\n".join([*head, "", ""]).encode() + content)


DOES: dict[str, Callable[[Handler, list[str], bytes], None]] = {
    "broken gzip": broken_gzip,
    "close": close,
    "flood": flood,
    "gzip": gzipped,
    "gzip twice": gzipped_twice,
    "half": half,
    "hang": hang,
    "http/1.0": http_1_0,
    "noise": noise,
    "reset": reset,
    "slow": slow,
    "trickle": trickle,
}


class QuietServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def shutdown_request(self, request: Any) -> None:
        with suppress(OSError):  # it is reset already
            super().shutdown_request(request)


def address(server: ThreadingHTTPServer) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}"


@contextmanager
def serving() -> Iterator[str]:
    """The URL at which the rows are run; a second server is the other host."""

    class Own(Handler):
        scripts = Scripts(json.loads(TABLE.read_text("utf-8")))
        stopped = threading.Event()

    servers = [QuietServer(("127.0.0.1", 0), Own) for _ in range(2)]
    Own.here, Own.elsewhere = servers
    threads = [
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        for server in servers
    ]
    for thread in threads:
        thread.start()
    try:
        yield address(Own.here)
    finally:
        Own.stopped.set()
        for server, thread in zip(servers, threads, strict=True):
            server.shutdown()
            thread.join()
            server.server_close()
