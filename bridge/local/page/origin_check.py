"""Who may ask the page's server: the page itself, at its own address."""

import json
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bridge.errors import BridgeError

Endpoint = Callable[[Request], Awaitable[Response]]
Action = Callable[[dict[str, Any]], Awaitable[object]]

HEADERS = {
    # The frames of posts inherit this: mail is styled by attributes, and loads nothing.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_LARGEST = 4 << 20  # bytes


class Refused(BridgeError):
    """What the page asks for cannot be done. status: of the answer."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def reading(path: str, endpoint: Endpoint, port: int) -> Route:
    """A route that the page reads."""
    return Route(path, _guarded(endpoint, port), methods=["GET"])


def acting(path: str, action: Action, port: int) -> Route:
    """A route by which the page does something. action: gets the JSON object of the body, gives what is answered."""

    async def endpoint(request: Request) -> Response:
        try:
            return JSONResponse(await action(await _content(request)))
        except BridgeError as error:
            return JSONResponse({"error": str(error)}, error.status if isinstance(error, Refused) else 409)

    return Route(path, _guarded(endpoint, port), methods=["POST"])


async def _content(request: Request) -> dict[str, Any]:
    # A form of another page's cannot send this type; with it a browser asks first, and is not answered.
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refused("The body must be application/json.", 415)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST:
            raise Refused(f"The body is longer than {_LARGEST >> 20} MiB.", 413)
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused("The body is not JSON.") from error
    if not isinstance(content, dict):
        raise Refused("The body must be a JSON object.")
    return content


def _guarded(endpoint: Endpoint, port: int) -> Endpoint:
    hosts = (f"127.0.0.1:{port}", f"localhost:{port}")

    @wraps(endpoint)
    async def guarded(request: Request) -> Response:
        # A name of somebody else's that resolves to this machine must not read the mail (DNS rebinding).
        if request.headers.get("host") not in hosts:
            response: Response = PlainTextResponse("This page answers only to its own address.\n", 421)
        elif _is_foreign(request, hosts):
            response = PlainTextResponse("This page answers only to itself.\n", 403)
        else:
            response = await endpoint(request)
        response.headers.update(HEADERS)
        return response

    return guarded


def _is_foreign(request: Request, hosts: tuple[str, ...]) -> bool:
    """Whether a page of another origin asks; following a link to the page itself is not asking."""
    origin = request.headers.get("origin")
    if origin is not None and origin not in [f"http://{host}" for host in hosts]:
        return True
    follows_link = request.headers.get("sec-fetch-mode") == "navigate" and request.url.path == "/"
    return request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin") and not follows_link
