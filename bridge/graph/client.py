"""One request to Microsoft Graph: sent once, and each answer translated into its meaning for the post."""

import base64
import binascii
import json as jsonlib
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

import orjson
import requests
import urllib3
from requests.adapters import HTTPAdapter

from bridge.errors import NotSent, OutcomeUnknown, redacted
from bridge.graph.answers import Answer, failure
from bridge.graph.tokens import FRESH, Identity
from bridge.settings import is_loopback

_ERROR_BYTES = 1 << 20
_ANSWER_BYTES = 8 << 20
_HEADERS = {**requests.utils.default_headers(), "Accept": "application/json"}
_CLAIMS = re.compile(r'claims="([^"]+)"')
# Only a connection that failed is tried again here. The outbox decides about everything else, and no Retry-After may
# make a function sleep.
_RETRY = urllib3.Retry(
    total=None, connect=2, read=0, redirect=0, status=0, other=0, backoff_factor=0, respect_retry_after_header=False
)


@dataclass(frozen=True)
class _Request:
    """A request. name: for errors. deadline: the monotonic time at which it is given up."""

    method: str
    url: str
    name: str
    body: bytes | None
    headers: Mapping[str, str]
    deadline: float

    def seconds_left(self) -> float:
        return max(self.deadline - time.monotonic(), 0.001)


