"""The page that shows the groups of the stand-in Graph as their members would see them."""

from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from bridge.local.mailbox import Mailbox

Endpoint = Callable[[Request], Awaitable[Response]]

_FOLDER = Path(__file__).parent
_FILES = {
    "/": ("viewer.html", "text/html"),
    "/viewer.css": ("viewer.css", "text/css"),
    "/viewer.js": ("viewer.js", "text/javascript"),
}
_HEADERS = {
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
_MOST_THREADS = 200


def routes(
    mailbox: Mailbox, port: int, names: Mapping[str, str], held: Callable[[], Mapping[str, object]] = dict
) -> list[BaseRoute]:
    """The page at `/` and what it asks for.

    names: the names that the settings give to groups. held: the groups that need a person, as health tells them.
    """
    labels = {group.lower(): name for name, group in names.items()}

    async def mail(request: Request) -> Response:
        chosen = request.query_params.get("group", ""), request.query_params.get("thread", "")
        shown = await run_in_threadpool(_mail, mailbox, labels, *chosen)
        stopped = await run_in_threadpool(held)
        shown["held"] = [{"group": labels.get(group.lower(), group), **_reason(why)} for group, why in stopped.items()]
        return JSONResponse(shown)

    endpoints: dict[str, Endpoint] = {path: _file(*file) for path, file in _FILES.items()} | {"/viewer/mail": mail}
    return [Route(path, _guarded(endpoint, port), methods=["GET"]) for path, endpoint in endpoints.items()]


def _reason(why: object) -> Mapping[str, object]:
    return why if isinstance(why, dict) else {}


def _file(name: str, media_type: str) -> Endpoint:
    content = (_FOLDER / name).read_bytes()

    async def endpoint(_: Request) -> Response:
        return Response(content, media_type=media_type)

    return endpoint


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
        response.headers.update(_HEADERS)
        return response

    return guarded


def _is_foreign(request: Request, hosts: tuple[str, ...]) -> bool:
    """Whether a page of another origin asks; following a link to the page itself is not asking."""
    origin = request.headers.get("origin")
    if origin is not None and origin not in [f"http://{host}" for host in hosts]:
        return True
    follows_link = request.headers.get("sec-fetch-mode") == "navigate" and request.url.path == "/"
    return request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin") and not follows_link


def _mail(mailbox: Mailbox, labels: Mapping[str, str], group: str, thread: str) -> dict[str, Any]:
    """Everything that the page shows: the groups, the threads of one and the posts of one of these."""
    groups = mailbox.groups()
    group = group if group in groups else next(iter(groups), "")
    threads = mailbox.threads(group)[:_MOST_THREADS] if group else []
    thread = thread if thread in [found.id for found in threads] else next((found.id for found in threads), "")
    posts = mailbox.posts(group, thread) if thread else []
    return {
        "permissions": mailbox.permissions,
        "groups": [{"id": found, "name": labels.get(found.lower(), found)} for found in groups],
        "group": group,
        "threads": [
            {
                "id": found.id,
                "topic": found.topic,
                "preview": found.preview,
                "updated": found.updated.isoformat(),
                "posts": found.posts,
            }
            for found in threads
        ],
        "thread": thread,
        "posts": [
            {"id": post.id, "html": post.html, "received": post.received.isoformat(), "sender": post.sender}
            for post in posts
        ],
    }
