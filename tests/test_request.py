"""The worker pattern, as the request sees it."""

import gzip
import io
import json
from base64 import b64decode
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)

from backburner import __version__
from backburner.aws.time_limits import TimeIsUp
from backburner.http.response import FOR_BROWSERS
from backburner.protocol.task_queue import COUNT_EVERY_S, Message, TaskQueue
from backburner.request import respond
from backburner.retry_after.run_times import Sample

from .conftest import HandlerReply, Invoke, MotoDeployment, http_event

ASKED = "/v1/doubling?number=21"


# nothing there: placeholder, message, come back


def test_a_miss_sets_a_placeholder_sends_a_message_and_says_come_back(
    deployment: MotoDeployment,
) -> None:
    reply = deployment.get(ASKED)
    assert reply.status == 202
    assert reply.headers["location"] == f"/v1/doubling/{reply.signature}"
    assert reply.headers["retry-after"] == "2"
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["cache-status"] == "backburner; fwd=miss"
    assert deployment.entry(reply.signature).the_job.state == "queued"
    [message] = deployment.messages()
    assert Message.read(message.body).signature == reply.signature


def test_the_body_of_a_202_says_what_is_known(deployment: MotoDeployment) -> None:
    reply = deployment.get(ASKED)
    assert reply.json == {
        "state": "queued",
        "signature": reply.signature,
        "requested_at": "2027-01-15T08:00:00.000+00:00",
        "attempts": 0,
        "progress": None,
        "retry_after": 2.0,
        "expected_at": "2027-01-15T08:00:02.000+00:00",
        "gives_up_at": "2027-01-15T09:00:00.000+00:00",
    }


def test_a_client_that_prefers_it_gets_a_minimal_202(deployment: MotoDeployment) -> None:
    reply = deployment.get(ASKED, prefer="respond-async, return=minimal")
    assert (reply.status, reply.text) == (202, "")
    assert reply.headers["preference-applied"] == "return=minimal"


# placeholder there: come back


def test_an_equal_request_starts_no_second_job(deployment: MotoDeployment) -> None:
    first = deployment.get(ASKED)
    for _ in range(50):
        assert deployment.post("/v1/doubling", {"number": 21.0}).signature == first.signature
    assert len(deployment.messages()) == 1


def test_a_request_that_joins_a_job_is_told_so(deployment: MotoDeployment) -> None:
    deployment.get(ASKED)
    assert deployment.get(ASKED).headers["cache-status"] == "backburner; fwd=miss; collapsed"


def test_a_running_job_shows_its_progress(deployment: MotoDeployment) -> None:
    reply = deployment.get(ASKED)
    run = deployment.store.begin(deployment.entry(reply.signature))
    deployment.store.heartbeat(run, 0.5)
    status = deployment.get(ASKED).json
    assert (status["state"], status["attempts"], status["progress"]) == ("running", 1, 0.5)


# result there: served


def test_a_result_is_served_from_then_on(deployment: MotoDeployment) -> None:
    deployment.get(ASKED)
    deployment.work()
    reply = deployment.get(ASKED)
    assert (reply.status, reply.json) == (200, {"doubled": 42.0, "label": ""})
    assert reply.headers["content-location"] == f"/v1/doubling/{reply.signature}"
    assert reply.headers["cache-status"] == "backburner; hit; ttl=600"
    assert reply.headers["cache-control"] == "public, max-age=600, stale-while-revalidate=3600"
    assert deployment.messages() == []


def test_an_answer_grows_old(deployment: MotoDeployment) -> None:
    deployment.get(ASKED)
    deployment.work()
    deployment.clock.passes(100)
    reply = deployment.get(ASKED)
    assert reply.headers["age"] == "100"
    assert reply.headers["cache-status"] == "backburner; hit; ttl=500"


def test_a_client_that_has_the_result_gets_304(deployment: MotoDeployment) -> None:
    deployment.get(ASKED)
    deployment.work()
    etag = deployment.get(ASKED).headers["etag"]
    for seen in (etag, f'"other", {etag}', "*", etag.removeprefix("W/")):
        reply = deployment.get(ASKED, if_none_match=seen)
        assert (reply.status, reply.text, reply.headers["etag"]) == (304, "", etag)
    assert deployment.get(ASKED, if_none_match='"other"').status == 200


