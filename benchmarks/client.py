"""A client that asks, and asks again until it has the result."""

import json
import time
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

POLL_EVERY = 0.25
"""Seconds between polls of a service that does not say when to ask again."""
NOT_YET = (202, 409)
JSON = {"content-type": "application/json", "accept-encoding": "gzip"}


class Failed(Exception):
    """The service answered neither with the result nor with a promise of it."""


@dataclass(frozen=True, slots=True)
class Timed:
    """How a question went."""

    first: float
    """Seconds up to the first answer."""
    result: float
    """Seconds up to the result."""
    requests: int


@dataclass(slots=True)
class PatientClient:
    """Asks over one connection, which it opens again if the server has closed it."""

    url: str
    path: str
    most: float = 60
    """Seconds that it waits for a result."""
    requests: int = 0
    times: list[float] = field(default_factory=list)
    """Seconds of each request."""
    connection: HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        self.connection = HTTPConnection(urlsplit(self.url).netloc, timeout=60)

    def ask(self, question: dict[str, Any]) -> Timed:
        """Ask until the result is there; Failed if it does not come."""
        began, before = time.monotonic(), self.requests
        body = json.dumps(question)
        status, location, wait = self.request("POST", self.path, body)
        first = time.monotonic() - began
        while status in NOT_YET and time.monotonic() - began < self.most:
            time.sleep(wait)
            again = ("GET", location, None) if location else ("POST", self.path, body)
            status, location, wait = self.request(*again)
        if status != 200:
            raise Failed(f"status {status} after {time.monotonic() - began:.1f} s")
        return Timed(first, time.monotonic() - began, self.requests - before)

    def request(self, method: str, path: str, body: str | None) -> tuple[int, str, float]:
        """The status, where to ask again, and after how many seconds."""
        began = time.monotonic()
        self.connection.request(method, path, body, JSON)
        response = self.connection.getresponse()
        content = response.read()
        self.times.append(time.monotonic() - began)
        self.requests += 1
        told = json.loads(content) if response.status == 202 else {}
        location = response.getheader("location", path if method == "GET" else "")
        return response.status, location or "", told.get("retry_after", POLL_EVERY)
