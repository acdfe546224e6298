"""The front's sockets: no client gets a traceback, and none keeps a thread for ever."""

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from werkzeug.serving import make_server

from backburner.development.local.deployment import HOST, listen
from backburner.development.local.http_api import HttpApi
from backburner.development.local.server import BoundedRequestHandler
from tests.support.eventually import eventually

pytestmark = pytest.mark.enable_socket

PATIENCE = 10
POST = b"POST /v1/x HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
OF_100_BYTES = POST + b"Content-Length: 100\r\n\r\n"


class Hurried(BoundedRequestHandler):
    time_to_send = 0.3
    time_to_leave = 0.3


@dataclass
class Server:
    port: int
    events: list[Any] = field(default_factory=list)
    answer: Any = field(default_factory=lambda: {"statusCode": 200, "body": "answer"})

    def invoke(self, event: Any) -> Any:
        self.events.append(event)
        return self.answer

    def connect(self) -> socket.socket:
        return socket.create_connection((HOST, self.port), timeout=PATIENCE)

    def ask(self, request: bytes, *, leave: bool = False) -> bytes:
        """All that comes back until the server ends the connection."""
        with self.connect() as connection:
            connection.sendall(request)
            if leave:
                connection.shutdown(socket.SHUT_WR)
            return everything(connection)


def everything(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with listen(0) as listener:
        asked = Server(listener.getsockname()[1])
        http_api = HttpApi(asked.invoke)
        served = make_server(
            HOST, 0, http_api, threaded=True, request_handler=Hurried, fd=listener.fileno()
        )
        threading.Thread(target=served.serve_forever, args=[0.01], daemon=True).start()
        yield asked
        served.shutdown()
        served.server_close()
        http_api.close()


@pytest.fixture(autouse=True)
def _nothing_is_printed(server: Server, capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    yield
    assert capfd.readouterr() == ("", "")


def refused(answer: bytes) -> tuple[int, str]:
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *headers = head.decode().split("\r\n")
    assert {"Content-Type: application/json", "Connection: close"} <= set(headers)
    return int(status.split()[1]), json.loads(body)["message"]


@pytest.mark.parametrize(
    "request_line",
    [
        b"nonsense",
        b"GET /",
        b"GET / HTTP/2.0",
        b"PRI * HTTP/2.0",
        b"GET / HTTP/one",
        b"GET / / HTTP/1.1",
        b"GET http://[ HTTP/1.1",
        b"\x16\x03\x01\x00\xa5\x01",
        b"",
    ],
)
def test_what_is_no_request_is_a_400(server: Server, request_line: bytes) -> None:
    answer = server.ask(request_line + b"\r\nHost: here\r\n\r\n")
    assert refused(answer) == (400, "Bad Request")
    assert server.events == []


@pytest.mark.parametrize("body", [b"", b'{"a": '], ids=["none of it", "half of it"])
def test_a_body_that_ends_early_is_a_400(server: Server, body: bytes) -> None:
    assert refused(server.ask(OF_100_BYTES + body, leave=True)) == (400, "Bad Request")
    assert server.events == []


@pytest.mark.parametrize(
    "chunks", [b"zz\r\n{}\r\n0\r\n\r\n", b"-2\r\n{}\r\n", b"2\r\n{}{}\r\n0\r\n\r\n", b"ff\r\n{}"]
)
def test_chunks_that_are_none_are_a_400(server: Server, chunks: bytes) -> None:
    assert refused(server.ask(CHUNKED + chunks, leave=True)) == (400, "Bad Request")
    assert server.events == []


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: two\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: +2\r\n",
        b"Content-Length: 2\r\nContent-Length: 3\r\n",
        b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: gzip\r\n",
    ],
)
def test_a_body_of_unclear_length_is_a_400(server: Server, headers: bytes) -> None:
    assert refused(server.ask(POST + headers + b"\r\n{}")) == (400, "Bad Request")
    assert server.events == []


def test_a_first_line_without_an_end_is_a_414(server: Server) -> None:
    assert refused(server.ask(b"GET /" + b"a" * 70_000))[0] == 414


def test_too_many_headers_are_a_431(server: Server) -> None:
    headers = b"".join(b"X-%d: 1\r\n" % number for number in range(101))
    assert refused(server.ask(b"GET / HTTP/1.1\r\n" + headers + b"\r\n"))[0] == 431


