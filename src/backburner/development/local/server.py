"""The HTTP API's server: one request per connection, each in a thread, and every wait bounded.

This is werkzeug's development server, made safe against slow, hostile and broken clients. It
answers an incomplete request as API Gateway would. A thread has 10 s to receive the request, 30 s
for the function, 10 s to send the response and 2 s to close: 52 s in all.
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

from backburner.development.local.http_api import refusal

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_LINE_BYTES = 65536
"""The most bytes that http.server accepts in a request's first line."""


class TooSlow(Exception):
    """The client ran out of time before it had sent its request."""


class Incoming(io.RawIOBase):
    """Reads what a client sends within so many seconds in all."""

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
    """Seconds that a client has to send its request, and again to take its response."""
    time_to_leave = 2.0
    """Seconds for which input is then read and dropped: closing a connection with unread input
    resets it, and the client may lose the response."""
    command = ""

    def handle(self) -> None:
        self.rfile = io.BufferedReader(Incoming(self.connection, self.time_to_send))
        with suppress(OSError, TooSlow):  # the client left, or does not take the response
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
        """True if the request can be handed on; otherwise it has been answered already."""
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
        except ValueError:  # a URL like //[
            self.send_error(HTTPStatus.BAD_REQUEST)
        else:
            self._send(Response.from_app(self.server.app, self.environ))

    def send_error(self, code: int, *_: object, **__: object) -> None:
        """Answer in API Gateway's words, with 400 for an unsupported version of HTTP."""
        if code == HTTPStatus.HTTP_VERSION_NOT_SUPPORTED:
            code = HTTPStatus.BAD_REQUEST
        self.request_version = self.protocol_version  # a response in HTTP/0.9 has no head
        self._send(refusal(code, HTTPStatus(code).phrase))

    def _send(self, response: Response) -> None:
        self.connection.settimeout(self.time_to_send)
        self.send_response(response.status_code)
        # werkzeug leaves out headers that a 204 or 304 may not have.
        for name, value in (*response.get_wsgi_headers({}), ("Connection", "close")):
            # A length is that of the body that GET would get (RFC 9110, 8.6), and nobody knows it.
            if self.command != "HEAD" or name.lower() != "content-length":
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.get_data())

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing: the function logs its own requests."""


def ends_somewhere(headers: Message) -> bool:
    """True if the headers say where the body ends (RFC 9112, 6.3)."""
    lengths = set(headers.get_all("Content-Length", []))
    if codings := headers.get_all("Transfer-Encoding", []):
        return not lengths and [coding.lower() for coding in codings] == ["chunked"]
    return len(lengths) <= 1 and all(n.isascii() and n.isdigit() for n in lengths)
