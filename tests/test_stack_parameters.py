"""Each parameter of template.yaml arrives where it belongs, in what CloudFormation is given."""

import json
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from backburner.development.local.template import TEMPLATE, load
from tests.support.translation import translate

TEMPLATE_ITSELF = load(TEMPLATE)
PARAMETERS: dict[str, Any] = TEMPLATE_ITSELF["Parameters"]
FUNCTIONS = ["RequestFunction", "WorkerFunction", "AsyncWorkerFunction", "DeadLetterFunction"]

ARRIVALS: list[tuple[str, str, str]] = [
    ("JwtIssuer", "https://issuer.example", "Authorizer JwtConfiguration Issuer"),
    ("JwtIssuer", "https://issuer.example", "RequestFunction Environment Variables JWT_ISSUER"),
    ("BasePath", "/orders", "RequestFunction Environment Variables BASE_PATH"),
    ("RequestRate", "7", "Stage DefaultRouteSettings ThrottlingRateLimit"),
    ("RequestBurst", "9", "Stage DefaultRouteSettings ThrottlingBurstLimit"),
    ("MaxBacklog", "5", "RequestFunction Environment Variables MAX_BACKLOG"),
    ("MaxWorkers", "3", "WorkerFunctionJob ScalingConfig MaximumConcurrency"),
    ("WorkerMemory", "3538", "WorkerFunction MemorySize"),
    ("MaxAsyncWorkers", "3", "AsyncWorkerFunctionJob ScalingConfig MaximumConcurrency"),
    ("AsyncWorkerMemory", "1024", "AsyncWorkerFunction MemorySize"),
    ("WorkerStorage", "1024", "AsyncWorkerFunction EphemeralStorage Size"),
    ("WorkerEnvironment", "A=1", "AsyncWorkerFunction Environment Variables WORKER_ENVIRONMENT"),
    ("OldestJobSeconds", "60", "OldAsyncJobs Threshold"),
    ("WorkerStorage", "1024", "WorkerFunction EphemeralStorage Size"),
    ("WorkerEnvironment", "A=1", "WorkerFunction Environment Variables WORKER_ENVIRONMENT"),
    ("OldestJobSeconds", "60", "OldJobs Threshold"),
    ("SlowRequestMilliseconds", "250", "SlowRequests Threshold"),
    ("SnapStart", "PublishedVersions", "RequestFunction SnapStart ApplyOn"),
    *[("Architecture", "x86_64", f"{name} Architectures 0") for name in FUNCTIONS],
    *[("LogLevel", "DEBUG", f"{name} Environment Variables LOG_LEVEL") for name in FUNCTIONS],
    *[("Tracing", "Active", f"{name} TracingConfig Mode") for name in FUNCTIONS],
    *[
        ("LogRetentionDays", "90", f"{name} RetentionInDays")
        for name in ("ApiLogs", "RequestLogs", "WorkerLogs", "DeadLetterLogs")
    ],
]
"""A parameter, a value of it, and the property that has it."""

SWITCHES = {
    *("JwtIssuer", "JwtAudience", "Rollout", "AlarmEmail"),
    *("WorkerPolicies", "WorkerSubnets", "WorkerSecurityGroups"),
}
"""Parameters that decide what there is; each has tests of its own below."""

WITH_ALL_LANES = {"MaxAsyncWorkers": "10"}
XRAY = "AWSXrayWriteOnlyAccess"
SAMCONFIG = TEMPLATE.parent / "samconfig.toml"
SAM_SENDS = Path(__file__).parent / "support/sam_sends.py"
SAMS_PYTHON = TEMPLATE.parent / ".venv-sam/bin/python"
STAGES = tomllib.loads(SAMCONFIG.read_text())
STAGE_NAMES = [name for name in STAGES if name != "version"]


@pytest.mark.parametrize(("name", "value", "where"), ARRIVALS)
def test_a_parameter_arrives(name: str, value: str, where: str) -> None:
    assert str(at(where, translate(**{**WITH_ALL_LANES, name: value}))) == value


def test_every_parameter_is_exercised() -> None:
    assert {name for name, _, _ in ARRIVALS} | SWITCHES == set(PARAMETERS)


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_is_described_bounded_and_has_a_default_within_its_bounds(name: str) -> None:
    parameter = PARAMETERS[name]
    assert parameter["Description"].endswith(".")
    default = parameter["Default"]
    if "AllowedValues" in parameter:
        assert default in parameter["AllowedValues"]
    elif parameter["Type"] == "Number":
        assert parameter["MinValue"] <= default <= parameter["MaxValue"]
    else:
        assert re.match(parameter["AllowedPattern"], default)


