"""A private answer is for the caller who asked, and to everybody else as if it were not there."""

import pytest

from backburner.local_cache import MAX_AGE_S

from .conftest import HandlerReply, MotoDeployment, http_event, with_token

ASKED = "/v1/whispering?number=21"
PUBLIC = "/v1/doubling?number=21"


def ask_as(
    deployment: MotoDeployment, subject: str | None, path: str, **headers: str
) -> HandlerReply:
    path, _, query = path.partition("?")
    event = http_event("GET", path, query=query, headers=headers)
    return deployment.ask(event if subject is None else with_token(event, subject))


def answered(deployment: MotoDeployment, subject: str) -> HandlerReply:
    ask_as(deployment, subject, ASKED)
    deployment.work()
    return ask_as(deployment, subject, ASKED)


def test_a_private_answer_is_served_to_its_caller(deployment: MotoDeployment) -> None:
    reply = answered(deployment, "ann")
    assert (reply.status, reply.json) == (200, {"doubled": 42.0})
    location = reply.headers["content-location"]
    assert ask_as(deployment, "ann", location).text == reply.text


def test_no_cache_that_others_share_may_keep_it(deployment: MotoDeployment) -> None:
    reply = answered(deployment, "ann")
    assert reply.headers["cache-control"] == "private, max-age=600, stale-while-revalidate=3600"
    assert reply.headers["vary"] == "accept-encoding, authorization"
    unchanged = ask_as(deployment, "ann", ASKED, if_none_match=reply.headers["etag"])
    assert unchanged.status == 304
    assert unchanged.headers["cache-control"].startswith("private, ")


def test_equal_questions_of_two_callers_are_two(deployment: MotoDeployment) -> None:
    ann, bob = answered(deployment, "ann"), ask_as(deployment, "bob", ASKED)
    assert bob.status == 202
    assert bob.signature != ann.signature


def test_to_another_caller_it_is_as_if_it_were_not_there(deployment: MotoDeployment) -> None:
    location = answered(deployment, "ann").headers["content-location"]
    unknown = f"/v1/whispering/{'a' * 64}"
    refused, missed = ask_as(deployment, "bob", location), ask_as(deployment, "bob", unknown)
    assert refused.status == missed.status == 404
    assert refused.headers == missed.headers
    assert refused.text == missed.text.replace("a" * 64, location.rpartition("/")[2])


def test_a_job_is_as_private_as_its_answer(deployment: MotoDeployment) -> None:
    location = ask_as(deployment, "ann", ASKED).headers["location"]
    assert ask_as(deployment, "ann", location).status == 202
    assert ask_as(deployment, "bob", location).status == 404


@pytest.mark.parametrize("fresh", [True, False])
def test_what_an_instance_remembers_is_private_too(deployment: MotoDeployment, fresh: bool) -> None:
    location = answered(deployment, "ann").headers["content-location"]
    deployment.clock.passes(0 if fresh else 600)
    assert ask_as(deployment, "ann", location).status == 200
    assert ask_as(deployment, "bob", location).status == 404


def test_who_does_not_say_who_they_are_is_told_how(deployment: MotoDeployment) -> None:
    location = answered(deployment, "ann").headers["content-location"]
    for path in (ASKED, location, f"/v1/whispering/{'a' * 64}", "/v1/whispering?number=x"):
        reply = ask_as(deployment, None, path)
        assert (reply.status, reply.headers["www-authenticate"]) == (401, "Bearer")
        assert reply.json["type"] == "urn:problem-type:backburner:unauthorized"
        assert "Authorization: Bearer" in reply.json["detail"]


def test_public_answers_are_for_everybody_whoever_asks(deployment: MotoDeployment) -> None:
    asked = ask_as(deployment, "ann", PUBLIC)
    deployment.work()
    for subject in ("ann", "bob", None):
        reply = ask_as(deployment, subject, PUBLIC)
        assert (reply.status, reply.signature) == (200, asked.signature)
        assert reply.headers["cache-control"].startswith("public, ")
        assert reply.headers["vary"] == "accept-encoding"


def test_the_entry_knows_whose_it_is_but_not_by_name(deployment: MotoDeployment) -> None:
    signature = answered(deployment, "ann").signature
    whose = deployment.entry(signature, "whispering").private_to
    assert len(whose) == 64
    assert "ann" not in str(deployment.item(signature))


def test_an_entry_from_before_there_were_private_ones_is_everybodys(
    deployment: MotoDeployment,
) -> None:
    signature = deployment.get(PUBLIC).signature
    deployment.dynamodb.update_item(
        TableName=deployment.table,
        Key={"signature": {"S": signature}},
        UpdateExpression="REMOVE private_to",
    )
    deployment.work()
    assert deployment.entry(signature).private_to == ""
    assert deployment.get(f"/v1/doubling/{signature}").status == 200


def test_an_entry_stays_private_through_every_step_of_its_job(deployment: MotoDeployment) -> None:
    location = ask_as(deployment, "ann", ASKED).headers["location"]
    signature = location.rpartition("/")[2]
    deployment.clock.passes(60)
    ask_as(deployment, "ann", location)
    run = deployment.store.begin(deployment.entry(signature, "whispering"))
    deployment.store.heartbeat(run, 0.5)
    deployment.store.give_back(run, 2)
    run = deployment.store.begin(deployment.entry(signature, "whispering"))
    deployment.store.fail(run, run.job.gave_up(deployment.clock()))
    assert ask_as(deployment, "ann", location).status == 500
    assert ask_as(deployment, "bob", location).status == 404


def test_a_dead_letter_buries_a_private_job(deployment: MotoDeployment) -> None:
    location = ask_as(deployment, "ann", ASKED).headers["location"]
    [failed_job] = deployment.messages()
    deployment.dead_letters.receive(failed_job)
    assert ask_as(deployment, "ann", location).status == 500
    assert ask_as(deployment, "bob", location).status == 404


def test_no_post_gets_around_it(deployment: MotoDeployment) -> None:
    assert deployment.post("/v1/whispering", {"number": 21}).status == 401


def test_the_list_of_computations_says_which_are_private(deployment: MotoDeployment) -> None:
    listed = {c["name"]: c["private"] for c in deployment.get("/v1").json["computations"]}
    assert listed["whispering"]
    assert not listed["doubling"]


def test_what_was_public_is_not_served_once_the_computation_is_private(
    deployment: MotoDeployment,
) -> None:
    """A policy changes with a deploy; what is in the table does not."""
    location = answered(deployment, "ann").headers["content-location"]
    signature = location.rpartition("/")[2]
    deployment.set(signature, "private_to", {"S": ""})
    deployment.clock.passes(MAX_AGE_S)
    assert ask_as(deployment, "ann", location).status == 404
