"""Only this machine's own programs and pages use the local host: no other page, under no other name.

A page that a developer visits could otherwise send webhooks, read mail or take tokens, directly or under a name of its
own that resolves to this machine (DNS rebinding).
"""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

_WEBHOOKS = "/api/webhooks/"


class OwnOrigin:
    """Passes on the requests for the host at this port that no page of another origin sends.

    tunnel: the name under which a tunnel makes the webhooks, and nothing else, available outside; empty: none.
    codespace: the name under which GitHub forwards the port to the developer who owns the codespace; empty: none.
    """

    def __init__(self, app: ASGIApp, port: int, tunnel: str = "", codespace: str = "") -> None:
        self._app = app
        self._port = port
        self._tunnel = tunnel
        self._codespace = codespace

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request that it does not pass on with 421 or 403."""
        if scope["type"] == "http" and (refused := refusal(Request(scope), self._port, self._tunnel, self._codespace)):
            await refused(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def refusal(request: Request, port: int, tunnel: str = "", codespace: str = "") -> Response | None:
    """The answer to a request that is for another host, or that a page of another origin sends; None: it may pass."""
    hosts = [f"127.0.0.1:{port}", f"localhost:{port}"]
    origins = [f"http://{host}" for host in hosts]
    if codespace:
        # GitHub's proxy keeps the browser's headers or writes localhost into them.
        hosts.append(codespace)
        origins.append(f"https://{codespace}")
    host = request.headers.get("host", "").lower()
    is_webhook = request.scope["path"].startswith(_WEBHOOKS)
    if host not in hosts and not (is_webhook and tunnel and host == tunnel):
        more = " For webhooks from a tunnel, set BRIDGE_LOCAL_TUNNEL to its host name." if is_webhook else ""
        return PlainTextResponse(f"This is only available at its own address, http://{hosts[0]}.{more}\n", 421)
    if _is_cross_origin(request, origins):
        return PlainTextResponse("Pages of other origins must not use this server.\n", 403)
    return None


def _is_cross_origin(request: Request, origins: list[str]) -> bool:
    """Whether a page of another origin sends the request. Following a link to the page itself is allowed."""
    origin = request.headers.get("origin")
    if origin is not None and origin not in origins:
        return True
    follows_link = request.headers.get("sec-fetch-mode") == "navigate" and request.scope["path"] == "/"
    return request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin") and not follows_link
