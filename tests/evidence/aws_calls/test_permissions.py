"""The roles of template.yaml: what they allow is needed, and what is needed they allow.

The functions go every way with credentials of their own roles, and Lambda takes messages in their
name, while moto checks each call against the roles' policies, as the template has them. Two things
moto does not do:

- It knows no resource of a call to DynamoDB, Secrets Manager or Parameter Store, so there it is
  given the actions on any resource.
- It does not check signed URLs, by which clients get large results in the name of the request
  function's role; and no policies of buckets and queues, of which ours allow nothing.

So whatever is called or signed is compared with the statements as well: action and resource.
"""

import json
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import starmap
from typing import Any

import boto3
import pytest
from moto.core import enable_iam_authentication

import computations
from backburner.development.local.template import TEMPLATE, Stack, load
from tests.conftest import COMPUTATIONS, MotoDeployment
from tests.support.aws_calls.functions import DEAD_LETTER, NAMES, REQUEST, WORKER, Functions
from tests.support.aws_calls.paths import Path
from tests.support.aws_calls.recorder import Call, Clients, Recorder, Use, heard_clients
from tests.support.translation import translate

from .test_calls import CALLS

WITHOUT_RESOURCES = ("dynamodb:", "secretsmanager:", "ssm:")
"""What moto checks without looking at the resource."""
SIGNED = {(REQUEST, "s3:GetObject")}
"""No calls of the function: it signs them, and its clients make them."""


@dataclass(frozen=True, slots=True)
class Grant:
    """One action on one resource that a function's role has."""

    function: str
    action: str
    resource: Any
    """As in the template; once it is resolved, an ARN."""

    def covers(self, use: Use) -> bool:
        same = (self.function, self.action) == (use.function, use.action)
        return same and fnmatchcase(use.arn, self.resource)

    def __str__(self) -> str:
        return f"{self.function} {self.action} {json.dumps(self.resource)}"


RESOURCES: dict[str, Any] = load(TEMPLATE)["Resources"]
LOGS = "ForItsLogs"
"""Its actions are nobody's here: moto has no functions that log."""


def role(function: str) -> dict[str, Any]:
    [name, _] = RESOURCES[function]["Properties"]["Role"]["Fn::GetAtt"]
    properties: dict[str, Any] = RESOURCES[name]["Properties"]
    return properties


def statements(function: str) -> list[dict[str, Any]]:
    """Without those of a VPC and of other lanes, which tests/test_stack_parameters.py has."""
    [policy] = role(function)["Policies"]
    return [each for each in policy["PolicyDocument"]["Statement"] if "Fn::If" not in each]


def actions(statement: dict[str, Any]) -> list[str]:
    listed: str | list[str] = statement["Action"]
    return [listed] if isinstance(listed, str) else listed


GRANTS = [
    Grant(function, action, statement["Resource"])
    for function in NAMES
    for statement in statements(function)
    if statement.get("Sid") != LOGS
    for action in actions(statement)
]


def mapping(function: str, queue: str) -> Path:
    """What Lambda does with a function's queue, in the function's name."""

    def take(functions: Functions) -> list[Call]:
        about = {"QueueUrl": functions.deployment.stack.physical_ids[queue]}
        functions.deployment.sqs.send_message(**about, MessageBody="any")
        client = functions.clients[function]["sqs"]
        with functions.recording() as calls, functions.in_its_role():
            client.get_queue_attributes(**about, AttributeNames=["All"])
            [taken] = client.receive_message(**about)["Messages"]
            client.delete_message(**about, ReceiptHandle=taken["ReceiptHandle"])
        return calls

    return take


QUEUES = {WORKER: "Queue", DEAD_LETTER: "DeadLetterQueue"}
WAYS = [*(path for path, _ in CALLS), *starmap(mapping, QUEUES.items())]


@dataclass(frozen=True, slots=True)
class Roles:
    """The functions' roles in moto, and clients with their credentials."""

    iam: Any
    clients: Clients
    recorder: Recorder

    def allow(self, grants: list[Grant]) -> None:
        """These, and nothing else."""
        for function in NAMES:
            allowed = [_statement(grant) for grant in grants if grant.function == function]
            policy = json.dumps({"Version": "2012-10-17", "Statement": allowed})
            self.iam.put_role_policy(RoleName=function, PolicyName="own", PolicyDocument=policy)


