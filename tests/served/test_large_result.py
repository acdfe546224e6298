"""A result of 20 MB, all the way: real processes, and every byte over HTTP."""

import gzip
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from backburner.attempt import alone
from backburner.development.local.deployment import Deployment
from backburner.development.suites.api import Api, Reply

pytestmark = pytest.mark.enable_socket

PARAMETERS = {"size": 20_000_000}
PATH = "/v1/noise"


@pytest.fixture(scope="module")
def deployed() -> Iterator[Deployment]:
    with Deployment(
        computations=[Path(__file__).parent.parent / "support/computations"]
    ) as deployment:
        yield deployment


@pytest.fixture(scope="module")
def api(deployed: Deployment) -> Api:
    return Api(deployed.url)


@pytest.fixture(scope="module")
def answer(api: Api) -> Reply:
    return api.answer(PARAMETERS, PATH)


@pytest.fixture
def expected() -> bytes:
    return alone.result("noise", b'{"same":false,"size":20000000}', lambda _: None)


@pytest.fixture
def redirect(api: Api, answer: Reply) -> Reply:
    return api.post(PATH, PARAMETERS)


def test_its_bytes_are_those_that_were_computed(answer: Reply, expected: bytes) -> None:
    assert (answer.status, answer.media_type) == (200, "application/json")
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(answer.body) == expected
    assert len(expected) > 20_000_000


def test_its_etag_is_that_of_its_bytes_here_and_there(
    answer: Reply, redirect: Reply, expected: bytes
) -> None:
    etag = f'W/"{hashlib.sha256(expected).hexdigest()[:32]}"'
    assert redirect.headers["etag"] == answer.headers["x-amz-meta-etag"] == etag


def test_whoever_has_its_etag_need_not_get_it_again(api: Api, redirect: Reply) -> None:
    location = redirect.headers["content-location"]
    reply = api.get(location, if_none_match=redirect.headers["etag"])
    assert (reply.status, reply.body) == (304, b"")


def test_it_says_there_how_long_it_is_fresh(answer: Reply) -> None:
    name, _, seconds = answer.headers["cache-control"].rpartition("=")
    assert name == "private, max-age"
    assert 500 < int(seconds) <= 600


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_its_location_leads_there_by_the_same_method(
    method: str, api: Api, redirect: Reply, answer: Reply
) -> None:
    """As a library follows redirects by itself, decoding what it gets."""
    location = redirect.headers["content-location"]
    with urllib3.PoolManager() as pool:
        there = pool.request(method, api.url + location)
    assert there.status == 200
    assert there.headers["content-encoding"] == "gzip"
    assert there.headers["content-length"] == str(len(answer.body))
    assert there.data == (gzip.decompress(answer.body) if method == "GET" else b"")


@pytest.mark.parametrize("origin", ["null", "http://localhost:5173"])
def test_a_page_of_this_machine_may_follow(redirect: Reply, origin: str) -> None:
    with urllib3.PoolManager() as pool:
        there = pool.request("GET", redirect.headers["location"], headers={"origin": origin})
    assert there.headers["access-control-allow-origin"] == origin


def test_of_an_object_that_is_gone_the_bucket_says_so(
    deployed: Deployment, api: Api, redirect: Reply
) -> None:
    s3, bucket = deployed.client("s3"), deployed.stack.physical_ids["LargeResults"]
    [listed] = s3.list_objects_v2(Bucket=bucket)["Contents"]
    s3.delete_object(Bucket=bucket, Key=listed["Key"])
    assert api.follow(api.post(PATH, PARAMETERS)).status == 404
