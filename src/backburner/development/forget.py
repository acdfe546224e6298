"""backburner forget: deletes an entry through the operators' route of the API.

Exit codes: 0 if nothing is left of the entry; 1 if the API or AWS refused or did not answer; 2 if
an argument is wrong: the address, the computation, the signature.
"""

import json
import re
import sys
from typing import Any
from urllib.parse import quote, urlsplit

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies

from backburner.development.errors import CommandError
from backburner.development.terminal import say
from backburner.protocol.signature import FORM

FORGOTTEN, REFUSED, WRONG = 0, 1, 2
"""Exit codes."""
SERVICE = "execute-api"
TIMEOUT_S = 30
LOOPBACK = ("127.0.0.1", "localhost", "::1")
LOCAL = Credentials("local", "local")
"""For `make run`, which believes any signature: real keys do not leave for a plain http address."""
LOCAL_REGION = "us-east-1"
REGION_IN_HOST = re.compile(r"\.execute-api\.([a-z0-9-]+)\.")


class NotForgotten(CommandError):
    """Why the entry may still be there, with the remedy."""

    def __init__(self, why: str, code: int = REFUSED) -> None:
        super().__init__(why)
        self.code = code


def forget(
    deployment: str, computation: str, signature: str, session: boto3.Session | None = None
) -> int:
    """Forget an entry of a stack, given by its name, or of an API, given by its URL."""
    try:
        request = signed(deployment, computation, signature, session or boto3.Session())
        check(send(request))
    except NotForgotten as error:
        say(error, sys.stderr)
        return error.code
    except (BotoCoreError, ClientError) as error:
        say(f"{str(error).rstrip('.')}; mend that and try again", sys.stderr)
        return REFUSED
    say(f"forgotten: {computation}/{signature}; caches may serve it until it is stale")
    return FORGOTTEN


def signed(
    deployment: str, computation: str, signature: str, session: boto3.Session
) -> AWSPreparedRequest:
    """The request, signed as API Gateway's IAM authorizer asks for it."""
    if not FORM.fullmatch(signature):
        raise NotForgotten(
            f"{signature!r} is no signature: it has 64 hex digits; take it from a Location or "
            "Content-Location header",
            WRONG,
        )
    base = address(deployment, session)
    url = f"{base}/v1/{quote(computation, safe='')}/{signature}"
    credentials, region = signer(base, session)
    request = AWSRequest(method="DELETE", url=url)
    SigV4Auth(credentials, SERVICE, region).add_auth(request)
    return request.prepare()


def address(deployment: str, session: boto3.Session) -> str:
    """The URL without a slash at its end; a stack's is its output ApiUrl."""
    scheme, _, rest = deployment.rpartition("://")
    url = deployment if rest and scheme else url_of_stack(deployment, session)
    if urlsplit(url).scheme != "https" and not is_local(url):
        raise NotForgotten(
            f"{url} is not https, and a signed request must not be read on its way; give the "
            "https address, or that of `make run` on this machine",
            WRONG,
        )
    return url.rstrip("/")


def url_of_stack(name: str, session: boto3.Session) -> str:
    try:
        [stack] = session.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        raise NotForgotten(
            f"there is no stack {name} in {session.region_name}; give its name, or the API's URL",
            WRONG,
        ) from error
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}
    if "ApiUrl" not in outputs:
        raise NotForgotten(f"the stack {name} has no output ApiUrl; give the API's URL", WRONG)
    return str(outputs["ApiUrl"])


def signer(url: str, session: boto3.Session) -> tuple[Any, str]:
    """The credentials and the region to sign with."""
    if is_local(url):
        return LOCAL, LOCAL_REGION
    credentials = session.get_credentials()
    if credentials is None:
        raise NotForgotten("there are no AWS credentials; log in, for example with `aws sso login`")
    named = REGION_IN_HOST.search(urlsplit(url).hostname or "")
    region = named[1] if named else session.region_name
    if not region:
        raise NotForgotten("no region is set; set AWS_DEFAULT_REGION to that of the API")
    return credentials, region


def is_local(url: str) -> bool:
    return urlsplit(url).hostname in LOOPBACK


def send(request: AWSPreparedRequest) -> Any:
    proxies = {} if is_local(request.url) else get_environ_proxies(request.url)
    try:
        return URLLib3Session(timeout=TIMEOUT_S, proxies=proxies).send(request)
    except BotoCoreError as error:
        host = urlsplit(request.url).netloc
        raise NotForgotten(
            f"{host} does not answer ({type(error).__name__}); check that it is the API's address"
        ) from error


def check(response: Any) -> None:
    """Raise NotForgotten unless the API says that nothing is left of the entry."""
    status, said = response.status_code, reason(response.content)
    match status:
        case 204:
            return
        case 403:
            raise NotForgotten(
                f"the API refused (403: {said}); sign in as an identity of its account that may "
                "execute-api:Invoke on …/DELETE/v1/*, with the API's region"
            )
        case 404:
            raise NotForgotten(f"there is nothing of that name (404: {said})", WRONG)
        case 429 | 503:
            raise NotForgotten(f"the API has too much to do ({status}: {said}); try again later")
    raise NotForgotten(f"the API answered {status}: {said}; its log may say more")


def reason(body: bytes) -> str:
    """What the API, or API Gateway in its place, says."""
    try:
        said = json.loads(body)
        return str(said.get("detail") or said.get("message"))
    except (ValueError, AttributeError, RecursionError):
        return body[:200].decode(errors="replace").strip() or "no reason given"
