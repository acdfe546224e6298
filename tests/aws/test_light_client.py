"""The light client signs, asks and answers like botocore's, and as AWS's own vectors say."""

import json
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from select import select
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from backburner.aws import light_client
from backburner.aws.light_client import Credentials, authorization
from backburner.aws.time_limits import is_passing

from .test_time_limits import ANSWER, LONGER, Saying, call, client, light, serving

SUITE = json.loads((Path(__file__).parents[1] / "support/sigv4_vectors.json").read_text())
CALLS = {
    "dynamodb": ("get_item", "update_item", "delete_item"),
    "sqs": ("send_message", "get_queue_attributes"),
}
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
attributes = st.recursive(
    st.builds(lambda text: {"S": text}, texts)
    | st.builds(lambda number: {"N": str(number)}, st.integers())
    | st.builds(lambda raw: {"B": raw}, st.binary(max_size=30)),
    lambda inner: (
        st.builds(lambda of: {"L": of}, st.lists(inner, max_size=3))
        | st.builds(lambda of: {"M": of}, st.dictionaries(texts.filter(bool), inner, max_size=3))
    ),
    max_leaves=5,
)
names = st.text("ABCdef_:#", min_size=1, max_size=5)
items = st.dictionaries(names, attributes, max_size=3)
of_dynamodb = st.fixed_dictionaries(
    {"TableName": names, "Key": items},
    optional={"ExpressionAttributeValues": items, "UpdateExpression": texts},
)
of_sqs = st.fixed_dictionaries(
    {"QueueUrl": texts, "MessageBody": texts}, optional={"MessageGroupId": texts}
)
keys = st.text("abcXYZ019/+=", min_size=1, max_size=40)


@pytest.mark.parametrize("name", SUITE["vectors"])
def test_a_request_is_signed_as_awss_test_suite_says(name: str) -> None:
    vector = SUITE["vectors"][name]
    headers = {k.lower(): " ".join(v.split()) for k, v in vector["headers"].items()}
    keys = Credentials(SUITE["key_id"], SUITE["secret"])
    signed = authorization(
        headers, vector["body"].encode(), keys, SUITE["region"], SUITE["service"]
    )
    assert signed == vector["authorization"]


@given(
    body=st.binary(max_size=200),
    secret=keys,
    token=st.none() | keys,
    now=st.integers(0, 4_000_000_000),
)
@pytest.mark.parametrize("service", CALLS)
def test_a_request_has_the_signature_that_botocore_would_give_it(
    service: str, body: bytes, secret: str, token: str | None, now: int
) -> None:
    ours = light(service, "http://localhost:99", key=("id", secret, token), clock=lambda: now)
    headers = ours.headers("Operation", body)
    assert headers["authorization"] == _botocores(service, headers, body, secret)


def _botocores(service: str, headers: Mapping[str, str], body: bytes, secret: str) -> str:
    unsigned = {k: v for k, v in headers.items() if k != "authorization"}
    request = AWSRequest("POST", "http://localhost:99/", unsigned, data=body)
    request.context["timestamp"] = headers["x-amz-date"]
    auth = SigV4Auth(BotocoreCredentials("id", secret), service, "us-east-1")
    canonical = auth.canonical_request(request)
    signature = auth.signature(auth.string_to_sign(request, canonical), request)
    names = auth.signed_headers(auth.headers_to_sign(request))
    scope = auth.scope(request)
    return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={names}, Signature={signature}"


@contextmanager
def what_botocore_sends(made: Any) -> Iterator[list[Any]]:
    """Its requests, which are not sent."""
    sent: list[Any] = []

    def keep(request: Any, **_: object) -> Any:
        sent.append(request)
        return SimpleNamespace(
            status_code=200, headers={}, content=b"{}", text="{}", url=request.url, raw=None
        )

    made.meta.events.register_last("before-send", keep)
    yield sent
    made.meta.events.unregister("before-send", keep)


