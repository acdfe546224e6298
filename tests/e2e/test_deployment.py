"""The product as an operator has it: built and deployed by sam, updated, and deleted again."""

import gzip
import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from backburner.development.suites.api import Api
from tests.support import instances
from tests.support.contract import check_contract
from tests.support.eventually import eventually

from .emulator import UNLIKE_AWS, Emulator
from .stack import DeployedStack

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]

E_N22_K4 = instances.parameters("E-n22-k4")
LARGE = 20_000_000
LISTS = {
    "apigatewayv2": {"get_apis": "Items"},
    "cloudwatch": {"describe_alarms": "MetricAlarms", "list_dashboards": "DashboardEntries"},
    "dynamodb": {"list_tables": "TableNames"},
    "iam": {"list_roles": "Roles"},
    "lambda": {
        "list_functions": "Functions",
        "list_layers": "Layers",
        "list_event_source_mappings": "EventSourceMappings",
    },
    "logs": {"describe_log_groups": "logGroups"},
    "s3": {"list_buckets": "Buckets"},
    "sqs": {"list_queues": "QueueUrls"},
}
"""What there can be of a stack: by service, the calls that list it and where."""
SAMS_OWN = "aws-sam-cli-managed-default"
"""The bucket that sam makes for its uploads, for all stacks of an account."""


def test_it_keeps_to_the_contract(api: Api) -> None:
    check_contract(api.url, unlike_aws=UNLIKE_AWS)


def test_a_published_instance_comes_out_at_its_optimum_and_is_kept(api: Api) -> None:
    plan = api.answer(E_N22_K4, "/v1/route-plan")
    assert (plan.status, plan.json["distance"]) == (200, instances.OPTIMA["E-n22-k4"])
    again = api.post("/v1/route-plan", E_N22_K4)
    assert (again.body, again.headers["etag"]) == (plan.body, plan.headers["etag"])


def test_a_file_more_is_a_computation_more(api: Api) -> None:
    assert "doubling" in [each["name"] for each in api.get("/v1").json["computations"]]
    assert api.answer({"number": 21, "takes": 1}, "/v1/doubling").json["doubled"] == 42


def test_a_computation_that_always_dies_ends_as_a_problem(api: Api) -> None:
    answer = api.answer({"how": "die"}, "/v1/crashing")
    assert (answer.status, answer.media_type) == (500, "application/problem+json")
    assert "2 attempts" in answer.body.decode()


def test_what_waits_has_a_lane_of_its_own(stack: DeployedStack, api: Api) -> None:
    questions = [{"how": "waits", "number": number, "seconds": 1} for number in range(4)]
    for question in questions:
        assert api.post("/v1/patient", question).status == 202
    assert [api.answer(each, "/v1/patient").status for each in questions] == [200] * 4
    assert stack.output("AsyncQueueUrl")


def test_a_result_of_20_mb_comes_by_redirect(api: Api) -> None:
    assert api.post("/v1/noise", {"size": LARGE}).status == 202
    answer = api.answer({"size": LARGE}, "/v1/noise")
    assert (answer.status, answer.headers["content-encoding"]) == (200, "gzip")
    assert len(json.loads(gzip.decompress(answer.body))["letters"]) == LARGE


def test_the_worker_reads_the_secret_and_the_setting_of_its_stack(
    stack: DeployedStack, api: Api
) -> None:
    """Before that it says which it lacks, and tries again."""
    secrets, parameters = map(stack.emulator.client, ("secretsmanager", "ssm"))
    prefix = stack.project.stack_name
    name, password = f"{prefix}/sales-database", "postgres://app:s3cret@db/sales"
    assert api.post("/v1/reporting", {"what": "length"}).status == 202
    remedy = f"aws secretsmanager create-secret --name {name}"
    eventually(lambda: remedy in stack.emulator.log.read_text(), within=60)
    secrets.create_secret(Name=name, SecretString=password)
    parameters.put_parameter(Name=f"/{prefix}/currency", Value="SEK", Type="String")
    assert api.answer({"what": "length"}, "/v1/reporting").json == {"said": str(len(password))}
    assert api.answer({"what": "currency"}, "/v1/reporting").json == {"said": "SEK"}
    refused = api.answer({"what": "refuse"}, "/v1/reporting")
    assert (refused.status, refused.json["detail"]) == (422, "'***' does not answer")
    assert "s3cret" not in stack.emulator.log.read_text()
    secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    parameters.delete_parameter(Name=f"/{prefix}/currency")


