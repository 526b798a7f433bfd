"""The endpoint of App Service that issues tokens for a managed identity.

https://learn.microsoft.com/azure/app-service/overview-managed-identity
"""

import base64
import json
import secrets
import time
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bridge.clouds import CLOUDS
from bridge.local.fake_graph.tokens import Grant, Tokens

IDENTITY_HEADER = "local"
_CLIENT_ID = "00000000-0000-4000-8000-0000000000c1"
# What Entra grants. Exchange grants the use of mail, which tokens do not show.
_ROLES = ("Group-Conversation.ReadWrite.All", "Group.Read.All")
_TOKEN_SECONDS = 24 * 3600


def route(tokens: Tokens) -> Route:
    """The route of the endpoint, which records the tokens for Graph that it issues."""

    async def token(request: Request) -> Response:
        return _token(request, tokens)

    return Route("/msi/token", token, methods=["GET"])


def _token(request: Request, tokens: Tokens) -> Response:
    if request.headers.get("X-IDENTITY-HEADER") != IDENTITY_HEADER:
        return JSONResponse({"statusCode": 401, "message": "X-IDENTITY-HEADER is missing or wrong."}, 401)
    resource = request.query_params.get("resource", "")
    if request.query_params.get("api-version") != "2019-08-01" or not resource:
        return JSONResponse({"statusCode": 400, "message": "api-version 2019-08-01 and resource are required."}, 400)
    client_id = request.query_params.get("client_id", _CLIENT_ID)
    # In real time, not by the clock of the stand-in: the clock of azure-identity cannot be set.
    expires = int(time.time()) + _TOKEN_SECONDS
    token = _jwt({"aud": resource, "appid": client_id, "idtyp": "app", "exp": expires})
    if resource.rstrip("/") in {f"https://{cloud.graph}" for cloud in CLOUDS.values()}:
        tokens.remember(token, Grant("app", frozenset(_ROLES), client_id, resource.rstrip("/"), expires))
    answer = {"access_token": token, "expires_on": str(expires), "resource": resource, "token_type": "Bearer"}
    return JSONResponse(answer | {"client_id": client_id})


def _jwt(claims: Mapping[str, Any]) -> str:
    """An unsigned JWT. It needs no signature, as issued tokens are recorded."""
    parts = ({"typ": "JWT", "alg": "none"}, {**claims, "roles": _ROLES, "jti": secrets.token_urlsafe(16)})
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."
