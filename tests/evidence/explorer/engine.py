"""DynamoDB's conditional writes, as moto evaluates them, without HTTP, signing and threads.

An item has an id that is made of its content, so that a table of one item is a number, and each
call on each item is evaluated once. test_engine.py shows that boto3 against moto gives the same.
"""

import base64
import json
from collections.abc import Mapping
from functools import cache
from hashlib import blake2b
from typing import Any, NamedTuple

from moto.dynamodb.exceptions import ConditionalCheckFailed
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.utilities import dynamo_to_dict

ItemId = int
NO_ITEM: ItemId = 0
TABLE = "table"
UNUSED = (
    "throughput global_indexes indexes streams sse_specification"
    " deletion_protection_enabled warm_throughput"
)


class Effect(NamedTuple):
    """What a conditional write does: `item` is what is there then."""

    accepted: bool
    item: ItemId


class MotoEngine:
    def __init__(self) -> None:
        self.moto = DynamoDBBackend("eu-central-1", "123456789012")
        self.moto.create_table(
            TABLE,
            schema=[{"AttributeName": "signature", "KeyType": "HASH"}],
            attr=[{"AttributeName": "signature", "AttributeType": "S"}],
            billing_mode="PAY_PER_REQUEST",
            tags=[],
            **dict.fromkeys(UNUSED.split()),
        )
        self.items: dict[ItemId, Any] = {NO_ITEM: {}}
        """As boto3 gives them."""
        self.set_back: dict[tuple[ItemId, float], ItemId] = {}
        self.effects: dict[tuple[ItemId, int], Effect] = {}

    def update(self, item: ItemId, call: Mapping[str, Any], call_digest: int) -> Effect:
        asked = (item, call_digest)
        if asked not in self.effects:
            self.effects[asked] = self._evaluate(item, call)
        return self.effects[asked]

    def _evaluate(self, item: ItemId, call: Mapping[str, Any]) -> Effect:
        table = self.moto.get_table(TABLE)
        table.items.clear()
        if item != NO_ITEM:
            table.put_item(_to_wire(self.items[item]))
        try:
            written = self.moto.update_item(
                TABLE,
                key=call["Key"],
                update_expression=call["UpdateExpression"],
                expression_attribute_names={},
                expression_attribute_values=_to_wire(call["ExpressionAttributeValues"]),
                condition_expression=call["ConditionExpression"],
            )
        except ConditionalCheckFailed:
            return Effect(accepted=False, item=item)
        return Effect(accepted=True, item=self.add(dynamo_to_dict(written)["Attributes"]))

    def add(self, attributes: Any) -> ItemId:
        item = digest(json.dumps(_to_wire(attributes), sort_keys=True))
        self.items[item] = attributes
        return item


@cache
def the_engine() -> MotoEngine:
    """What a call does to an item is the same in every world: it is evaluated once a process."""
    return MotoEngine()


def digest(text: str) -> int:
    """64 bits, the same in every process."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest())


def _to_wire(attribute: Any) -> Any:
    """Bytes become base64, as in the JSON that boto3 sends."""
    if isinstance(attribute, bytes):
        return base64.b64encode(attribute).decode()
    if isinstance(attribute, Mapping):
        return {name: _to_wire(value) for name, value in attribute.items()}
    return attribute
