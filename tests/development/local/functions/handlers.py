"""Handlers that do what a test asks for."""

import json
import os
import sys
import time
from typing import Any

import boto3


def echo(event: Any, context: Any) -> Any:
    return {"event": event, "pid": os.getpid()}


def describe(event: Any, context: Any) -> Any:
    return {
        "environment": dict(os.environ),
        "function_name": context.function_name,
        "memory": context.memory_limit_in_mb,
        "arn": context.invoked_function_arn,
        "request_id": context.aws_request_id,
        "remaining": context.get_remaining_time_in_millis(),
        "path": sys.path,
    }


def act(event: Any, context: Any) -> Any:
    match event["act"]:
        case "sleep":
            time.sleep(event["seconds"])
        case "raise":
            raise RuntimeError("no luck today")
        case "die":
            os._exit(1)
        case "print":
            sys.stdout.write("printed by a handler\n")
        case "return":
            return "x" * event["bytes"]
        case "leave a child and sleep":
            _leave_a_child(event["pid_file"])
            time.sleep(60)
        case "leave a child":
            _leave_a_child(event["pid_file"])
    return os.getpid()


def _leave_a_child(pid_file: str) -> None:
    """A fork, since that is what holds on to all that is open."""
    pid = os.fork()
    if pid == 0:
        time.sleep(60)
        os._exit(0)
    with open(pid_file, "w") as file:  # noqa: PTH123 - short
        file.write(str(pid))


def diary(event: Any, context: Any) -> Any:
    """Write every record down, then do as each of them says."""
    table, failures = boto3.resource("dynamodb").Table(os.environ["TABLE_NAME"]), []
    for record in event["Records"]:
        queue = "dead" if "Dead" in context.function_name else "alive"
        times = record["attributes"]["ApproximateReceiveCount"]
        entry: dict[str, Any] = {
            "record": json.dumps(record),
            "pid": os.getpid(),
            "batch": len(event["Records"]),
        }
        table.put_item(Item={"id": f"{record['body']}/{queue}/{times}", **entry})
        match record["body"].split()[0]:
            case "fail" if queue == "alive":
                failures.append({"itemIdentifier": record["messageId"]})
            case "raise" if times == "1":
                raise RuntimeError("no luck today")
            case "sleep":
                time.sleep(1)
    return {"batchItemFailures": failures}
