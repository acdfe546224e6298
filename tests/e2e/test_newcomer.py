"""Somebody's first hour in an empty home: the README, an own computation, its faults, an upgrade.

The environment is clean, and nothing of this repository is in it but a clone, or the wheel.
"""

import re
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import urllib3

from backburner import __version__
from backburner.development.suites.api import Api
from tests.support.eventually import eventually
from tests.support.translation import translate

from .emulator import UNLIKE_AWS, Emulator
from .newcomer import Newcomer, wheel
from .sam_project import ROOT, SamProject
from .stack import DeployedStack

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]

NAME = "my-api"
OLDER = "0.1.9"
MAX_FILES = 12
"""Without the wheel."""
MAX_LINES = 250
"""Without template.yaml."""
MAX_INSTALLATION_S = 300
WORDS = {"text": "a slow computation"}
COUNTED = {"1": 1, "4": 1, "11": 1}
FORECAST = "/v1/campaign-forecast"
DOCS = (".venv/bin/backburner", "docs")
OF_THE_AUTHOR = {
    "tripling.py": ("3 * parameters.number", 63),
    # Only the layer has isodate.
    "weeks.py": ("7 * __import__('isodate').parse_duration('P1D').days * parameters.number", 147),
}
"""Files of one computation each, by what it makes of a number, and that of 21."""
COMPUTATION = '''"""Makes another number of a number.

It is a computation that an author has added to a project, with documentation that says so.
"""

from pydantic import Field

from backburner import computation
from backburner.computation import HOUR, Policy, Progress

POLICY = Policy(version=1, fresh_for=HOUR, attempts=1)
EXAMPLE = {"number": 21}


class Parameters(computation.Parameters):
    number: int = Field(description="The number.")


class Result(computation.Result):
    number: int = Field(description="The other number.")


def compute(parameters: Parameters, progress: Progress) -> Result:
    return Result(number=FORMULA)
'''


