"""DynamoDB and SQS with canned answers: python -m benchmarks.canned_aws FD

FD is a socket that listens. Answers have AWS's wire format: JSON 1.0, request ids, checksums.
Updates are applied to the item without looking at their conditions, and are kept until `Freeze`;
from then on every call finds the same items. `Calls` gives back the last calls, oldest first.
"""

import asyncio
import copy
import hashlib
import json
import re
import socket
import sys
import zlib
from collections import deque
from typing import Any

Body = dict[str, Any]

ASSIGNMENT = re.compile(r"([\w.]+) = (?:([\w.]+) \+ )?(:\w+)")
"""`a.b = :c` and `a.b = a.b + :c`: all that update expressions here have."""
REQUEST_ID = "Q3Q8TNM4HTH2UGR9EVIVJSSORVVV4KQNSO5AEMVJF66Q9ASUAAJG"
MOST_CALLS = 100


class CannedAws:
    """The state behind the answers."""

    def __init__(self) -> None:
        self.items: dict[str, Body] = {}
        self.calls: deque[tuple[str, Body]] = deque(maxlen=MOST_CALLS)
        self.is_frozen = False

    def answer(self, target: str, body: Body) -> Body:
        service, _, operation = target.partition(".")
        if service == "Canned":
            return self._control(operation, body)
        self.calls.append((operation, body))
        match operation:
            case "GetItem":
                item = self.items.get(_key(body))
                return {"Item": item} if item else {}
            case "UpdateItem":
                return self._updated(body)
            case "SendMessage":
                md5 = hashlib.md5(body["MessageBody"].encode(), usedforsecurity=False)
                return {"MessageId": REQUEST_ID[:36], "MD5OfMessageBody": md5.hexdigest()}
            case "GetQueueAttributes":
                return {"Attributes": {"ApproximateNumberOfMessages": "0"}}
            case "ChangeMessageVisibility" | "DeleteItem":
                return {}
        raise NotImplementedError(f"no answer is canned for {operation}; add it here")

    def _control(self, operation: str, body: Body) -> Body:
        match operation:
            case "Calls":
                calls = list(self.calls)
                self.calls.clear()
                return {"calls": calls}
            case "Freeze":
                self.is_frozen = body["frozen"]
            case "Put":
                self.items[body["signature"]["S"]] = body
        return {}

    def _updated(self, body: Body) -> Body:
        item = copy.deepcopy(self.items.get(_key(body), dict(body["Key"])))
        update(item, body["UpdateExpression"], body.get("ExpressionAttributeValues", {}))
        if not self.is_frozen:
            self.items[_key(body)] = item
        return {"Attributes": item} if body.get("ReturnValues") == "ALL_NEW" else {}


def update(item: Body, expression: str, values: Body) -> None:
    """Apply `SET … REMOVE …` to an item."""
    to_set, _, to_remove = expression.partition("REMOVE")
    for path, summand, name in ASSIGNMENT.findall(to_set):
        parent, last = _place(item, path)
        value = values[name]
        if summand:
            before, at = _place(item, summand)
            value = {"N": str(int(before[at]["N"]) + int(value["N"]))}
        parent[last] = value
    for path in filter(None, map(str.strip, to_remove.split(","))):
        parent, last = _place(item, path)
        parent.pop(last, None)


def _place(item: Body, path: str) -> tuple[Body, str]:
    *steps, last = path.split(".")
    for step in steps:
        item = item[step]["M"]
    return item, last


def _key(body: Body) -> str:
    signature: str = body["Key"]["signature"]["S"]
    return signature


class KeptConnection(asyncio.Protocol):
    """HTTP/1.1 with keep-alive, as botocore, urllib3 and http.client speak it."""

    def __init__(self, aws: CannedAws) -> None:
        self._aws = aws
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while found := self._request():
            self._transport.write(self._response(*found))

    def _request(self) -> tuple[str, bytes] | None:
        """The target and the body of the next request; None if it is not all there."""
        head, end, rest = self._received.partition(b"\r\n\r\n")
        headers = dict(_headers(head))
        size = int(headers.get("content-length", 0))
        if not end or len(rest) < size:
            return None
        self._received = rest[size:]
        return headers.get("x-amz-target", ""), rest[:size]

    def _response(self, target: str, body: bytes) -> bytes:
        try:
            status, answer = "200 OK", self._aws.answer(target, json.loads(body or b"{}"))
        except Exception as error:  # noqa: BLE001 (the client says what is missing)
            status = "400 Bad Request"
            answer = {"__type": "canned#ValidationException", "message": repr(error)}
        content = json.dumps(answer, separators=(",", ":")).encode()
        return (
            f"HTTP/1.1 {status}\r\nServer: Server\r\nContent-Type: application/x-amz-json-1.0\r\n"
            f"Content-Length: {len(content)}\r\nConnection: keep-alive\r\n"
            f"x-amzn-RequestId: {REQUEST_ID}\r\nx-amz-crc32: {zlib.crc32(content)}\r\n\r\n"
        ).encode() + content


def _headers(head: bytes) -> list[tuple[str, str]]:
    lines = (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:])
    return [(name.lower(), value.strip()) for name, _, value in lines]


async def serve(listener: socket.socket) -> None:
    aws = CannedAws()
    server = await asyncio.get_running_loop().create_server(
        lambda: KeptConnection(aws), sock=listener
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(socket.socket(fileno=int(sys.argv[1]))))
