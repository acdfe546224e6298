"""The functions, with clients that are heard."""

from typing import Any

import boto3
import pytest
from moto.core import disable_iam_authentication

from backburner.resources import IN_ITS_REGION, PATIENCE
from local.template import Stack
from tests.conftest import Deployment

from .functions import NAMES, Clients, Functions
from .recorder import Recorder


def heard_clients(stack: Stack, sessions: dict[str, boto3.Session]) -> tuple[Clients, Recorder]:
    """Clients of each function's own session, and who hears them."""
    outside = boto3.client("dynamodb", region_name=stack.region)

    def item(key: dict[str, Any]) -> dict[str, Any]:
        with disable_iam_authentication():
            table = stack.physical_ids["Table"]
            found = outside.get_item(TableName=table, Key=key, ConsistentRead=True)
        return dict(found.get("Item", {}))

    recorder = Recorder(stack=stack, item=item)
    clients = {name: _clients(session) for name, session in sessions.items()}
    for name, of_function in clients.items():
        for client in of_function.values():
            recorder.listen(client, name)
    return clients, recorder


def _clients(session: boto3.Session) -> dict[str, Any]:
    settings = {"dynamodb": PATIENCE, "sqs": PATIENCE, "s3": IN_ITS_REGION}
    return {name: session.client(name, config=config) for name, config in settings.items()}  # type: ignore[call-overload]


@pytest.fixture(scope="session")
def heard(stack: Stack) -> tuple[Clients, Recorder]:
    return heard_clients(stack, {name: boto3.Session() for name in NAMES})


@pytest.fixture
def functions(deployment: Deployment, heard: tuple[Clients, Recorder]) -> Functions:
    clients, recorder = heard
    return Functions(deployment=deployment, clients=clients, recorder=recorder)