def test_a_malformed_message_goes_to_the_dead_letters_and_is_reported(
    stack: DeployedStack,
) -> None:
    sqs = stack.emulator.client("sqs")
    sqs.send_message(QueueUrl=stack.output("QueueUrl"), MessageBody="this is no message of ours")
    eventually(lambda: "a malformed dead letter" in stack.emulator.log.read_text(), within=60)


def test_not_everybody_may_forget(api: Api) -> None:
    answer = api.answer({"number": 1, "takes": 1}, "/v1/doubling")
    location = answer.headers["content-location"]
    assert api.ask("DELETE", location).status == 403
    assert api.get(location).status == 200


def test_a_function_may_do_only_what_its_role_allows(stack: DeployedStack, api: Api) -> None:
    with without_its_policy(stack, "RequestFunctionRole"):
        refused = api.post("/v1/doubling", {"number": 2})
        assert (refused.status, refused.media_type) == (500, "application/problem+json")
    assert api.post("/v1/doubling", {"number": 2}).status == 202


@contextmanager
def without_its_policy(stack: DeployedStack, role: str) -> Iterator[None]:
    iam = stack.emulator.client("iam")
    role_name = stack.physical_id(role)
    [name] = iam.list_role_policies(RoleName=role_name)["PolicyNames"]
    policy = iam.get_role_policy(RoleName=role_name, PolicyName=name)["PolicyDocument"]
    iam.delete_role_policy(RoleName=role_name, PolicyName=name)
    yield
    iam.put_role_policy(RoleName=role_name, PolicyName=name, PolicyDocument=json.dumps(policy))


def test_an_update_brings_the_changed_computation_and_keeps_all_other_answers(
    api: Api, updated: DeployedStack
) -> None:
    assert updated.api.url == api.url
    assert api.answer({"number": 21, "takes": 1}, "/v1/doubling").json["doubled"] == 63
    kept = api.post("/v1/route-plan", E_N22_K4)
    assert kept.headers["cache-status"].startswith("backburner; hit")


def test_a_stage_more_is_deployed_again_without_changes_and_deleted_without_anothers_code(
    updated: DeployedStack,
) -> None:
    before = uploaded(updated.emulator)
    assert set(before) == {"backburner"}
    updated.project.deploy_stage("staging")
    there = uploaded(updated.emulator)
    assert set(there) == {"backburner", "backburner-staging"}
    assert "is up to date" in updated.project.deploy_stage("staging")
    updated.project.delete("staging")
    assert uploaded(updated.emulator) == before


def uploaded(emulator: Emulator) -> dict[str, list[str]]:
    """What sam has uploaded: by folder, the names in it."""
    s3, folders = emulator.client("s3"), defaultdict[str, list[str]](list)
    [bucket] = [b["Name"] for b in s3.list_buckets()["Buckets"] if SAMS_OWN in b["Name"]]
    for each in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
        folder, _, name = each["Key"].rpartition("/")
        folders[folder].append(name)
    return dict(folders)


def test_deleted_it_leaves_nothing(updated: DeployedStack) -> None:
    assert set(what_there_is(updated.emulator)) == set(LISTS)
    empty(updated, "LargeResultsBucket")
    updated.project.delete()
    assert uploaded(updated.emulator) == {}
    left = what_there_is(updated.emulator)
    assert SAMS_OWN in str(left.pop("s3"))
    assert left == {}


def empty(stack: DeployedStack, output: str) -> None:
    """What the runbook says before `sam delete`: CloudFormation deletes no bucket with objects."""
    s3, bucket = stack.emulator.client("s3"), stack.output(output)
    objects = s3.list_objects_v2(Bucket=bucket)["Contents"]
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": o["Key"]} for o in objects]})


def what_there_is(emulator: Emulator) -> dict[str, list[object]]:
    """By service; none where there is nothing."""
    found = {
        service: [
            each
            for call, key in calls.items()
            for each in getattr(emulator.client(service), call)().get(key, [])
        ]
        for service, calls in LISTS.items()
    }
    return {service: items for service, items in found.items() if items}