def test_every_parameter_is_in_one_group() -> None:
    groups = TEMPLATE_ITSELF["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    grouped = [name for group in groups for name in group["Parameters"]]
    assert sorted(grouped) == sorted(PARAMETERS)


@pytest.mark.parametrize("bad", ["http://issuer.example", "issuer", "https://a b"])
def test_an_issuer_is_an_https_url(bad: str) -> None:
    assert not re.fullmatch(PARAMETERS["JwtIssuer"]["AllowedPattern"], bad)


def test_without_an_issuer_the_api_is_public() -> None:
    resources = translate()
    assert at("DefaultRoute AuthorizationType", resources) == "NONE"
    assert "AuthorizerId" not in resources["DefaultRoute"]["Properties"]
    assert "Authorizer" not in resources


def test_with_an_issuer_a_token_for_one_of_the_audiences_is_asked_for() -> None:
    resources = translate(JwtIssuer="https://issuer.example", JwtAudience="us,them")
    assert at("DefaultRoute AuthorizationType", resources) == "JWT"
    assert at("DefaultRoute AuthorizerId", resources) == "Authorizer"
    assert at("Authorizer AuthorizerType", resources) == "JWT"
    assert at("Authorizer JwtConfiguration Audience", resources) == {"Fn::Split": [",", "us,them"]}


def test_an_issuer_without_an_audience_is_refused() -> None:
    assert ("JwtIssuer", "JwtAudience") in required()


def test_subnets_and_security_groups_are_given_together() -> None:
    together = {
        ("WorkerSubnets", "WorkerSecurityGroups"),
        ("WorkerSecurityGroups", "WorkerSubnets"),
    }
    assert together <= required()


def required() -> set[tuple[str, str]]:
    """By the rules: a parameter that is given, and the one that must be given with it."""
    return {
        (_not_empty(rule["RuleCondition"]), _not_empty(assertion["Assert"]))
        for rule in TEMPLATE_ITSELF["Rules"].values()
        for assertion in rule["Assertions"]
    }


def _not_empty(condition: Any) -> str:
    match condition:
        case {"Fn::Not": [{"Fn::Equals": [{"Ref": str(name)}, ""]}]}:
            return name
    raise ValueError(f"{condition} is not that a parameter is given")


@pytest.mark.parametrize("issuer", ["", "https://issuer.example"])
def test_deletion_is_for_operators_with_and_without_tokens(issuer: str) -> None:
    assert at("ForgetRoute AuthorizationType", translate(JwtIssuer=issuer)) == "AWS_IAM"


def test_nobody_is_told_of_alarms_unless_there_is_an_address() -> None:
    resources = translate()
    assert "AlarmTopic" not in resources
    assert len(alarms(resources)) > 10
    assert not any(alarm["Properties"]["AlarmActions"] for alarm in alarms(resources))


def test_with_an_address_every_alarm_goes_there() -> None:
    resources = translate(AlarmEmail="operator@example.org", **WITH_ALL_LANES)
    assert at("AlarmTopic Subscription", resources) == [
        {"Protocol": "email", "Endpoint": "operator@example.org"}
    ]
    for alarm in alarms(resources):
        assert alarm["Properties"]["AlarmActions"] == ["AlarmTopic"]


WORKERS = ("WorkerFunction", "AsyncWorkerFunction")
MORE = "arn:aws:iam::123456789012:policy/bucket,arn:aws:iam::aws:policy/ReadOnlyAccess"
OTHER_ROLES = ("RequestFunctionRole", "DeadLetterFunctionRole")
IN_A_VPC = {"WorkerSubnets": "subnet-0a,subnet-0b", "WorkerSecurityGroups": "sg-0c"}


@pytest.mark.parametrize("tracing", ["Disabled", "Active"])
def test_further_policies_are_for_the_workers_role_alone(tracing: str) -> None:
    resources = translate(WorkerPolicies=MORE, Tracing=tracing, **WITH_ALL_LANES)
    traced = [f"arn:aws:iam::aws:policy/{XRAY}"] if tracing == "Active" else []
    separated = {"Fn::Split": [",", ",".join([*traced, MORE])]}
    for worker in WORKERS:
        assert at(f"{worker}Role ManagedPolicyArns", resources) == separated
    for other in OTHER_ROLES:
        assert at(f"{other} ManagedPolicyArns", resources) == traced


def test_in_a_vpc_is_the_worker_alone() -> None:
    resources = translate(**IN_A_VPC, **WITH_ALL_LANES)
    for worker in WORKERS:
        assert at(f"{worker} VpcConfig", resources) == {
            "SubnetIds": {"Fn::Split": [",", "subnet-0a,subnet-0b"]},
            "SecurityGroupIds": {"Fn::Split": [",", "sg-0c"]},
        }
    for other in ("RequestFunction", "DeadLetterFunction"):
        assert "VpcConfig" not in resources[other]["Properties"]


def test_network_interfaces_are_for_the_workers_role_alone_and_only_in_a_vpc() -> None:
    inside, outside = translate(**IN_A_VPC, **WITH_ALL_LANES), translate(**WITH_ALL_LANES)
    for role in (f"{worker}Role" for worker in WORKERS):
        [new] = [each for each in allowed(role, inside) if each not in allowed(role, outside)]
        assert {action.partition(":")[0] for action in new["Action"]} == {"ec2"}
    for other in OTHER_ROLES:
        assert allowed(other, inside) == allowed(other, outside)
    assert "ec2:" not in str(outside)
    assert "VpcConfig" not in outside["WorkerFunction"]["Properties"]


def allowed(role: str, resources: dict[str, Any]) -> list[Any]:
    statements: list[Any] = at(f"{role} Policies 0 PolicyDocument Statement", resources)
    return statements


def test_a_project_that_uses_one_lane_deploys_one() -> None:
    one, two = translate(), translate(**WITH_ALL_LANES)
    more = set(two) - set(one)
    assert set(one) <= set(two)
    assert {name.replace("Async", "") for name in more} <= set(one)
    assert len(more) == len([each for each in two if "Async" in each]) >= 7
    assert "Async" not in str(one)
    variables = at("RequestFunction Environment Variables", two)
    assert variables["ASYNC_QUEUE_URL"] == "AsyncQueue"


def test_with_a_further_lane_the_request_function_may_send_and_count_there_and_no_more() -> None:
    one, two = translate(), translate(**WITH_ALL_LANES)
    role = "RequestFunctionRole"
    assert [each for each in allowed(role, two) if each not in allowed(role, one)] == [
        {
            "Effect": "Allow",
            "Action": ["sqs:SendMessage", "sqs:GetQueueAttributes"],
            "Resource": "AsyncQueue.Arn",
        }
    ]


@pytest.mark.parametrize(
    ("value", "is_good"),
    [("0", True), ("2", True), ("99", True), ("1000", True)]
    + [(bad, False) for bad in ("", "1", "01", "-2", "2.5", "1001", "10000", "off")],
)
def test_workers_that_wait_are_none_or_as_many_as_a_mapping_may_have(
    value: str, is_good: bool
) -> None:
    pattern = PARAMETERS["MaxAsyncWorkers"]["AllowedPattern"]
    assert bool(re.fullmatch(pattern, value)) == is_good


def test_what_computations_need_is_nothing_unless_it_is_given() -> None:
    resources = translate()
    assert at("WorkerFunctionRole ManagedPolicyArns", resources) == []
    assert at("WorkerFunction EphemeralStorage Size", resources) == 512  # Lambda's own default
    assert at("WorkerFunction Environment Variables WORKER_ENVIRONMENT", resources) == ""


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        (
            "WorkerPolicies",
            [MORE, "arn:aws-cn:iam::1:policy/a"],
            ["policy", "arn:a, arn:b", "arn:a,"],
        ),
        ("WorkerSubnets", ["subnet-0a1b"], ["0a1b", "sg-0a", "subnet-0a, subnet-0b", "subnet-0a,"]),
        ("WorkerSecurityGroups", ["sg-0a,sg-0b"], ["0a1b", "subnet-0a", "sg-0a sg-0b"]),
        ("WorkerEnvironment", ["A=1", "A= B='x y'"], ["A", "1=2", "=", " A=1"]),
    ],
)
def test_a_list_of_another_form_is_refused(name: str, good: list[str], bad: list[str]) -> None:
    pattern = PARAMETERS[name]["AllowedPattern"]
    assert all(re.fullmatch(pattern, each) for each in good)
    assert not any(re.fullmatch(pattern, each) for each in bad)


