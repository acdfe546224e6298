"""The OpenAPI document: nothing is missing in it, and what is sent is as it says."""

import ast
import gzip
import inspect
import re
import subprocess
import sys
from base64 import b64decode
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn, cast

import pytest
from botocore.exceptions import ReadTimeoutError
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

import backburner
from backburner import problems
from backburner.computation import registry
from backburner.http import openapi, routes
from backburner.http.response import FOR_BROWSERS
from tests.conftest import HandlerReply, MotoDeployment, from_operator, http_event, with_token

ASKED = "/v1/doubling?number=21"
LARGE = "/v1/noise?size=400000"
OF_JSON = {"content-type": "application/json"}


@pytest.fixture
def document() -> Any:
    return openapi.document(tuple(registry.names()))


def operations(document: Any) -> dict[tuple[str, str], Any]:
    return {
        (method.upper(), path): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method != "parameters"
    }


def resolve(document: Any, documented: Any) -> Any:
    reference = documented.get("$ref", "")
    for step in reference.split("/")[1:]:
        document = document[step]
    return document if reference else documented


# it is a document, and it is served


def test_it_is_valid(document: Any) -> None:
    validate(document)


def test_it_is_served_as_json(deployment: MotoDeployment, document: Any) -> None:
    reply = deployment.get("/openapi.json")
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
    assert reply.json == document


