"""Handlers that compute within the request: plain, or with Powertools Idempotency."""

import json
import os
import time
from pathlib import Path
from typing import Any

from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent,
)
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
)

Event = dict[str, Any]


def plain(event: Event, _: object) -> Event:
    question = json.loads(event["body"])
    with Path(os.environ["COMPUTED"]).open("a") as computed:
        computed.write(f"{question['number']}\n")
    time.sleep(question.get("seconds", 0.05))
    return {"statusCode": 200, "body": json.dumps({"number": question["number"]})}


@idempotent(
    persistence_store=DynamoDBPersistenceLayer(table_name=os.environ["TABLE_NAME"]),
    config=IdempotencyConfig(event_key_jmespath="powertools_json(body)"),
)
def once(event: Event, context: Any) -> Event:
    return plain(event, context)


def handler(event: Event, context: Any) -> Event:
    """409 while the same question is computed elsewhere."""
    if os.environ["IDEMPOTENT"] == "no":
        return plain(event, context)
    try:
        answer: Event = once(event, context)
    except IdempotencyAlreadyInProgressError:
        return {"statusCode": 409, "body": "{}"}
    return answer
