"""The alarms and the dashboard watch what is emitted; the runbook has a section for each alarm."""

import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES

from backburner import telemetry
from backburner.development.local.template import STACK_NAME, TEMPLATE, load
from tests.support.environment import exactly
from tests.support.translation import translate

ROOT = Path(__file__).parent.parent
RESOURCES = translate(
    AlarmEmail="operator@example.org", Rollout="Canary10Percent5Minutes", MaxAsyncWorkers="10"
)
RUNBOOK = (ROOT / "docs/operations.md").read_text()

PUBLISHED: dict[str, tuple[set[str], list[set[str]]]] = {
    "AWS/Lambda": (
        {"Invocations", "Errors", "Throttles", "Duration"},
        [{"FunctionName"}, {"FunctionName", "Resource"}],
    ),
    "AWS/SQS": (
        {
            "ApproximateAgeOfOldestMessage",
            "ApproximateNumberOfMessagesVisible",
            "ApproximateNumberOfMessagesNotVisible",
        },
        [{"QueueName"}],
    ),
    "AWS/ApiGateway": ({"Count", "4xx", "5xx"}, [{"ApiId"}]),
}
"""What AWS documents: the metrics of a namespace, and the sets of their dimensions."""

AGE = "ApproximateAgeOfOldestMessage"
LEAVES_OUT = {AGE: "messages that were received three times or more and are not deleted"}
"""What AWS documents of a metric of a queue; the others that we watch leave nothing out."""

WHEN_SILENT = {"ApproximateNumberOfMessagesVisible": "ignore"}
"""SQS reports this one of an empty queue, too, but not of a queue that nobody has called for six
hours. All others are silent when there is nothing to report: then it is over."""


def of_type(kind: str) -> dict[str, Any]:
    return {i: r["Properties"] for i, r in RESOURCES.items() if r["Type"] == kind}


ALARMS = of_type("AWS::CloudWatch::Alarm")
ENVIRONMENTS = {
    name: {n: str(value) for n, value in function["Environment"]["Variables"].items()}
    for name, function in of_type("AWS::Lambda::Function").items()
}
FILTERS = of_type("AWS::Logs::MetricFilter")
OWNERS = {
    "FunctionName": of_type("AWS::Lambda::Function"),
    "Resource": {
        f"{p['FunctionName']}:{p['Name']}": p for p in of_type("AWS::Lambda::Alias").values()
    },
    "QueueName": {f"{queue}.QueueName": p for queue, p in of_type("AWS::SQS::Queue").items()},
    "ApiId": of_type("AWS::ApiGatewayV2::Api"),
}
"""By dimension: what there is of which AWS publishes metrics under it."""


def emitted_by_the_code() -> set[str]:
    """The names that count and measure are called with."""
    sources = "".join(p.read_text() for p in (ROOT / "src/backburner").glob("**/*.py"))
    calls = re.findall(r"(?<![.\w])(?:count|measure)\(([^,]*),", sources)
    return {name for call in calls for name in re.findall(r'"(\w+)"', call)}


def assert_is_there(namespace: str, metric: str, dimensions: dict[str, str]) -> None:
    """The metric exists: AWS publishes it of a resource of ours, or a filter of ours makes it."""
    if namespace == STACK_NAME:
        made = [t for f in FILTERS.values() for t in f["MetricTransformations"]]
        assert (namespace, metric) in [(t["MetricNamespace"], t["MetricName"]) for t in made]
        assert dimensions == {}
        return
    metrics, sets_of_dimensions = PUBLISHED[namespace]
    assert metric in metrics
    assert set(dimensions) in sets_of_dimensions
    for name, value in dimensions.items():
        assert value in OWNERS[name], f"{name}={value} is of nothing that there is"


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_watches_a_metric_that_there_is(name: str) -> None:
    alarm = ALARMS[name]
    dimensions = {d["Name"]: d["Value"] for d in alarm.get("Dimensions", [])}
    assert_is_there(alarm["Namespace"], alarm["MetricName"], dimensions)


@pytest.mark.parametrize("name", ALARMS)
def test_silence_begins_no_alarm_and_ends_one_only_where_it_says_that_all_is_well(
    name: str,
) -> None:
    expected = WHEN_SILENT.get(ALARMS[name]["MetricName"], "notBreaching")
    assert ALARMS[name]["TreatMissingData"] == expected
    assert ALARMS[name]["ComparisonOperator"] == "GreaterThanThreshold"


