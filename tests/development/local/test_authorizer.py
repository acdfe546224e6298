import base64

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder

from backburner.development.local.authorizer import authorizer_of
from tests.support.tokens import bearer_of


def authorizer(method: str, authorization: str) -> object:
    request = EnvironBuilder(
        method=method, headers=Headers({"Authorization": authorization})
    ).get_request()
    return authorizer_of(request).get("authorizer")


def signed(service: str) -> str:
    request = AWSRequest(method="DELETE", url="http://127.0.0.1:3000/v1/doubling/aa")
    SigV4Auth(Credentials("AKID", "secret"), service, "us-east-1").add_auth(request)
    return str(request.headers["Authorization"])


def test_a_token_is_taken_at_its_word() -> None:
    said = {"iss": "https://issuer.example", "sub": "ann", "exp": 1, "groups": ["a", "b"]}
    told = {"iss": "https://issuer.example", "sub": "ann", "exp": "1", "groups": '["a", "b"]'}
    assert authorizer("GET", bearer_of(said)) == {"jwt": {"claims": told, "scopes": None}}


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer a.b", "Bearer a.!.c", "Bearer a.e30.c", "Basic YTpi", bearer_of([1])],
)
def test_what_is_no_token_says_nothing(authorization: str) -> None:
    assert authorizer("GET", authorization) is None


@pytest.mark.parametrize("claims", ['{"sub": "\\ud800"}', "[" * 100_000], ids=["no text", "deep"])
def test_what_is_no_token_of_any_issuer_says_nothing(claims: str) -> None:
    encoded = base64.urlsafe_b64encode(claims.encode()).decode()
    assert authorizer("GET", f"Bearer e30.{encoded}.x") is None


def test_whoever_signs_a_deletion_is_an_operator() -> None:
    told = authorizer("DELETE", signed("execute-api"))
    assert isinstance(told, dict)
    assert told["iam"]["userArn"] == "arn:aws:iam::123456789012:user/AKID"


@pytest.mark.parametrize("authorization", ["", bearer_of({"iss": "i", "sub": "s"}), signed("s3")])
def test_whoever_does_not_sign_a_deletion_is_none(authorization: str) -> None:
    assert authorizer("DELETE", authorization) is None


def test_a_signature_is_for_deletions_alone() -> None:
    assert authorizer("GET", signed("execute-api")) is None
