"""What sam-cli's own code makes of samconfig.toml; runs in .venv-sam.

python sam_sends.py TEMPLATE SAMCONFIG prints, by stage, the parameters that `sam deploy` sends to
CloudFormation when the stack is there already.
"""

import json
import sys
from pathlib import Path

from samcli.cli.types import CfnParameterOverridesType
from samcli.commands.deploy.deploy_context import DeployContext
from samcli.lib.config.samconfig import SamConfig
from samcli.yamlhelper import yaml_parse

STAGES = ("default", "staging", "production")


def main(template: str, samconfig: str) -> None:
    config = SamConfig(str(Path(samconfig).parent), Path(samconfig).name)
    declared = yaml_parse(Path(template).read_text())
    sent = {}
    for stage in STAGES:
        written = config.get_all(["deploy"], "parameters", stage)["parameter_overrides"]
        overrides = CfnParameterOverridesType().convert(written, None, None)
        sent[stage] = DeployContext.merge_parameters(declared, overrides)
    print(json.dumps(sent))  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
