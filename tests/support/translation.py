"""template.yaml as SAM's own translator hands it to CloudFormation, with parameters given to it."""

from functools import cache
from pathlib import Path
from typing import Any

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from backburner.development.local.template import STACK_NAME, TEMPLATE, Stack, load

REGION = "us-east-1"
BUILT = {"CodeUri": "s3://built/code", "ContentUri": "s3://built/code"}
"""What `sam build` and `sam deploy` put in the place of folders."""


class Translated(Stack):
    """Physical ids are logical ids, and an attribute is Resource.Attribute."""

    def resources(self) -> dict[str, Any]:
        """The resources that are made with these parameters, without intrinsic functions."""
        return {
            logical_id: self.resolve(resource)
            for logical_id, resource in self.template["Resources"].items()
            if "Condition" not in resource or self._holds(resource["Condition"])
        }

    def _attribute(self, name: str, attribute: str) -> str:
        return f"{name}.{attribute}"


@cache
def translate(path: Path = TEMPLATE, **parameters: str) -> dict[str, Any]:
    """By logical id: what CloudFormation makes of the template with these parameters."""
    template = built(path)
    session = boto3.Session(region_name=REGION)
    translator = Translator({}, Parser(), boto_session=session)
    translated = translator.translate(template, {"AWS::StackName": STACK_NAME, **parameters})
    for name, value in parameters.items():
        translated["Parameters"][name]["Default"] = value
    ids = {logical_id: logical_id for logical_id in translated["Resources"]}
    return Translated(path=path, template=translated, region=REGION, physical_ids=ids).resources()


def built(path: Path) -> dict[str, Any]:
    template = load(path)
    template["Globals"]["Function"] |= {"CodeUri": BUILT["CodeUri"]}
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        properties |= {name: BUILT[name] for name in BUILT if name in properties}
    return template
