"""What `make run` says of broken files: on the terminal, and in the response of their routes."""

import json
import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
import urllib3

from backburner.development.local.deployment import Deployment
from backburner.development.suites.api import Api
from tests.support.eventually import eventually

pytestmark = pytest.mark.enable_socket

TESTS = Path(__file__).parent.parent
DOUBLING = (TESTS / "support/computations/doubling.py").read_text()
CRASHING = (TESTS / "support/computations/crashing.py").read_text()
NEEDY = (
    DOUBLING.partition("    if parameters")[0]
    + """
    try:
        import httpx
    except ImportError as error:
        raise Uncomputable(str(error))
"""
)
FILES = {
    "torn.py": ("\ndef", "SyntaxError at {file}, line 2: invalid syntax; mend it there"),
    "leaves.py": ("import sys\nsys.exit()", "SystemExit at {file}, line 2: "),
    "heavy.py": ('"""Heavy."""\nimport numpy', "{file}, line 2: numpy is not in "),
    "half.py": ('"""Half."""', "lacks Parameters, Result, POLICY, EXAMPLE, compute in {file}; "),
    "my-report.py": (DOUBLING, "{file}: a name has the letters"),
    "unstable.py": (DOUBLING.replace("number: float", "number: set[int]"), "({file}, line 15)"),
}
"""What is in them, and what is said of them."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("computations")
    for name, (source, _) in FILES.items():
        (folder / name).write_text(source)
    (folder / "needy.py").write_text(NEEDY)
    (folder / "crashing.py").write_text(CRASHING.replace("attempts=2", "attempts=1"))
    return folder


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the functions print."""
    return tmp_path_factory.mktemp("printed") / "console.txt"


@pytest.fixture(scope="module")
def url(folder: Path, console: Path) -> Iterator[str]:
    with (
        console.open("w") as output,
        Deployment(computations=[folder], console=output.fileno()) as deployment,
    ):
        yield deployment.url


def get(url: str) -> urllib3.BaseHTTPResponse:
    return urllib3.request("GET", url, retries=False)


def name_of(file: str) -> str:
    return file.removesuffix(".py")


def test_the_others_work_and_what_is_broken_is_listed_nowhere(url: str) -> None:
    whole = {"crashing", "link-preview", "needy", "route-plan", "word-count"}
    assert {each["name"] for each in get(f"{url}/v1").json()["computations"]} == whole
    paths = get(f"{url}/openapi.json").json()["paths"]
    assert whole == {path.split("/")[2] for path in paths if path.count("/") == 2}
    assert get(f"{url}/v1/word-count?text=x").status == 202


@pytest.mark.parametrize("file", FILES)
def test_its_own_route_says_what_is_wrong_and_where(url: str, file: str, folder: Path) -> None:
    said = FILES[file][1].format(file=folder / file)
    for path in (f"/v1/{name_of(file)}", f"/v1/{name_of(file)}/{'a' * 64}"):
        response = get(url + path)
        assert (response.status, said in response.json()["detail"]) == (500, True)


def test_an_attempt_lacks_what_is_installed_here_and_not_listed(url: str) -> None:
    said = Api(url).answer({"number": 1, "label": "x"}, "/v1/needy").json["detail"]
    lists = "src/requirements.txt or layer/requirements.txt"
    assert said.startswith(f"httpx is not in {lists}; add the line httpx=={version('httpx')} to ")


@pytest.mark.parametrize("file", FILES)
def test_the_terminal_says_what_is_left_out_and_why(
    url: str, file: str, folder: Path, console: Path
) -> None:
    get(f"{url}/v1")
    logged = [json.loads(line) for line in console.read_text().splitlines() if line[:2] == '{"']
    of_it = [line for line in logged if line.get("computation") == name_of(file)]
    assert {line["message"] for line in of_it} == {"a computation is broken"}
    assert FILES[file][1].format(file=folder / file) in of_it[0]["reason"]


def test_the_terminal_shows_what_an_exception_says(url: str, console: Path) -> None:
    get(f"{url}/v1/crashing?how=raise&salt=71307130")
    assert eventually(lambda: "an attempt failed" in console.read_text())
    [line] = [line for line in console.read_text().splitlines() if "an attempt failed" in line]
    assert re.search(
        r"crashing\.py.* in compute.*ArithmeticError: crashing .*, with 71307130", line
    )
