"""The functions, with clients that are heard."""

import boto3
import pytest

from backburner.development.local.template import Stack
from tests.conftest import MotoDeployment
from tests.support.aws_calls.functions import NAMES, Functions
from tests.support.aws_calls.recorder import Clients, Recorder, heard_clients


@pytest.fixture(scope="session")
def heard(stack: Stack) -> tuple[Clients, Recorder]:
    return heard_clients(stack, {name: boto3.Session() for name in NAMES})


@pytest.fixture
def functions(deployment: MotoDeployment, heard: tuple[Clients, Recorder]) -> Functions:
    clients, recorder = heard
    return Functions(deployment=deployment, clients=clients, recorder=recorder)