@pytest.mark.parametrize(
    "rollout", [r for r in PARAMETERS["Rollout"]["AllowedValues"] if r != "AllAtOnce"]
)
def test_in_steps_the_alarms_of_the_request_function_bring_the_old_version_back(
    rollout: str,
) -> None:
    resources = translate(Rollout=rollout)
    group = resources["RequestFunctionDeploymentGroup"]["Properties"]
    assert group["DeploymentConfigName"] == f"CodeDeployDefault.Lambda{rollout}"
    assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
    watched = {alarm["Name"] for alarm in group["AlarmConfiguration"]["Alarms"]}
    assert watched == {"RequestErrors", "RequestFaults", "SlowRequests"}
    assert "CodeDeployLambdaAliasUpdate" in resources["RequestFunctionAliaslive"]["UpdatePolicy"]


def test_all_at_once_needs_no_code_deploy() -> None:
    resources = translate(Rollout="AllAtOnce")
    assert not [r for r in resources.values() if r["Type"].startswith("AWS::CodeDeploy")]
    assert "UpdatePolicy" not in resources["RequestFunctionAliaslive"]


@pytest.mark.parametrize(
    ("name", "value"),
    sorted({(name, value) for name, value, _ in ARRIVALS} | {("MaxAsyncWorkers", "0")}),
)
def test_a_version_is_another_exactly_if_the_function_is(name: str, value: str) -> None:
    """Lambda makes no version of an equal function, and CloudFormation then rolls back."""
    before, after = (translate(**WITH_ALL_LANES | more) for more in ({}, {name: value}))
    function, described = "RequestFunction", version(before)["Properties"]["Description"]
    is_another = version(after)["Properties"]["Description"] != described
    assert is_another == (before[function] != after[function])


