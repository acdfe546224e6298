"""The table and the queue, by the names that template.yaml puts into the environment."""

from collections.abc import Mapping

import boto3
from botocore.config import Config

from backburner.errors import MissingSetting
from backburner.store import Leases, Store
from backburner.task_queue import TaskQueue

PATIENCE = Config(
    connect_timeout=1, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3}
)
"""A client of ours waits for an answer; better a quick 503 than a slow one."""


def store(environ: Mapping[str, str]) -> Store:
    return Store(
        boto3.client("dynamodb", config=PATIENCE),
        table=_setting(environ, "TABLE_NAME"),
        leases=_leases(environ),
    )


def task_queue(environ: Mapping[str, str]) -> TaskQueue:
    return TaskQueue(
        lambda: boto3.client("sqs", config=PATIENCE), url=_setting(environ, "QUEUE_URL")
    )


def _leases(environ: Mapping[str, str]) -> Leases:
    """The design's leases, unless the environment sets others: RUNNING_LEASE=5 and so on."""
    names = {
        "running": "RUNNING_LEASE",
        "heartbeat": "HEARTBEAT_INTERVAL",
        "queued": "QUEUED_LEASE",
    }
    return Leases(**{k: float(environ[name]) for k, name in names.items() if name in environ})


def _setting(environ: Mapping[str, str], name: str) -> str:
    if name not in environ:
        raise MissingSetting(f"the environment has no {name}; template.yaml sets it")
    return environ[name]
