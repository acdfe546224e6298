"""The floor: handlers that make the same calls to AWS by boto3, and nothing else.

Their arguments are those of our own calls, as the canned server heard them.
"""

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from benchmarks.canned_control import Heard

SERVICES = {"GetItem": "dynamodb", "UpdateItem": "dynamodb"}
NOT_EACH_TIME = ("GetQueueAttributes",)
"""What an instance asks once in some seconds. So it does for the run times."""
PATIENCE = Config(
    connect_timeout=0.25, read_timeout=0.5, retries={"mode": "standard", "total_max_attempts": 1}
)
"""As our request function waits."""


@cache
def client(service: Any) -> Any:
    return boto3.client(service, config=PATIENCE)


def each_time(calls: Heard) -> Heard:
    """The calls without those that are made once in some seconds."""
    return [
        (operation, body)
        for operation, body in calls
        if operation not in NOT_EACH_TIME and "run-times/" not in json.dumps(body.get("Key"))
    ]


def handler(calls: Heard) -> Callable[[], dict[str, Any]]:
    """A handler that makes those calls and answers."""
    made = [_call(operation, body) for operation, body in calls]

    def handle() -> dict[str, Any]:
        found = [call(**arguments) for call, arguments in made]
        return _response(found[0].get("Item", {}))

    return handle


def worker(calls: Heard, parameters: bytes, result: bytes) -> Callable[[], None]:
    """A worker that makes those calls, unpacks the parameters, and packs and hashes the result."""
    made = [_call(operation, body) for operation, body in calls]

    def handle() -> None:
        [(begin, its), (complete, others)] = made
        begin(**its)
        gzip.decompress(parameters)
        gzip.compress(result, 6, mtime=0)
        hashlib.sha256(result).hexdigest()
        complete(**others)

    return handle


def _response(item: dict[str, Any]) -> dict[str, Any]:
    if "answer" not in item:
        return {"statusCode": 202, "body": json.dumps({"state": "queued"})}
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json", "content-encoding": "gzip"},
        "body": base64.b64encode(item["answer"]["M"]["body"]["B"]).decode(),
        "isBase64Encoded": True,
    }


def _call(operation: str, body: dict[str, Any]) -> tuple[Callable[..., Any], dict[str, Any]]:
    service, method = method_of(operation)
    return getattr(client(service), method), with_bytes(body)


def method_of(operation: str) -> tuple[str, str]:
    """boto3's service and method for an operation."""
    method = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", operation).lower()
    return SERVICES.get(operation, "sqs"), method


def with_bytes(value: Any) -> Any:
    """As boto3 takes it: its binary values are bytes, and base64 only on the wire."""
    match value:
        case {"B": str(text), **rest} if not rest:
            return {"B": base64.b64decode(text)}
        case dict():
            return {name: with_bytes(inner) for name, inner in value.items()}
        case list():
            return [with_bytes(inner) for inner in value]
    return value
