"""Requests made up from the OpenAPI document, good and bad, and all that schemathesis can check.

They go through the local deployment's front, into the request function as it is deployed; a worker
takes the job after every other request. `make fuzz` asks for more of them.
"""

import gzip
import json
import os
import secrets
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from schemathesis.config import PositiveDataAcceptanceConfig, SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder

import computations
from backburner.development.local.http_api import HttpApi
from backburner.request import respond
from tests.conftest import MotoDeployment
from tests.support.tokens import bearer

pytestmark = pytest.mark.evidence

HERE = Path(__file__).parent
SHIPPED = list(computations.__path__)
OURS = ["every-kind", "private-kind"]
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "75"))
"""How many requests are made up for each operation; the coverage of each schema comes on top."""
AT_LEAST = max(2_000, 10 * EXAMPLES)

TOKEN = bearer("ann").removeprefix("Bearer ")
AWS_SIGNATURE = "AWS4-HMAC-SHA256 Credential=AKID/20270115/us-east-1/execute-api/aws4_request"

CONFIG = {
    "seed": int(os.environ.get("FUZZ_SEED", "1")),
    "workers": 1,
    "auth": {"openapi": {"token": {"bearer": TOKEN}, "operator": {"api_key": AWS_SIGNATURE}}},
    # Its probes break on a WSGI application; test_private.py and test_forget.py do as much.
    "checks": {"ignored_auth": {"enabled": False}},
    "generation": {
        "max-examples": EXAMPLES,
        "database": "none",
        # Text with U+0000 is refused, which JSON Schema has no plain word for: test_parameters.py.
        "allow-x00": False,
    },
    "operations": [
        {
            # It wants 401. API Gateway has 403 for what is not signed, and so have we.
            "include-method": "DELETE",
            "checks": {"missing_required_header": {"enabled": False}},
        },
        {
            # What is shipped may refuse what its schema cannot say: too many decimals, a window
            # that closes before it opens. Ours take whatever their schema allows.
            "exclude-tag": OURS,
            "checks": {
                "positive_data_acceptance": {
                    "expected-statuses": [*PositiveDataAcceptanceConfig().expected_statuses, "422"]
                }
            },
        },
    ],
}


@pytest.fixture(autouse=True)
def _computations_that_cannot_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are shipped, and ours; not those of the other tests, which crash."""
    monkeypatch.setattr(computations, "__path__", [*SHIPPED, str(HERE / "computations")])


@pytest.fixture
def http_api(deployment: MotoDeployment) -> Iterator[HttpApi]:
    deployment.store.new_token = secrets.token_hex
    is_time_to_work = cycle([False, True])

    def invoke(event: Any) -> Any:
        is_head = event["requestContext"]["http"]["method"] == "HEAD"
        answer = respond(event, deployment.request_handler).as_event(with_body=not is_head)
        if next(is_time_to_work):
            work(deployment)
        return decompressed(json.loads(json.dumps(answer)))

    http_api = HttpApi(invoke)
    yield http_api
    http_api.close()


def decompressed(answer: Any) -> Any:
    """As every HTTP client hands it over, but the one for WSGI applications does not."""
    if not answer["isBase64Encoded"]:
        return answer
    body = gzip.decompress(b64decode(answer["body"])).decode()
    return answer | {"body": body, "isBase64Encoded": False}


def work(deployment: MotoDeployment) -> None:
    """Only ours are computed here: what is shipped may take its time."""
    for message in deployment.messages():
        if json.loads(message.body)["computation"] in OURS:
            deployment.worker.receive(message)
        deployment.delete(message)


def test_whatever_is_asked_the_answer_is_as_documented(
    http_api: HttpApi, capsys: pytest.CaptureFixture[str]
) -> None:
    config = SchemathesisConfig.from_dict(CONFIG)
    schema = schemathesis.openapi.from_wsgi("/openapi.json", http_api, config=config)
    statuses: Counter[int] = Counter()
    failures: list[str] = []
    for event in from_schema(schema).execute():
        match event:
            case events.ScenarioFinished(recorder=recorder):
                statuses.update(statuses_of(recorder))
                failures += failures_of(recorder)
            case events.NonFatalError(info=info):
                failures.append(info.format())
            case events.FatalError(exception=error):
                raise error
    with capsys.disabled():
        print(f"\n{statuses.total()} requests: {dict(sorted(statuses.items()))}")  # noqa: T201
    assert not failures, "\n\n".join(failures)
    assert statuses.total() >= AT_LEAST
    assert {200, 202, 204, 304, 400, 401, 403, 404, 405, 415, 422} <= set(statuses)


def statuses_of(recorder: ScenarioRecorder) -> list[int]:
    responses = [interaction.response for interaction in recorder.interactions.values()]
    return [response.status_code for response in responses if response]


def failures_of(recorder: ScenarioRecorder) -> list[str]:
    infos = [check.failure_info for checks in recorder.checks.values() for check in checks]
    return [f"{info.failure}\n{info.code_sample}" for info in infos if info]
