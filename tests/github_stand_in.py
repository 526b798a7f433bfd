"""GitHub's API for webhooks, strict: what its OpenAPI description does not have is refused, and so is a bad token.

tests/data/github_api.json has the operations. Rate limits, pages and redeliveries are as GitHub documents them:
https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

import contextlib
import json
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt

from tests.local_stack import ROOT

DESCRIPTION = json.loads((ROOT / "tests/data/github_api.json").read_text())
TOKEN = "github_pat_0123456789abcdefghij"
KEPT = 3 * 86400


@dataclass
class FakeHook:
    """A webhook with its deliveries, the oldest first."""

    url: str
    active: bool = True
    deliveries: list[dict[str, Any]] = field(default_factory=list)


class FakeGithub:
    """The state of the stand-in. clock: seconds since 1970. answer: the status with which a redelivery is answered.

    faults: answers in place of the next ones: a status, or a status with headers and a message.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.hooks: dict[str, FakeHook] = {}
        self.repositories: list[str] = []
        self.tokens = {TOKEN}
        self.app: tuple[str, Any] | None = None
        self.answer: Callable[[str], int] = lambda _guid: 202
        self.faults: deque[Any] = deque()
        self.remaining, self.reset = 5000, clock() + 3600
        self.asked: list[tuple[str, str]] = []
        self.conversions: dict[str, dict[str, Any]] = {}
        self.unknown: list[str] = []
        self._ids = 10_000

    def hook(self, path: str, url: str, **more: Any) -> FakeHook:
        self.hooks[path] = FakeHook(url, **more)
        return self.hooks[path]

    def deliver(self, path: str, guid: str, status: int, *, again: bool = False, at: float | None = None) -> int:
        """Adds a delivery as it would have ended."""
        self._ids += 7
        moment = datetime.fromtimestamp(self.clock() if at is None else at, UTC)
        made = {
            "id": self._ids,
            "guid": guid,
            "delivered_at": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "redelivery": again,
            "duration": 0.1,
            "status": "OK" if 200 <= status < 300 else "failed to connect" if not status else "Invalid HTTP Response",
            "status_code": status,
            "event": "issues",
            "action": "opened",
            "installation_id": None,
            "repository_id": 1,
        }
        assert made.keys() == DESCRIPTION["delivery"].keys()
        self.hooks[path].deliveries.append(made)
        return self._ids

    def redelivered(self) -> list[str]:
        """The guids that were asked for again, in their order."""
        names = {each["id"]: each["guid"] for hook in self.hooks.values() for each in hook.deliveries}
        return [names[int(path.split("/")[-2])] for method, path in self.asked if method == "POST"]

    # What is asked.

    def handle(self, method: str, target: str, headers: Any) -> tuple[int, dict[str, str], Any]:
        parts = urlsplit(target)
        path, query = parts.path, dict(parse_qsl(parts.query))
        self.asked.append((method, path))
        operation = next((each for each in DESCRIPTION["operations"] if _matches(each, method, path)), None)
        if operation is None or set(query) - set(operation["query"]):
            self.unknown.append(f"{method} {target}")
            return 404, {}, {"message": "Not Found"}
        if self.faults:
            fault = self.faults.popleft()
            if fault is not None:
                status, more, message = fault if isinstance(fault, tuple) else (fault, {}, "a fault")
                return status, more, {"message": message}
        if problem := self._unauthorized(path, headers):
            return 401, {}, {"message": problem}
        if int(query.get("per_page", 30)) > 100:
            return 422, {}, {"message": "per_page is too large"}
        if self.clock() >= self.reset:
            self.remaining, self.reset = 5000, self.clock() + 3600
        if self.remaining <= 0:
            return 403, self._limits(), {"message": "API rate limit exceeded"}
        self.remaining -= 1
        status, more, content = self._answer(method, path, query)
        assert status in {*operation["answers"], 404}
        return status, {**self._limits(), **more}, content

    def _limits(self) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": "5000",
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(int(self.reset)),
        }

    def _unauthorized(self, path: str, headers: Any) -> str:
        if path.startswith("/app-manifests/"):
            return ""
        assert headers["X-GitHub-Api-Version"] == "2022-11-28"
        assert headers["Accept"] == "application/vnd.github+json"
        assert headers["User-Agent"]
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        if path.startswith("/app/"):
            if self.app is None:
                return "A JSON web token could not be decoded"
            try:
                claims = jwt.decode(
                    token, self.app[1], algorithms=["RS256"], options={"verify_exp": False, "verify_iat": False}
                )
            except jwt.PyJWTError:
                return "A JSON web token could not be decoded"
            assert 0 < claims["exp"] - claims["iat"] <= 600
            return "" if claims["iss"] == self.app[0] else "Integration not found"
        return "" if scheme == "Bearer" and token in self.tokens else "Bad credentials"

    def _answer(self, method: str, path: str, query: dict[str, str]) -> tuple[int, dict[str, str], Any]:
        if path.startswith("/app-manifests/"):
            found = self.conversions.pop(path.split("/")[2], None)
            return (201, {}, found) if found else (404, {}, {"message": "Not Found"})
        if path == "/user/repos":
            admin = {"admin": True}
            return 200, {}, [{"full_name": name, "permissions": admin} for name in self.repositories]
        if path == "/app/hook/config":
            return 200, {}, {"url": self.hooks["/app/hook"].url, "content_type": "json"}
        if path.endswith("/hooks"):
            return self._list_hooks(path)
        if method == "POST":
            return self._redeliver(path)
        return self._list_deliveries(path, query)

    def _list_hooks(self, path: str) -> tuple[int, dict[str, str], Any]:
        known = {name: hook for name, hook in self.hooks.items() if name.rpartition("/")[0] == path}
        if not known and path.split("/")[2:-1] and "/".join(path.split("/")[2:-1]) not in self.repositories:
            return 404, {}, {"message": "Not Found"}
        return 200, {}, [
            {"id": int(name.rpartition("/")[2]), "active": hook.active, "config": {"url": hook.url}}
            for name, hook in known.items()
        ]  # fmt: skip

    def _list_deliveries(self, path: str, query: dict[str, str]) -> tuple[int, dict[str, str], Any]:
        hook = self.hooks.get(path.removesuffix("/deliveries"))
        if hook is None:
            return 404, {}, {"message": "Not Found"}
        limit, before = int(query.get("per_page", 30)), query.get("cursor", "")
        if before and not re.fullmatch(r"v1_\d+", before):
            return 422, {}, {"message": "Invalid cursor"}
        newest_first = [each for each in reversed(hook.deliveries) if not before or each["id"] < int(before[3:])]
        page = newest_first[:limit]
        if len(newest_first) <= limit:
            return 200, {}, page
        url = f"{self.base}{path}?per_page={limit}&cursor=v1_{page[-1]['id']}"
        return 200, {"Link": f'<{url}>; rel="next"'}, page

    def _redeliver(self, path: str) -> tuple[int, dict[str, str], Any]:
        where, _, number = path.removesuffix("/attempts").rpartition("/deliveries/")
        hook = self.hooks.get(where)
        found = next((each for each in hook.deliveries if each["id"] == int(number)), None) if hook else None
        if hook is None or found is None:
            return 404, {}, {"message": "Not Found"}
        if datetime.fromisoformat(found["delivered_at"]).timestamp() < self.clock() - KEPT:
            return 422, {}, {"message": "The delivery is too old"}
        self.deliver(where, found["guid"], self.answer(found["guid"]), again=True)
        return 202, {}, {}

    base = ""


def _matches(operation: dict[str, Any], method: str, path: str) -> bool:
    form = re.sub(r"\\{\w+\\}|\{\w+\}", "[^/]+", operation["path"])
    return bool(operation["method"] == method and re.fullmatch(form, path))


@contextlib.contextmanager
def served(github: FakeGithub) -> Iterator[str]:
    """The stand-in over HTTP; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        # Else each answer, in several parts, waits until its first one is acknowledged.
        disable_nagle_algorithm = True

        protocol_version = "HTTP/1.1"

        def _do(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, headers, content = github.handle(self.command, self.path, self.headers)
            body = json.dumps(content).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _do  # noqa: N815  the library calls them so

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        github.base = f"http://127.0.0.1:{server.server_port}"
        try:
            yield github.base
        finally:
            server.shutdown()
            thread.join()
    assert github.unknown == []
