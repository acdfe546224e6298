"""What template.yaml says and moto does not mind."""

import json
from typing import Any

import pytest

from backburner.computation.registry import load as load_computation
from backburner.computation.registry import names
from backburner.development.local.template import TEMPLATE, load

RESOURCES: dict[str, Any] = load(TEMPLATE)["Resources"]
WORKERS = ["WorkerFunction", "AsyncWorkerFunction"]
FUNCTIONS = [i for i, r in RESOURCES.items() if r["Type"] == "AWS::Serverless::Function"]


def properties(logical_id: str) -> Any:
    return RESOURCES[logical_id]["Properties"]


def test_cloudformation_takes_the_template_in_the_call_itself() -> None:
    assert len(TEMPLATE.read_bytes()) <= 51_200 - 1_000  # some air for the next lines


def test_the_table_deletes_what_has_expired() -> None:
    ttl = {"AttributeName": "expires_at", "Enabled": True}
    assert properties("Table")["TimeToLiveSpecification"] == ttl


def test_the_table_is_on_demand_encrypted_and_recoverable() -> None:
    table = properties("Table")
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["SSESpecification"]["SSEEnabled"]
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]


def test_the_bucket_is_private_encrypted_and_for_tls_alone() -> None:
    bucket = properties("LargeResults")
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert all(bucket["PublicAccessBlockConfiguration"].values())
    assert bucket["BucketEncryption"]
    [statement] = properties("LargeResultsOverTlsOnly")["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == (
        "Deny",
        "*",
        "s3:*",
    )
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_a_page_from_anywhere_may_get_from_the_bucket_and_do_nothing_else() -> None:
    [rule] = properties("LargeResults")["CorsConfiguration"]["CorsRules"]
    assert (rule["AllowedOrigins"], rule["AllowedMethods"]) == (["*"], ["GET", "HEAD"])


@pytest.mark.parametrize(
    ("queue", "function"),
    [
        ("Queue", "WorkerFunction"),
        ("AsyncQueue", "AsyncWorkerFunction"),
        ("DeadLetterQueue", "DeadLetterFunction"),
    ],
)
def test_a_message_is_hidden_for_six_times_its_functions_timeout(queue: str, function: str) -> None:
    assert properties(queue)["VisibilityTimeout"] >= 6 * properties(function)["Timeout"]


def test_the_queue_gives_up_only_after_every_attempt_had_its_chance() -> None:
    attempts = max(load_computation(name).policy.attempts for name in names())
    for queue in ("Queue", "AsyncQueue"):
        assert properties(queue)["RedrivePolicy"]["maxReceiveCount"] >= 2 * attempts


@pytest.mark.parametrize("queue", ["DeadLetterQueue", "FailedJobsQueue"])
def test_failed_jobs_are_kept_as_long_as_sqs_can(queue: str) -> None:
    assert properties(queue)["MessageRetentionPeriod"] == 14 * 86400