def _statement(grant: Grant) -> dict[str, str]:
    resource = "*" if grant.action.startswith(WITHOUT_RESOURCES) else grant.resource
    return {"Effect": "Allow", "Action": grant.action, "Resource": resource}


@pytest.fixture(scope="module")
def roles(stack: Stack) -> Roles:
    iam = boto3.client("iam", region_name=stack.region)
    sessions = {function: _session(iam, function, stack.region) for function in NAMES}
    return Roles(iam, *heard_clients(stack, sessions))


def _session(iam: Any, function: str, region: str) -> boto3.Session:
    role = iam.create_role(RoleName=function, AssumeRolePolicyDocument="{}")["Role"]
    sts = boto3.client("sts", region_name=region)
    assumed = sts.assume_role(RoleArn=role["Arn"], RoleSessionName=function)["Credentials"]
    return boto3.Session(
        aws_access_key_id=assumed["AccessKeyId"],
        aws_secret_access_key=assumed["SecretAccessKey"],
        aws_session_token=assumed["SessionToken"],
        region_name=region,
    )


@pytest.fixture(scope="module")
def grants(stack: Stack) -> list[Grant]:
    return [replace(grant, resource=stack.resolve(grant.resource)) for grant in GRANTS]


@pytest.fixture(scope="module")
def needs(
    stack: Stack, clients: dict[str, Any], roles: Roles, grants: list[Grant]
) -> dict[Path, set[Use]]:
    """What each path needs, gone with all that is granted."""
    roles.allow(grants)
    deployment = MotoDeployment(stack, **clients)
    needed = {}
    with pytest.MonkeyPatch.context() as folders:
        folders.setattr(computations, "__path__", [*computations.__path__, COMPUTATIONS])
        for path in WAYS:
            go(path, deployment, roles)
            needed[path] = set(roles.recorder.uses)
            assert roles.recorder.denied == set()
            deployment.empty()
    return needed


def go(path: Path, deployment: MotoDeployment, roles: Roles) -> None:
    """With new instances, so that nothing is left out that they may ask."""
    roles.recorder.uses.clear()
    roles.recorder.denied.clear()
    path(
        Functions(
            deployment=deployment,
            clients=roles.clients,
            recorder=roles.recorder,
            in_its_role=enable_iam_authentication,
            warm=False,
        )
    )


def missing(grants: list[Grant], needed: Iterable[Use]) -> set[Use]:
    return {use for use in needed if not any(grant.covers(use) for grant in grants)}


def unused(grants: list[Grant], needed: Collection[Use]) -> set[Grant]:
    return {grant for grant in grants if not any(grant.covers(use) for use in needed)}


def test_nothing_is_missing_and_nothing_is_allowed_in_vain(
    needs: dict[Path, set[Use]], grants: list[Grant]
) -> None:
    needed = set().union(*needs.values())
    assert missing(grants, needed) == set()
    assert unused(grants, needed) == set()


@pytest.mark.parametrize("taken", range(len(GRANTS)), ids=map(str, GRANTS))
def test_a_permission_that_is_taken_away_is_missed(
    taken: int,
    needs: dict[Path, set[Use]],
    deployment: MotoDeployment,
    roles: Roles,
    grants: list[Grant],
) -> None:
    """Some paths bear to be denied a call, and are in the test for that all the more."""
    gone, left = grants[taken], grants[:taken] + grants[taken + 1 :]
    path = next(path for path, needed in needs.items() if any(map(gone.covers, needed)))
    roles.allow(left)
    with suppress(Exception):
        go(path, deployment, roles)
    lacking = missing(left, roles.recorder.uses)
    assert {(use.function, use.action) for use in lacking} == {(gone.function, gone.action)}
    assert roles.recorder.denied == (set() if _is_signed(gone) else lacking)


def _is_signed(grant: Grant) -> bool:
    return (grant.function, grant.action) in SIGNED


