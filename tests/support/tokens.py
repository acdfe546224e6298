"""Tokens that nobody has signed: the local deployment believes them."""

import base64
import json


def bearer(subject: str) -> str:
    """What a caller sends as Authorization."""
    return bearer_of({"iss": "https://issuer.example", "sub": subject})


def bearer_of(claims: object) -> str:
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in ({"alg": "none"}, claims)
    ]
    return f"Bearer {'.'.join(parts)}.x"