BOTOCORES = {each: client(each, "http://localhost:99") for each in CALLS}


@pytest.mark.parametrize(
    ("service", "call_name"), [(each, name) for each, of in CALLS.items() for name in of]
)
@given(data=st.data())
def test_what_is_sent_is_byte_by_byte_what_botocore_sends(
    service: str, call_name: str, data: st.DataObject
) -> None:
    asked = data.draw(_asked(service, call_name))
    made = BOTOCORES[service]
    with what_botocore_sends(made) as requests:
        getattr(made, call_name)(**asked)
    [theirs] = requests
    told = {name.lower(): _text(value) for name, value in theirs.headers.items()}
    now = time.mktime(time.strptime(told["x-amz-date"], "%Y%m%dT%H%M%SZ")) - time.timezone
    ours = NotSending(**_settings(service, clock=lambda: now))
    getattr(ours, call_name)(**asked)
    [(headers, body)] = ours.kept
    assert body == theirs.body
    assert headers.pop("host") == "localhost:99"  # which botocore signs, and urllib3 sends
    assert headers == {name: told[name] for name in headers}
    assert set(told) - set(headers) == {
        "user-agent",
        "amz-sdk-invocation-id",
        "amz-sdk-request",
        "content-length",
    }


def _asked(service: str, call_name: str) -> st.SearchStrategy[dict[str, Any]]:
    if call_name == "get_queue_attributes":
        return st.builds(lambda url: {"QueueUrl": url, "AttributeNames": ["All"]}, texts)
    if service == "sqs":
        return of_sqs
    only = {"get_item": ["TableName", "Key"]}.get(call_name)
    without = {"UpdateExpression"} if call_name == "delete_item" else set()
    return of_dynamodb.map(
        lambda asked: {k: v for k, v in asked.items() if k in (only or asked) and k not in without}
    )


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _settings(service: str, **others: Any) -> dict[str, Any]:
    return {
        "service": service,
        "url": "http://localhost:99",
        "region": "us-east-1",
        "credentials": Credentials("id", "secret"),
        "time_limits": LONGER,
        **others,
    }


class NotSending(light_client.LightClient):
    """Keeps its requests instead of sending them."""

    kept: list[tuple[dict[str, str], bytes]]

    def attempt(self, operation: str, body: bytes) -> Any:
        self.kept = [(self.headers(operation, body), body)]
        return SimpleNamespace(status=200, headers={}), b"{}"


def test_the_trace_of_an_event_goes_along_as_with_botocore(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "request")
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988;Parent=53 é;Sampled=1")
    with what_botocore_sends(BOTOCORES["sqs"]) as requests:
        BOTOCORES["sqs"].send_message(QueueUrl="queue", MessageBody="{}")
    theirs = _text(requests[0].headers["X-Amzn-Trace-Id"])
    ours = light("sqs", "http://localhost:99").headers("SendMessage", b"{}")
    assert ours["x-amzn-trace-id"] == theirs


def answer(body: bytes, status: int = 200, header: bytes = b"x-amzn-RequestId: 1") -> Saying:
    words = b"HTTP/1.1 %d Said\r\n%s\r\nContent-Length: %d\r\n\r\n%s"
    return Saying(words % (status, header, len(body), body), "listens")


ITEM = {"Item": {"B": {"M": {"B": {"B": "AAEC"}, "n": {"N": "1.50"}, "none": {"NULL": True}}}}}
TOLD = {
    "an item": ("dynamodb", answer(json.dumps(ITEM).encode())),
    "no item": ("dynamodb", answer(b"{}")),
    "a condition that is untrue": (
        "dynamodb",
        answer(
            json.dumps(
                {
                    "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
                    "message": "no",
                    **ITEM,
                }
            ).encode(),
            400,
        ),
    ),
    "an error without a code": (
        "dynamodb",
        answer(b'{"Message": "no"}', 403, b"x-amzn-ErrorType: AccessDenied:http://internal/"),
    ),
    "an error that is no JSON": ("dynamodb", answer(b"<html>", 503)),
    "an empty error": ("dynamodb", answer(b"", 500)),
    "a queue that is not there": (
        "sqs",
        answer(
            b'{"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "none"}',
            400,
            b"x-amzn-query-error: AWS.SimpleQueueService.NonExistentQueue;Sender",
        ),
    ),
    "a message that was taken": ("sqs", answer(b'{"MessageId": "1", "MD5OfMessageBody": "2"}')),
}