@pytest.mark.parametrize(
    "more",
    [
        Grant("WorkerFunction", "dynamodb:GetItem", "Table"),
        Grant("DeadLetterFunction", "sqs:SendMessage", "Queue"),
        Grant("RequestFunction", "sqs:SendMessage", "DeadLetterQueue"),
    ],
    ids=str,
)
def test_a_permission_that_nobody_needs_is_noticed(
    more: Grant, needs: dict[Path, set[Use]], grants: list[Grant], stack: Stack
) -> None:
    in_vain = replace(more, resource=stack.resolve({"Fn::GetAtt": [more.resource, "Arn"]}))
    assert unused([*grants, in_vain], set().union(*needs.values())) == {in_vain}


def test_a_permission_on_another_resource_is_none(stack: Stack) -> None:
    table = stack.resolve({"Fn::GetAtt": ["Table", "Arn"]})
    use = Use("WorkerFunction", "dynamodb:UpdateItem", table)
    granted = Grant("WorkerFunction", "dynamodb:UpdateItem", table)
    assert granted.covers(use)
    assert not replace(granted, resource=f"{table}-of-others").covers(use)
    assert not replace(granted, function="DeadLetterFunction").covers(use)


@pytest.mark.parametrize("function", NAMES)
def test_statements_only_allow_and_name_what_they_are_about(function: str) -> None:
    """A condition, or a resource of any name, would not be seen in a grant."""
    for statement in statements(function):
        assert statement.keys() - {"Sid"} == {"Effect", "Action", "Resource"}
        assert statement["Effect"] == "Allow"
        assert "*" not in str(statement["Action"])
        resource = str(statement["Resource"])
        for prefix in ("${LargeResults.Arn}/*", "${AWS::StackName}/*"):
            resource = resource.replace(prefix, "")
        assert "*" not in resource


def test_the_worker_alone_reads_secrets_and_parameters_and_only_of_its_own_stack(
    grants: list[Grant],
) -> None:
    reads = [g for g in grants if g.action.partition(":")[0] in ("secretsmanager", "ssm")]
    assert {(g.function, g.action) for g in reads} == {
        (WORKER, "secretsmanager:GetSecretValue"),
        (WORKER, "ssm:GetParameter"),
    }
    for grant in reads:
        own = grant.resource.replace("*", "sales-database")
        assert grant.covers(Use(WORKER, grant.action, own))
        for others in ("local-staging/", "others/", "locals/"):
            assert not grant.covers(Use(WORKER, grant.action, own.replace("local/", others)))


@pytest.mark.parametrize("function", NAMES)
def test_a_function_writes_to_its_own_log_alone(function: str) -> None:
    [of_logs] = [each for each in statements(function) if each.get("Sid") == LOGS]
    log = RESOURCES[function]["Properties"]["LoggingConfig"]["LogGroup"]["Ref"]
    assert of_logs["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert of_logs["Resource"] == {"Fn::GetAtt": [log, "Arn"]}


@pytest.mark.parametrize("function", QUEUES)
def test_lambda_takes_for_a_function_from_the_queue_that_is_mapped_to_it(function: str) -> None:
    [event] = RESOURCES[function]["Properties"]["Events"].values()
    assert event["Properties"]["Queue"] == {"Fn::GetAtt": [QUEUES[function], "Arn"]}


@pytest.mark.parametrize(
    ("tracing", "added"), [("Disabled", []), ("Active", ["AWSXrayWriteOnlyAccess"])]
)
def test_nothing_is_added_to_the_roles_but_for_tracing(tracing: str, added: list[str]) -> None:
    roles = [
        resource["Properties"]
        for resource in translate(Tracing=tracing).values()
        if resource["Type"] == "AWS::IAM::Role"
        and "lambda.amazonaws.com" in str(resource["Properties"]["AssumeRolePolicyDocument"])
    ]
    assert len(roles) == len(NAMES)
    for each in roles:
        assert [arn.rpartition("/")[2] for arn in each["ManagedPolicyArns"]] == added
        assert len(each["Policies"]) == 1