@pytest.mark.parametrize(
    "function", ["WorkerFunction", "AsyncWorkerFunction", "DeadLetterFunction"]
)
def test_one_bad_message_does_not_bring_back_its_batch(function: str) -> None:
    [event] = properties(function)["Events"].values()
    assert event["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


@pytest.mark.parametrize(("worker", "jobs"), [("WorkerFunction", 1), ("AsyncWorkerFunction", 10)])
def test_workers_are_limited_at_the_mapping_where_it_burns_no_receives(
    worker: str, jobs: int
) -> None:
    [event] = properties(worker)["Events"].values()
    assert event["Properties"]["BatchSize"] == jobs
    assert "MaximumBatchingWindowInSeconds" not in event["Properties"]
    assert "MaximumConcurrency" in event["Properties"]["ScalingConfig"]
    assert "ReservedConcurrentExecutions" not in properties(worker)


def test_only_the_workers_have_the_heavy_libraries() -> None:
    assert [f for f in FUNCTIONS if "Layers" in properties(f)] == WORKERS


def test_the_async_lane_differs_from_the_standard_one_where_it_must_and_nowhere_else() -> None:
    """Its queue and worker are copies, as CloudFormation knows no other way."""
    others = {"Async": "", "In the async lane, a": "A", " of the async lane": ""}
    changed = set()
    for name in ("Queue", "WorkerFunction", "WorkerFunctionRole", "WorkerErrors"):
        ours, theirs = (_flat(properties(each)) for each in (f"Async{name}", name))
        for old, new in others.items():
            ours = {key: value.replace(old, new) for key, value in ours.items()}
        changed |= {key for key in ours | theirs if ours.get(key) != theirs.get(key)}
        assert RESOURCES[f"Async{name}"]["Condition"] == "AsyncLane"
    assert changed == {"Description", "Events Job Properties BatchSize"}


def _flat(value: Any, path: str = "") -> dict[str, str]:
    """Each leaf, as text, by its path."""
    if not isinstance(value, dict | list):
        return {path: str(value)}
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found: dict[str, str] = {}
    for key, each in inner:
        found |= _flat(each, f"{path} {key}".strip())
    return found


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_is_a_file(function: str) -> None:
    """All workers are the same code."""
    function = "WorkerFunction" if function in WORKERS else function
    words = "".join(f"_{c.lower()}" if c.isupper() else c for c in function).lstrip("_")
    assert (
        properties(function)["Handler"] == f"backburner.{words.removesuffix('_function')}.handler"
    )
    assert (TEMPLATE.parent / f"tests/test_{words.removesuffix('_function')}.py").exists()


def test_nothing_has_a_name_of_its_own_so_that_it_can_be_deployed_twice() -> None:
    for logical_id, resource in RESOURCES.items():
        _, service, kind = resource["Type"].split("::")
        if service != "ApiGatewayV2":  # its names are within an API, or need not be unique
            assert not {f"{kind}Name", "LayerName", "RoleName"} & set(properties(logical_id))


def routes() -> dict[str, Any]:
    """By route key."""
    found = [r for r in RESOURCES.values() if r["Type"] == "AWS::ApiGatewayV2::Route"]
    return {route["Properties"]["RouteKey"]: route for route in found}


def test_every_route_leads_to_the_live_version_of_the_request_function() -> None:
    for route in routes().values():
        assert route["Properties"]["Target"] == {"Fn::Sub": "integrations/${Integration}"}
    assert properties("Integration")["IntegrationUri"] == {"Fn::Sub": "${RequestFunction.Arn}:live"}
    assert properties("RequestFunction")["AutoPublishAlias"] == "live"
    assert properties("Permission")["FunctionName"] == {"Ref": "RequestFunction.Alias"}


def test_only_operators_may_forget() -> None:
    forget = routes()["DELETE /v1/{computation}/{signature}"]
    assert forget["Properties"]["AuthorizationType"] == "AWS_IAM"
    assert "Condition" not in forget


def test_with_tokens_everything_is_closed_but_the_documents_and_preflights() -> None:
    default = routes()["$default"]["Properties"]
    assert default["AuthorizationType"] == {"Fn::If": ["ForBearers", "JWT", "NONE"]}
    open_routes = {
        key: route["Condition"]
        for key, route in routes().items()
        if route["Properties"]["AuthorizationType"] == "NONE"
    }
    assert open_routes == dict.fromkeys(
        [
            "ANY /",
            "ANY /console/{file}",
            "ANY /openapi.json",
            "ANY /health",
            "OPTIONS /{proxy+}",
        ],
        "ForBearers",
    )


def test_the_access_log_is_json_and_has_nothing_in_it_that_a_client_words() -> None:
    logged = json.loads(properties("Stage")["AccessLogSettings"]["Format"])
    worded_by_the_client = ("path", "uri", "query", "userAgent", "header")
    assert logged["request_id"] == "$context.requestId"
    assert not [v for v in logged.values() if any(word in v for word in worded_by_the_client)]
