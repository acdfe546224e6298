"""A folder that SAM deploys: a copy of this project, or one that `backburner new` has made."""

import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from backburner.development.project import changes, write

ROOT = Path(__file__).parents[2]
SAM = ROOT / ".venv-sam/bin/sam"
DEPLOYED = ["Makefile", "template.yaml", "samconfig.toml", "src", "layer"]
ARCHITECTURE = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
"""Of this machine: here the functions run on it."""


class SamProject:
    """It may be changed; what is built is built from it."""

    def __init__(self, folder: Path, environment: Mapping[str, str], stack_name: str) -> None:
        """The stack has the name that samconfig.toml gives it by default."""
        self.folder = folder
        self.stack_name = stack_name
        self.computations = folder / "src/computations"
        self.built = folder / ".aws-sam/build/template.yaml"
        self._environment = environment

    def build(self) -> None:
        self._sam("build", "--parameter-overrides", f"Architecture={ARCHITECTURE}")

    def deploy(self, **parameters: str) -> None:
        """With the default environment of samconfig.toml, and nobody there to say yes."""
        overrides = [f"{k}={v}" for k, v in {"Architecture": ARCHITECTURE, **parameters}.items()]
        quietly = ["--no-confirm-changeset", "--no-progressbar"]
        self._sam("deploy", *quietly, "--parameter-overrides", *overrides)

    def deploy_stage(self, stage: str) -> str:
        """As samconfig.toml has it, but for this machine's processor; what sam says."""
        samconfig = self.folder / "samconfig.toml"
        written = samconfig.read_text()
        samconfig.write_text(written.replace("Architecture=arm64", f"Architecture={ARCHITECTURE}"))
        return self._sam("deploy", "--config-env", stage, "--no-progressbar")

    def delete(self, stage: str = "default") -> None:
        self._sam("delete", "--no-prompts", "--config-env", stage)

    def _sam(self, command: str, *options: str) -> str:
        done = subprocess.run(  # noqa: S603 - the command is ours
            [SAM, command, *options],
            cwd=self.folder,
            env={**self._environment, "SAM_CLI_TELEMETRY": "0"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"sam {command} failed:\n{done.stdout}"
        return done.stdout


def copy_of(
    original: Path, stack_name: str, folder: Path, environment: Mapping[str, str]
) -> SamProject:
    """What somebody has who cloned a project and has run `make test`."""
    for name in filter(lambda name: (original / name).exists(), DEPLOYED):
        copy = shutil.copytree if (original / name).is_dir() else shutil.copy
        copy(original / name, folder / name)
    if not (folder / "template.yaml").exists():  # of an example, `backburner upgrade` makes it
        for change in changes(folder):
            write(change.path, change.after)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    (folder / "requirements").symlink_to(ROOT / "requirements")
    shutil.copy(ROOT / "requirements/dev.txt", folder / "requirements.lock")
    for path in ("src/requirements.txt", "layer/requirements.txt", "requirements.lock"):
        os.utime(folder / path, (0, 0))  # older than .venv/ready, or make would install into .venv
    return SamProject(folder, {**os.environ, **environment}, stack_name)