def test_the_location_serves_the_same_bytes(deployment: MotoDeployment) -> None:
    location = deployment.get(ASKED).headers["location"]
    assert deployment.get(location).status == 202
    deployment.work()
    by_location, by_parameters = deployment.get(location), deployment.get(ASKED)
    assert by_location.text == by_parameters.text
    assert by_location.headers == by_parameters.headers


def test_a_client_that_takes_gzip_gets_it_as_stored(deployment: MotoDeployment) -> None:
    deployment.get(ASKED)
    deployment.work()
    reply = deployment.get(ASKED, accept_encoding="br, gzip")
    assert reply.headers["content-encoding"] == "gzip"
    stored = b64decode(reply.event["body"])
    assert stored == deployment.entry(reply.signature).the_answer.body
    assert json.loads(gzip.decompress(stored)) == {"doubled": 42.0, "label": ""}


def test_a_head_request_is_a_get_without_the_body(invoke: Invoke) -> None:
    event = http_event("HEAD", "/health")
    about = {"content-type": "application/json", "cache-control": "no-store"}
    headers = {**about, **FOR_BROWSERS}
    assert invoke("RequestFunction", event) == {
        "statusCode": 200,
        "headers": headers,
        "body": "",
        "isBase64Encoded": False,
    }
    assert invoke("RequestFunction", http_event("GET", "/health"))["body"] != ""


# leases


def test_a_job_whose_lease_ran_out_is_sent_again_by_the_next_request(
    deployment: MotoDeployment,
) -> None:
    first = deployment.get(ASKED)
    [lost] = deployment.messages()
    deployment.clock.passes(60)
    again = deployment.get(ASKED)
    assert again.headers["cache-status"] == "backburner; fwd=miss"
    [message] = deployment.messages()
    assert message.body == lost.body
    assert again.json["requested_at"] == first.json["requested_at"]


def test_the_location_sends_again_too(deployment: MotoDeployment) -> None:
    location = deployment.get(ASKED).headers["location"]
    deployment.messages()
    deployment.clock.passes(60)
    assert deployment.get(location).status == 202
    assert len(deployment.messages()) == 1


def test_a_job_whose_attempts_are_used_up_is_buried_by_the_next_request(
    deployment: MotoDeployment,
) -> None:
    reply = deployment.get(ASKED)
    for _ in range(3):
        deployment.store.begin(deployment.entry(reply.signature))
        deployment.clock.passes(30)
    reply = deployment.get(ASKED)
    assert (reply.status, reply.json["title"]) == (500, "The computation was given up")
    assert "3 of 3 attempts" in reply.json["detail"]
    assert reply.headers["retry-after"] == "60"


def test_no_client_is_left_polling_past_the_time_when_the_job_is_given_up(
    deployment: MotoDeployment,
) -> None:
    reply = deployment.get(ASKED)
    deployment.clock.passes(3599)
    deployment.store.begin(deployment.entry(reply.signature))
    deployment.clock.passes(1)
    assert deployment.get(ASKED).status == 500


def test_a_failure_is_the_answer_for_a_while_and_then_tried_afresh(
    deployment: MotoDeployment,
) -> None:
    asked = "/v1/doubling?number=-1"
    deployment.get(asked)
    deployment.work()
    reply = deployment.get(asked)
    assert (reply.status, reply.headers["content-type"]) == (422, "application/problem+json")
    assert "-1" in reply.json["detail"]
    assert reply.headers["cache-control"] == "no-store"
    deployment.clock.passes(59)
    assert deployment.get(asked).headers["retry-after"] == "1"
    assert deployment.messages() == []
    deployment.clock.passes(1)
    assert deployment.get(asked).status == 202
    assert len(deployment.messages()) == 1


def test_a_failure_that_comes_back_is_kept_twice_as_long_each_time(
    deployment: MotoDeployment,
) -> None:
    asked = "/v1/doubling?number=-1"
    kept_for = []
    for _ in range(8):
        deployment.get(asked)
        deployment.work()
        kept_for.append(int(deployment.get(asked).headers["retry-after"]))
        deployment.clock.passes(kept_for[-1])
    assert kept_for == [60, 120, 240, 480, 960, 1920, 1920, 1920]


