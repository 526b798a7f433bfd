"""One request to GitHub's REST API: only to its host, within its rate limits, and with each failure as an error.

https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

import contextlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests

from bridge.errors import BridgeError, redacted_line
from bridge.settings import is_loopback

VERSION = "2022-11-28"  # of the API
_TIMEOUT = (5.0, 20.0)  # seconds for connecting, and for silence
_MOST_BYTES = 8 << 20
_RESERVE = 100  # requests of an hour that are left to others with the same token
_PATIENCE = 60.0  # seconds, where GitHub does not say for how long
_LONGEST_WAIT = 3600.0


class GithubError(BridgeError):
    """GitHub did not do what was asked. `status` is that of its answer; 0 without one."""

    def __init__(self, reason: str, status: int = 0) -> None:
        super().__init__(reason)
        self.status = status


class TokenRefused(GithubError):
    """The token, or the app's key, is not good any more."""


class NotThere(GithubError):
    """There is no such repository, organization or webhook, or the token may not see it."""


class Limited(GithubError):
    """The rate limit is reached: nothing may be asked before `until`, in seconds since 1970."""

    def __init__(self, reason: str, until: float) -> None:
        super().__init__(reason, 429)
        self.until = until


class Bearer(requests.auth.AuthBase):
    """Adds the token to the request. As `auth`, because requests overwrites a header from a ~/.netrc."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """The request with the token."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


@dataclass(frozen=True)
class Page:
    """What GitHub answered. following: the path of the next page, with its query; empty: there is none."""

    content: Any
    following: str = ""


class GithubClient:
    """GitHub's API for one token. token: returns one that is valid now. clock: seconds since 1970."""

    def __init__(self, base: str, token: Callable[[], str], clock: Callable[[], float] = time.time) -> None:
        self.base = base.rstrip("/")
        self._token, self._clock = token, clock
        self._session = requests.Session()
        # A proxy is for the real GitHub, never for this machine.
        self._session.trust_env = not is_loopback(self.base)

    def get(self, path: str) -> Page:
        """The content at a path below the base, which may have a query."""
        response, body = self._send("GET", path)
        try:
            content = json.loads(body)
        except ValueError:
            raise GithubError(f"GET {_shown(path)}: GitHub's answer is not JSON.") from None
        return Page(content, self._following(response))

    def post(self, path: str) -> None:
        """Asks for something that has no content."""
        self._send("POST", path)

    def close(self) -> None:
        """Closes the connections."""
        self._session.close()

    def _send(self, method: str, path: str) -> tuple[requests.Response, bytes]:
        name = f"{method} {_shown(path)}"
        try:
            with self._session.request(
                method,
                self.base + path,
                headers={
                    "Accept": "application/vnd.github+json",
                    "X-GitHub-Api-Version": VERSION,
                    "User-Agent": "webhook-bridge",
                },
                auth=Bearer(self._token()),
                timeout=_TIMEOUT,
                # The token must go nowhere else.
                allow_redirects=False,
                stream=True,
            ) as response:
                body = response.raw.read(_MOST_BYTES + 1, decode_content=True)
        except (requests.RequestException, OSError) as error:
            raise GithubError(f"{name}: no answer from GitHub ({type(error).__name__}).") from None
        if len(body) > _MOST_BYTES:
            raise GithubError(f"{name}: GitHub's answer is too long.")
        self._check(response, body, name)
        return response, body

    def _check(self, response: requests.Response, body: bytes, name: str) -> None:
        """Raises the error of an answer that is none of 2xx, and after one that used up the rate limit."""
        status, remaining = response.status_code, _number(response.headers.get("X-RateLimit-Remaining"))
        message = _message(body)
        reason = f"{name}: GitHub answered {status}{f' ({message})' if message else ''}."
        if status in (403, 429) and (until := self._limited_until(response, remaining, message)):
            raise Limited(f"{reason} Its rate limit is reached.", until)
        if status == 401:
            raise TokenRefused(reason, status)
        if status in (403, 404):
            raise NotThere(reason, status)
        if 300 <= status < 400:
            raise NotThere(f"{reason} It was moved or renamed; no redirection is followed.", status)
        if not 200 <= status < 300:
            raise GithubError(reason, status)
        if name.startswith("GET ") and remaining is not None and remaining < _RESERVE:
            # The answer is lost, and asked for again later: it costs one request.
            raise Limited(f"{name}: few requests are left in this hour.", self._reset(response))

    def _limited_until(self, response: requests.Response, remaining: float | None, message: str) -> float:
        """Until when nothing may be asked; 0 where the answer is about something else."""
        now = self._clock()
        if (seconds := _number(response.headers.get("Retry-After"))) is not None:
            return now + min(max(seconds, 1.0), _LONGEST_WAIT)
        if remaining == 0:
            return self._reset(response)
        return now + _PATIENCE if response.status_code == 429 or "rate limit" in message.lower() else 0.0

    def _reset(self, response: requests.Response) -> float:
        now, reset = self._clock(), _number(response.headers.get("X-RateLimit-Reset"))
        return now + _PATIENCE if reset is None else min(max(reset, now + 1), now + _LONGEST_WAIT)

    def _following(self, response: requests.Response) -> str:
        """The path of the next page: https://docs.github.com/rest/using-the-rest-api/using-pagination-in-the-rest-api."""
        url = response.links.get("next", {}).get("url", "")
        if url and not url.startswith(f"{self.base}/"):
            raise GithubError(
                "GitHub's list continues outside BRIDGE_GITHUB_API_URL, and is not followed there: correct the setting."
            )
        return url.removeprefix(self.base)


def _shown(path: str) -> str:
    return urlsplit(path).path


def _message(body: bytes) -> str:
    with contextlib.suppress(ValueError, AttributeError):
        return redacted_line(str(json.loads(body).get("message", "")))[:200]
    return ""


def _number(text: str | None) -> float | None:
    with contextlib.suppress(ValueError):
        return float(text) if text else None
    return None
