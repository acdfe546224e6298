"""A stack in the emulator, deployed from a project."""

from dataclasses import dataclass
from typing import Any

from backburner.development.suites.api import Api

from .emulator import Emulator
from .sam_project import SamProject


@dataclass(frozen=True)
class DeployedStack:
    emulator: Emulator
    project: SamProject

    def deploy(self) -> None:
        self.project.build()
        self.emulator.adapt(self.project.built)
        self.project.deploy(Rollout="AllAtOnce", MaxWorkers="2", MaxAsyncWorkers="2")
        self.emulator.settle()

    @property
    def api(self) -> Api:
        return Api(self.emulator.address_of(self.output("ApiUrl")))

    def output(self, key: str) -> str:
        [stack] = self._cloudformation.describe_stacks(StackName=self.project.stack_name)["Stacks"]
        [value] = [o["OutputValue"] for o in stack["Outputs"] if o["OutputKey"] == key]
        return str(value)

    def physical_id(self, logical_id: str) -> str:
        named = {"StackName": self.project.stack_name, "LogicalResourceId": logical_id}
        resource = self._cloudformation.describe_stack_resource(**named)["StackResourceDetail"]
        return str(resource["PhysicalResourceId"])

    @property
    def _cloudformation(self) -> Any:
        return self.emulator.client("cloudformation")