def test_a_version_with_other_code_keeps_the_old_one_to_go_back_to() -> None:
    assert version(translate())["DeletionPolicy"] == "Retain"


Sent = dict[str, dict[str, str | None]]


@pytest.fixture(scope="module")
def sent() -> Sent:
    """By stage: what sam sends for each parameter; None keeps the last deployment's value."""
    if not SAMS_PYTHON.exists():
        pytest.skip("sam is not installed; run `make .venv-sam/ready`")
    # -P: tests/http is no http.
    command: list[str | Path] = [SAMS_PYTHON, "-P", SAM_SENDS, TEMPLATE, SAMCONFIG]
    stages = json.loads(subprocess.check_output(command))  # noqa: S603 - the command is ours
    return {
        stage: {each["ParameterKey"]: each.get("ParameterValue") for each in parameters}
        for stage, parameters in stages.items()
    }


@pytest.mark.parametrize("stage", ["staging", "production"])
def test_a_stage_is_what_its_file_says_whatever_was_deployed_before(stage: str, sent: Sent) -> None:
    assert set(sent[stage]) == set(PARAMETERS)
    assert [name for name, value in sent[stage].items() if value is None] == []


def test_a_parameter_that_is_not_named_keeps_the_value_of_the_last_deployment(sent: Sent) -> None:
    """Not the template's default. docs/operations.md says so."""
    named = {name for name, value in sent["default"].items() if value is not None}
    assert named == {"Rollout", "LogRetentionDays", "MaxAsyncWorkers"}


@pytest.mark.parametrize("stage", STAGE_NAMES)
def test_a_stage_sets_parameters_to_values_within_their_bounds(stage: str, sent: Sent) -> None:
    for name, value in sent[stage].items():
        parameter = PARAMETERS[name]
        if value is None:
            continue
        if "AllowedValues" in parameter:
            assert value in map(str, parameter["AllowedValues"])
        elif parameter["Type"] == "Number":
            assert parameter["MinValue"] <= int(value) <= parameter["MaxValue"]
        else:
            assert re.fullmatch(parameter["AllowedPattern"], value)


@pytest.mark.parametrize("stage", STAGE_NAMES)
def test_a_stage_has_a_stack_code_and_tags_of_its_own(stage: str) -> None:
    """sam delete deletes the folder of the code: another stage's must not be in it."""
    name = STAGES[stage]["global"]["parameters"]["stack_name"]
    deploy = STAGES[stage]["deploy"]["parameters"]
    assert name == ("backburner" if stage == "default" else f"backburner-{stage}")
    assert deploy["s3_prefix"] == name
    assert "application=backburner stage=" in deploy["tags"]


@pytest.mark.parametrize("stage", STAGE_NAMES)
def test_a_deployment_without_changes_succeeds(stage: str) -> None:
    assert STAGES[stage]["deploy"]["parameters"]["fail_on_empty_changeset"] is False


def at(where: str, resources: dict[str, Any]) -> Any:
    """The property at: logical id, and then keys and indices."""
    logical_id, *keys = where.split()
    found = resources[logical_id]["Properties"]
    for key in keys:
        found = found[int(key)] if isinstance(found, list) else found[key]
    return found


def alarms(resources: dict[str, Any]) -> list[dict[str, Any]]:
    return [r for r in resources.values() if r["Type"] == "AWS::CloudWatch::Alarm"]


def version(resources: dict[str, Any]) -> Any:
    [found] = [r for r in resources.values() if r["Type"] == "AWS::Lambda::Version"]
    return found


def test_the_description_of_a_version_is_never_too_long_for_lambda() -> None:
    text = TEMPLATE_ITSELF["Resources"]["RequestFunction"]["Properties"]["VersionDescription"]
    described, _ = text["Fn::Sub"]
    longest = re.sub(r"\${(\w+)}", lambda found: "x" * _longest(found[1]), described)
    assert len(longest) <= LONGEST_DESCRIPTION


def _longest(name: str) -> int:
    parameter = PARAMETERS.get(name, {"MaxLength": 1})  # Lanes is one figure
    bound = parameter.get("MaxLength") or len(str(parameter.get("MaxValue", "")))
    return max([bound, *(len(value) for value in parameter.get("AllowedValues", []))])


LONGEST_DESCRIPTION = 256
"""Characters, by Lambda."""
