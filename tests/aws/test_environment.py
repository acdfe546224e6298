"""Which environments get the light client, and which keep botocore's."""

import os
from pathlib import Path

import pytest
from botocore.session import get_session

from backburner import resources
from backburner.aws import environment
from backburner.aws.environment import endpoint, light_client
from backburner.aws.light_client import LightClient
from tests.support.environment import exactly

LAMBDA = {
    "AWS_ACCESS_KEY_ID": "id",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_SESSION_TOKEN": "token",
    "AWS_REGION": "eu-west-1",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
    "AWS_LAMBDA_FUNCTION_NAME": "request",
    "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001",
    "AWS_XRAY_DAEMON_ADDRESS": "169.254.79.129:2000",
    "_X_AMZN_TRACE_ID": "Root=1",
    "TABLE_NAME": "table",
}
URL = "http://127.0.0.1:4566"


@pytest.fixture(autouse=True)
def _no_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    files = {name: str(tmp_path / name) for name in environment.FILES}
    monkeypatch.setattr(environment, "FILES", files)


def made(service: str = "dynamodb", **others: str) -> LightClient | None:
    with exactly(LAMBDA | others):
        return light_client(service, resources.REQUEST)


def test_lambda_gets_the_light_client_and_its_keys_and_region_count() -> None:
    client = made()
    assert client
    assert client.url == "https://dynamodb.eu-west-1.amazonaws.com"
    assert (client.region, client.credentials) == ("eu-west-1", ("id", "secret", "token"))


@pytest.mark.parametrize(
    "setting",
    [
        {"AWS_ACCESS_KEY_ID": ""},
        {"AWS_SECRET_ACCESS_KEY": ""},
        {"AWS_DEFAULT_REGION": ""},
        {"AWS_DEFAULT_REGION": "us-iso-east-1"},
        {"AWS_DEFAULT_REGION": "local"},
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9001/credentials"},
        {"AWS_PROFILE": "mine"},
        {"AWS_CREDENTIAL_EXPIRATION": "2030-01-01T00:00:00Z"},
        {"AWS_ACCOUNT_ID_ENDPOINT_MODE": "required"},
        {"AWS_CA_BUNDLE": "ca.pem"},
        {"AWS_USE_FIPS_ENDPOINT": "true"},
        {"AWS_USE_DUALSTACK_ENDPOINT": "true"},
        {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
        {"AWS_SOMETHING_NEW": "1"},
        {"HTTPS_PROXY": "http://proxy"},
        {"https_proxy": "http://proxy"},
        {"NO_PROXY": "localhost"},
        {"AWS_ENDPOINT_URL": "http://127.0.0.1/with/a/path"},
        {"AWS_ENDPOINT_URL": "http://name:word@127.0.0.1"},
        {"AWS_ENDPOINT_URL": "no URL"},
    ],
    ids=lambda setting: "=".join(*setting.items()),
)
def test_what_only_botocore_knows_is_left_to_it(setting: dict[str, str]) -> None:
    assert made(**setting) is None


def test_what_lambda_and_sam_local_set_besides_costs_nothing() -> None:
    assert made(AWS_ACCESS_KEY="id", AWS_ACCOUNT_ID="123456789012")


@pytest.mark.parametrize("name", environment.FILES)
def test_a_file_of_settings_is_left_to_botocore_and_no_file_is_not(
    name: str, tmp_path: Path
) -> None:
    mine = tmp_path / "mine"
    mine.touch()
    assert made(**{name: str(mine)}) is None
    assert made(**{name: os.devnull})
    (tmp_path / name).touch()
    assert made() is None


@pytest.mark.parametrize(
    ("variable", "urls"),
    [
        ("AWS_ENDPOINT_URL", (URL, URL)),
        ("AWS_ENDPOINT_URL_DYNAMODB", (URL, "https://sqs.eu-west-1.amazonaws.com")),
        ("AWS_ENDPOINT_URL_SQS", ("https://dynamodb.eu-west-1.amazonaws.com", URL)),
        (
            "AWS_ENDPOINT_URL_S3",
            tuple(f"https://{s}.eu-west-1.amazonaws.com" for s in ("dynamodb", "sqs")),
        ),
    ],
)
def test_an_endpoint_of_ones_own_is_for_all_services_or_one(
    variable: str, urls: tuple[str, str]
) -> None:
    clients = [made(service, **{variable: URL}) for service in ("dynamodb", "sqs")]
    assert tuple(client.url for client in clients if client) == urls


def test_every_region_has_the_endpoint_that_botocore_knows_or_is_left_to_it() -> None:
    session = get_session()
    seen = set()
    for partition in session.get_available_partitions():
        for service in ("dynamodb", "sqs"):
            for region in session.get_available_regions(service, partition):
                ours = endpoint(service, region)
                if ours:
                    seen.add(partition)
                    client = session.create_client(
                        service,
                        region,
                        aws_access_key_id="id",
                        aws_secret_access_key="secret",  # noqa: S106
                    )
                    assert client.meta.endpoint_url == ours
    assert seen == {"aws", "aws-cn", "aws-us-gov"}


def test_the_request_function_has_light_clients_and_the_others_botocores() -> None:
    with exactly(LAMBDA):
        assert isinstance(resources.store(resources.REQUEST, light=True).client, LightClient)
        assert isinstance(resources.sqs(resources.REQUEST, light=True)(), LightClient)
        assert not isinstance(resources.store(resources.WORKER).client, LightClient)
