"""A client that does just what it is told to."""

import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import urllib3

PATIENCE = 120
"""Seconds until a client that asks as told has its answer, or the check fails."""


@dataclass(frozen=True)
class Reply:
    status: int
    headers: urllib3.HTTPHeaderDict
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0]

    @property
    def signature(self) -> str:
        named = self.headers.get("content-location") or self.headers["location"]
        return named.rpartition("/")[2]


class Api:
    """The API at a base URL. Nothing is decoded or tried again by itself."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.base = urlsplit(self.url).path
        self.pool = urllib3.PoolManager(retries=False, timeout=35)

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Reply:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        reply = self.pool.request(
            method,
            self.url + path.removeprefix(self.base),
            body=body or None,
            headers={"user-agent": "conformance", **sent},
            redirect=False,
            decode_content=False,
        )
        return Reply(reply.status, reply.headers, reply.data)

    def get(self, path: str, **headers: str) -> Reply:
        return self.ask("GET", path, b"", **headers)

    def post(self, path: str, parameters: object, **headers: str) -> Reply:
        sent = {"content_type": "application/json", **headers}
        return self.ask("POST", path, json.dumps(parameters).encode(), **sent)

    def answer(self, parameters: object, path: str, **headers: str) -> Reply:
        """What a client has in the end that asks again when it is told to."""
        end = time.monotonic() + PATIENCE
        while (reply := self.post(path, parameters, **headers)).status == 202:
            assert time.monotonic() < end, f"no answer after {PATIENCE} s: {reply.body!r}"
            time.sleep(reply.json["retry_after"])
        return self.follow(reply)

    def follow(self, reply: Reply) -> Reply:
        """A large result is elsewhere: both redirects ask for a GET there."""
        if reply.status not in (303, 307):
            return reply
        there = self.pool.request("GET", reply.headers["location"], decode_content=False)
        return Reply(there.status, there.headers, there.data)