@pytest.mark.parametrize(
    ("alarm", "watched"),
    [
        ("RequestErrors", "Errors of RequestFunction"),
        ("RequestFaults", "request_fault of "),
        ("SlowRequests", "Duration of RequestFunction"),
        ("RequestThrottles", "Throttles of RequestFunction"),
        ("RefusedWork", "refused_in_all of "),
        ("OldJobs", "ApproximateAgeOfOldestMessage of Queue.QueueName"),
        ("WorkerErrors", "Errors of WorkerFunction"),
        ("WorkerFaults", "worker_fault of "),
        ("WorkerThrottles", "Throttles of WorkerFunction"),
        ("OldAsyncJobs", "ApproximateAgeOfOldestMessage of AsyncQueue.QueueName"),
        ("AsyncWorkerErrors", "Errors of AsyncWorkerFunction"),
        ("AsyncWorkerThrottles", "Throttles of AsyncWorkerFunction"),
        ("FailedJobs", "ApproximateNumberOfMessagesVisible of FailedJobsQueue.QueueName"),
        ("DeadLetters", "Invocations of DeadLetterFunction"),
        ("DeadLetterErrors", "Errors of DeadLetterFunction"),
        ("DeadLetterFaults", "dead_letter_fault of "),
        ("UnburiedDeadLetters", "ApproximateNumberOfMessagesVisible of DeadLetterQueue.QueueName"),
    ],
)
def test_an_alarm_watches_what_it_is_named_for(alarm: str, watched: str) -> None:
    first, *_ = ALARMS[alarm].get("Dimensions", [{"Value": ""}])
    assert f"{ALARMS[alarm]['MetricName']} of {first['Value']}" == watched


def watched(namespace: str, metric: str, of: str | None = None) -> bool:
    """Whether any alarm is about it."""
    return any(
        (alarm["Namespace"], alarm["MetricName"]) == (namespace, metric)
        and of in [None, *(d["Value"] for d in alarm.get("Dimensions", []))]
        for alarm in ALARMS.values()
    )


def what_it_leaves_out_rings(alarm: dict[str, Any]) -> bool:
    """A message that the metric leaves out is given up by its queue, and that is watched."""
    if alarm["MetricName"] not in LEAVES_OUT:
        return True
    [dimension] = alarm["Dimensions"]
    policy = OWNERS["QueueName"][dimension["Value"]].get("RedrivePolicy")
    if not policy:
        return False
    mappings = of_type("AWS::Lambda::EventSourceMapping").values()
    [taker] = [
        mapping["FunctionName"]
        for mapping in mappings
        if mapping["EventSourceArn"] == policy["deadLetterTargetArn"]
    ]
    return watched("AWS/Lambda", "Invocations", taker)


@pytest.mark.parametrize("name", ALARMS)
def test_what_a_metric_leaves_out_rings_elsewhere(name: str) -> None:
    assert what_it_leaves_out_rings(ALARMS[name])


def test_the_age_of_dead_letters_which_come_back_for_ever_is_no_alarm() -> None:
    failed_jobs = {"Name": "QueueName", "Value": "DeadLetterQueue.QueueName"}
    assert not what_it_leaves_out_rings({"MetricName": AGE, "Dimensions": [failed_jobs]})


@pytest.mark.parametrize("function", ["RequestFunction", "WorkerFunction", "DeadLetterFunction"])
def test_of_each_function_the_errors_and_what_it_logs_as_errors_are_watched(function: str) -> None:
    assert watched("AWS/Lambda", "Errors", function)
    logs = function.replace("Function", "Logs")
    filters = [f for f in FILTERS.values() if f["LogGroupName"] == logs]
    [[counter]] = [f["MetricTransformations"] for f in filters if "ERROR" in f["FilterPattern"]]
    assert watched(counter["MetricNamespace"], counter["MetricName"])


@pytest.mark.parametrize(
    ("parameter", "most"),
    [
        ("SlowRequestMilliseconds", 1000 * RESOURCES["RequestFunction"]["Properties"]["Timeout"]),
        ("OldestJobSeconds", RESOURCES["Queue"]["Properties"]["MessageRetentionPeriod"]),
    ],
)
def test_a_bound_is_below_the_most_that_there_can_be(parameter: str, most: int) -> None:
    assert load(TEMPLATE)["Parameters"][parameter]["MaxValue"] < most


def test_a_rollout_is_watched_at_the_alias_that_it_moves() -> None:
    for name in ("RequestErrors", "SlowRequests"):
        dimensions = {d["Name"]: d["Value"] for d in ALARMS[name]["Dimensions"]}
        assert dimensions["Resource"] == "RequestFunction:live"


@pytest.mark.parametrize(
    ("counter", "logs"),
    [
        ("RequestFaultCount", "RequestLogs"),
        ("WorkerFaultCount", "WorkerLogs"),
        ("DeadLetterFaultCount", "DeadLetterLogs"),
    ],
)
def test_an_error_that_is_logged_is_counted_and_a_warning_is_not(counter: str, logs: str) -> None:
    pattern = FILTERS[counter]["FilterPattern"]
    assert matches(pattern, logged("ERROR"))
    assert not matches(pattern, logged("WARNING"))
    assert FILTERS[counter]["LogGroupName"] == logs


