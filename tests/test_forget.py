"""An operator has an entry forgotten: nothing is left of it, and nothing comes of it any more."""

from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from backburner.local_cache import MAX_AGE_S
from backburner.protocol.store import LostRace

from .conftest import HandlerReply, MotoDeployment, from_operator, http_event, with_token

ASKED = "/v1/doubling?number=21"


def forget(deployment: MotoDeployment, location: str) -> HandlerReply:
    return deployment.ask(from_operator(http_event("DELETE", location)))


def answered(deployment: MotoDeployment) -> str:
    deployment.get(ASKED)
    deployment.work()
    location: str = deployment.get(ASKED).headers["content-location"]
    return location


def test_a_forgotten_answer_is_gone_and_asking_again_starts_anew(
    deployment: MotoDeployment,
) -> None:
    location = answered(deployment)
    reply = forget(deployment, location)
    assert (reply.status, reply.text) == (204, "")
    assert deployment.get(location).status == 404
    assert deployment.get(ASKED).headers["cache-status"] == "backburner; fwd=miss"


def test_forgetting_what_is_not_there_is_as_good(deployment: MotoDeployment) -> None:
    location = answered(deployment)
    assert [forget(deployment, location).status for _ in range(2)] == [204, 204]


@pytest.mark.parametrize(
    "authorizer", [None, {}, {"iam": None}, {"iam": {}}, {"jwt": {"claims": {}}}, {"lambda": {}}]
)
def test_whoever_is_no_operator_is_refused_by_whatever_way_they_come(
    deployment: MotoDeployment, authorizer: Any
) -> None:
    location = answered(deployment)
    event = http_event("DELETE", location)
    event["requestContext"]["authorizer"] = authorizer
    reply = deployment.ask(event)
    assert reply.status == 403
    assert reply.json["type"] == "urn:problem-type:backburner:forbidden"
    assert deployment.get(location).status == 200


def test_a_token_makes_nobody_an_operator(deployment: MotoDeployment) -> None:
    location = answered(deployment)
    assert deployment.ask(with_token(http_event("DELETE", location), "ann")).status == 403


def test_who_is_refused_does_not_learn_what_there_is(deployment: MotoDeployment) -> None:
    paths = (answered(deployment), f"/v1/doubling/{'a' * 64}", "/v1/no-such-thing/x")
    replies = [deployment.ask(http_event("DELETE", path)) for path in paths]
    assert {(reply.status, reply.text) for reply in replies} == {(403, replies[0].text)}


@pytest.mark.parametrize("path", ["/v1/doubling/abc", f"/v1/no-such-thing/{'a' * 64}"])
def test_what_can_be_nothing_of_ours_is_not_found(deployment: MotoDeployment, path: str) -> None:
    assert forget(deployment, path).status == 404


def test_an_entry_is_not_forgotten_under_another_computation(deployment: MotoDeployment) -> None:
    location = answered(deployment)
    assert forget(deployment, location.replace("doubling", "crashing")).status == 204
    deployment.clock.passes(MAX_AGE_S)
    assert deployment.get(location).status == 200


def test_an_operator_forgets_private_answers_without_being_their_caller(
    deployment: MotoDeployment,
) -> None:
    event = with_token(http_event("GET", "/v1/whispering", query="number=21"), "ann")
    location = deployment.ask(event).headers["location"]
    assert forget(deployment, location).status == 204
    assert deployment.ask(with_token(http_event("GET", location), "ann")).status == 404


# what was under way


def test_a_running_job_of_a_forgotten_entry_changes_nothing(deployment: MotoDeployment) -> None:
    location = deployment.get(ASKED).headers["location"]
    [message] = deployment.messages()
    compute = deployment.worker.compute

    def forgotten_meanwhile(*given: Any) -> bytes:
        assert forget(deployment, location).status == 204
        return compute(*given)

    replace(deployment.worker, compute=forgotten_meanwhile).receive(message)
    assert deployment.get(location).status == 404


def test_a_run_from_before_does_not_answer_the_job_that_came_after(
    deployment: MotoDeployment,
) -> None:
    location = deployment.get(ASKED).headers["location"]
    run = deployment.store.begin(deployment.entry(location.rpartition("/")[2]))
    forget(deployment, location)
    after = deployment.entry(deployment.get(ASKED).signature)
    with pytest.raises(LostRace):
        deployment.store.fail(run, run.job.gave_up(deployment.clock()))
    assert deployment.entry(after.signature) == after


def test_a_waiting_message_of_a_forgotten_entry_finds_nothing_and_ends(
    deployment: MotoDeployment,
) -> None:
    location = deployment.get(ASKED).headers["location"]
    forget(deployment, location)
    deployment.work()
    assert deployment.messages() == []
    assert deployment.get(location).status == 404


def test_a_dead_letter_of_a_forgotten_entry_buries_nothing(deployment: MotoDeployment) -> None:
    location = deployment.get(ASKED).headers["location"]
    [failed_job] = deployment.messages()
    forget(deployment, location)
    deployment.get(ASKED)
    deployment.dead_letters.receive(failed_job)
    assert deployment.get(location).status == 202


def test_a_request_that_was_about_to_send_a_forgotten_job_again_starts_anew(
    deployment: MotoDeployment,
) -> None:
    location = deployment.get(ASKED).headers["location"]
    seen = deployment.entry(location.rpartition("/")[2])
    deployment.clock.passes(60)
    forget(deployment, location)
    with pytest.raises(LostRace) as lost:
        deployment.store.send_again(seen)
    assert lost.value.entry.job is None


# what instances remember


def test_another_instance_may_serve_it_for_some_seconds_and_no_longer(
    deployment: MotoDeployment,
) -> None:
    other = replace(deployment)
    location = answered(deployment)
    assert other.get(location).status == 200
    forget(deployment, location)
    assert deployment.get(location).status == 404
    deployment.clock.passes(MAX_AGE_S)
    assert other.get(location).status == 404


def test_a_table_that_does_not_answer_is_a_503(deployment: MotoDeployment) -> None:
    class Silent:
        def delete_item(self, **_: Any) -> None:
            raise ReadTimeoutError(endpoint_url="https://dynamodb")

    location = answered(deployment)
    silent: Any = Silent()
    assert forget(replace(deployment, dynamodb=silent), location).status == 503
