"""The routes of the page: those that it reads, and those by which it does something."""

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bridge.errors import BridgeError
from bridge.local.page.origin_check import Endpoint, with_origin_check

Action = Callable[[dict[str, Any]], Awaitable[object]]

_LARGEST = 4 << 20  # bytes


class RequestError(BridgeError):
    """A request of the page that cannot be carried out. status: of the answer."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def number(text: str, default: int) -> int:
    """The number that a query gives; the default where it gives none."""
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else default


def page_route(path: str, endpoint: Endpoint, port: int) -> Route:
    """A route that the page reads."""
    return Route(path, with_origin_check(endpoint, port), methods=["GET"])


def action_route(path: str, action: Action, port: int) -> Route:
    """A route that does something. action: takes the JSON object of the body, and returns the content of the answer."""

    async def endpoint(request: Request) -> Response:
        try:
            return JSONResponse(await action(await _content(request)))
        except BridgeError as error:
            return JSONResponse({"error": str(error)}, error.status if isinstance(error, RequestError) else 409)

    return Route(path, with_origin_check(endpoint, port), methods=["POST"])


async def _content(request: Request) -> dict[str, Any]:
    # A form of another site cannot send this type; for a script a browser asks first, and gets no permission.
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise RequestError("The body must be application/json.", 415)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST:
            raise RequestError(f"The body is longer than {_LARGEST >> 20} MiB.", 413)
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RequestError("The body is not JSON.") from error
    if not isinstance(content, dict):
        raise RequestError("The body must be a JSON object.")
    return content
