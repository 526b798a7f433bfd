"""The stand-in for Microsoft Graph and for the managed-identity endpoint.

It checks requests as Graph does, keeps what they post, and fails on request.
"""

import asyncio
import re
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from bridge.local.fake_graph import http, managed_identity
from bridge.local.fake_graph.calls import Call, Failure
from bridge.local.fake_graph.faults import Fault, Faults
from bridge.local.fake_graph.inbox import Inbox
from bridge.local.fake_graph.mail import prefers_immutable_ids
from bridge.local.fake_graph.operations import OPERATIONS, Operation
from bridge.local.fake_graph.permissions import Policy, check_permission
from bridge.local.fake_graph.store import Store, StoredPost, StoredThread
from bridge.local.fake_graph.tokens import Grant, Tokens

MAILBOX = "bridge@localhost"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_MOST_LOG_ENTRIES = 100_000
_MOST_REQUESTS = 200
_IMMUTABLE = {"Preference-Applied": 'IdType="ImmutableId"'}


@dataclass(frozen=True)
class LogEntry:
    """A request to the stand-in Graph. status: 0 if the connection was dropped.

    at: when it came, in seconds since 1970. in_flight: how many requests were in progress, this one included;
    in_group: how many of those were for the same group.
    """

    method: str
    path: str
    status: int
    in_flight: int
    in_group: int
    at: float


class RecordedRequest(NamedTuple):
    """A request as it came; `content` is the JSON value of its body."""

    method: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    content: object


class FakeGraph:
    """The stand-in: its routes, the threads and mail that it keeps, the faults to come, and a log of the requests.

    path: the SQLite file that keeps threads, posts and mail. clock: the time of posts and faults. tokens: the tokens
    that are accepted; those that its own endpoint issues are added. permissions: with `open` every accepted token may
    do everything, with `microsoft` only what Microsoft documents.

    Public attributes may be changed at any time. `missing`: groups and mailboxes that do not exist, by id or address;
    `without_mailbox`: those that exist but that Exchange does not know; `members`, `people` and `mail_scope`: see
    `Policy`. `log` has an entry for each request, oldest first; `requests` has the last requests in full.
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
        self.requests: deque[RecordedRequest] = deque(maxlen=_MOST_REQUESTS)
        self.tokens = tokens or Tokens()
        self.faults = Faults()
        self.missing: set[str] = set()
        self.without_mailbox: set[str] = set()
        self.log: deque[LogEntry] = deque(maxlen=_MOST_LOG_ENTRIES)
        self._clock = clock
        self._store = Store(path, clock)
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
        """The group ids by address."""
        return self._store.addresses

    @property
    def inbox(self) -> Inbox:
        """The threads of all groups as a person reads them."""
        return self._store.inbox

    def groups(self) -> list[str]:
        """The groups that have a thread."""
        return self._store.groups()

    def threads(self, group: str) -> list[StoredThread]:
        """The threads of a group; the one with the newest post comes first."""
        return self._store.threads(group)

    def posts(self, group: str, thread: str) -> list[StoredPost]:
        """The posts of a thread, oldest first."""
        return self._store.posts(group, thread)

    def close(self) -> None:
        """Close the file. No request may follow."""
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
        return JSONResponse([asdict(entry) for entry in self.log])

    def _endpoint(self, operation: Operation) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            group = request.path_params.get("group") or request.path_params["mailbox"]
            status, at = 0, time.time()
            self._in_flight[group] += 1
            in_flight, in_group = self._in_flight.total(), self._in_flight[group]
            try:
                response, drops = await self._answer(operation, request)
                if drops:
                    await http.drop(request)
                else:
                    status = response.status_code
            finally:
                self._in_flight[group] -= 1
                self.log.append(LogEntry(request.method, request.url.path, status, in_flight, in_group, at))
            return response

        return endpoint

    async def _answer(self, operation: Operation, request: Request) -> tuple[Response, bool]:
        """The answer, and whether to drop the connection instead of sending it."""
        try:
            grant = self._grant(request.headers.get("Authorization", ""))
            path = http.path_ids(request)
            if self.permissions == "microsoft":
                policy = Policy(self.members, self.people, frozenset(self.mail_scope))
                check_permission(operation, grant, path, policy)
            self._check_exists(operation, path)
            fault = self.faults.take(request.method)
            status, content = 200, None
            call = self._call(request, path, await http.read_json(request), fault)
            raw_path = request.scope["raw_path"].decode()
            self.requests.append(RecordedRequest(request.method, raw_path, call.headers, call.query, call.content))
            if fault.effect.acts:
                status, content = await run_in_threadpool(operation.answer, self._store, call)
            await asyncio.sleep(fault.delay("slow"))
            if fault.effect.answer:
                return http.error(*fault.effect.answer, headers=fault.retry_after), False
            applied = _IMMUTABLE if "mailbox" in path and prefers_immutable_ids(call) else {}
            return http.success(status, content, applied), fault.effect.drops
        except Failure as failure:
            return http.failed(failure), False

    def _grant(self, authorization: str) -> Grant:
        scheme, _, token = authorization.partition(" ")
        if scheme != "Bearer" or not token:
            raise Failure(401, "InvalidAuthenticationToken", "Access token is empty.")
        grant = self.tokens.grant(token)
        if grant is None:
            raise Failure(401, "InvalidAuthenticationToken", "Access token validation failure. Invalid or expired.")
        return grant

    def _check_exists(self, operation: Operation, path: Mapping[str, str]) -> None:
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
