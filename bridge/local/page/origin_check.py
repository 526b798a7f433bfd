"""Only the page itself, at its own address, may use the page's server."""

from collections.abc import Awaitable, Callable
from functools import wraps

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

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
    "Cache-Control": "no-store",
}


def with_origin_check(endpoint: Endpoint, port: int) -> Endpoint:
    """The endpoint, which refuses other hosts and origins, and adds security headers to its answers."""
    hosts = (f"127.0.0.1:{port}", f"localhost:{port}")

    @wraps(endpoint)
    async def checked(request: Request) -> Response:
        # Another site's name that resolves to this machine must not read the mail (DNS rebinding).
        if request.headers.get("host") not in hosts:
            response: Response = PlainTextResponse("This page is only available at its own address.\n", 421)
        elif _is_cross_origin(request, hosts):
            response = PlainTextResponse("Other pages must not use this page's server.\n", 403)
        else:
            response = await endpoint(request)
        response.headers.update(HEADERS)
        return response

    return checked


def _is_cross_origin(request: Request, hosts: tuple[str, ...]) -> bool:
    """Whether a page of another origin sends the request. Following a link to the page itself is allowed."""
    origin = request.headers.get("origin")
    if origin is not None and origin not in [f"http://{host}" for host in hosts]:
        return True
    follows_link = request.headers.get("sec-fetch-mode") == "navigate" and request.url.path == "/"
    return request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin") and not follows_link
