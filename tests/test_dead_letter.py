"""What the queue gave up on becomes an answer, too."""

import io
import json

import pytest
from botocore.exceptions import ClientError

from .conftest import Invoke, MotoDeployment

ASKED = "/v1/doubling?number=21"


def test_the_job_of_a_dead_letter_is_buried_and_its_clients_learn_it(
    deployment: MotoDeployment,
) -> None:
    deployment.get(ASKED)
    [message] = deployment.messages()
    deployment.dead_letters.receive(message)
    reply = deployment.get(ASKED)
    assert reply.status == 500
    assert "gave up after 0 of 3 attempts" in reply.json["detail"]


def test_a_job_that_is_alive_in_a_worker_is_left_alone(deployment: MotoDeployment) -> None:
    signature = deployment.get(ASKED).signature
    [message] = deployment.messages()
    run = deployment.store.begin(deployment.entry(signature))
    deployment.dead_letters.receive(message)
    assert deployment.entry(signature) == run.entry


def test_an_answer_is_left_alone(deployment: MotoDeployment) -> None:
    signature = deployment.get(ASKED).signature
    [message] = deployment.messages()
    deployment.worker.receive(message)
    answered = deployment.entry(signature)
    deployment.dead_letters.receive(message)
    assert deployment.entry(signature) == answered


def test_a_dead_letter_that_comes_late_does_not_bury_the_next_job(
    deployment: MotoDeployment,
) -> None:
    deployment.get(ASKED)
    [late] = deployment.messages()
    deployment.dead_letters.receive(late)
    deployment.clock.passes(60)
    signature = deployment.get(ASKED).signature
    deployment.dead_letters.receive(late)
    assert deployment.entry(signature).is_alive(deployment.clock())


def test_a_malformed_dead_letter_is_logged_and_counted(
    deployment: MotoDeployment, capsys: pytest.CaptureFixture[str]
) -> None:
    deployment.send("not ours")
    [message] = deployment.messages()
    deployment.dead_letters.receive(message)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["malformed"] for line in lines if "malformed" in line] == [[1.0]]


def test_a_dead_letter_that_cannot_be_buried_stays_and_is_an_error_in_the_log(
    deployment: MotoDeployment, logged: io.StringIO
) -> None:
    """Nobody else tells: a batch with failed items is no error to Lambda, nor to Powertools."""
    deployment.get(ASKED)
    [message] = deployment.messages()
    deployment.store.table = "no-such-table"
    with pytest.raises(ClientError):
        deployment.dead_letters.receive(message)
    [line] = [json.loads(line) for line in logged.getvalue().splitlines() if "dead" in line]
    assert line["level"] == "ERROR"


def test_the_handler_takes_a_batch(deployment: MotoDeployment, invoke: Invoke) -> None:
    deployment.get(ASKED)
    deployment.send("not ours")
    records = [message.raw_event for message in deployment.messages()]
    assert invoke("DeadLetterFunction", {"Records": records}) == {"batchItemFailures": []}