def test_a_failure_is_kept_for_longer_than_a_client_was_told_to_wait(
    deployment: MotoDeployment,
) -> None:
    asked = "/v1/doubling?number=-1&takes=500"
    wait = int(deployment.get(asked).headers["retry-after"])
    deployment.work()
    deployment.clock.passes(wait)
    assert (wait, deployment.get(asked).status) == (500, 422)


# stale


def stale(deployment: MotoDeployment) -> MotoDeployment:
    deployment.get(ASKED)
    deployment.work()
    deployment.clock.passes(600)
    return deployment


def test_a_stale_answer_is_served_while_one_refresh_runs_behind_it(
    deployment: MotoDeployment,
) -> None:
    for _ in range(3):
        reply = stale(deployment).get(ASKED)
        assert reply.status == 200
        assert reply.headers["cache-status"] == "backburner; hit; ttl=-1; detail=refreshing"
        deployment.clock.passes(-600)
    assert len(deployment.messages()) == 1


def test_a_refresh_that_fails_leaves_the_stale_answer_and_waits(deployment: MotoDeployment) -> None:
    reply = stale(deployment).get(ASKED)
    deployment.messages()
    run = deployment.store.begin(deployment.entry(reply.signature))
    deployment.store.fail(run, run.job.gave_up(deployment.clock()))
    assert deployment.get(ASKED).status == 200
    assert deployment.messages() == []
    deployment.clock.passes(60)
    assert deployment.get(ASKED).status == 200
    assert len(deployment.messages()) == 1


def test_the_location_serves_a_stale_answer_but_cannot_refresh_it(
    deployment: MotoDeployment,
) -> None:
    location = stale(deployment).get(ASKED).headers["content-location"]
    deployment.work()
    deployment.clock.passes(600)
    assert deployment.get(location).headers["cache-status"] == "backburner; hit; ttl=-1"
    assert deployment.messages() == []


def test_nothing_is_served_after_its_end_though_dynamodb_has_not_deleted_it(
    deployment: MotoDeployment,
) -> None:
    location = stale(deployment).get(ASKED).headers["content-location"]
    deployment.work()
    deployment.clock.passes(600 + 3600)
    assert deployment.get(location).status == 404
    assert deployment.get(ASKED).status == 202


# races


class Rival:
    """A client of DynamoDB that lets a rival in after our first read."""

    def __init__(self, deployment: MotoDeployment, rival: Any) -> None:
        self.dynamodb, self.rival = deployment.dynamodb, rival

    def get_item(self, **call: Any) -> Any:
        found = self.dynamodb.get_item(**call)
        rival, self.rival = self.rival, lambda: None
        rival()
        return found

    def update_item(self, **call: Any) -> Any:
        return self.dynamodb.update_item(**call)


class Behind(Rival):
    """A client of DynamoDB whose eventually consistent reads find nothing."""

    def get_item(self, **call: Any) -> Any:
        return self.dynamodb.get_item(**call) if call.get("ConsistentRead") else {}


def test_of_two_equal_requests_at_the_same_moment_one_sends(deployment: MotoDeployment) -> None:
    replies: list[HandlerReply] = []
    late = replace(
        deployment, dynamodb=Rival(deployment, lambda: replies.append(deployment.get(ASKED)))
    )
    reply = late.get(ASKED)
    assert reply.status == replies[0].status == 202
    assert reply.signature == replies[0].signature
    assert reply.headers["cache-status"] == "backburner; fwd=miss; collapsed"
    assert len(deployment.messages()) == 1


def test_a_request_that_loses_against_an_answer_serves_it(deployment: MotoDeployment) -> None:
    def computed_meanwhile() -> None:
        deployment.get(ASKED)
        deployment.work()

    late = replace(deployment, dynamodb=Rival(deployment, computed_meanwhile))
    assert late.get(ASKED).status == 200