def test_refused_work_of_any_computation_is_counted_in_all(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with exactly(ENVIRONMENTS["RequestFunction"]):
        for metric in ("refused", "hit"):
            telemetry.count(metric, "doubling")
    refused, hit = capsys.readouterr().out.splitlines()
    assert "refused" in emitted_by_the_code()
    assert matches(FILTERS["RefusedCount"]["FilterPattern"], refused)
    assert not matches(FILTERS["RefusedCount"]["FilterPattern"], hit)
    assert FILTERS["RefusedCount"]["LogGroupName"] == "RequestLogs"


@pytest.mark.parametrize("function", ["RequestFunction", "WorkerFunction", "DeadLetterFunction"])
def test_a_function_logs_where_the_filters_look(function: str) -> None:
    logs = RESOURCES[function]["Properties"]["LoggingConfig"]
    assert logs == {"LogGroup": function.replace("Function", "Logs")}


# The dashboard.

WIDGETS: list[dict[str, Any]] = json.loads(RESOURCES["Dashboard"]["Properties"]["DashboardBody"])[
    "widgets"
]
METRICS = [m for w in WIDGETS for m in w["properties"].get("metrics", [])]


def expressions() -> list[str]:
    return [metric[0]["expression"] for metric in METRICS if isinstance(metric[0], dict)]


def test_the_dashboard_shows_every_alarm() -> None:
    shown = [arn for w in WIDGETS if w["type"] == "alarm" for arn in w["properties"]["alarms"]]
    assert sorted(shown) == sorted(f"{name}.Arn" for name in ALARMS)


def test_the_dashboard_shows_every_metric_of_the_code_and_no_other() -> None:
    searched = " ".join(e.partition("MetricName=")[2] for e in expressions())
    assert set(re.findall(r'"(\w+)"', searched)) == emitted_by_the_code()


@pytest.mark.parametrize("function", ENVIRONMENTS)
def test_the_dashboard_searches_where_a_function_emits(
    function: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """CloudWatch finds nothing if the dimensions are not exactly these."""
    with exactly(ENVIRONMENTS[function]):
        telemetry.count("hit", "doubling")
    [directive] = json.loads(capsys.readouterr().out)["_aws"]["CloudWatchMetrics"]
    [dimensions] = directive["Dimensions"]
    where = ",".join([f'"{directive["Namespace"]}"', *dimensions])
    searches = [e for e in expressions() if "SEARCH" in e]
    assert len(searches) >= 8
    for search in searches:
        assert f"'{{{where}}} " in search


def test_the_dashboard_shows_metrics_that_there_are() -> None:
    for metric in METRICS:
        if isinstance(metric[0], str):
            namespace, name, *dimensions = (part for part in metric if isinstance(part, str))
            assert_is_there(
                namespace, name, dict(zip(dimensions[::2], dimensions[1::2], strict=True))
            )


# The runbook.


def test_the_runbook_has_a_section_for_each_alarm_and_no_other() -> None:
    alarms = RUNBOOK.partition("\n## The alarms\n")[2].partition("\n## ")[0]
    assert re.findall(r"^### (\w+)$", alarms, re.M) == list(ALARMS)


def test_each_section_says_what_it_means_and_what_to_do() -> None:
    sections = re.findall(r"^### (\w+)$\n+(.*?)(?=^##)", RUNBOOK, re.M | re.S)
    for name, text in sections:
        if name in ALARMS:
            assert "**It means**" in text
            assert "**Do**" in text


def test_the_runbook_names_every_parameter() -> None:
    parameters = re.findall(r"^  (\w+):\n    Type: (?:String|Number)$", template_text(), re.M)
    assert len(parameters) > 10
    assert [name for name in parameters if f"`{name}`" not in RUNBOOK] == []


def test_the_runbook_sets_the_region_that_sam_and_boto3_read() -> None:
    """Both are botocore, which knows no AWS_REGION."""
    assert BOTOCORE_DEFAUT_SESSION_VARIABLES["region"][1] == "AWS_DEFAULT_REGION"
    assert re.findall(r"^    export STACK=\S+ (\w+)=", RUNBOOK, re.M) == ["AWS_DEFAULT_REGION"]
    assert not re.search(r"\$AWS_REGION\b", RUNBOOK)


def test_the_runbook_names_logical_ids_that_there_are() -> None:
    named = set(re.findall(r"\$\(physical (\w+)\)|--name (\w+Function)\b", RUNBOOK))
    outputs = set(re.findall(r"\$\(output (\w+)\)", RUNBOOK))
    assert {one or other for one, other in named} <= set(RESOURCES)
    assert outputs <= set(load(TEMPLATE)["Outputs"])


def template_text() -> str:
    return (ROOT / "template.yaml").read_text()


def logged(level: str) -> str:
    """A line of our logs."""
    record = {"name": "backburner", "levelname": level, "msg": "it went wrong"}
    return telemetry.logger.registered_handler.format(logging.makeLogRecord(record))


def matches(pattern: str, line: str) -> bool:
    """Whether a JSON filter of CloudWatch Logs with one comparison takes the line."""
    parsed = re.fullmatch(r"\{ \$\.(\w+)(?:\[(\d+)\])? = (.+) \}", pattern)
    assert parsed, f"{pattern} is of a form that this test does not know"
    field, index, wanted = parsed.groups()
    value = json.loads(line).get(field)
    if index is not None and value is not None:
        value = value[int(index)]
    return bool(value == json.loads(wanted))
