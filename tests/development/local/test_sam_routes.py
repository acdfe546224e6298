"""What `sam local start-api` makes of the routes, by sam-cli's own code and without Docker."""

import json
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SAM_PYTHON = ROOT / ".venv-sam/bin/python"
pytestmark = pytest.mark.skipif(not SAM_PYTHON.exists(), reason="`make build` makes .venv-sam")

MATCH = """
import json, sys
from types import SimpleNamespace
from samcli.lib.providers.api_provider import ApiProvider
from samcli.lib.providers.sam_stack_provider import SamLocalStackProvider
from samcli.local.apigw.local_apigw_service import LocalApigwService

requests, start_api = json.loads(sys.argv[1])
stacks, _ = SamLocalStackProvider.get_stacks("template.yaml")
api = ApiProvider(stacks, disable_authorizer=start_api.get("disable_authorizer", False)).api
service = LocalApigwService(api, SimpleNamespace(is_debugging=lambda: False))
service.create()
flask = service._app.url_map.bind("localhost")
for method, path in requests:
    endpoint, _ = flask.match(path, method=method)
    route = service._dict_of_routes[f"{endpoint}:{method}"]
    print(json.dumps([route.function_name, route.payload_format_version, route.is_default_route]))
"""
DEFAULT = [
    ("GET", "/v1"),
    ("POST", "/v1/route-plan"),
    ("GET", "/v1/route-plan/0123"),
    ("PUT", "/v1/route-plan/0123"),
    ("GET", "/nowhere"),
]
OTHERS = [
    ("DELETE", "/v1/route-plan/0123"),
    ("OPTIONS", "/v1/route-plan"),
    ("GET", "/"),
    ("HEAD", "/health"),
    ("GET", "/openapi.json"),
]


@cache
def matched() -> list[tuple[str, str, bool]]:
    """By request: the function that it comes to, the version of its payload, if by $default."""
    start_api = tomllib.loads((ROOT / "samconfig.toml").read_text())["default"]["local_start_api"]
    arguments = json.dumps([DEFAULT + OTHERS, start_api["parameters"]])
    lines = subprocess.check_output(  # noqa: S603 - the command is ours
        [SAM_PYTHON, "-c", MATCH, arguments],
        cwd=ROOT,
        env={"AWS_DEFAULT_REGION": "us-east-1", "SAM_CLI_TELEMETRY": "0", "PATH": ""},
        text=True,
    )
    return [tuple(json.loads(line)) for line in lines.splitlines()]


def test_every_request_comes_to_the_request_function_in_payload_2() -> None:
    assert {route[:2] for route in matched()} == {("RequestFunction", "2.0")}
    assert len(matched()) == len(DEFAULT + OTHERS)


def test_what_has_no_route_of_its_own_comes_by_default() -> None:
    by_default = [is_default for _, _, is_default in matched()]
    assert by_default == [True] * len(DEFAULT) + [False] * len(OTHERS)
