"""Clients as the settings say, each made once and not before it is needed."""

from collections.abc import Iterator
from typing import Any

import pytest

from backburner import resources
from backburner.aws.time_limits import TimeLimits
from backburner.development.local.deployment import REQUEST_PATIENCE
from backburner.development.local.template import Stack
from backburner.protocol.store import Leases
from tests.conftest import MotoDeployment
from tests.support.environment import exactly


@pytest.fixture(autouse=True)
def _environment(deployment: MotoDeployment) -> Iterator[None]:
    with exactly(deployment.stack.function("RequestFunction").environment):
        yield


def test_all_queues_have_one_client_and_it_is_made_when_a_message_is_sent() -> None:
    made = []

    def make() -> object:
        made.append("sqs")
        return object()

    _ = resources.lanes(make), resources.task_queue(make), resources.failed_jobs(make)
    assert made == []
    sqs = resources.sqs(resources.REQUEST)
    lanes, failed_jobs = resources.lanes(sqs), resources.failed_jobs(sqs)
    for queue in lanes.queues.values():
        assert queue.client is failed_jobs.client


def test_the_leases_are_the_designs_unless_the_environment_sets_others() -> None:
    limits = TimeLimits(connect=1, read=1, pauses=[])
    assert resources.store(limits).leases == Leases()
    with exactly({"TABLE_NAME": "table", "RUNNING_LEASE": "5", "QUEUED_LEASE": "7"}):
        assert resources.store(limits).leases == Leases(running=5, queued=7)


def test_a_client_waits_as_long_as_its_limits_say() -> None:
    config: Any = resources.store(resources.REQUEST).client.meta.config
    assert (config.connect_timeout, config.read_timeout) == (0.25, 0.5)


def test_a_busy_machine_of_an_author_has_longer_within_the_functions_timeout(stack: Stack) -> None:
    declared = stack.template["Globals"]["Function"]["Environment"]["Variables"]
    assert declared["REQUEST_PATIENCE"] == {"Ref": "AWS::NoValue"}
    with exactly({"REQUEST_PATIENCE": REQUEST_PATIENCE}):
        longer = resources.request_limits()
    assert longer.attempt == 4 * resources.REQUEST.attempt == 3
    assert longer.event < stack.function("RequestFunction").timeout
