"""Only the page itself, at its own address, may use the page's server."""

from collections.abc import Awaitable, Callable
from functools import wraps

from starlette.requests import Request
from starlette.responses import Response

from bridge.local.own_origin import refusal

Endpoint = Callable[[Request], Awaitable[Response]]

HEADERS = {
    # The frames with posts inherit this: a post is styled by attributes, and loads nothing.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def with_origin_check(endpoint: Endpoint, port: int) -> Endpoint:
    """The endpoint, which refuses other hosts and origins, and adds security headers to its answers."""

    @wraps(endpoint)
    async def checked(request: Request) -> Response:
        response = refusal(request, port) or await endpoint(request)
        response.headers.update(HEADERS)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return checked
