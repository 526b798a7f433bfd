"""Serve HTTP functions as the Azure Functions host does: path prefix, methods, keys, limits, outputs."""

import hmac
import inspect
import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import azure.functions as func
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bridge import tracing
from bridge.local.config import FUNCTION_KEY
from bridge.local.host.calls import QuickCalls
from bridge.local.host.functions import HttpFunction
from bridge.payloads import TIME
from bridge.verification.networks import CLIENT_HEADER

# The limit of the Functions host, FUNCTIONS_REQUEST_BODY_SIZE_LIMIT.
MAX_BODY = 100 * 1024 * 1024
_SMALL = 1 << 18  # bytes of a body that is not worth a thread

Put = Callable[[str, Sequence[str]], None]
"""Writes messages durably to the queue with that name."""
Write = Callable[[str, bytes], None]
"""Writes a blob to a path, which begins with its container."""

_logger = logging.getLogger(__name__)


class MessagesOut(func.Out[list[str]]):
    """A queue output that collects the messages of a function."""

    def __init__(self) -> None:
        self._messages: list[str] = []

    def set(self, val: list[str]) -> None:
        """Set the messages to send when the function has returned."""
        self._messages = val

    def get(self) -> list[str]:
        """The messages of the last `set`."""
        return self._messages


class BlobOut(func.Out[bytes]):
    """A blob output that keeps what a function writes."""

    def __init__(self) -> None:
        self._content = b""

    def set(self, val: bytes) -> None:
        """Set the content to write when the function has returned."""
        self._content = val

    def get(self) -> bytes:
        """The content of the last `set`; empty: no blob is written."""
        return self._content


@dataclass(frozen=True)
class Exchange:
    """A request to a function and its answer.

    body: None if it was too long. messages: those that were put into queues.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes | None
    status: int
    answer: bytes
    messages: Sequence[str]


def routes(
    functions: Sequence[HttpFunction], put: Put, write: Write, on_answer: Callable[[Exchange], None]
) -> list[BaseRoute]:
    """A route for each function. on_answer: called on the event loop right after each answer has been sent."""
    return [
        Route(f"/api/{function.route}", _Endpoint(function, put, write, on_answer).answer, methods=_ALL_METHODS)
        for function in functions
    ]


class _Endpoint:
    """Answers the requests of one function. put, write, on_answer: as in `routes`."""

    def __init__(self, function: HttpFunction, put: Put, write: Write, on_answer: Callable[[Exchange], None]) -> None:
        self._function = function
        self._put, self._write, self._on_answer = put, write, on_answer
        self._is_asynchronous = inspect.iscoroutinefunction(function.call)
        self._calls = QuickCalls()

    async def answer(self, request: Request) -> Response:
        """The answer, after which the exchange is passed on."""
        messages: list[str] = []

        async def record() -> None:
            headers, answer = dict(request.headers), bytes(response.body)
            exchange = Exchange(request.method, request.url.path, headers, body, response.status_code, answer, messages)
            self._on_answer(exchange)

        body = await _body(request)
        response = await self._response(request, body, messages)
        response.background = BackgroundTask(record)
        return response

    async def _response(self, request: Request, body: bytes | None, messages: list[str]) -> Response:
        function = self._function
        # Where the method does not match, the Functions host finds no function, and answers 404.
        if function.methods and request.method not in function.methods:
            return Response(status_code=404)
        if function.needs_key and not _has_key(request):
            return Response(status_code=401)
        if body is None:
            return Response(status_code=413)
        try:
            return await self._invoke(_request(request, body), messages)
        except Exception:
            _logger.exception("The function %s failed", function.name)
            return Response(status_code=500)

    async def _invoke(self, request: func.HttpRequest, messages: list[str]) -> Response:
        """Call the function and write its outputs. messages: gets those that were put into queues."""
        function = self._function
        outputs = {name: MessagesOut() for name in function.outputs}
        blobs = {name: BlobOut() for name in function.blobs}
        arguments: dict[str, Any] = {function.parameter: request, **outputs, **blobs}
        if function.wants_context:
            arguments["context"] = SimpleNamespace(trace_context=SimpleNamespace(trace_parent=_trace(request)))

        def write_outputs() -> None:
            for name, output in outputs.items():
                if new := output.get():
                    self._put(function.outputs[name], new)
                    messages.extend(new)
            for name, blob in blobs.items():
                if content := blob.get():
                    self._write(_resolved(function.blobs[name]), content)

        def call_and_write() -> func.HttpResponse:
            answer: func.HttpResponse = function.call(**arguments)
            write_outputs()
            return answer

        if self._is_asynchronous:
            answer: func.HttpResponse = await function.call(**arguments)
            await run_in_threadpool(write_outputs)
        elif outputs and len(request.get_body()) <= _SMALL:
            # One that writes to a queue leaves what takes long to the queue's function.
            answer = await self._calls.run(call_and_write)
        else:
            # Others ask storage or Graph. Both in one thread: every change of threads takes its time.
            answer = await run_in_threadpool(call_and_write)
        return _as_response(answer)


def _as_response(answer: func.HttpResponse) -> Response:
    body = answer.get_body()
    # An answer without a body has no type of it.
    content_type = {"Content-Type": f"{answer.mimetype}; charset={answer.charset}"} if body else {}
    return Response(body, answer.status_code, {**content_type, **answer.headers})


_ALL_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def _has_key(request: Request) -> bool:
    given = request.headers.get("x-functions-key") or request.query_params.get("code", "")
    return hmac.compare_digest(given.encode(), FUNCTION_KEY.encode())


async def _body(request: Request) -> bytes | None:
    """The whole body, or None if it is too long. It is always read to its end, or the sender would miss the answer."""
    body = bytearray()
    length = 0
    async for chunk in request.stream():
        length += len(chunk)
        if length <= MAX_BODY:
            body += chunk
    return bytes(body) if length <= MAX_BODY else None


def _request(request: Request, body: bytes) -> func.HttpRequest:
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return func.HttpRequest(
        request.method,
        str(request.url),
        headers=headers | _client(request),
        params=dict(request.query_params),
        route_params=request.path_params,
        body=body,
    )


def _client(request: Request) -> dict[str, str]:
    """The header by which the front end of App Service says from where a request comes, whatever the request says."""
    return {CLIENT_HEADER.lower(): f"{request.client.host}:{request.client.port}" if request.client else ""}


def _trace(request: func.HttpRequest) -> str:
    """The operation that the sender names, or a new one."""
    return tracing.valid(request.headers.get("traceparent")) or tracing.new()


def _resolved(path: str) -> str:
    """The path of a blob, whose expressions the host resolves."""
    now = datetime.now(UTC).strftime(TIME)
    return path.replace("{DateTime}", now).replace("{rand-guid}", str(uuid.uuid4()))
