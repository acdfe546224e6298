"""Questions that were asked before are not read again."""

import json
import tracemalloc
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest

from backburner.computation import Computation, registry
from backburner.http import parameters
from backburner.http.event import Request
from backburner.http.memo import BYTES_EACH, MAX_BYTES, key_of, new_memo
from backburner.protocol.signature import Signature
from tests.conftest import MotoDeployment, http_event, with_token

QUESTION = {"number": 4, "weights": [1, 2, 3]}


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The computations whose parameters were read, one for each time."""
    names: list[str] = []
    of = parameters.of

    def noting(request: Request, computation: Computation) -> Any:
        names.append(computation.name)
        return of(request, computation)

    monkeypatch.setattr(parameters, "of", noting)
    return names


def test_a_question_is_read_once(deployment: MotoDeployment, read: list[str]) -> None:
    replies = [deployment.post("/v1/doubling", QUESTION) for _ in range(3)]
    assert {(r.status, r.signature) for r in replies} == {(202, replies[0].signature)}
    deployment.work()
    hits = [deployment.post("/v1/doubling", QUESTION) for _ in range(3)]
    assert {(r.status, r.signature) for r in hits} == {(200, replies[0].signature)}
    assert read == ["doubling"]


def test_so_is_a_question_in_a_query(deployment: MotoDeployment, read: list[str]) -> None:
    for _ in range(3):
        assert deployment.get("/v1/doubling?number=4").status == 202
    assert read == ["doubling"]


def test_a_question_that_was_asked_before_can_start_a_job(
    deployment: MotoDeployment, read: list[str]
) -> None:
    asked = deployment.post("/v1/doubling", QUESTION)
    parameters_before = deployment.entry(asked.signature).the_job.parameters
    deployment.empty()
    again = deployment.post("/v1/doubling", QUESTION)
    assert (again.status, again.signature) == (202, asked.signature)
    assert deployment.entry(again.signature).the_job.parameters == parameters_before
    deployment.work()
    assert deployment.post("/v1/doubling", QUESTION).status == 200
    assert read == ["doubling"] * 2


def test_what_is_refused_is_read_and_refused_each_time(
    deployment: MotoDeployment, read: list[str]
) -> None:
    assert deployment.post("/v1/doubling", QUESTION).status == 202
    for _ in range(3):
        assert deployment.post("/v1/doubling", {"number": "x"}).status == 422
        assert deployment.post("/v1/doubling", QUESTION, content_type="text/plain").status == 415
    assert len(deployment.request_handler.memo) == 1
    assert len(read) == 7


def test_an_answer_is_private_though_its_question_was_asked_before(
    deployment: MotoDeployment,
) -> None:
    event = http_event("GET", "/v1/whispering", query="number=4")
    ann = deployment.ask(with_token(dict(event), "ann"))
    assert ann.status == 202
    event["requestContext"].pop("authorizer", None)
    assert deployment.ask(event).status == 401
    bob = deployment.ask(with_token(dict(event), "bob"))
    assert (bob.status, bob.signature == ann.signature) == (202, False)


DOUBLING = "doubling"
OTHERS: dict[str, dict[str, Any]] = {
    "method": {"method": "GET"},
    "query": {"query": "number=5"},
    "body": {"body": b'{"number":5}'},
    "content type": {"headers": {"content-type": "text/plain"}},
    "no content type": {"headers": {}},
}


def asked(**others: Any) -> Request:
    headers = {"content-type": "application/json"}
    event = http_event("POST", "/v1/doubling", query="", headers=headers, body='{"number":4}')
    return replace(Request.from_event(event), **others)


@pytest.mark.parametrize("other", OTHERS)
def test_a_key_is_made_from_all_of_a_request_that_a_signature_depends_on(other: str) -> None:
    doubling = registry.load(DOUBLING)
    assert key_of(asked(), doubling, "") == key_of(asked(), doubling, "")
    assert key_of(asked(), doubling, "") != key_of(asked(**OTHERS[other]), doubling, "")


def test_a_key_is_made_from_the_computation_its_version_and_the_caller() -> None:
    doubling = registry.load(DOUBLING)
    raised = replace(doubling, policy=replace(doubling.policy, version=9))
    keys = [
        key_of(asked(), each, private_to)
        for each in (doubling, raised, replace(doubling, name="redoubling"))
        for private_to in ("", "a" * 64, "b" * 64)
    ]
    assert len(set(keys)) == 9


def test_no_text_of_one_part_of_a_key_is_taken_for_another() -> None:
    doubling = registry.load(DOUBLING)
    one = asked(query="a', 'b", headers={"content-type": "c"}, body=b"d")
    other = asked(query="a", headers={"content-type": "b', 'c"}, body=b"d")
    line = asked(query="", headers={"content-type": "c\n"}, body=b"d")
    body = asked(query="", headers={"content-type": "c"}, body=b"\nd")
    assert len({key_of(each, doubling, "") for each in (one, other, line, body)}) == 4


def test_the_memo_keeps_no_more_than_its_bytes() -> None:
    memo, most = new_memo(), MAX_BYTES // BYTES_EACH
    tracemalloc.start()
    try:
        for n in range(2 * most):
            text = json.dumps(n).encode()
            memo[sha256(text).digest()] = Signature(sha256(b"signed" + text).hexdigest())
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(memo) == most
    assert taken <= MAX_BYTES


def test_parameters_that_have_another_value_each_time_start_no_job_under_an_old_signature(
    deployment: MotoDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = deployment.post("/v1/doubling", QUESTION)
    deployment.empty()
    monkeypatch.setattr(parameters, "dump", lambda _: b'{"number":5}')
    assert deployment.post("/v1/doubling", QUESTION).status == 500
    with pytest.raises(KeyError):
        deployment.item(asked.signature)
    assert deployment.messages() == []
