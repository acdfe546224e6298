"""A stack in the emulator, deployed from a checkout."""

from dataclasses import dataclass
from typing import Any

from backburner.development.suites.api import Api

from .checkout import Checkout
from .emulator import Emulator

NAME = "backburner"
"""As samconfig.toml has it for the default environment."""


@dataclass(frozen=True)
class DeployedStack:
    emulator: Emulator
    checkout: Checkout

    def deploy(self) -> None:
        self.checkout.build()
        self.emulator.adapt(self.checkout.built)
        self.checkout.deploy(Rollout="AllAtOnce", MaxWorkers="2")
        self.emulator.settle()

    @property
    def api(self) -> Api:
        return Api(self.emulator.address_of(self.output("ApiUrl")))

    def output(self, key: str) -> str:
        [stack] = self._cloudformation.describe_stacks(StackName=NAME)["Stacks"]
        [value] = [o["OutputValue"] for o in stack["Outputs"] if o["OutputKey"] == key]
        return str(value)

    def physical_id(self, logical_id: str) -> str:
        named = {"StackName": NAME, "LogicalResourceId": logical_id}
        resource = self._cloudformation.describe_stack_resource(**named)["StackResourceDetail"]
        return str(resource["PhysicalResourceId"])

    @property
    def _cloudformation(self) -> Any:
        return self.emulator.client("cloudformation")
