"""Tells the function who calls, as API Gateway's authorizers do, but checks nothing.

Callers may claim to be anybody, so this is only for trying things out.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

import base64
import json
import re
from typing import Any

from werkzeug import Request

from backburner.development.local.template import ACCOUNT_ID

BEARER = re.compile(r"Bearer [^.\s]+\.([^.\s]+)\.[^.\s]*", re.IGNORECASE)
SIGNATURE = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/,\s]+)/\d{8}/[^/]+/execute-api/aws4_request"
)


def authorizer_of(request: Request) -> dict[str, Any]:
    """The authorizer's part of the context: IAM for DELETE, a token for all else, as deployed."""
    authorization = request.headers.get("Authorization", "")
    if request.method == "DELETE":
        signed = SIGNATURE.match(authorization)
        return {"authorizer": {"iam": iam_of(signed[1])}} if signed else {}
    claims = claims_of(authorization)
    return {"authorizer": {"jwt": {"claims": claims, "scopes": None}}} if claims else {}


def claims_of(authorization: str) -> dict[str, str]:
    """The token's claims as text, as in API Gateway; empty if it is not a token."""
    token = BEARER.fullmatch(authorization)
    try:
        padded = token[1] + "=" * (-len(token[1]) % 4) if token else ""
        claims = json.loads(base64.urlsafe_b64decode(padded) or "{}")
        json.dumps(claims, ensure_ascii=False).encode()  # refuses lone surrogates
    except (ValueError, RecursionError):
        return {}
    if not isinstance(claims, dict):
        return {}
    return {name: v if isinstance(v, str) else json.dumps(v) for name, v in claims.items()}


def iam_of(access_key: str) -> dict[str, Any]:
    return {
        "accessKey": access_key,
        "accountId": ACCOUNT_ID,
        "callerId": access_key,
        "cognitoIdentity": None,
        "principalOrgId": None,
        "userArn": f"arn:aws:iam::{ACCOUNT_ID}:user/{access_key}",
        "userId": access_key,
    }
