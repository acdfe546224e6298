"""The explorer's engine against moto itself: boto3, signing, HTTP and all."""

from collections.abc import Mapping
from typing import Any

import boto3
import pytest

from backburner.development.local.template import Stack

from .engine import NO_ITEM, Effect, ItemId, MotoEngine
from .explore import Bound, Explorer
from .stage import stage
from .start import EMPTY, STALE, Start
from .world import World


class Recording(MotoEngine):
    """Notes each call that it evaluates."""

    def __init__(self) -> None:
        super().__init__()
        self.evaluated: list[tuple[ItemId, Mapping[str, Any], Effect]] = []

    def _evaluate(self, item: ItemId, call: Mapping[str, Any]) -> Effect:
        effect = super()._evaluate(item, call)
        self.evaluated.append((item, call, effect))
        return effect


@pytest.mark.parametrize("start", [EMPTY, STALE], ids=" ".join)
def test_boto3_and_moto_give_the_same(start: Start, stack: Stack) -> None:
    engine = explored(start)
    assert {effect.accepted for _, _, effect in engine.evaluated} == {True, False}
    dynamodb, table = boto3.client("dynamodb"), stack.physical_ids["Table"]
    for item, call, effect in engine.evaluated[::5]:
        with_it = engine.items[item]
        if item == NO_ITEM:
            dynamodb.delete_item(TableName=table, Key=call["Key"])
        else:
            dynamodb.put_item(TableName=table, Item=with_it)
        told = tell(dynamodb, {**call, "TableName": table})
        assert told == (effect.accepted, engine.items[effect.item])
        dynamodb.delete_item(TableName=table, Key=call["Key"])


def explored(start: Start) -> Recording:
    engine = Recording()
    with stage():
        world = World(computation=start.computation, engine=engine)
        begin = world.stale if start == STALE else world.empty
        Explorer(world, begin("P1", "P2", later=("S3",))).search(Bound(8, 1))
    return engine


def tell(dynamodb: Any, call: Mapping[str, Any]) -> tuple[bool, Any]:
    """Whether it was accepted, and what is there then."""
    try:
        return True, dynamodb.update_item(**call)["Attributes"]
    except dynamodb.exceptions.ConditionalCheckFailedException as error:
        return False, error.response.get("Item", {})
