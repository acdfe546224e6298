from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from backburner.development.local.template import Stack, TemplateError, create_stack, load

KNOWN = """
Parameters:
  Stage: { Type: String, Default: test }
  Size: { Type: Number, Default: 3 }
  Memory: { Type: Number, Default: 512 }
Conditions:
  IsTest: !Equals [!Ref Stage, test]
  IsLive: !Not [!Condition IsTest]
  IsSmallTest: !And [!Condition IsTest, !Equals [!Ref Size, "3"]]
  IsAny: !Or [!Condition IsLive, !Condition IsTest]
Globals:
  Function:
    CodeUri: src/
    Timeout: 7
    Environment:
      Variables: { SHARED: all, STAGE: !Ref Stage, OVERRIDDEN: before }
Resources:
  Jobs: { Type: AWS::SQS::Queue }
  Things: { Type: AWS::DynamoDB::Table }
  Worker:
    Type: AWS::Serverless::Function
    Properties:
      Handler: module.handler
      MemorySize: !Ref Memory
      Environment:
        Variables:
          OVERRIDDEN: after
          URL: !Ref Jobs
          ARN: !GetAtt Jobs.Arn
          TABLE_ARN: !GetAtt [Things, Arn]
          SENTENCE: !Sub "${Things} in ${AWS::Region}, ${Jobs.QueueName}, ${!Literal}"
          NAMED: !Sub ["${It}!", { It: !Ref Size }]
          CHOICE: !If [IsTest, yes it is, no]
          NESTED: !If [IsLive, no, !If [IsSmallTest, small, large]]
          EITHER: !If [IsAny, one, none]
          ABSENT: !If [IsLive, 1, !Ref AWS::NoValue]
          FLAG: true
          NUMBER: 10
      Events:
        Job:
          Type: SQS
          Properties: { Queue: !GetAtt Jobs.Arn, BatchSize: 2 }
  Web:
    Type: AWS::Serverless::Function
    Properties:
      Handler: module.web
  WorkerIntegration:
    Type: AWS::ApiGatewayV2::Integration
    Properties: { IntegrationUri: !Sub "${Worker.Arn}:live" }
  WebIntegration:
    Type: AWS::ApiGatewayV2::Integration
    Properties: { IntegrationUri: !Sub "${Web.Arn}" }
  DefaultRoute:
    Type: AWS::ApiGatewayV2::Route
    Properties: { RouteKey: $default, Target: !Sub "integrations/${WorkerIntegration}" }
  WebRoute:
    Type: AWS::ApiGatewayV2::Route
    Properties: { RouteKey: GET /x, Target: !Sub "integrations/${WebIntegration}" }
"""


@pytest.fixture
def known(tmp_path: Path) -> Stack:
    return stack_of(KNOWN, tmp_path)


def stack_of(text: str, folder: Path) -> Stack:
    path = folder / "template.yaml"
    path.write_text(text)
    ids = {"Jobs": "http://somewhere/123456789012/jobs-1", "Things": "things-1"}
    return Stack(path=path, template=load(path), region="eu-north-1", physical_ids=ids)


def test_an_environment_has_its_references_resolved(known: Stack) -> None:
    assert known.function("Worker").environment == {
        "SHARED": "all",
        "STAGE": "test",
        "OVERRIDDEN": "after",
        "URL": "http://somewhere/123456789012/jobs-1",
        "ARN": "arn:aws:sqs:eu-north-1:123456789012:jobs-1",
        "TABLE_ARN": "arn:aws:dynamodb:eu-north-1:123456789012:table/things-1",
        "SENTENCE": "things-1 in eu-north-1, jobs-1, ${Literal}",
        "NAMED": "3!",
        "CHOICE": "yes it is",
        "NESTED": "small",
        "EITHER": "one",
        "FLAG": "true",
        "NUMBER": "10",
    }


def test_a_function_has_the_globals_and_its_own_properties(known: Stack, tmp_path: Path) -> None:
    worker, web = known.functions()
    assert (worker.handler, worker.memory, worker.timeout) == ("module.handler", 512, 7)
    assert (web.handler, web.memory, web.timeout) == ("module.web", 128, 7)
    assert worker.code == tmp_path / "src/"


def test_a_queue_that_feeds_a_function_is_its_event_source(known: Stack) -> None:
    (source,) = known.function("Worker").event_sources
    assert source.queue_url == "http://somewhere/123456789012/jobs-1"
    assert source.queue_arn == "arn:aws:sqs:eu-north-1:123456789012:jobs-1"
    assert (source.batch_size, source.reports_item_failures) == (2, False)


def test_the_default_route_leads_to_a_function_by_its_alias_or_without(known: Stack) -> None:
    assert known.function("Worker").is_default_route


def test_a_route_with_a_path_is_not_the_default_route(known: Stack) -> None:
    assert not known.function("Web").is_default_route


@pytest.mark.parametrize("value", [{"Ref": "Nobody"}, {"Fn::GetAtt": ["Jobs", "Colour"]}])
def test_what_cannot_be_resolved_is_an_error(known: Stack, value: Any) -> None:
    with pytest.raises(TemplateError):
        known.resolve(value)


def test_the_stores_of_the_product_are_made_as_its_template_says() -> None:
    with mock_aws():
        session = boto3.Session("local", "local", region_name="ca-central-1")
        ids = create_stack(session.client("cloudformation")).physical_ids
        sqs = session.client("sqs")
        queue, dead_letters = (
            sqs.get_queue_attributes(QueueUrl=ids[name], AttributeNames=["All"])["Attributes"]
            for name in ("Queue", "DeadLetterQueue")
        )
        table = session.client("dynamodb").describe_table(TableName=ids["Table"])["Table"]
        buckets = [each["Name"] for each in session.client("s3").list_buckets()["Buckets"]]
    queues = {"Queue", "AsyncQueue", "DeadLetterQueue", "FailedJobsQueue"}
    assert set(ids) == {"Table", "LargeResults", *queues}
    assert ids["LargeResults"] in buckets
    assert dead_letters["QueueArn"] in queue["RedrivePolicy"]
    assert table["KeySchema"] == [{"AttributeName": "signature", "KeyType": "HASH"}]


def test_the_functions_of_the_product_find_their_table_and_queue(stack: Stack) -> None:
    for function in stack.functions():
        assert function.environment["TABLE_NAME"] == stack.physical_ids["Table"]
    assert stack.function("RequestFunction").is_default_route
    assert stack.function("RequestFunction").environment["QUEUE_URL"] == stack.physical_ids["Queue"]
    assert stack.function("WorkerFunction").event_sources[0].reports_item_failures