@pytest.fixture(scope="module")
def older_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As of a version before this one, which had an alarm less and another threshold."""
    folder = tmp_path_factory.mktemp("older")
    [sdist] = (ROOT / "dist").glob(f"backburner-{__version__}.tar.gz")
    subprocess.run(["tar", "xf", sdist, "-C", folder], check=True)  # noqa: S603, S607
    [source] = folder.iterdir()
    (source / "PKG-INFO").unlink()  # it fixes the version
    replace(source / "src/backburner/__init__.py", f'"{__version__}"', f'"{OLDER}"')
    template = source / "template.yaml"
    replace(template, ', "${UnburiedDeadLetters.Arn}"', "")
    replace(template, r"(?s)  # For dead letters that nobody receives.*(?=  Dashboard:)", "")
    replace(template, "Threshold: 5\n", "Threshold: 6\n")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=source, check=True, capture_output=True)  # noqa: S603
    [made] = folder.glob("*.whl")
    return made


def replace(path: Path, pattern: str, by: str) -> None:
    pattern = pattern if pattern.startswith("(?s)") else re.escape(pattern)
    text, found = re.subn(pattern, by, path.read_text())
    assert found, f"{path} has no {pattern}"
    path.write_text(text)


def answered(api: Api, path: str, parameters: object) -> Any:
    """The answer, of a server that may still be installing itself."""
    end = time.monotonic() + MAX_INSTALLATION_S
    while True:
        try:
            return api.answer(parameters, path).json
        except urllib3.exceptions.HTTPError:
            assert time.monotonic() < end, "make run serves nothing; its log says why"
            time.sleep(0.1)


def add_computations(project: Path) -> None:
    for name, (formula, _) in OF_THE_AUTHOR.items():
        add_computation(project, name, formula)


def add_computation(project: Path, name: str, formula: str, kind: str = "def") -> None:
    text = COMPUTATION.replace("FORMULA", formula).replace("\ndef", f"\n{kind}")
    (project / "src/computations" / name).write_text(text)


def test_the_first_hour(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    newcomer, began = Newcomer(tmp_path), time.monotonic()

    def took(what: str) -> None:
        with capsys.disabled():
            print(f"\n{time.monotonic() - began:.0f} s until {what}", end="")  # noqa: T201

    newcomer.runs("git", "clone", "--quiet", str(ROOT), "clone")
    clone = newcomer.folder / "clone"
    with newcomer.running(clone) as api:
        assert answered(api, "/v1/word-count", WORDS)["words"] == COUNTED
        took("the clone answers")
        for name in ("moto", "pydantic", "numpy"):
            assert name in newcomer.printed()
        assert eventually(lambda: "curl -i" in newcomer.printed())
        shown = newcomer.types(curl_in(newcomer.printed()))
        assert "HTTP/1.1 200 OK" in shown
    with newcomer.running(clone) as api:
        served_from_before(api, "/v1/word-count", WORDS)
        assert eventually(lambda: "kept in .backburner" in newcomer.printed())
        took("its second start answers from what is kept")

    for line in commands("Your own"):
        newcomer.types(line.partition(" && make run")[0], within=clone)
    took("a project is made")
    project = newcomer.folder / NAME
    check_size(project)
    newcomer.runs("git", "init", "--quiet", within=project)
    newcomer.runs("git", "add", "--all", within=project)
    with newcomer.running(project) as api:
        assert answered(api, "/v1/word-count", WORDS)["words"] == COUNTED
        took("the project answers")
        fails_readably(newcomer, api, project)
        is_edited_without_a_version(newcomer, api, project)
        needs_a_library_that_is_not_listed(api, project)
        add_computation(project, "waits.py", "3 * parameters.number", "async def")
        assert api.answer({"number": 21}, "/v1/waits").json == {"number": 63}
    with newcomer.running(project) as api:
        served_from_before(api, FORECAST, {"number": 0})
        took("it has failed, is mended, and is started again")
    changed = newcomer.runs("git", "status", "--porcelain", within=project).splitlines()
    own = [f"src/computations/{name}.py" for name in ("campaign_forecast", "waits")]
    assert [line for line in changed if line.startswith("??")] == [
        f"?? {path}" for path in ("requirements.lock", *own)
    ]
    assert "From an empty folder" in newcomer.runs(*DOCS, "computations", within=project)
    assert " passed" in newcomer.runs("make", "test", within=project)
    took("its tests have passed")


def commands(heading: str) -> list[str]:
    """The indented lines of the README below a heading."""
    part = (ROOT / "README.md").read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^    (\S.*)$", part.partition("```")[0], re.MULTILINE)


def curl_in(printed: str) -> str:
    [found] = re.findall(r"curl -i \S+/v1/word-count .*", printed)
    return str(found)


def served_from_before(api: Api, path: str, parameters: object) -> None:
    answered(api, "/v1/word-count", WORDS)  # it may still be starting
    assert api.post(path, parameters).headers["cache-status"].startswith("backburner; hit")


def check_size(project: Path) -> None:
    made = [path for path in project.rglob("*") if path.is_file() and path.suffix != ".whl"]
    assert len(made) <= MAX_FILES
    short = [path for path in made if path.name != "template.yaml"]
    assert sum(len(path.read_text().splitlines()) for path in short) <= MAX_LINES


def fails_readably(newcomer: Newcomer, api: Api, project: Path) -> None:
    add_computation(project, "campaign_forecast.py", "6 // parameters.number")
    failed = api.answer({"number": 0}, FORECAST)
    line = len(COMPUTATION.splitlines())
    raised = f"ZeroDivisionError, campaign_forecast.py:{line}"
    assert failed.status == 500
    assert raised in failed.json["detail"]
    told = re.escape(raised)
    assert re.search(
        rf"^\S+ campaign-forecast \w{{8}} attempt 1 of 1 failed: {told}", newcomer.printed(), re.M
    )
    [first] = re.findall(r"^Traceback.*\n  File \"(.*?)\"", newcomer.printed(), re.MULTILINE)
    assert first.endswith("/campaign_forecast.py")


def is_edited_without_a_version(newcomer: Newcomer, api: Api, project: Path) -> None:
    for dividend in (6, 7):
        add_computation(project, "campaign_forecast.py", f"{dividend} // (parameters.number + 1)")
        assert api.answer({"number": 0}, FORECAST).json == {"number": dividend}
    told = "campaign-forecast was edited, and its version is still 1: "
    assert newcomer.printed().count(told) == 1


def needs_a_library_that_is_not_listed(api: Api, project: Path) -> None:
    add_computation(project, "lacking.py", "int(__import__('httpx').codes.OK)")
    detail = api.answer({"number": 0}, "/v1/lacking").json["detail"]
    assert "httpx is not in src/requirements.txt or layer/requirements.txt; add the line" in detail
    (project / "src/computations/lacking.py").unlink()


def test_an_upgrade_keeps_the_stack_and_the_authors_files(
    older_wheel: Path, tmp_path: Path, emulator_of_its_own: Emulator
) -> None:
    emulator, newcomer = emulator_of_its_own, Newcomer(tmp_path)
    newcomer.runs(newcomer.installs(older_wheel), "new", NAME)
    project = newcomer.folder / NAME
    add_computations(project)
    (project / "layer/requirements.txt").write_text("isodate==0.7.2\n")
    environment = {**newcomer.environment, **emulator.environment}
    stack = DeployedStack(emulator, SamProject(project, environment, NAME))
    stack.deploy()
    for name, (_, result) in OF_THE_AUTHOR.items():
        path = f"/v1/{name.removesuffix('.py')}"
        assert stack.api.answer({"number": 21}, path).json == {"number": result}
    before, ours = translated(project), contents(project / "src/computations")

    upgrade(newcomer, project, wheel())

    assert stays(before, translated(project)) == set()
    assert contents(project / "src/computations") == ours
    assert " passed" in newcomer.runs("make", "test", within=project)
    stack.deploy()
    for name in OF_THE_AUTHOR:
        kept = stack.api.post(f"/v1/{name.removesuffix('.py')}", {"number": 21})
        assert kept.headers["cache-status"].startswith("backburner; hit")
    left_out = f"not {' and not '.join(UNLIKE_AWS)}"
    contract = ("test", "--url", stack.api.url, "-k", left_out)
    assert " passed" in newcomer.runs(".venv/bin/backburner", *contract, within=project)
    stack.project.delete()


def upgrade(newcomer: Newcomer, project: Path, wheel: Path) -> None:
    """What the project's README says."""
    for old in (project / "wheels").iterdir():
        old.unlink()
    (project / "wheels" / wheel.name).write_bytes(wheel.read_bytes())
    replace(project / "src/requirements.txt", f"backburner=={OLDER}", f"backburner=={__version__}")
    newcomer.runs("make", ".venv/ready", within=project)
    shown = newcomer.runs(".venv/bin/backburner", "upgrade", "--yes", within=project)
    assert "+  UnburiedDeadLetters:" in shown
    newcomer.runs(".venv/bin/backburner", "upgrade", "--check", within=project)


