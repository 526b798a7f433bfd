"""Read requests to the stand-in Graph, and write its answers."""

import asyncio
import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bridge.local.fake_graph.calls import Failure

_VERSIONS = ("v1.0", "beta")
_LARGEST_BODY = 4 << 20
_CHALLENGE = 'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize"'


def path_ids(request: Request) -> Mapping[str, str]:
    """The ids in the path, by name; Failure if Graph has no such version."""
    ids = dict(request.path_params)
    version = ids.pop("version")
    if version not in _VERSIONS:
        raise Failure(400, "BadRequest", f"Invalid version: {version}.")
    return ids


async def read_json(request: Request) -> object:
    """The JSON value of the body; None if the body is empty."""
    body = await request.body()
    if len(body) > _LARGEST_BODY:
        raise Failure(413, "RequestEntityTooLarge", "The maximum request length supported is 4MB.")
    if not body:
        return None
    if not request.headers.get("Content-Type", "").startswith("application/json"):
        raise Failure(415, "UnsupportedMediaType", "The media type of the body must be application/json.")
    try:
        content = json.loads(body)
        json.dumps(content, ensure_ascii=False).encode()  # fails for half a surrogate pair
    except (ValueError, RecursionError):
        raise Failure(400, "BadRequest", "Unable to read JSON request payload.") from None
    return content


def success(status: int, content: Mapping[str, Any] | None, headers: Mapping[str, str]) -> Response:
    """A 2xx answer."""
    headers = {"request-id": str(uuid.uuid4()), **headers}
    return Response(status_code=status, headers=headers) if content is None else JSONResponse(content, status, headers)


def error(status: int, code: str, message: str, headers: Mapping[str, str]) -> Response:
    """An error as https://learn.microsoft.com/graph/errors describes it."""
    request_id = str(uuid.uuid4())
    inner = {"date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"), "request-id": request_id}
    content = {"error": {"code": code, "message": message, "innerError": inner}}
    return JSONResponse(content, status, {"request-id": request_id, **headers})


def failed(failure: Failure) -> Response:
    """The answer for a failure."""
    headers = {"WWW-Authenticate": _CHALLENGE} if failure.status == 401 else {}
    if failure.retry_after is not None:
        headers["Retry-After"] = str(failure.retry_after)
    return error(failure.status, failure.code, failure.message, headers)


async def drop(request: Request) -> None:
    """Close the connection without an answer. ASGI has no way to do that, but uvicorn's transport has."""
    request.receive.__self__.transport.abort()  # type: ignore[attr-defined]
    await asyncio.sleep(0)  # uvicorn must notice before it gets the answer