def test_a_signature_that_was_just_handed_out_is_never_unknown(deployment: MotoDeployment) -> None:
    """An eventually consistent read may miss what was just written."""
    location = deployment.get(ASKED).headers["location"]

    late = replace(deployment, dynamodb=Behind(deployment, None))
    assert late.get(location).status == 202
    assert late.get(ASKED).headers["cache-status"] == "backburner; fwd=miss; collapsed"


def test_a_request_that_always_loses_says_so(deployment: MotoDeployment) -> None:
    class Contested(Rival):
        def update_item(self, **call: Any) -> Any:
            raise ClientError(
                {"Error": {"Code": "ConditionalCheckFailedException", "Message": ""}}, "UpdateItem"
            )

    late = replace(deployment, dynamodb=Contested(deployment, lambda: None))
    reply = late.get(ASKED)
    assert (reply.status, reply.headers["retry-after"]) == (503, "2")


# too much is waiting


def backlogged(deployment: MotoDeployment, **changes: Any) -> MotoDeployment:
    """The same table and queue, seen by an instance that lets one message wait at most."""
    late = replace(deployment)
    late.task_queue.max_backlog = 1
    late.request_handler = replace(late.request_handler, **changes)
    return late


def test_new_work_is_refused_while_too_much_is_waiting(deployment: MotoDeployment) -> None:
    first = deployment.get(ASKED)
    full = backlogged(deployment)
    reply = full.get("/v1/doubling?number=1")
    assert (reply.status, reply.headers["retry-after"]) == (503, "2")
    assert reply.json["type"] == "urn:problem-type:backburner:unavailable"
    assert [Message.read(m.body).signature for m in deployment.messages()] == [first.signature]


def test_those_who_are_refused_come_back_at_different_times(deployment: MotoDeployment) -> None:
    deployment.get(ASKED)
    deployment.run_times.add("doubling", Sample(queue_wait=20, run_share=1))
    waits = [
        backlogged(deployment, random=lambda r=r: r).get("/v1/doubling?number=1")
        for r in (0.0, 0.5, 0.99)
    ]
    assert [reply.headers["retry-after"] for reply in waits] == ["20", "30", "40"]


def test_work_is_taken_again_when_less_is_waiting(deployment: MotoDeployment) -> None:
    deployment.get(ASKED)
    full = backlogged(deployment)
    assert full.get("/v1/doubling?number=1").status == 503
    deployment.work()
    assert full.get("/v1/doubling?number=1").status == 503
    deployment.clock.passes(COUNT_EVERY_S)
    assert full.get("/v1/doubling?number=1").status == 202


def test_a_poll_of_work_under_way_is_served_however_much_is_waiting(
    deployment: MotoDeployment,
) -> None:
    location = deployment.get(ASKED).headers["location"]
    full = backlogged(deployment)
    assert full.get(ASKED).headers["cache-status"] == "backburner; fwd=miss; collapsed"
    assert full.get(location).status == 202


def test_a_poll_that_an_old_read_takes_for_new_work_is_served(deployment: MotoDeployment) -> None:
    deployment.get(ASKED)
    full = backlogged(replace(deployment, dynamodb=Behind(deployment, None)))
    assert full.get(ASKED).headers["cache-status"] == "backburner; fwd=miss; collapsed"


def test_a_lost_job_is_sent_again_however_much_is_waiting(deployment: MotoDeployment) -> None:
    deployment.get(ASKED)
    deployment.clock.passes(60)
    assert backlogged(deployment).get(ASKED).headers["cache-status"] == "backburner; fwd=miss"
    assert len(deployment.messages()) == 2


def test_hits_are_served_however_much_is_waiting(deployment: MotoDeployment) -> None:
    deployment.get(ASKED)
    deployment.work()
    deployment.get("/v1/doubling?number=1")
    assert backlogged(deployment).get(ASKED).headers["cache-status"] == "backburner; hit; ttl=600"


def test_a_stale_answer_is_served_although_its_refresh_is_refused(
    deployment: MotoDeployment,
) -> None:
    signature = stale(deployment).get("/v1/doubling?number=1").signature
    reply = backlogged(deployment).get(ASKED)
    assert (reply.status, reply.headers["cache-status"]) == (200, "backburner; hit; ttl=-1")
    assert [Message.read(m.body).signature for m in deployment.messages()] == [signature]


