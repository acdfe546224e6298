"""An operator has an entry forgotten by a command: a signed request, and a sentence of its end."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto import mock_aws

from backburner.development import forget
from backburner.development.forget import NotForgotten
from backburner.development.local.deployment import Deployment
from tests.support.eventually import eventually
from tests.support.ports import free_port

SIGNATURE = "a" * 64
API = "https://abc123.execute-api.eu-north-1.amazonaws.com"
COMPUTATIONS = Path(__file__).parents[1] / "support/computations"

Said = pytest.CaptureFixture[str]


@pytest.fixture
def session() -> boto3.Session:
    return boto3.Session("AKID", "secret", "token", region_name="eu-north-1")


def signed_by_botocore(url: str, region: str, at: str) -> str:
    request = AWSRequest(method="DELETE", url=url)
    request.context["timestamp"] = at
    request.headers["X-Amz-Date"] = at
    request.headers["X-Amz-Security-Token"] = "token"
    auth = SigV4Auth(Credentials("AKID", "secret", "token"), "execute-api", region)
    canonical = auth.canonical_request(request)
    signature = auth.signature(auth.string_to_sign(request, canonical), request)
    return f"SignedHeaders=host;x-amz-date;x-amz-security-token, Signature={signature}"


@pytest.mark.parametrize(
    ("api", "region"),
    [
        (API, "eu-north-1"),
        (API.replace("eu-north-1", "us-west-2"), "us-west-2"),
        ("https://orders.example/api/", "eu-north-1"),
    ],
)
def test_the_request_is_signed_as_botocore_signs_it_for_the_region_of_the_api(
    api: str, region: str, session: boto3.Session
) -> None:
    request = forget.signed(api, "word-count", SIGNATURE, session)
    url = f"{api.rstrip('/')}/v1/word-count/{SIGNATURE}"
    assert (request.method, request.url) == ("DELETE", url)
    at = request.headers["X-Amz-Date"]
    at, token, authorization = (
        each.decode() if isinstance(each, bytes) else each
        for each in (at, request.headers["X-Amz-Security-Token"], request.headers["Authorization"])
    )
    assert token == "token"  # noqa: S105
    scope = f"AWS4-HMAC-SHA256 Credential=AKID/{at[:8]}/{region}/execute-api/aws4_request, "
    assert authorization == scope + signed_by_botocore(url, region, at)


def test_real_keys_are_not_sent_to_an_address_of_this_machine(session: boto3.Session) -> None:
    request = forget.signed("http://127.0.0.1:3000", "word-count", SIGNATURE, session)
    assert "Credential=local/" in str(request.headers["Authorization"])
    assert "X-Amz-Security-Token" not in request.headers


@pytest.fixture
def account() -> Iterator[boto3.Session]:
    """It has a stack with the output ApiUrl, and one without."""
    template: dict[str, Any] = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}
    with mock_aws():
        session = boto3.Session("AKID", "secret", region_name="us-east-1")
        cloudformation = session.client("cloudformation")
        cloudformation.create_stack(StackName="other", TemplateBody=json.dumps(template))
        template["Outputs"] = {"ApiUrl": {"Value": API}}
        cloudformation.create_stack(StackName="backburner", TemplateBody=json.dumps(template))
        yield session
        for name in ("other", "backburner"):
            cloudformation.delete_stack(StackName=name)


def test_a_stack_is_asked_for_the_address(account: boto3.Session) -> None:
    request = forget.signed("backburner", "word-count", SIGNATURE, account)
    assert request.url == f"{API}/v1/word-count/{SIGNATURE}"


@pytest.mark.parametrize(
    ("deployment", "said"),
    [
        ("no-such-stack", "there is no stack no-such-stack in us-east-1; give its name, or the"),
        ("other", "the stack other has no output ApiUrl; give the API's URL"),
        ("http://orders.example", "http://orders.example is not https"),
    ],
)
def test_an_address_that_is_none_is_told(
    deployment: str, said: str, account: boto3.Session, capsys: Said
) -> None:
    assert forget.forget(deployment, "word-count", SIGNATURE, account) == 2
    assert capsys.readouterr().err.startswith(said)


@pytest.mark.parametrize("signature", ["", "abc", "A" * 64, "a" * 65, f"../{'a' * 61}"])
def test_a_signature_that_is_none_is_told(
    signature: str, session: boto3.Session, capsys: Said
) -> None:
    assert forget.forget(API, "word-count", signature, session) == 2
    assert f"{signature!r} is no signature: it has 64 hex digits" in capsys.readouterr().err


def test_a_lack_of_credentials_or_of_a_region_is_told() -> None:
    nobody: Any = SimpleNamespace(get_credentials=lambda: None, region_name="eu-north-1")
    with pytest.raises(NotForgotten, match=r"no AWS credentials; log in"):
        forget.signer(API, nobody)
    nowhere: Any = SimpleNamespace(get_credentials=lambda: "them", region_name=None)
    with pytest.raises(NotForgotten, match=r"no region is set; set AWS_DEFAULT_REGION"):
        forget.signer("https://orders.example", nowhere)


@pytest.mark.parametrize(
    ("status", "body", "code", "said"),
    [
        (403, '{"message":"Forbidden"}', 1, r"refused \(403: Forbidden\); sign in as"),
        (404, '{"detail":"no computation"}', 2, r"nothing of that name \(404: no computation\)"),
        (429, '{"message":"Too Many Requests"}', 1, "try again later"),
        (503, '{"detail":"the table"}', 1, r"\(503: the table\); try again later"),
        (500, "", 1, "the API answered 500: no reason given"),
        (502, "<html>", 1, "the API answered 502: <html>"),
        (200, "[]", 1, r"the API answered 200: \[\]"),
        (500, "[" * 100_000, 1, r"the API answered 500: \[\["),
    ],
)
def test_every_other_answer_is_told_in_a_sentence(
    status: int, body: str, code: int, said: str
) -> None:
    with pytest.raises(NotForgotten, match=said) as caught:
        forget.check(SimpleNamespace(status_code=status, content=body.encode()))
    assert caught.value.code == code


@pytest.mark.enable_socket
def test_an_address_where_nobody_listens_is_told(capsys: Said) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert forget.forget(url, "word-count", SIGNATURE) == 1
    err = capsys.readouterr().err
    assert "does not answer" in err
    assert err.count("\n") == 1


@pytest.mark.enable_socket
def test_an_entry_of_the_local_deployment_is_forgotten(capsys: Said) -> None:
    environment = {"LOG_LEVEL": "ERROR"}
    with Deployment(environment=environment, computations=[COMPUTATIONS]) as deployment:
        asked = f"{deployment.url}/v1/doubling?number=21"
        eventually(lambda: urllib3.request("GET", asked).status == 200)
        location = urllib3.request("GET", asked).headers["Content-Location"]
        signature = location.rpartition("/")[2]
        assert forget.forget(deployment.url, "doubling", signature) == 0
        assert forget.forget(f"{deployment.url}/", "tripling", signature) == 2
        eventually(lambda: urllib3.request("GET", deployment.url + location).status == 404)
    out, err = capsys.readouterr()
    assert out.startswith(f"forgotten: doubling/{signature}")
    assert "there is no computation 'tripling'; there are " in err
