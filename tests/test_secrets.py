"""The value of a secret is only in the attempt: all that is left of one is searched for it."""

import io
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from backburner.attempt import alone, masking
from backburner.computation import Secret, declared
from backburner.errors import AttemptFailed, Returned
from tests.conftest import MotoDeployment, motos_own
from tests.support.traces import texts

DATABASE, CURRENCY = Secret("sales-database"), declared.Setting("currency")
PASSWORD = 'postgres://app:s3cret"w\\ord\n@db/sälés'  # noqa: S105 (of nothing)
"""JSON and repr() write parts of it in another way, but not this part:"""
TRACE = "s3cret"


@pytest.fixture
def deployment(deployment: MotoDeployment) -> Iterator[MotoDeployment]:
    """With the secret, and attempts in processes of their own."""
    deployment.worker = replace(deployment.worker, compute=alone.compute)
    with deployment.declared(PASSWORD):
        yield deployment


def ask(deployment: MotoDeployment, what: str) -> Any:
    return deployment.post("/v1/reporting", {"what": what})


def work(deployment: MotoDeployment, what: str) -> Any:
    """Ask, compute until there is an answer, and return it."""
    ask(deployment, what)
    [message] = deployment.messages()
    for _ in range(3):
        deployment.clock.passes(30)
        with suppress(Returned):
            deployment.worker.receive(message)
        if (response := ask(deployment, what)).status != 202:
            return response
    raise AssertionError("there is no answer")


def left(deployment: MotoDeployment) -> str:
    """All that is in the table, the queues and the bucket."""
    queues = [deployment.queue_url, deployment.failed_jobs_url]
    objects = [
        deployment.s3.get_object(Bucket=deployment.bucket, Key=key)["Body"].read()
        for key in deployment.objects()
    ]
    stored = [
        deployment.dynamodb.scan(TableName=deployment.table)["Items"],
        [message.body for url in queues for message in motos_own(url)._messages],
        objects,
    ]
    return "\n".join(texts(stored))


WHAT = ["currency", "length", "refuse", "fail", "crash", "tell"]


@pytest.mark.parametrize("what", WHAT)
def test_a_secret_is_in_no_log_item_message_object_or_response(
    what: str, deployment: MotoDeployment, logged: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    response = work(deployment, what)
    assert response.status != 202
    printed = capfd.readouterr()
    stored = left(deployment)
    assert "reporting" in stored
    everything = [logged.getvalue(), printed.out, printed.err, stored, *texts(response.event)]
    assert TRACE not in "\n".join(everything)


def test_what_is_searched_would_show_it(
    deployment: MotoDeployment, logged: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without masks, a refusal puts it into the item and the response."""
    monkeypatch.setattr(masking, "_secrets", dict)
    response = work(deployment, "refuse")
    assert TRACE in left(deployment)
    assert TRACE in response.text
    work(deployment, "fail")
    assert TRACE in logged.getvalue()


def test_a_secret_becomes_stars_in_a_refusal(deployment: MotoDeployment) -> None:
    refused = work(deployment, "refuse")
    assert (refused.status, refused.json["detail"]) == (422, "'***' does not answer")


def test_a_secret_becomes_stars_in_the_log_of_a_failure(
    deployment: MotoDeployment, logged: io.StringIO
) -> None:
    assert work(deployment, "fail").status == 500
    assert '"reason":"cannot connect to ***"' in logged.getvalue()


def test_a_result_with_a_secret_is_a_failed_attempt_that_names_the_secret(
    deployment: MotoDeployment, logged: io.StringIO
) -> None:
    assert work(deployment, "tell").status == 500
    assert "result that contains the secret 'sales-database'; leave it out" in logged.getvalue()


def test_a_missing_secret_fails_the_attempt_which_is_tried_again(
    deployment: MotoDeployment, logged: io.StringIO
) -> None:
    elsewhere = replace(deployment.declared_values, prefix="staging")
    deployment.worker = replace(deployment.worker, declared_values=elsewhere)
    ask(deployment, "length")
    [message] = deployment.messages()
    with pytest.raises(Returned):
        deployment.worker.receive(message)
    assert "aws secretsmanager create-secret --name staging/sales-database" in logged.getvalue()
    deployment.clock.passes(60)
    deployment.worker = replace(deployment.worker, declared_values=deployment.declared_values)
    deployment.worker.receive(message)
    assert ask(deployment, "length").json == {"said": str(len(PASSWORD))}


@pytest.mark.parametrize(
    "value", ["hidden-away", PASSWORD, "x'y\"z", "\\", "a\tb", "ä", "\x7f\x00"]
)
@pytest.mark.parametrize("written", [str, repr, json.dumps, lambda v: json.dumps([v])])
def test_a_secret_is_masked_however_it_is_written(value: str, written: Any) -> None:
    with declared.given({DATABASE: value}):
        masked = masking.masked(f"before {written(value)} after")
    assert value not in masked.replace("after", "")
    assert repr(value)[1:-1] not in masked.replace("after", "")
    assert masking.MASK in masked


def test_the_longest_secret_is_masked_first() -> None:
    with declared.given({DATABASE: "pass", Secret("other"): "password"}):
        assert masking.masked("a password, a pass") == "a ***, a ***"


def test_a_secret_without_text_masks_nothing() -> None:
    with declared.given({DATABASE: ""}):
        assert masking.masked("text") == "text"


def test_settings_are_no_secrets() -> None:
    with declared.given({CURRENCY: "SEK-SEK-SEK"}):
        assert masking.masked("in SEK-SEK-SEK") == "in SEK-SEK-SEK"
        masking.check(b'"SEK-SEK-SEK"')


@pytest.mark.parametrize(("value", "is_found"), [("12345678", True), ("1234567", False)])
def test_a_short_secret_may_be_in_a_result_by_chance(value: str, is_found: bool) -> None:
    with declared.given({DATABASE: value}):
        if is_found:
            with pytest.raises(AttemptFailed, match="the secret 'sales-database'"):
                masking.check(b'{"n":1234567890}')
        else:
            masking.check(b'{"n":1234567890}')