def test_work_is_taken_where_the_queue_does_not_say_how_long_it_is(
    deployment: MotoDeployment,
) -> None:
    class Mute(NoQueue):
        def get_queue_attributes(self, **_: Any) -> None:
            raise ClientError({"Error": {"Code": "Throttling"}}, "GetQueueAttributes")

        def send_message(self, **call: Any) -> None:
            self.deployment.sqs.send_message(**call)

    deployment.get(ASKED)
    full = backlogged(replace(deployment, sqs=Mute(deployment)))
    assert full.get("/v1/doubling?number=1").status == 202


def test_refused_work_is_counted(
    deployment: MotoDeployment, capsys: pytest.CaptureFixture[str]
) -> None:
    deployment.get(ASKED)
    capsys.readouterr()
    backlogged(deployment).get("/v1/doubling?number=1")
    [metric] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (metric["refused"], metric["computation"]) == ([1.0], "doubling")


# the queue or the table does not answer


class NoQueue:
    """A queue that does not take a message, though it may have it."""

    def __init__(self, deployment: MotoDeployment, *, but_has_it: bool = False) -> None:
        self.deployment, self.but_has_it = deployment, but_has_it

    def send_message(self, **call: Any) -> None:
        if self.but_has_it:
            self.deployment.sqs.send_message(**call)
            self.deployment.work()
        raise ClientError({"Error": {"Code": "ServiceUnavailable", "Message": "no"}}, "SendMessage")


def test_a_message_that_cannot_be_sent_leaves_nothing_that_looks_alive(
    deployment: MotoDeployment,
) -> None:
    broken = replace(deployment, sqs=NoQueue(deployment))
    reply = broken.get(ASKED)
    assert (reply.status, reply.headers["retry-after"]) == (503, "2")
    assert reply.json["type"] == "urn:problem-type:backburner:unavailable"
    assert deployment.get(ASKED).status == 202
    assert len(deployment.messages()) == 1


def test_a_message_that_got_through_unheard_is_not_taken_back(deployment: MotoDeployment) -> None:
    sqs = NoQueue(deployment, but_has_it=True)
    assert replace(deployment, sqs=sqs).get(ASKED).status == 200


def test_a_stale_answer_is_served_although_its_refresh_cannot_be_sent(
    deployment: MotoDeployment,
) -> None:
    stale(deployment)
    broken = replace(deployment, sqs=NoQueue(deployment))
    assert broken.get(ASKED).status == 200


def test_a_stale_answer_is_served_although_the_table_takes_no_claim(
    deployment: MotoDeployment,
) -> None:
    class ReadOnly(Rival):
        def update_item(self, **call: Any) -> Any:
            raise ClientError({"Error": {"Code": "Throttling", "Message": "no"}}, "UpdateItem")

    stale(deployment)
    dynamodb = ReadOnly(deployment, lambda: None)
    late = replace(deployment, dynamodb=dynamodb)
    assert late.get(ASKED).status == 200
    assert late.get("/v1/doubling?number=1").status == 503