@pytest.mark.parametrize(
    "beginning",
    [b"", b"GET", b"GET / HTTP/1.1\r\n", OF_100_BYTES, OF_100_BYTES + b"{", CHUNKED + b"5\r\n{"],
)
def test_a_request_that_does_not_arrive_is_a_408(server: Server, beginning: bytes) -> None:
    assert refused(server.ask(beginning)) == (408, "Request Timeout")
    assert server.events == []


@pytest.mark.parametrize("beginning", [b"GET /", OF_100_BYTES], ids=["head", "body"])
def test_it_is_the_whole_request_that_has_to_arrive_in_time(
    server: Server, beginning: bytes
) -> None:
    """A byte now and then does not make it longer."""
    with server.connect() as connection:
        connection.sendall(beginning)
        drip_until(connection, lambda: bool(readable(connection)))
        assert refused(everything(connection))[0] == 408


def drip_until(connection: socket.socket, is_answered: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not is_answered():
        assert time.monotonic() < end
        connection.sendall(b"a")
        time.sleep(Hurried.time_to_send / 10)


def readable(connection: socket.socket) -> bytes:
    connection.setblocking(False)
    try:
        return connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return b""
    finally:
        connection.settimeout(PATIENCE)


def test_who_sends_more_than_announced_has_the_answer_and_its_end_at_once(server: Server) -> None:
    answer = server.ask(POST + b"Content-Length: 2\r\n\r\n{}" + b"more" * 100_000)
    assert answer.endswith(b"\r\n\r\nanswer")
    assert server.events[0]["body"] == "{}"


def test_a_body_that_is_not_read_does_not_cost_the_answer(server: Server) -> None:
    too_large = b"Content-Length: 99999999\r\n\r\n" + b"x" * 5_000_000
    assert refused(server.ask(POST + too_large)) == (413, "Request Entity Too Large")


def test_good_chunks_are_put_together(server: Server) -> None:
    server.ask(CHUNKED + b'3\r\n{"a\r\n5\r\n": 1}\r\n0\r\n\r\n')
    assert server.events[0]["body"] == '{"a": 1}'


def test_who_expects_100_is_told_once_to_go_on(server: Server) -> None:
    expecting = POST + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n{}"
    assert server.ask(expecting).count(b"100 Continue") == 1


@pytest.mark.parametrize(
    ("method", "status", "body", "length"),
    [
        ("GET", 200, "answer", b"6"),
        ("POST", 200, "", b"0"),
        ("HEAD", 200, "answer", None),
        ("HEAD", 200, "", None),
        ("HEAD", 404, "", None),
        ("GET", 204, "", None),
        ("GET", 304, "", None),
        ("HEAD", 304, "", None),
    ],
)
def test_a_length_is_that_of_the_body_that_get_gets_or_absent(
    server: Server, method: str, status: int, body: str, length: bytes | None
) -> None:
    server.answer = {"statusCode": status, "body": body}
    head, _, sent = server.ask(f"{method} / HTTP/1.1\r\nHost: here\r\n\r\n".encode()).partition(
        b"\r\n\r\n"
    )
    lengths = re.findall(rb"\r\ncontent-length: (\d+)", head, re.IGNORECASE)
    assert lengths == ([] if length is None else [length])
    assert len(sent) == int(length or 0)


def test_a_bug_in_the_front_is_a_500_and_its_traceback_on_the_console(
    server: Server, capfd: pytest.CaptureFixture[str]
) -> None:
    server.answer = {1: object()}  # no JSON, which no sandbox can return
    assert refused(server.ask(b"GET / HTTP/1.1\r\n\r\n"))[0] == 500
    eventually(lambda: "TypeError" in capfd.readouterr().err)


def test_no_client_keeps_a_thread(server: Server) -> None:
    """Neither who sends nothing, nor who takes nothing, nor who stays after the answer."""
    before = threading.active_count()
    clients = [server.connect() for _ in range(20)]
    for client in clients[10:]:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
    eventually(lambda: len(server.events) == 10)
    # The front's executor keeps its own.
    eventually(lambda: threading.active_count() - before <= executor_threads())
    for client in clients:
        client.close()


def executor_threads() -> int:
    return sum(thread.name.startswith("ThreadPool") for thread in threading.enumerate())
