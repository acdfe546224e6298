"""The front's HTTP: one request for each connection, each in a thread, and no wait without an end.

werkzeug's development server, but for what it does with clients that are slow, hostile or broken:
a client that sends no request, or half of one, is told so as API Gateway would. A thread has 10 s
to get a request, the function's 30 s, 10 s to give the response and 2 s to part: 52 s in all.
"""

import io
import socket
import time
from contextlib import suppress
from email.message import Message
from http import HTTPStatus
from typing import TYPE_CHECKING

from werkzeug import Response
from werkzeug.serving import WSGIRequestHandler

from local.http_api import refusal

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_LINE_BYTES = 65536
"""Bytes: what http.server takes of a request's first line."""


class TooSlow(Exception):
    """The client's time is over, and what it has to send is not."""


class Incoming(io.RawIOBase):
    """What a client sends from now on, in so many seconds altogether."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self._connection = connection
        self._end = time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        seconds = self._end - time.monotonic()
        if seconds <= 0:
            raise TooSlow
        self._connection.settimeout(seconds)
        try:
            return self._connection.recv_into(buffer)
        except TimeoutError as error:
            raise TooSlow from error


class BoundedRequestHandler(WSGIRequestHandler):
    disable_nagle_algorithm = True
    time_to_send = 10.0
    """Seconds in which a client has to send its request, and then to take its response."""
    time_to_leave = 2.0
    """Seconds in which what it still sends then is read, for nothing: a connection that is closed
    before it is read empty is reset, and the response may be lost with it."""
    command = ""

    def handle(self) -> None:
        self.rfile = io.BufferedReader(Incoming(self.connection, self.time_to_send))
        with suppress(OSError, TooSlow):  # the client has gone, or does not take the response
            self._answer()
            self.connection.shutdown(socket.SHUT_WR)
            rest = Incoming(self.connection, self.time_to_leave)
            while rest.read(65536):
                pass

    def _answer(self) -> None:
        try:
            self.raw_requestline = self.rfile.readline(MAX_LINE_BYTES + 1)
            if len(self.raw_requestline) > MAX_LINE_BYTES:
                self.send_error(HTTPStatus.REQUEST_URI_TOO_LONG)
            elif self.raw_requestline and self.parse_request():
                self.run_wsgi()
        except TooSlow:
            self.send_error(HTTPStatus.REQUEST_TIMEOUT)
        except OSError:
            raise
        except Exception:
            self.send_error(HTTPStatus.INTERNAL_SERVER_ERROR)
            raise

    def parse_request(self) -> bool:
        """Whether it is a request that can be handed on; otherwise its answer is sent already."""
        if not super().parse_request():
            if not self.requestline:
                self.send_error(HTTPStatus.BAD_REQUEST)
            return False
        if self.request_version == "HTTP/0.9" or not ends_somewhere(self.headers):
            self.send_error(HTTPStatus.BAD_REQUEST)
            return False
        return True

    def run_wsgi(self) -> None:
        try:
            self.environ = self.make_environ()
        except ValueError:  # an address like //[
            self.send_error(HTTPStatus.BAD_REQUEST)
        else:
            self._send(Response.from_app(self.server.app, self.environ))

    def send_error(self, code: int, *_: object, **__: object) -> None:
        """As API Gateway says it. A version of HTTP that we do not have is the client's mistake."""
        if code == HTTPStatus.HTTP_VERSION_NOT_SUPPORTED:
            code = HTTPStatus.BAD_REQUEST
        self.request_version = self.protocol_version  # there is no head in HTTP/0.9
        self._send(refusal(code, HTTPStatus(code).phrase))

    def _send(self, response: Response) -> None:
        self.connection.settimeout(self.time_to_send)
        self.send_response(response.status_code)
        # Without those that a 204 or 304 may not have.
        for name, value in (*response.get_wsgi_headers({}), ("Connection", "close")):
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.get_data())

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """The function logs its requests itself."""


def ends_somewhere(headers: Message) -> bool:
    """Whether it is clear where the body ends (RFC 9112, 6.3)."""
    lengths = set(headers.get_all("Content-Length", []))
    if codings := headers.get_all("Transfer-Encoding", []):
        return not lengths and [coding.lower() for coding in codings] == ["chunked"]
    return len(lengths) <= 1 and all(n.isascii() and n.isdigit() for n in lengths)
