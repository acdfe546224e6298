"""The table, the queues and the bucket: moto as a server, python moto_server.py FD.

FD is a socket that already listens, so that clients can connect while moto is still imported.
The server ends when its stdin does.
"""

import io
import json
import os
import sys
import time
from collections.abc import Iterable
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug import Request, Response
from werkzeug.serving import make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LOOK_AGAIN = 0.2
"""Seconds. Messages also become visible as time passes, which notifies nobody."""


class OneAtATime:
    """Handles one request at a time: moto's writes and receives are not atomic across threads.

    A long poll is a series of short ones; other requests run while it waits.
    """

    def __init__(self, moto: "WSGIApplication") -> None:
        self._moto = moto
        self._turn = Condition()

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if target == "AmazonSQS.ReceiveMessage":
            return self._long_poll(environ)(environ, start_response)
        with self._turn:
            if target.startswith("AmazonSQS."):
                self._turn.notify_all()
            return self._moto(environ, start_response)

    def _long_poll(self, environ: "WSGIEnvironment") -> Response:
        parameters = json.loads(Request(environ).get_data())
        end = time.monotonic() + parameters.get("WaitTimeSeconds", 0)
        with self._turn:
            while True:
                response = self._short_poll(environ, parameters)
                if _has_messages(response) or time.monotonic() >= end:
                    return response
                self._turn.wait(LOOK_AGAIN)

    def _short_poll(self, environ: "WSGIEnvironment", parameters: dict[str, Any]) -> Response:
        body = json.dumps({**parameters, "WaitTimeSeconds": 0}).encode()
        request = {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        return Response.from_app(self._moto, {**environ, **request})


def _has_messages(response: Response) -> bool:
    return response.status_code != 200 or bool(json.loads(response.get_data()).get("Messages"))


class _RequestHandler(MotoRequestHandler):
    disable_nagle_algorithm = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def main(fd: str) -> None:
    moto = DomainDispatcherApplication(create_backend_app)
    server = make_server(
        "127.0.0.1",
        0,
        OneAtATime(moto),
        threaded=True,
        request_handler=_RequestHandler,
        fd=int(fd),
    )
    Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
