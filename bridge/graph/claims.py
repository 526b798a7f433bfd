"""The claims of an access token, unverified: the bridge got the token from its issuer and only reads what it may do.

https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
"""

import base64
import json
from collections.abc import Mapping
from typing import Any

Claims = Mapping[str, Any]


def claims_of(token: str) -> Claims:
    """The claims, or `{"opaque": True}` for a token that cannot be read."""
    try:
        part = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError):
        claims = {}
    return claims if isinstance(claims, dict) and claims else {"opaque": True}


def is_opaque(claims: Claims) -> bool:
    """Whether the token could not be read."""
    return "opaque" in claims


def is_app_only(claims: Claims) -> bool:
    """Whether the token is an application's own, and not a user's."""
    return claims.get("idtyp") == "app" or ("scp" not in claims and not is_opaque(claims))


def permissions(claims: Claims) -> set[str]:
    """The application's roles, or the scopes for which the user's token is good."""
    names = claims.get("roles") if is_app_only(claims) else str(claims.get("scp", "")).split()
    return {str(name) for name in names} if isinstance(names, list) else set()


def holder(claims: Claims) -> str:
    """Who the token is for: a user's name, or the id of a user or an application."""
    names = ("upn", "preferred_username", "oid", "appid")
    return str(next(filter(None, map(claims.get, names)), "unknown"))


def time_in(claims: Claims, name: str) -> float:
    """The time in a claim, in seconds since 1970; 0 where there is none."""
    value = claims.get(name)
    return float(value) if isinstance(value, int | float) else 0.0
