"""What the functions ask of AWS, heard from the clients themselves: botocore's own events."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
from moto.core import disable_iam_authentication

from backburner.development.local.template import ACCOUNT_ID, Stack
from backburner.resources import WORKER, in_its_region

from .capacity import read_units, size_of_item, write_units

STORES = ("dynamodb", "sqs", "s3")
WRITES = ("UpdateItem", "DeleteItem")
Clients = Mapping[str, Mapping[str, Any]]
"""By function and service."""
GRANTED_BY = {"s3:HeadObject": "s3:GetObject"}
"""Operations that are no actions of their own."""
DECLARED = {"secretsmanager:GetSecretValue": "secret:", "ssm:GetParameter": "parameter"}
"""What comes before the full name in the ARN of what is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call to AWS, answered."""

    function: str
    operation: str
    """As a policy names it: dynamodb:GetItem."""
    about: str
    """What it is about: entry, run times, Queue, FailedJobsQueue, LargeResults, or a full name."""
    read_units: float = 0
    write_units: float = 0


@dataclass(frozen=True, slots=True)
class Use:
    """An action on a resource that a function needs its role for: by a call, or by a signed URL."""

    function: str
    action: str
    arn: str


@dataclass(kw_only=True)
class Recorder:
    stack: Stack
    item: Callable[[dict[str, Any]], dict[str, Any]]
    """An item by its key, past what is recorded; empty if it is not there."""
    begins: Callable[[], object] = lambda: None
    """Called when recording begins."""
    calls: list[Call] = field(default_factory=list)
    uses: set[Use] = field(default_factory=set)
    denied: set[Use] = field(default_factory=set)
    _parameters: dict[str, Any] = field(default_factory=dict)
    _before: int = 0

    @contextmanager
    def recording(self) -> Iterator[list[Call]]:
        """The calls of what is done inside, in their order."""
        self.calls = []
        self.begins()
        yield self.calls
        self.calls = []

    def listen(self, client: Any, function: str) -> None:
        """Hear what a client of that function does; a URL that it signs is a use and no call."""
        events = client.meta.events
        events.register("provide-client-params", self._hear_parameters(function))
        events.register("before-call", self._hear_call)
        events.register("after-call", self._hear_answer(function))

    def _hear_parameters(self, function: str) -> Any:
        def hear(params: dict[str, Any], model: Any, **_: object) -> None:
            self._parameters = params
            self.uses.add(self._use(function, model))

        return hear

    def _hear_call(self, model: Any, **_: object) -> None:
        self._before = self._size(model)

    def _hear_answer(self, function: str) -> Any:
        def hear(http_response: Any, model: Any, **_: object) -> None:
            if http_response.status_code == 403:
                self.denied.add(self._use(function, model))
            self.calls.append(self._call(function, model))

        return hear

    def _call(self, function: str, model: Any) -> Call:
        size, writes = self._size(model), model.name in WRITES
        reads = model.name == "GetItem"
        consistent = self._parameters.get("ConsistentRead", False)
        return Call(
            function=function,
            operation=_operation(model),
            about=self._about(),
            read_units=read_units(size, consistent=consistent) if reads else 0,
            write_units=write_units(self._before, size) if writes else 0,
        )

    def _size(self, model: Any) -> int:
        is_table = model.service_model.service_name == "dynamodb"
        return size_of_item(self.item(self._parameters["Key"])) if is_table else 0

    def _about(self) -> str:
        match self._parameters:
            case {"Key": {"signature": {"S": key}}}:
                return "run times" if key.startswith("run-times/") else "entry"
            case {"QueueUrl": physical_id} | {"Bucket": physical_id}:
                return {v: k for k, v in self.stack.physical_ids.items()}[physical_id]
            case {"SecretId": name} | {"Name": name}:
                return str(name)
        raise LookupError(f"a call about none of ours: {self._parameters}")

    def _use(self, function: str, model: Any) -> Use:
        operation, about = _operation(model), self._about()
        if kind := DECLARED.get(operation):
            place = f"{operation.partition(':')[0]}:{self.stack.region}:{ACCOUNT_ID}"
            return Use(function, operation, f"arn:aws:{place}:{kind}{about}")
        logical_id = "Table" if "TableName" in self._parameters else about
        arn = self.stack.resolve({"Fn::GetAtt": [logical_id, "Arn"]})
        key = f"/{self._parameters['Key']}" if "Bucket" in self._parameters else ""
        return Use(function, GRANTED_BY.get(operation, operation), arn + key)


def _operation(model: Any) -> str:
    return f"{model.service_model.service_name}:{model.name}"


def heard_clients(stack: Stack, sessions: dict[str, boto3.Session]) -> tuple[Clients, Recorder]:
    """Clients of each function's own session, and who hears them."""
    outside = boto3.client("dynamodb", region_name=stack.region)

    def item(key: dict[str, Any]) -> dict[str, Any]:
        with disable_iam_authentication():
            table = stack.physical_ids["Table"]
            found = outside.get_item(TableName=table, Key=key, ConsistentRead=True)
        return dict(found.get("Item", {}))

    recorder = Recorder(stack=stack, item=item)
    clients = {name: _clients(session) for name, session in sessions.items()}
    for name, of_function in clients.items():
        for client in of_function.values():
            recorder.listen(client, name)
    return clients, recorder


def _clients(session: boto3.Session) -> dict[str, Any]:
    once = WORKER.config
    return {
        "dynamodb": session.client("dynamodb", config=once),
        "sqs": session.client("sqs", config=once),
        "s3": session.client("s3", config=once.merge(in_its_region())),
        "secretsmanager": session.client("secretsmanager", config=once),
        "ssm": session.client("ssm", config=once),
    }
