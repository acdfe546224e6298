"""Reads template.yaml: the stores to make, and the functions with their environment.

It needs only PyYAML and a CloudFormation client, so tests use it with their own moto.
"""

import json
import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from backburner.development.errors import CommandError
from backburner.protocol.lanes import PARAMETERS

TEMPLATE = Path("template.yaml")
"""Of the project in the working directory."""
STACK_NAME = "local"
ACCOUNT_ID = "123456789012"
"""moto's only account."""
STORES = ("AWS::DynamoDB::Table", "AWS::SQS::Queue", "AWS::S3::Bucket")
"""The resources that moto makes. Policies are left out, as the bucket's requires TLS."""


class TemplateError(CommandError):
    """The template uses something that does not exist on this machine."""


@dataclass(frozen=True, kw_only=True)
class EventSource:
    """A queue that feeds a function."""

    queue_url: str
    queue_arn: str
    batch_size: int
    maximum_concurrency: int
    """1 if the template does not set it: enough on one machine, but AWS has another default."""
    reports_item_failures: bool


@dataclass(frozen=True, kw_only=True)
class FunctionDeclaration:
    """A Lambda function with all its properties resolved."""

    name: str
    handler: str
    code: Path
    timeout: float
    memory: int
    environment: dict[str, str]
    event_sources: list[EventSource]
    is_default_route: bool
    has_layers: bool = False


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A template and the physical ids of the table, queues and bucket made from it."""

    path: Path
    template: dict[str, Any]
    region: str
    physical_ids: dict[str, str]
    """The name of a table or bucket or the URL of a queue, by logical id."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Those that have another value than the template's default."""

    def function(self, logical_id: str) -> FunctionDeclaration:
        properties = self._properties(logical_id)
        return FunctionDeclaration(
            name=logical_id,
            handler=properties["Handler"],
            code=self.path.parent / properties["CodeUri"],
            timeout=self.resolve(properties.get("Timeout", 3)),
            memory=self.resolve(properties.get("MemorySize", 128)),
            environment=self._environment(logical_id),
            event_sources=list(self._event_sources(logical_id)),
            is_default_route=any(self._default_routes_to(logical_id)),
            has_layers=bool(properties.get("Layers")),
        )

    def has(self, logical_id: str) -> bool:
        """True if its condition holds, or there is none."""
        return self._is_there(self.template["Resources"][logical_id])

    def functions(self) -> list[FunctionDeclaration]:
        return [self.function(i) for i in self._of_type("AWS::Serverless::Function")]

    def resolve(self, value: Any) -> Any:
        """The value with its intrinsic functions resolved, without what !If leaves out."""
        match value:
            case {"Ref": name}:
                return self._reference(name)
            case {"Fn::GetAtt": [name, attribute]}:
                return self._attribute(name, attribute)
            case {"Fn::Sub": [text, names]}:
                return self._substitute(text, self.resolve(names))
            case {"Fn::Sub": text}:
                return self._substitute(text, {})
            case {"Fn::If": [condition, then, otherwise]}:
                return self.resolve(then if self._holds(condition) else otherwise)
            case dict():
                resolved = {key: self.resolve(item) for key, item in value.items()}
                return {key: item for key, item in resolved.items() if item is not None}
            case list():
                return [item for item in map(self.resolve, value) if item is not None]
        return value

    def _properties(self, logical_id: str) -> dict[str, Any]:
        own = self.template["Resources"][logical_id].get("Properties", {})
        return {**self._global_properties, **own}

    @property
    def _global_properties(self) -> dict[str, Any]:
        properties: dict[str, Any] = self.template.get("Globals", {}).get("Function", {})
        return properties

    def _environment(self, logical_id: str) -> dict[str, str]:
        variables: dict[str, Any] = {}
        for properties in (self._global_properties, self._properties(logical_id)):
            variables |= properties.get("Environment", {}).get("Variables", {})
        return {name: _text(value) for name, value in self.resolve(variables).items()}

    def _default_routes_to(self, logical_id: str) -> Iterator[bool]:
        """For each integration of the function or its alias: True if $default leads to it."""
        defaults = [
            route["Properties"]["Target"]
            for route in self._of_type("AWS::ApiGatewayV2::Route").values()
            if route["Properties"]["RouteKey"] == "$default"
        ]
        for name, integration in self._of_type("AWS::ApiGatewayV2::Integration").items():
            if f"${{{logical_id}.Arn}}" in integration["Properties"]["IntegrationUri"]["Fn::Sub"]:
                yield {"Fn::Sub": f"integrations/${{{name}}}"} in defaults

    def _of_type(self, kind: str) -> dict[str, Any]:
        resources = self.template["Resources"].items()
        return {i: r for i, r in resources if r["Type"] == kind and self._is_there(r)}

    def _is_there(self, resource: dict[str, Any]) -> bool:
        return "Condition" not in resource or self._holds(resource["Condition"])

    def _event_sources(self, logical_id: str) -> Iterator[EventSource]:
        urls = {self._attribute(i, "Arn"): url for i, url in self.physical_ids.items()}
        for event in self._properties(logical_id).get("Events", {}).values():
            if event["Type"] == "SQS":
                properties = self.resolve(event["Properties"])
                yield EventSource(
                    queue_url=urls[properties["Queue"]],
                    queue_arn=properties["Queue"],
                    batch_size=properties.get("BatchSize", 10),
                    maximum_concurrency=int(
                        properties.get("ScalingConfig", {}).get("MaximumConcurrency", 1)
                    ),
                    reports_item_failures="ReportBatchItemFailures"
                    in properties.get("FunctionResponseTypes", []),
                )

    def _reference(self, name: str) -> Any:
        pseudo_parameters = {
            "AWS::AccountId": ACCOUNT_ID,
            "AWS::NoValue": None,
            "AWS::Partition": "aws",
            "AWS::Region": self.region,
            "AWS::StackName": STACK_NAME,
        }
        defaults = {n: p.get("Default") for n, p in self.template.get("Parameters", {}).items()}
        known = pseudo_parameters | defaults | dict(self.parameters) | self.physical_ids
        if name not in known:
            raise TemplateError(f"!Ref {name}: there is none on this machine, only {sorted(known)}")
        return known[name]

    def _attribute(self, name: str, attribute: str) -> str:
        kind = self.template["Resources"].get(name, {}).get("Type")
        own_name = self.physical_ids.get(name, "").rpartition("/")[2]
        match kind, attribute:
            case "AWS::SQS::Queue", "Arn":
                return f"arn:aws:sqs:{self.region}:{ACCOUNT_ID}:{own_name}"
            case "AWS::SQS::Queue", "QueueName":
                return own_name
            case "AWS::DynamoDB::Table", "Arn":
                return f"arn:aws:dynamodb:{self.region}:{ACCOUNT_ID}:table/{own_name}"
            case "AWS::S3::Bucket", "Arn":
                return f"arn:aws:s3:::{own_name}"
            case "AWS::S3::Bucket", "RegionalDomainName":
                return f"{own_name}.s3.{self.region}.amazonaws.com"
        raise TemplateError(
            f"development/local/template.py does not know !GetAtt {name}.{attribute}; add it"
        )

    def _substitute(self, text: str, names: dict[str, Any]) -> str:
        def value(match: re.Match[str]) -> str:
            name, _, attribute = match[1].partition(".")
            if match[1] in names:
                return _text(names[match[1]])
            return _text(self._attribute(name, attribute) if attribute else self._reference(name))

        return re.sub(r"\$\{([^!}]+)\}", value, text).replace("${!", "${")

    def _holds(self, condition: Any) -> bool:
        match condition:
            case str() as name:
                return self._holds(self.template["Conditions"][name])
            case {"Condition": name}:
                return self._holds(name)
            case {"Fn::Equals": [one, other]}:
                return _text(self.resolve(one)) == _text(self.resolve(other))
            case {"Fn::Not": [negated]}:
                return not self._holds(negated)
            case {"Fn::And": conditions}:
                return all(map(self._holds, conditions))
            case {"Fn::Or": conditions}:
                return any(map(self._holds, conditions))
        raise TemplateError(
            f"development/local/template.py does not know the condition {condition}; add it"
        )