class GraphClient:
    """Microsoft Graph, used as one identity; thread-safe.

    base_url: with the version, https://graph.microsoft.com/v1.0.
    timeout: seconds for connecting, and for silence before and within an answer.
    total: seconds after which an unfinished answer is given up.
    """

    def __init__(
        self, base_url: str, identity: Identity, *, timeout: tuple[float, float] = (5.0, 30.0), total: float = 60.0
    ) -> None:
        self._base = base_url.rstrip("/")
        self._identity = identity
        self._timeout = timeout
        self._total = total
        # Not a session: that would merge its settings, look for proxies and keep cookies at every request, which takes
        # a third of a request's processor time. And it would read the body of a redirection without any limit.
        self._adapter = _OneHost(pool_connections=1, pool_maxsize=8, max_retries=_RETRY)

    def request(
        self,
        method: str,
        path: str,
        json: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Mapping[str, Any]:
        """Sends one request and returns the JSON object of the answer, or an empty one.

        path: below the base URL, its ids percent-encoded. Raises the GraphErrors of `bridge.errors`, and
        `bridge.graph.answers.NotFound` for a 404. Nothing is sent twice, except that a refused token is
        replaced once.
        """
        url = self._base + path + (f"?{urlencode(params, safe='$,')}" if params else "")
        body = None if json is None else orjson.dumps(json)
        name = f"{method} {path.partition('?')[0]}"
        request = _Request(method, url, name, body, headers or {}, time.monotonic() + self._total)
        answer = self._send(request, self._identity.token())
        if answer.status == 401:
            answer = self._send(request, self._identity.token(_challenge(answer.headers) or FRESH))
        return _content(answer, request.name)

    def pages(self, path: str, params: Mapping[str, Any], most: int) -> Iterator[list[Mapping[str, Any]]]:
        """Yields the pages of a list, at most `most` of them; raises as `request` does.

        OutcomeUnknown when the list is longer, or continues on another host: the rest is unknown.
        https://learn.microsoft.com/graph/paging
        """
        name = f"GET {path}"
        query: Mapping[str, Any] | None = params
        for _ in range(most):
            page = self.request("GET", path, params=query)
            yield [item for item in _list(page.get("value")) if isinstance(item, dict)]
            link = page.get("@odata.nextLink")
            if not link:
                return
            if not str(link).startswith(f"{self._base}/"):
                raise OutcomeUnknown(f"{name}: the list continues at another address, which is not followed.")
            path, query = str(link)[len(self._base) :], None
        raise OutcomeUnknown(f"{name}: the list has more than {most} pages, and was not read to the end.")

    def close(self) -> None:
        """Closes the connections; the client must not be used afterwards."""
        self._adapter.close()

    def _send(self, request: _Request, token: str) -> Answer:
        left = request.seconds_left()
        headers = {**_HEADERS, **_content_type(request.body), **request.headers, "Authorization": f"Bearer {token}"}
        prepared = requests.PreparedRequest()
        # Not by `prepare`, which takes the URL apart to put it together again, and looks for cookies and passwords.
        prepared.method, prepared.url = request.method, request.url
        try:
            prepared.prepare_headers(headers)
            prepared.prepare_body(request.body, None)
            timeout = (min(self._timeout[0], left), min(self._timeout[1], left))
            with self._adapter.send(prepared, timeout=timeout, **self._connection) as response:
                most = _ANSWER_BYTES if response.ok else _ERROR_BYTES
                return Answer(response.status_code, response.headers, _read(response, most, request))
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise _no_answer(error, request.name) from None

    @cached_property
    def _connection(self) -> Mapping[str, Any]:
        """What the environment says of connections: proxies and certificates."""
        session = requests.Session()
        # A proxy is for the real Graph, never for this machine.
        session.trust_env = not is_loopback(self._base)
        return session.merge_environment_settings(self._base, {}, True, None, None)


class _OneHost(HTTPAdapter):
    """Sends all requests to the host of the first one, and keeps no cookies.

    So it need not read from each address where a request goes, nor search each answer for cookies.
    """

    _pool: urllib3.connectionpool.ConnectionPool | None = None

    def get_connection_with_tls_context(self, *arguments: Any, **options: Any) -> urllib3.connectionpool.ConnectionPool:
        """As requests has it: with the proxy and the certificates of the environment."""
        if self._pool is None:
            self._pool = super().get_connection_with_tls_context(*arguments, **options)
        return self._pool

    def build_response(self, req: requests.PreparedRequest, resp: urllib3.BaseHTTPResponse) -> requests.Response:
        """The answer's status, headers and body, of which nothing has been read."""
        response = requests.Response()
        response.status_code, response.raw, response.request = resp.status, resp, req
        response.headers.update(resp.headers)
        return response


def _read(response: requests.Response, most: int, request: _Request) -> bytes | None:
    """The body, or None when it is longer than `most` bytes or the deadline passes."""
    body = bytearray()
    # read1 returns what has arrived; read would wait for a whole chunk, however slowly it arrives.
    while chunk := response.raw.read1(65536, decode_content=True):
        body += chunk
        if len(body) > most or time.monotonic() > request.deadline:
            return None
    return bytes(body)


def _content_type(body: bytes | None) -> Mapping[str, str]:
    return {"Content-Type": "application/json"} if body else {}


def _content(answer: Answer, name: str) -> Mapping[str, Any]:
    if not 200 <= answer.status < 300:
        raise failure(answer, name)
    if answer.body == b"":
        return {}
    content = answer.json()
    if content is None:
        raise OutcomeUnknown(
            f"{name}: Graph answered {answer.status} with an unreadable body. It may have been carried out."
        )
    return content


def _no_answer(error: Exception, name: str) -> NotSent | OutcomeUnknown:
    if _never_connected(error):
        check = "the certificates that this machine trusts" if _untrusted(error) else "the network, DNS and any proxy"
        return NotSent(f"{name}: no connection to Graph ({_kind(error)}). Check {check}.")
    return OutcomeUnknown(f"{name}: no whole answer from Graph ({_kind(error)}). It may have been carried out.")


def _never_connected(error: BaseException) -> bool:
    """Whether an error of requests means that no byte of the request was sent."""
    if isinstance(error, requests.ConnectTimeout | requests.exceptions.ProxyError):
        return True
    return isinstance(_reason(error), urllib3.exceptions.NewConnectionError) or _untrusted(error)


def _untrusted(error: BaseException) -> bool:
    # A certificate is checked before anything is sent; other TLS errors can occur in the middle of an answer.
    return "CERTIFICATE_VERIFY_FAILED" in str(_reason(error))


def _kind(error: BaseException) -> str:
    # Only the class: the text of these errors can contain URLs with the secrets of a proxy.
    return redacted(type(_reason(error) or error).__name__)


def _reason(error: BaseException) -> object:
    """The reason that urllib3 gives for an error that requests has wrapped, if any."""
    return getattr(error.args[0], "reason", None) if error.args else None


def _challenge(headers: Mapping[str, str]) -> str:
    """The claims challenge of a 401, as JSON; empty if there is none.

    https://learn.microsoft.com/entra/identity-platform/claims-challenge
    """
    match = _CLAIMS.search(headers.get("WWW-Authenticate", ""))
    if not match:
        return ""
    try:
        claims = base64.b64decode(match[1] + "=" * (-len(match[1]) % 4), altchars=b"-_").decode()
        return claims if isinstance(jsonlib.loads(claims), dict) else ""
    except (binascii.Error, ValueError):
        return ""


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