class Refusing:
    """A client whose every call ends in the same error."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __getattr__(self, name: str) -> Any:
        def call(**_: Any) -> None:
            raise self.error

        return call


def error_of(code: str, status: int = 400) -> ClientError:
    told: Any = {
        "Error": {"Code": code, "Message": "no"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(told, "Call")


PASSING = [
    error_of("ProvisionedThroughputExceededException"),
    error_of("ThrottlingException"),
    error_of("RequestLimitExceeded"),
    error_of("RequestThrottled", 403),
    error_of("InternalServerError", 500),
    ReadTimeoutError(endpoint_url="https://aws"),
    EndpointConnectionError(endpoint_url="https://aws"),
    TimeIsUp(total=1),
]
OURS = [
    error_of("AccessDeniedException"),
    error_of("ValidationException"),
    error_of("ResourceNotFoundException"),
    NoCredentialsError(),
]


@pytest.mark.parametrize("side", ["dynamodb", "sqs"])
@pytest.mark.parametrize(
    ("error", "status", "retry_after", "message"),
    [(error, 503, "2", "AWS did not answer") for error in PASSING]
    + [(error, 500, None, "AWS refused a call") for error in OURS],
    ids=str,
)
def test_whoever_asks_is_told_to_ask_again_where_that_may_help_and_an_error_is_logged(
    deployment: MotoDeployment,
    logged: io.StringIO,
    side: str,
    error: Exception,
    status: int,
    retry_after: str | None,
    message: str,
) -> None:
    sides: dict[str, Any] = {side: Refusing(error)}
    reply = replace(deployment, **sides).get(ASKED)
    assert (reply.status, reply.headers.get("retry-after")) == (status, retry_after)
    [line] = [json.loads(line) for line in logged.getvalue().splitlines()]
    assert (line["level"], line["message"]) == ("ERROR", message)


@pytest.mark.parametrize("error", [PASSING[0], OURS[0]], ids=str)
def test_a_stale_answer_is_served_and_an_error_says_that_it_is_not_refreshed(
    deployment: MotoDeployment, logged: io.StringIO, error: Exception
) -> None:
    stale(deployment)
    logged.truncate(0)
    sqs: Any = Refusing(error)
    assert replace(deployment, sqs=sqs).get(ASKED).status == 200
    assert '"message":"a stale answer is not refreshed"' in logged.getvalue()
    assert '"level":"ERROR"' in logged.getvalue()


@pytest.mark.parametrize(("error", "level"), [(PASSING[0], "WARNING"), (OURS[0], "ERROR")], ids=str)
def test_what_can_be_done_without_is_an_error_only_if_the_fault_is_ours(
    deployment: MotoDeployment, logged: io.StringIO, error: Exception, level: str
) -> None:
    counting: Any = Refusing(error)
    queue = TaskQueue(lambda: counting, "url", max_backlog=1)
    assert not queue.is_full()
    run_times = replace(deployment.run_times, client=counting)
    run_times.of("doubling")
    run_times.add("doubling", Sample(1, 1))
    levels = [json.loads(line)["level"] for line in logged.getvalue().splitlines()]
    assert levels == [level] * 3


def test_a_job_without_a_message_whose_lease_could_not_be_ended_is_said_to_be_none(
    deployment: MotoDeployment, logged: io.StringIO
) -> None:
    class ClaimsOnly(Rival):
        def update_item(self, **call: Any) -> Any:
            if call["UpdateExpression"].startswith("SET job.lease = :now,"):
                raise ReadTimeoutError(endpoint_url="https://aws")
            return deployment.dynamodb.update_item(**call)

    dynamodb = ClaimsOnly(deployment, lambda: None)
    broken = replace(deployment, dynamodb=dynamodb, sqs=NoQueue(deployment))
    reply = broken.get(ASKED)
    assert (reply.status, reply.headers["retry-after"]) == (503, "2")
    assert "looks alive until its lease has run out" in logged.getvalue()
    deployment.clock.passes(60)
    assert deployment.get(ASKED).status == 202
    assert len(deployment.messages()) == 1


def test_whatever_else_breaks_is_a_problem_without_its_inside(deployment: MotoDeployment) -> None:
    broken = replace(deployment.request_handler, random=lambda: 1 / 0)
    reply = HandlerReply(
        respond(http_event("GET", "/v1/doubling", query="number=1"), broken).as_event()
    )
    assert (reply.status, reply.headers["content-type"]) == (500, "application/problem+json")
    assert "Zero" not in reply.text


# what is not asked of the table


def test_health_tells_the_version(deployment: MotoDeployment) -> None:
    assert deployment.get("/health").json == {"status": "ok", "version": __version__}


def test_the_list_of_computations_documents_each(deployment: MotoDeployment) -> None:
    listed = {c["name"]: c for c in deployment.get("/v1").json["computations"]}
    doubling = listed["doubling"]
    assert doubling["href"] == "/v1/doubling"
    assert doubling["parameters"]["properties"]["number"]["type"] == "number"
    assert doubling["result"]["properties"]["doubled"]["type"] == "number"
    assert deployment.post("/v1/doubling", doubling["example"]).status == 202