def create_stack(
    cloudformation: Any, path: Path = TEMPLATE, parameters: Mapping[str, str] | None = None
) -> Stack:
    """Make only the template's table, queues and bucket, by CloudFormation.

    Without parameters, its lanes are those that samconfig.toml deploys by default.
    """
    stack = declared(path, cloudformation.meta.region_name, parameters)
    cloudformation.create_stack(
        StackName=STACK_NAME, TemplateBody=json.dumps(what_is_stored(stack))
    )
    made = cloudformation.describe_stack_resources(StackName=STACK_NAME)["StackResources"]
    return replace(
        stack, physical_ids={r["LogicalResourceId"]: r["PhysicalResourceId"] for r in made}
    )


def declared(path: Path, region: str, parameters: Mapping[str, str] | None = None) -> Stack:
    """The stack of a template, of which nothing is made."""
    if parameters is None:
        parameters = lanes_of(path.with_name("samconfig.toml"))
    template = load(path)
    return Stack(
        path=path, template=template, region=region, parameters=parameters, physical_ids={}
    )


def named(stack: Stack, moto_url: str) -> Stack:
    """The stack with the names that its table, queues and bucket have in every local deployment."""
    stored = what_is_stored(stack)["Resources"]
    names = {
        logical_id: f"{STACK_NAME}-{logical_id}".lower()
        if resource["Type"] == "AWS::S3::Bucket"
        else f"{STACK_NAME}-{logical_id}"
        for logical_id, resource in stored.items()
    }
    queues = {i: f"{moto_url}/{ACCOUNT_ID}/" for i, r in stored.items() if "SQS" in r["Type"]}
    return replace(stack, physical_ids={i: queues.get(i, "") + name for i, name in names.items()})


