"""An ordinary HTTP cache in front: it serves hits without asking, and revalidates with 304."""

from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest
import requests
from cachecontrol import CacheControl
from werkzeug.serving import make_server

from backburner.development.local.http_api import HttpApi
from backburner.development.local.server import BoundedRequestHandler
from backburner.request import respond
from tests.conftest import MotoDeployment
from tests.support.tokens import bearer

pytestmark = pytest.mark.enable_socket


class Origin:
    """The deployment behind a real HTTP server, which counts what it is asked and what it said."""

    def __init__(self, deployment: MotoDeployment) -> None:
        self.deployment = deployment
        self.statuses: list[int] = []
        http_api = HttpApi(self.invoke)
        self.server = make_server("127.0.0.1", 0, http_api, request_handler=BoundedRequestHandler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1/doubling?number="

    def invoke(self, event: Any) -> Any:
        answer = respond(event, self.deployment.request_handler).as_event()
        self.statuses.append(answer["statusCode"])
        return answer


@pytest.fixture
def origin(deployment: MotoDeployment) -> Iterator[Origin]:
    origin = Origin(deployment)
    Thread(target=origin.server.serve_forever, args=[0.01], daemon=True).start()
    yield origin
    origin.server.shutdown()
    origin.server.server_close()


@pytest.fixture
def client() -> Iterator[requests.Session]:
    with CacheControl(requests.Session()) as session:
        yield session


def ask(client: requests.Session, url: str, **headers: str) -> requests.Response:
    return client.get(url, headers={k.replace("_", "-"): v for k, v in headers.items()}, timeout=5)


def test_a_placeholder_is_never_kept(origin: Origin, client: requests.Session) -> None:
    for _ in range(3):
        assert ask(client, origin.url + "1").status_code == 202
    assert origin.statuses == [202, 202, 202]


def test_a_hit_is_served_without_asking_the_origin(
    origin: Origin, client: requests.Session
) -> None:
    ask(client, origin.url + "2")
    origin.deployment.work()
    answers = [ask(client, origin.url + "2") for _ in range(5)]
    assert [answer.json() for answer in answers] == [{"doubled": 4, "label": ""}] * 5
    assert origin.statuses == [202, 200]


def test_a_cache_revalidates_with_304(origin: Origin, client: requests.Session) -> None:
    ask(client, origin.url + "3")
    origin.deployment.work()
    first = ask(client, origin.url + "3")
    again = ask(client, origin.url + "3", cache_control="max-age=0")
    assert (again.status_code, again.content) == (200, first.content)
    assert origin.statuses == [202, 200, 304]


def test_a_failure_is_never_kept(origin: Origin, client: requests.Session) -> None:
    ask(client, origin.url + "-1")
    origin.deployment.work()
    for _ in range(2):
        assert ask(client, origin.url + "-1").status_code == 422
    assert origin.statuses == [202, 422, 422]


def test_a_private_answer_is_kept_for_its_caller_alone(
    origin: Origin, client: requests.Session
) -> None:
    url = origin.url.replace("doubling", "whispering") + "4"
    ann, bob = bearer("ann"), bearer("bob")
    ask(client, url, authorization=ann)
    origin.deployment.work()
    for _ in range(2):
        assert ask(client, url, authorization=ann).json() == {"doubled": 8}
    assert ask(client, url, authorization=bob).status_code == 202
    assert ask(client, url).status_code == 401
    assert origin.statuses == [202, 200, 202, 401]
