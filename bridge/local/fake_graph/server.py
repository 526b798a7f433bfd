"""The stand-in for Microsoft Graph and for the managed-identity endpoint, on this machine.

Checks requests as Graph does, keeps what it is sent, and fails when it is told to.
"""

import asyncio
import json
import re
import time
import uuid
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from bridge.local.fake_graph import managed_identity
from bridge.local.fake_graph.calls import Call, Failure
from bridge.local.fake_graph.faults import Fault, Faults
from bridge.local.fake_graph.mail import prefers_immutable_ids
from bridge.local.fake_graph.operations import OPERATIONS, Operation, Policy, check_permission
from bridge.local.fake_graph.store import MailPost, MailStore, MailThread
from bridge.local.fake_graph.tokens import Grant, Tokens

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_VERSIONS = ("v1.0", "beta")
_LARGEST_BODY = 4 << 20
_LONGEST_LOG = 100_000
_LONGEST_SEEN = 200
MAILBOX = "bridge@localhost"
_IMMUTABLE = {"Preference-Applied": 'IdType="ImmutableId"'}
_CHALLENGE = 'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize"'


@dataclass(frozen=True)
class Logged:
    """A request to the stand-in Graph; `status` 0 means dropped.

    at: when it came, in seconds since 1970. in_flight: it and the others of its time; in_group: those of its group.
    """

    method: str
    path: str
    status: int
    in_flight: int
    in_group: int
    at: float


class Seen(NamedTuple):
    """A request as it was sent; `content` is the JSON of its body."""

    method: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    content: object