def resources(stack: Stack) -> list[tuple[str, str, dict[str, Any]]]:
    """Type, name and properties of what is stored in; a queue comes after its dead letters."""
    found = [
        (
            r["Type"],
            stack.physical_ids[i].rpartition("/")[2],
            stack.resolve(r.get("Properties", {})),
        )
        for i, r in what_is_stored(stack)["Resources"].items()
    ]
    return sorted(found, key=lambda each: "RedrivePolicy" in each[2])


def dead_letters(stack: Stack) -> set[str]:
    """The queues that get what other queues gave up on, by their ARNs."""
    policies = [properties.get("RedrivePolicy") for *_, properties in resources(stack)]
    return {policy["deadLetterTargetArn"] for policy in policies if policy}


def outputs(stack: Stack) -> dict[str, str]:
    """Those that name something of what is stored."""
    found = what_is_stored(stack)["Outputs"].items()
    return {name: stack.resolve(output["Value"]) for name, output in found}


def lanes_of(samconfig: Path, stage: str = "default") -> dict[str, str]:
    """The parameters of lanes that a stage sets, as `sam deploy` takes them."""
    return {k: v for k, v in overrides(samconfig, stage).items() if k in PARAMETERS.values()}


def overrides(samconfig: Path, stage: str) -> dict[str, str]:
    """What a stage sets parameters to; nothing if there is no such file or stage."""
    deploy = _stages(samconfig).get(stage, {}).get("deploy", {}).get("parameters", {})
    given = deploy.get("parameter_overrides", [])
    words = shlex.split(given if isinstance(given, str) else " ".join(given))
    return dict(word.split("=", 1) for word in words if "=" in word)


def _stages(samconfig: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(samconfig.read_text()) if samconfig.exists() else {}
    except ValueError as error:
        raise CommandError(f"{samconfig} is not TOML: {error}; mend that line") from error


def load(path: Path) -> dict[str, Any]:
    """Read the template and spell out its short tags: !Ref x becomes {"Ref": "x"}."""
    template: dict[str, Any] = yaml.load(path.read_text(), Loader=_Loader)  # noqa: S506 - it is safe
    return template


def what_is_stored(stack: Stack) -> dict[str, Any]:
    """The part of the template that moto can make, without references to the rest."""
    template = stack.template
    resources = {
        logical_id: {k: v for k, v in resource.items() if k != "Condition"}
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] in STORES and stack.has(logical_id)
    }
    others = {part: template.get(part, {}) for part in ("Parameters", "Conditions")}
    outputs = {
        name: {k: v for k, v in output.items() if k != "Condition"}
        for name, output in template.get("Outputs", {}).items()
        if output["Value"] in [{"Ref": logical_id} for logical_id in resources]
    }
    return {**others, "Resources": resources, "Outputs": outputs}


def _text(value: Any) -> str:
    """The value as CloudFormation writes it into an environment: true, not True."""
    return json.dumps(value) if isinstance(value, bool) else str(value)


class _Loader(yaml.SafeLoader):
    """SafeLoader with CloudFormation's short tags."""


def _short_tag(loader: _Loader, tag: str, node: yaml.Node) -> dict[str, Any]:
    value = _untagged(loader, node)
    if tag == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {tag if tag in ("Ref", "Condition") else f"Fn::{tag}": value}


def _untagged(loader: _Loader, node: yaml.Node) -> Any:
    match node:
        case yaml.ScalarNode():
            return loader.construct_scalar(node)
        case yaml.SequenceNode():
            return loader.construct_sequence(node, deep=True)
        case yaml.MappingNode():
            return loader.construct_mapping(node, deep=True)


_Loader.add_multi_constructor("!", _short_tag)
