"""What sam-cli's own code makes of a template and an environment file; runs in .venv-sam.

python sam_reads.py TEMPLATE ENVIRONMENT_FILE prints, by function, what a container gets.
"""

import json
import sys
from pathlib import Path

from samcli.commands.local.lib.local_lambda import LocalLambdaRunner
from samcli.lib.providers.sam_function_provider import SamFunctionProvider
from samcli.lib.providers.sam_stack_provider import SamLocalStackProvider


def main(template: str, environment_file: str) -> None:
    stacks, _ = SamLocalStackProvider.get_stacks(template)
    functions = SamFunctionProvider(stacks)
    runner = LocalLambdaRunner(
        local_runtime=None,
        function_provider=functions,
        cwd=".",
        real_path=".",
        env_vars_values=json.loads(Path(environment_file).read_text()),
        aws_region="us-east-1",
    )
    variables = {
        f.name: runner.get_invoke_config(f).env_vars.resolve() for f in functions.get_all()
    }
    print(json.dumps(variables))  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