class Mailbox:
    """The stand-in: routes to mount, what it keeps, the faults to come, and a log of the requests.

    path: the SQLite file of threads and posts. clock: what posts are dated by and faults are timed by. tokens: those
    that are good here, in which its own endpoint remembers what it hands out. permissions: `open` lets every good token
    do everything, `microsoft` what Microsoft documents for it.
    What is not private may be changed at any time. `missing`: groups and mailboxes that are not there, by ids and
    addresses; `without_mailbox`: those that are there but that Exchange knows nothing of; `members`, `people` and
    `mail_scope`: see `Policy`. `log` has the last requests, oldest first, and `seen` the last
    ones whole.
    """

    def __init__(
        self,
        path: Path,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        tokens: Tokens | None = None,
        permissions: str = "open",
    ) -> None:
        self.permissions = permissions
        self.members: dict[str, frozenset[str]] = {}
        self.people: dict[str, str] = {}
        self.mail_scope: set[str] = {MAILBOX}
        self.seen: deque[Seen] = deque(maxlen=_LONGEST_SEEN)
        self.tokens = tokens or Tokens()
        self.faults = Faults()
        self.missing: set[str] = set()
        self.without_mailbox: set[str] = set()
        self.log: deque[Logged] = deque(maxlen=_LONGEST_LOG)
        self._clock = clock
        self._store = MailStore(path, clock)
        self._in_flight: Counter[str] = Counter()

    def routes(self) -> list[BaseRoute]:
        """The routes of Graph, of its faults and its log, and of the managed-identity endpoint."""
        return [
            managed_identity.route(self.tokens),
            Route("/graph/_faults", self._change_faults, methods=["POST", "DELETE"]),
            Route("/graph/_log", self._show_log, methods=["GET"]),
            *(
                Route(f"/graph/{{version}}{operation.path}", self._endpoint(operation), methods=[operation.method])
                for operation in OPERATIONS
            ),
        ]

    @property
    def addresses(self) -> dict[str, str]:
        """The addresses of groups, each with the group's id."""
        return self._store.addresses

    def groups(self) -> list[str]:
        """The groups that have a thread."""
        return self._store.groups()

    def threads(self, group: str) -> list[MailThread]:
        """The threads of a group, the one with the newest post first."""
        return self._store.threads(group)

    def posts(self, group: str, thread: str) -> list[MailPost]:
        """The posts of a thread, the oldest first."""
        return self._store.posts(group, thread)

    def close(self) -> None:
        """Closes the file; no request may come afterwards."""
        self._store.close()

    async def _change_faults(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.faults.clear()
            return Response(status_code=204)
        try:
            wanted = await request.json()
            self.faults.add(*[Fault.from_json(fault) for fault in (wanted if isinstance(wanted, list) else [wanted])])
        except (ValueError, RecursionError) as error:
            return JSONResponse({"message": str(error)}, 400)
        return Response(status_code=204)

    async def _show_log(self, _: Request) -> Response:
        return JSONResponse([asdict(logged) for logged in self.log])

    def _endpoint(self, operation: Operation) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            group = request.path_params.get("group") or request.path_params["mailbox"]
            status, at = 0, time.time()
            self._in_flight[group] += 1
            in_flight, in_group = self._in_flight.total(), self._in_flight[group]
            try:
                response, drops = await self._answer(operation, request)
                if drops:
                    await _drop(request)
                else:
                    status = response.status_code
            finally:
                self._in_flight[group] -= 1
                self.log.append(Logged(request.method, request.url.path, status, in_flight, in_group, at))
            return response

        return endpoint

    async def _answer(self, operation: Operation, request: Request) -> tuple[Response, bool]:
        """The answer, and whether the connection is to be dropped instead."""
        try:
            grant = self._grant(request.headers.get("Authorization", ""))
            path = _path(request)
            if self.permissions == "microsoft":
                policy = Policy(self.members, self.people, frozenset(self.mail_scope))
                check_permission(operation, grant, path, policy)
            self._check_there(operation, path)
            fault = self.faults.take(request.method)
            status, content = 200, None
            call = self._call(request, path, await _json(request), fault)
            self.seen.append(
                Seen(request.method, request.scope["raw_path"].decode(), call.headers, call.query, call.content)
            )
            if fault.effect.acts:
                status, content = await run_in_threadpool(operation.answer, self._store, call)
            await asyncio.sleep(fault.delay("slow"))
            if fault.effect.answer:
                return _error(*fault.effect.answer, headers=fault.retry_after), False
            applied = _IMMUTABLE if "mailbox" in path and prefers_immutable_ids(call) else {}
            return _success(status, content, applied), fault.effect.drops
        except Failure as failure:
            headers = {"WWW-Authenticate": _CHALLENGE} if failure.status == 401 else {}
            if failure.retry_after is not None:
                headers["Retry-After"] = str(failure.retry_after)
            return _error(failure.status, failure.code, failure.message, headers), False

    def _grant(self, authorization: str) -> Grant:
        scheme, _, token = authorization.partition(" ")
        if scheme != "Bearer" or not token:
            raise Failure(401, "InvalidAuthenticationToken", "Access token is empty.")
        grant = self.tokens.grant(token)
        if grant is None:
            raise Failure(401, "InvalidAuthenticationToken", "Access token validation failure. Invalid or expired.")
        return grant

    def _check_there(self, operation: Operation, path: Mapping[str, str]) -> None:
        group, mailbox = path.get("group", ""), path.get("mailbox", "")
        is_directory = operation.path == "/groups/{group}"
        if group and not _UUID.fullmatch(group):
            raise Failure(400, "Request_BadRequest", f"Invalid object identifier '{group}'.")
        if (group or mailbox).lower() in _lower(self.missing):
            raise _missing(group, mailbox, is_directory=is_directory)
        if (group or mailbox).lower() in _lower(self.without_mailbox) and not is_directory:
            text = "The mailbox is either inactive, soft-deleted, or is hosted on-premise."
            raise Failure(404, "MailboxNotEnabledForRESTAPI", text)

    def _call(self, request: Request, path: Mapping[str, str], content: object, fault: Fault) -> Call:
        received = self._clock() + timedelta(seconds=fault.delay("late"))
        return Call(
            url=str(request.url.replace(query="")),
            path=path,
            query=request.query_params,
            headers=request.headers,
            content=content,
            missing=_lower(self.missing | self.without_mailbox),
            private=path.get("group") in self.members,
            received=received,
            visible=received + timedelta(seconds=fault.delay("late-visible")),
        )


def _missing(group: str, mailbox: str, *, is_directory: bool) -> Failure:
    if mailbox:
        return Failure(404, "ErrorInvalidUser", f"The requested user '{mailbox}' is invalid.")
    if is_directory:
        text = f"Resource '{group}' does not exist or one of its queried reference-property objects are not present."
        return Failure(404, "Request_ResourceNotFound", text)
    return Failure(404, "ErrorGroupNotFound", f"The requested group '{group}' was not found.")


def _lower(names: set[str]) -> frozenset[str]:
    return frozenset(name.lower() for name in names)


def _path(request: Request) -> Mapping[str, str]:
    path = dict(request.path_params)
    version = path.pop("version")
    if version not in _VERSIONS:
        raise Failure(400, "BadRequest", f"Invalid version: {version}.")
    return path


async def _json(request: Request) -> object:
    """The JSON of the body; None if there is none."""
    body = await request.body()
    if len(body) > _LARGEST_BODY:
        raise Failure(413, "RequestEntityTooLarge", "The maximum request length supported is 4MB.")
    if not body:
        return None
    if not request.headers.get("Content-Type", "").startswith("application/json"):
        raise Failure(415, "UnsupportedMediaType", "The media type of the body must be application/json.")
    try:
        content = json.loads(body)
        json.dumps(content, ensure_ascii=False).encode()  # half of a surrogate pair is no text
    except (ValueError, RecursionError):
        raise Failure(400, "BadRequest", "Unable to read JSON request payload.") from None
    return content


async def _drop(request: Request) -> None:
    """Closes the connection without an answer. ASGI knows no way to do that; uvicorn's transport does."""
    request.receive.__self__.transport.abort()  # type: ignore[attr-defined]
    await asyncio.sleep(0)  # so that uvicorn learns of it before it is given the answer


def _success(status: int, content: Mapping[str, Any] | None, applied: Mapping[str, str]) -> Response:
    headers = {"request-id": str(uuid.uuid4()), **applied}
    return Response(status_code=status, headers=headers) if content is None else JSONResponse(content, status, headers)


def _error(status: int, code: str, message: str, headers: Mapping[str, str]) -> Response:
    """An error as https://learn.microsoft.com/graph/errors shows it."""
    request_id = str(uuid.uuid4())
    inner = {"date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"), "request-id": request_id}
    content = {"error": {"code": code, "message": message, "innerError": inner}}
    return JSONResponse(content, status, {"request-id": request_id, **headers})
