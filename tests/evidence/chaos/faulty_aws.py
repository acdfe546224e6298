"""A proxy between the functions and moto: some calls fail, and what the others wrote is noted."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

import urllib3

HOP_BY_HOP = {"connection", "content-length", "date", "host", "server", "transfer-encoding"}


class AwsFault(Enum):
    """What may become of a call."""

    THROTTLED = "throttled"
    BROKEN = "5xx"
    UNREACHABLE = "connection closed before the call"
    ANSWER_LOST = "connection closed after it took effect"


THROTTLING = {
    "DynamoDB_20120810": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
    "AmazonSQS": "com.amazonaws.sqs#RequestThrottled",
}
"""The error's name, by the service that is called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """An entry as a conditional write has left it; times are seconds since the epoch."""

    signature: str
    run: str | None
    begun_at: float
    lease: float
    answered_at: float | None

    @classmethod
    def of(cls, item: dict[str, Any]) -> "Write":
        job, answer = (item.get(facet, {}).get("M", {}) for facet in ("job", "answer"))
        return cls(
            signature=item["signature"]["S"],
            run=job.get("run", {}).get("S"),
            begun_at=_number(job, "started_at") or 0,
            lease=_number(job, "lease") or 0,
            answered_at=_number(answer, "computed_at"),
        )


class FaultyAws(ThreadingHTTPServer):
    """A share of the calls fails, in ways that a seeded generator picks."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, moto_url: str, *, share: float, seed: int) -> None:
        super().__init__(("127.0.0.1", 0), _Call)
        self.share = share
        self.injected: Counter[AwsFault] = Counter()
        self.writes: list[Write] = []
        self._random = random.Random(seed)
        self._lock = Lock()
        self._moto_url = moto_url
        self._moto = urllib3.PoolManager(maxsize=64, retries=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_: object) -> None:
        """A function that was killed in the middle of a call hangs up."""

    def next_fault(self) -> AwsFault | None:
        with self._lock:
            if self._random.random() >= self.share:
                return None
            fault = self._random.choice(list(AwsFault))
            self.injected[fault] += 1
            return fault

    def forward(
        self, path: str, target: str, headers: dict[str, str], body: bytes
    ) -> urllib3.BaseHTTPResponse:
        response = self._moto.request("POST", self._moto_url + path, body=body, headers=headers)
        if target.endswith(".UpdateItem") and response.status == 200:
            self._note(response.json())
        return response

    def _note(self, updated: dict[str, Any]) -> None:
        """The run times are written without asking for what the item is then."""
        if "Attributes" in updated:
            self.writes.append(Write.of(updated["Attributes"]))


@contextmanager
def faulty_aws(moto_url: str, *, share: float, seed: int) -> Iterator[FaultyAws]:
    with FaultyAws(moto_url, share=share, seed=seed) as proxy:
        Thread(target=proxy.serve_forever, args=[0.05], daemon=True).start()
        try:
            yield proxy
        finally:
            proxy.shutdown()


class _Call(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: FaultyAws

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if len(body) < length:  # whoever called was killed while it spoke
            self.close_connection = True
            return
        match self.server.next_fault():
            case AwsFault.THROTTLED:
                service = self.headers["X-Amz-Target"].partition(".")[0]
                self._answer(400, {}, _error(THROTTLING[service]))
            case AwsFault.BROKEN:
                self._answer(500, {}, _error("InternalServerError"))
            case AwsFault.UNREACHABLE:
                self.close_connection = True
            case AwsFault.ANSWER_LOST:
                self._forward(body)
                self.close_connection = True
            case None:
                response = self._forward(body)
                self._answer(response.status, _end_to_end(response.headers), response.data)

    def _forward(self, body: bytes) -> urllib3.BaseHTTPResponse:
        target = self.headers["X-Amz-Target"]  # however the client spells the header
        return self.server.forward(self.path, target, _end_to_end(self.headers), body)

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """The calls are counted, not listed."""


def _end_to_end(headers: Any) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in HOP_BY_HOP}


def _error(name: str) -> bytes:
    return json.dumps({"__type": name, "message": "injected"}).encode()


def _number(facet: dict[str, Any], name: str) -> float | None:
    return float(facet[name]["N"]) if name in facet else None