def test_its_schemas_are_json_schemas(document: Any) -> None:
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_a_cold_start_does_without_it_and_without_the_console() -> None:
    script = "import sys, backburner.request; print(*sys.modules)"
    imported = subprocess.run(  # noqa: S603
        [sys.executable, "-c", script],
        env={"PYTHONPATH": str(Path(backburner.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert "backburner.http.routes" in imported
    assert not {"backburner.http.openapi", "backburner.http.console"} & set(imported)


# nothing is missing


def test_every_route_is_in_it(document: Any) -> None:
    """The patterns of routes.find, with a computation in the place of its name.

    But not the files of the console: they are the page's own, and no part of the API.
    """
    tree = ast.parse(inspect.getsource(routes.find))
    patterns = [node for node in ast.walk(tree) if isinstance(node, ast.MatchSequence)]
    assert len(patterns) == 7
    for pattern in patterns:
        [*fixed] = [ast.unparse(p).strip("'") for p in pattern.patterns]
        path = "/" + "/".join({"name": "doubling", "text": "{signature}"}.get(p, p) for p in fixed)
        assert (path in document["paths"]) == (path != "/console/_")


def test_how_a_result_is_shown_is_in_it_and_in_the_list(
    document: Any, deployment: MotoDeployment
) -> None:
    assert document["components"]["schemas"]["WordCountResult"]["x-shown-as"] == "chart"
    listed = {each["name"]: each["result"] for each in deployment.get("/v1").json["computations"]}
    assert listed["word-count"]["x-shown-as"] == "chart"
    assert listed["route-plan"]["x-shown-as"] == "route"


def test_every_computation_is_in_it(document: Any) -> None:
    for name in registry.names():
        assert {f"/v1/{name}", f"/v1/{name}/{{signature}}"} <= set(document["paths"])
    post = document["paths"]["/v1/doubling"]["post"]
    content = post["requestBody"]["content"]["application/json"]
    assert content["example"] == {"number": 21}
    assert content["schema"] == {"$ref": "#/components/schemas/DoublingParameters"}
    schemas = document["components"]["schemas"]
    assert schemas["DoublingParameters"]["required"] == ["number"]
    assert set(schemas["DoublingResult"]["properties"]) == {"doubled", "label"}
    assert "Negative ones it refuses." in post["description"]


def test_each_schema_has_a_title_of_its_own_for_generators_to_name_a_class_by(
    document: Any,
) -> None:
    schemas = document["components"]["schemas"]
    titled = {name: schema["title"] for name, schema in schemas.items() if "title" in schema}
    assert titled == {name: name for name in titled}
    assert {"DoublingParameters", "NoiseParameters", "RoutePlanVehicles"} <= set(titled)


def test_a_202_leads_to_the_operation_that_polls_until_there_is_a_result(document: Any) -> None:
    """By links, and by what the generator of Speakeasy understands."""
    accepted = document["components"]["responses"]["DoublingAccepted"]
    link = accepted["links"]["answer"]
    polling = document["paths"]["/v1/doubling/{signature}"]["get"]
    assert link["operationId"] == polling["operationId"]
    assert link["parameters"] == {"signature": "$response.body#/signature"}
    [criterion] = polling["x-speakeasy-polling"][0]["successCriteria"]
    assert criterion == {"condition": "$statusCode == 200"}


def test_every_problem_is_in_it(document: Any) -> None:
    kinds = [
        kind
        for kind in vars(problems).values()
        if inspect.isclass(kind) and issubclass(kind, problems.Problem) and "status" in vars(kind)
    ]
    assert len(kinds) >= 13
    reached = {
        (status, kind)
        for operation in operations(document).values()
        for status, response in operation["responses"].items()
        for kind in problem_types(document, response)
    }
    assert reached == {(str(kind.status), kind.type()) for kind in kinds}


def problem_types(document: Any, response: Any) -> list[str]:
    content = resolve(document, response).get("content", {})
    schema = content.get("application/problem+json", {}).get("schema", {})
    types: list[str] = schema.get("properties", {}).get("type", {}).get("enum", [])
    return types


@pytest.mark.parametrize(
    "path", ["/", "/health", "/openapi.json", "/v1", "/v1/doubling", "/v1/doubling/{signature}"]
)
def test_every_method_is_in_it_and_no_other(
    path: str, document: Any, deployment: MotoDeployment
) -> None:
    reply = deployment.ask(http_event("BREW", path))
    documented = [method for method, p in operations(document) if p == path]
    assert sorted(reply.headers["allow"].split(", ")) == sorted(documented)


def test_what_needs_a_token_or_a_signature_says_so_and_nothing_else_does(document: Any) -> None:
    needs = {o: d["security"] for o, d in operations(document).items() if "security" in d}
    token: Any = [{"token": []}]
    operator: Any = [{"operator": []}]
    private = ("/v1/whispering", "/v1/whispering/{signature}")
    assert needs == {
        **{(method, path): token for method in ("GET", "HEAD") for path in private},
        ("POST", "/v1/whispering"): token,
        **{("DELETE", f"/v1/{n}/{{signature}}"): operator for n in registry.names()},
    }
    assert set(document["components"]["securitySchemes"]) == {"token", "operator"}


def test_only_what_needs_a_token_is_refused_for_the_lack_of_one(document: Any) -> None:
    for operation in operations(document).values():
        needs_token = {"token": []} in operation.get("security", [])
        assert ("401" in operation["responses"]) == needs_token


def test_every_question_may_come_with_the_headers_that_are_understood(document: Any) -> None:
    of_all = {"Accept-Encoding", "Prefer"}
    of_those = {"get": of_all | {"If-None-Match"}, "post": of_all}
    for path in ("/v1/doubling", "/v1/doubling/{signature}"):
        item = document["paths"][path]
        for method, expected in of_those.items():
            if method in item:
                parameters = [*item["parameters"], *item[method].get("parameters", [])]
                resolved = [resolve(document, parameter) for parameter in parameters]
                assert {p["name"] for p in resolved if p["in"] == "header"} == expected


# a query


def test_text_and_scalars_stand_in_a_query_as_they_are_and_the_rest_as_json(document: Any) -> None:
    listed = document["paths"]["/v1/doubling"]["get"]["parameters"]
    parameters = {p["name"]: p for p in (resolve(document, each) for each in listed)}
    assert parameters["number"]["schema"]["type"] == "number"
    assert parameters["number"]["required"]
    assert parameters["label"]["schema"]["type"] == "string"
    [content] = parameters["weights"]["content"].items()
    assert content[0] == "application/json"
    assert content[1]["schema"]["items"] == {"type": "integer"}
    assert not parameters["weights"]["required"]


# what is sent is as it says


class Checked:
    """A deployment whose every response is held against the document."""

    def __init__(self, deployment: MotoDeployment, document: Any) -> None:
        self.deployment, self.document = deployment, document

    def ask(self, method: str, path: str, **request: Any) -> HandlerReply:
        asked, _, query = path.partition("?")
        event = http_event(method, asked, query=query, **request)
        reply = self.deployment.ask(event)
        self.check(method, re.sub("[0-9a-f]{64}", "{signature}", asked), reply)
        return reply

    def check(self, method: str, path: str, reply: HandlerReply) -> None:
        documented = operations(self.document).get((method, path)) or self.any_operation(path)
        response = resolve(self.document, documented["responses"][str(reply.status)])
        self.check_headers(response["headers"], reply.headers)
        if response["content"] and "content-encoding" not in reply.headers:
            self.check_body(response["content"], reply)

    def any_operation(self, path: str) -> Any:
        """A method that is not there is answered as documented for those that are."""
        return operations(self.document)["GET", path]

    def check_headers(self, documented: Any, sent: dict[str, str]) -> None:
        headers = {name.lower(): header for name, header in documented.items()}
        assert set(sent) - {"content-type", *FOR_BROWSERS} <= set(headers)
        assert {name for name, header in headers.items() if header.get("required")} <= set(sent)
        for name, header in headers.items():
            if name in sent:
                is_number = header["schema"].get("type") == "integer"
                self.validate(int(sent[name]) if is_number else sent[name], header["schema"])

    def check_body(self, content: Any, reply: HandlerReply) -> None:
        media_type = reply.headers["content-type"].partition(";")[0]
        body = reply.json if media_type.endswith("json") else reply.text
        self.validate(body, content[media_type]["schema"])

    def validate(self, value: object, schema: Any) -> None:
        components = self.document["components"]
        Draft202012Validator({**schema, "components": components}).validate(value)


@pytest.fixture
def checked(deployment: MotoDeployment, document: Any) -> Checked:
    return Checked(deployment, document)


@pytest.mark.parametrize("path", ["/", "/health", "/openapi.json", "/v1"])
def test_a_document_is_as_documented(path: str, checked: Checked) -> None:
    reply = checked.ask("GET", path)
    assert reply.status == 200
    if etag := reply.headers.get("etag"):
        assert checked.ask("HEAD", path, headers={"if-none-match": etag}).status == 304
        zipped = checked.ask("GET", path, headers={"accept-encoding": "gzip"})
        assert gzip.decompress(b64decode(zipped.event["body"])) == reply.text.encode()
    assert checked.ask("POST", path).status == 405


def test_a_202_is_as_documented(checked: Checked) -> None:
    pending = checked.ask("GET", ASKED)
    assert checked.ask("GET", ASKED, headers={"prefer": "return=minimal"}).status == 202
    run = checked.deployment.store.begin(checked.deployment.entry(pending.signature))
    checked.deployment.store.heartbeat(run, 0.5)
    assert checked.ask("GET", pending.headers["location"]).json["state"] == "running"


def test_a_result_is_as_documented(checked: Checked) -> None:
    location = checked.ask("GET", ASKED).headers["location"]
    checked.deployment.work()
    for seconds in (0, 600):
        checked.deployment.clock.passes(seconds)
        assert checked.ask("GET", ASKED).status == 200
        reply = checked.ask("GET", location, headers={"accept-encoding": "gzip"})
        assert reply.headers["content-encoding"] == "gzip"
        unchanged = {"if-none-match": reply.headers["etag"]}
        again = checked.ask(
            "POST", "/v1/doubling", headers=OF_JSON | unchanged, body='{"number": 21}'
        )
        assert again.status == 200
        not_modified = checked.ask("GET", location, headers=unchanged)
        # What a cache has of the result, it updates with these.
        assert (not_modified.status, not_modified.headers["content-type"]) == (
            304,
            "application/json",
        )


def test_a_redirect_to_a_large_result_is_as_documented(checked: Checked) -> None:
    location = checked.ask("GET", LARGE).headers["location"]
    checked.deployment.work()
    body = '{"size": 400000}'
    assert checked.ask("GET", LARGE).status == 307
    assert checked.ask("HEAD", location).status == 307
    assert checked.ask("POST", "/v1/noise", headers=OF_JSON, body=body).status == 303


@pytest.mark.parametrize(
    ("status", "method", "path", "request_"),
    [
        (400, "POST", "/v1/doubling", {"headers": OF_JSON, "body": "{"}),
        (404, "GET", f"/v1/doubling/{'a' * 64}", {}),
        (401, "GET", "/v1/whispering?number=1", {}),
        (401, "GET", f"/v1/whispering/{'a' * 64}", {}),
        (403, "DELETE", f"/v1/doubling/{'a' * 64}", {}),
        (405, "DELETE", "/v1/doubling", {}),
        (405, "POST", f"/v1/doubling/{'a' * 64}", {}),
        (413, "POST", "/v1/doubling", {"headers": OF_JSON, "body": " " * 1_000_001}),
        (415, "POST", "/v1/doubling", {"body": "{}"}),
        (422, "POST", "/v1/doubling", {"headers": OF_JSON, "body": "{}"}),
        (422, "GET", "/v1/doubling?number=x&more=1", {}),
    ],
)
def test_a_problem_is_as_documented(
    status: int, method: str, path: str, request_: dict[str, Any], checked: Checked
) -> None:
    assert checked.ask(method, path, **request_).status == status


def test_forgetting_is_as_documented(checked: Checked) -> None:
    location = checked.ask("GET", ASKED).headers["location"]
    reply = checked.deployment.ask(from_operator(http_event("DELETE", location)))
    assert reply.status == 204
    checked.check("DELETE", "/v1/doubling/{signature}", reply)


def test_a_private_result_is_as_documented(checked: Checked) -> None:
    for status in (202, 200):
        event = with_token(http_event("GET", "/v1/whispering", query="number=21"), "ann")
        reply = checked.deployment.ask(event)
        assert reply.status == status
        checked.check("GET", "/v1/whispering", reply)
        checked.deployment.work()


def test_work_that_is_refused_is_as_documented(checked: Checked) -> None:
    checked.ask("GET", ASKED)
    checked.deployment.task_queue.max_backlog = 1
    assert checked.ask("GET", "/v1/doubling?number=1").status == 503


def test_a_refusal_by_the_computation_is_as_documented(checked: Checked) -> None:
    refused = "/v1/doubling?number=-1"
    checked.ask("GET", refused)
    checked.deployment.work()
    assert checked.ask("GET", refused).status == 422


def test_a_computation_that_was_given_up_is_as_documented(checked: Checked) -> None:
    pending = checked.ask("GET", ASKED)
    for _ in range(3):
        checked.deployment.store.begin(checked.deployment.entry(pending.signature))
        checked.deployment.clock.passes(30)
    assert checked.ask("GET", ASKED).status == 500


class SilentTable:
    """A client of a table that does not answer."""

    def get_item(self, **_: object) -> NoReturn:
        raise ReadTimeoutError(endpoint_url="https://table.example")


def test_a_table_that_does_not_answer_is_as_documented(checked: Checked) -> None:
    checked.deployment.store.client = cast("Any", SilentTable())
    assert checked.ask("GET", ASKED).status == 503


def test_a_call_that_aws_refuses_is_as_documented(checked: Checked) -> None:
    checked.deployment.store.table = "no-such-table"
    assert checked.ask("GET", ASKED).status == 500


def test_a_fault_is_as_documented(checked: Checked) -> None:
    checked.deployment.request_handler = replace(
        checked.deployment.request_handler, random=lambda: 1 / 0
    )
    assert checked.ask("GET", ASKED).status == 500