@pytest.mark.parametrize(("service", "says"), TOLD.values(), ids=TOLD)
def test_an_answer_is_told_as_botocore_tells_it(service: str, says: Saying) -> None:
    with serving(says) as server:
        theirs, ours = (told(make(service, server.url, LONGER)) for make in (client, light))
    assert ours == ours | theirs


def told(made: Any) -> dict[str, Any]:
    """The answer or the error, and what botocore says about it."""
    try:
        answer = call(made)
    except ClientError as error:
        answer = {**error.response, "operation": error.operation_name}
        answer["Error"] = {"Code": error.response["Error"]["Code"]}
    about = answer.pop("ResponseMetadata")
    return {**answer, **{name: about[name] for name in ("HTTPStatusCode", "RetryAttempts")}}


@pytest.mark.parametrize("said", [b"<html>", b""])
def test_what_is_no_json_is_no_answer(said: bytes) -> None:
    with serving(answer(said)) as server, pytest.raises(BotoCoreError) as failed:
        call(light("dynamodb", server.url, LONGER))
    assert is_passing(failed.value)


def test_an_answer_that_is_too_long_is_not_read_to_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(light_client, "MAX_ANSWER_BYTES", 10)
    with serving(answer(b"{}" + b" " * 50)) as server, pytest.raises(BotoCoreError) as failed:
        call(light("dynamodb", server.url, LONGER))
    assert "too long" in str(failed.value.__cause__)


def test_one_connection_is_kept_for_one_call_after_the_other() -> None:
    with serving(ANSWER) as server:
        made = light("dynamodb", server.url, LONGER)
        for _ in range(3):
            call(made)
        assert server.connections == 1


def test_a_connection_that_was_closed_meanwhile_is_not_used() -> None:
    """As after Lambda froze the instance: nothing is retried."""
    ends = Saying(ANSWER.words, "hangs up")
    with serving(ends, ANSWER) as server:
        made = light("dynamodb", server.url, LONGER)
        call(made)
        for _ in range(500):
            if select([made._idle[0].sock], [], [], 0.01)[0]:
                break
        assert call(made)["ResponseMetadata"]["RetryAttempts"] == 0
        assert server.connections == 2


def test_threads_have_connections_of_their_own() -> None:
    with serving(ANSWER) as server:
        made = light("dynamodb", server.url, LONGER)
        told: list[Any] = []
        threads = [Thread(target=lambda: told.append(call(made))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(told) == 8


def test_a_certificate_that_nobody_vouches_for_is_not_accepted(tmp_path: Path) -> None:
    with serving(ANSWER) as server:
        server.socket = of_an_unknown_authority(tmp_path).wrap_socket(
            server.socket, server_side=True
        )
        with pytest.raises(EndpointConnectionError) as failed:
            call(light("dynamodb", server.url.replace("http:", "https:"), LONGER))
    assert isinstance(failed.value.__cause__, ssl.SSLCertVerificationError)
    assert is_passing(failed.value)


def of_an_unknown_authority(folder: Path) -> ssl.SSLContext:
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2120, 1, 1, tzinfo=UTC))
        .sign(key, SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem = folder / "certificate.pem"
    pem.write_bytes(secret + signed.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def test_certificates_are_checked_with_the_ones_that_botocore_trusts() -> None:
    context = light_client._trusted()
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    assert len(context.get_ca_certs()) > 50