def translated(project: Path) -> dict[str, Any]:
    return translate(project / "template.yaml")


def contents(folder: Path) -> Mapping[str, str]:
    return {path.name: path.read_text() for path in folder.glob("*.py")}


IDENTITY = {
    "AWS::DynamoDB::Table": ("TableName", "KeySchema", "AttributeDefinitions"),
    "AWS::SQS::Queue": ("QueueName", "FifoQueue"),
    "AWS::S3::Bucket": ("BucketName",),
    "AWS::Lambda::Function": ("FunctionName", "PackageType"),
    "AWS::IAM::Role": ("RoleName", "Path"),
    "AWS::Logs::LogGroup": ("LogGroupName",),
    "AWS::ApiGatewayV2::Api": ("ProtocolType",),
    "AWS::ApiGatewayV2::Stage": ("ApiId", "StageName"),
    "AWS::Lambda::EventSourceMapping": ("EventSourceArn",),
}
"""Properties of which a change makes CloudFormation replace the resource."""
VERSIONS = {"AWS::Lambda::Version", "AWS::Lambda::LayerVersion"}
"""They are replaced at every change: that is what they are for."""


def stays(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    """The resources that would be replaced or deleted."""
    return {
        logical_id
        for logical_id, resource in before.items()
        if resource["Type"] not in VERSIONS
        and identity(resource) != identity(after.get(logical_id, {"Type": "deleted"}))
    }


def identity(resource: dict[str, Any]) -> list[Any]:
    properties = resource.get("Properties", {})
    names = IDENTITY.get(resource["Type"], ())
    return [resource["Type"], *(properties.get(name) for name in names)]
