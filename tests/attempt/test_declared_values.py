"""The worker reads what a computation declares, from the stack's own secrets and parameters."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from backburner import resources
from backburner.attempt.declared_values import MAX_AGE_S, DeclaredValues
from backburner.computation import Computation, Secret, Setting, registry
from backburner.development.local.template import STACK_NAME, Stack
from backburner.errors import AttemptFailed, NoValue

DATABASE, CURRENCY = Secret("sales-database"), Setting("currency", default="EUR")
FULL = {DATABASE: f"{STACK_NAME}/sales-database", CURRENCY: f"/{STACK_NAME}/currency"}
SOURCE = Path(resources.__file__).parents[1]


@pytest.fixture
def reporting() -> Computation:
    return registry.load("reporting")


def no_answer(**_: object) -> None:
    raise EndpointConnectionError(endpoint_url="https://secrets")


class Stores:
    """Secrets Manager and Parameter Store, with the names that were asked for."""

    def __init__(self) -> None:
        self.secrets: Any = boto3.client("secretsmanager")
        self.parameters: Any = boto3.client("ssm")
        self.asked: list[str] = []
        for client in (self.secrets, self.parameters):
            client.meta.events.register("provide-client-params", self._hear)

    def _hear(self, params: dict[str, Any], model: Any, **_: object) -> None:
        if model.name in ("GetSecretValue", "GetParameter"):
            self.asked.append(params.get("SecretId") or params["Name"])

    def client(self, service: str) -> Any:
        return {"secretsmanager": self.secrets, "ssm": self.parameters}[service]

    def create(self, value: str | bytes = "hidden-away") -> None:
        kind = "SecretString" if isinstance(value, str) else "SecretBinary"
        self.secrets.create_secret(Name=FULL[DATABASE], **{kind: value})

    def change(self, value: str) -> None:
        self.secrets.put_secret_value(SecretId=FULL[DATABASE], SecretString=value)

    def set(self, value: str, **options: Any) -> None:
        given = {"Type": "String", "Overwrite": True} | options
        self.parameters.put_parameter(Name=FULL[CURRENCY], Value=value, **given)

    def empty(self) -> None:
        self.secrets.meta.events.unregister("before-send", no_answer)
        for each in self.secrets.list_secrets()["SecretList"]:
            self.secrets.delete_secret(SecretId=each["ARN"], ForceDeleteWithoutRecovery=True)
        for each in self.parameters.describe_parameters()["Parameters"]:
            self.parameters.delete_parameter(Name=each["Name"])


@pytest.fixture
def stores(stack: Stack) -> Iterator[Stores]:
    stores = Stores()
    yield stores
    stores.empty()


def reader(
    client: Callable[[str], Any], prefix: str = STACK_NAME, max_age: int = MAX_AGE_S
) -> DeclaredValues:
    limits = replace(resources.VALUES)
    return DeclaredValues(prefix=prefix, make_client=client, time_limits=limits, max_age=max_age)


def test_a_secret_and_a_setting_are_read_by_the_stacks_name(
    stores: Stores, reporting: Computation
) -> None:
    stores.create()
    stores.set("SEK")
    found = reader(stores.client).of(reporting)
    assert found == {DATABASE: "hidden-away", CURRENCY: "SEK"}
    assert stores.asked == [*FULL.values()]


def test_another_stack_has_values_of_its_own(stores: Stores, reporting: Computation) -> None:
    stores.create()
    with pytest.raises(NoValue, match="the secret staging/sales-database, which does not exist"):
        reader(stores.client, prefix="staging").of(reporting)


def test_a_parameter_may_be_encrypted(stores: Stores, reporting: Computation) -> None:
    stores.create()
    stores.set("SEK", Type="SecureString")
    assert reader(stores.client).of(reporting)[CURRENCY] == "SEK"


def test_what_has_no_parameter_has_its_default(stores: Stores, reporting: Computation) -> None:
    stores.create()
    assert reader(stores.client).of(reporting)[CURRENCY] == "EUR"


@pytest.mark.parametrize("is_set", [True, False])
def test_an_instance_asks_for_a_name_once_in_five_minutes(
    is_set: bool, stores: Stores, reporting: Computation
) -> None:
    assert MAX_AGE_S == 300
    stores.create()
    if is_set:
        stores.set("SEK")
    values = reader(stores.client)
    for _ in range(3):
        values.of(reporting)
    assert stores.asked == [*FULL.values()]


def test_a_value_that_is_too_old_is_read_again(stores: Stores, reporting: Computation) -> None:
    stores.create()
    values = reader(stores.client, max_age=0)
    assert values.of(reporting)[DATABASE] == "hidden-away"
    stores.change("other")
    stores.set("SEK")
    assert values.of(reporting) == {DATABASE: "other", CURRENCY: "SEK"}


def test_a_secret_that_does_not_exist_is_named_in_full_with_the_command_that_makes_it(
    stores: Stores, reporting: Computation
) -> None:
    values = reader(stores.client)
    with pytest.raises(AttemptFailed) as caught:
        values.of(reporting)
    assert str(caught.value) == (
        "reporting needs the secret local/sales-database, which does not exist; create it: "
        "aws secretsmanager create-secret --name local/sales-database --secret-string …; "
        "for `make run`, write SALES_DATABASE=… into .env"
    )
    stores.create()  # the next attempt finds it
    assert values.of(reporting)[DATABASE] == "hidden-away"


def test_a_setting_without_default_that_does_not_exist_is_named_likewise(
    stores: Stores, reporting: Computation
) -> None:
    needy = replace(reporting, declared=(Setting("currency"),))
    with pytest.raises(NoValue, match=r"aws ssm put-parameter --name /local/currency --type"):
        reader(stores.client).of(needy)


def test_a_secret_of_bytes_is_none(stores: Stores, reporting: Computation) -> None:
    stores.create(b"\0hidden")
    with pytest.raises(NoValue, match="local/sales-database is not text; store it as text"):
        reader(stores.client).of(reporting)


def test_a_failure_of_aws_fails_the_attempt(stores: Stores, reporting: Computation) -> None:
    stores.secrets.meta.events.register("before-send", no_answer)
    with pytest.raises(NoValue, match="local/sales-database cannot be read: Could not connect"):
        reader(stores.client).of(reporting)


def test_all_reads_of_an_attempt_end_in_time_however_many_there_are(
    stores: Stores, reporting: Computation
) -> None:
    """Each is answered as late as may be; then there is no time for a further one."""
    now = [0.0]
    limits = replace(resources.VALUES, pauses=[], timer=lambda: now[0])

    def late(**_: object) -> None:
        now[0] += limits.attempt

    def bound(service: str) -> Any:
        client = resources._client(service, limits)
        client.meta.events.register("before-send", late)
        return client

    many = tuple(Setting(f"setting-{n}", default="") for n in range(20))
    for _ in range(2):
        began = now[0]
        with pytest.raises(NoValue, match="no call begins later than 4 s after"):
            DeclaredValues(prefix=STACK_NAME, make_client=bound, time_limits=limits).of(
                replace(reporting, declared=many)
            )
        assert now[0] - began <= limits.event


def test_what_declares_nothing_makes_no_client(stack: Stack) -> None:
    def no_client(service: str) -> Any:
        raise AssertionError(service)

    assert reader(no_client).of(registry.load("doubling")) == {}


def test_what_declares_nothing_imports_nothing_more() -> None:
    """In a fresh interpreter. What declares something imports Powertools' utility."""
    script = (
        "import sys, backburner.worker as worker, backburner.resources as resources\n"
        "from backburner.computation import registry\n"
        "values, computation = resources.declared_values(), registry.load('word-count')\n"
        "before = set(sys.modules)\n"
        "values.of(computation)\n"
        "assert set(sys.modules) == before\n"
        "assert 'boto3' not in before\n"
        "values._provider('secret')\n"
        "assert 'aws_lambda_powertools.utilities.parameters' in sys.modules"
    )
    environ = {
        "PYTHONPATH": str(SOURCE),
        "SETTINGS_PREFIX": "local",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    subprocess.run([sys.executable, "-c", script], env=environ, check=True)  # noqa: S603


def test_the_request_function_does_not_import_the_reader() -> None:
    script = (
        "import sys, backburner.request; "
        "assert 'backburner.attempt.declared_values' not in sys.modules"
    )
    environ = {"PYTHONPATH": str(SOURCE)}
    subprocess.run([sys.executable, "-c", script], env=environ, check=True)  # noqa: S603
