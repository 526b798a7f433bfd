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
from bridge.local.host.functions import HttpFunction
from bridge.payloads import TIME
from bridge.verification.networks import CLIENT_HEADER

# The limit of the Functions host, FUNCTIONS_REQUEST_BODY_SIZE_LIMIT.
MAX_BODY = 100 * 1024 * 1024

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
    return [_route(function, put, write, on_answer) for function in functions]


def _route(function: HttpFunction, put: Put, write: Write, on_answer: Callable[[Exchange], None]) -> Route:
    async def endpoint(request: Request) -> Response:
        messages: list[str] = []

        def put_and_record(queue: str, new: Sequence[str]) -> None:
            put(queue, new)
            messages.extend(new)

        async def record() -> None:
            headers, answer = dict(request.headers), bytes(response.body)
            on_answer(Exchange(request.method, request.url.path, headers, body, response.status_code, answer, messages))

        body = await _body(request)
        response = await _answer(function, request, body, put_and_record, write)
        response.background = BackgroundTask(record)
        return response

    return Route(f"/api/{function.route}", endpoint, methods=_ALL_METHODS)


async def _answer(function: HttpFunction, request: Request, body: bytes | None, put: Put, write: Write) -> Response:
    # Where the method does not match, the Functions host finds no function, and answers 404.
    if function.methods and request.method not in function.methods:
        return Response(status_code=404)
    if function.needs_key and not _has_key(request):
        return Response(status_code=401)
    if body is None:
        return Response(status_code=413)
    try:
        return await _invoke(function, _request(request, body), put, write)
    except Exception:
        _logger.exception("The function %s failed", function.name)
        return Response(status_code=500)


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
    return func.HttpRequest(
        request.method,
        str(request.url),
        headers={name: ", ".join(request.headers.getlist(name)) for name in request.headers} | _client(request),
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


async def _invoke(function: HttpFunction, request: func.HttpRequest, put: Put, write: Write) -> Response:
    outputs = {name: MessagesOut() for name in function.outputs}
    blobs = {name: BlobOut() for name in function.blobs}
    arguments: dict[str, Any] = {function.parameter: request, **outputs, **blobs}
    if function.wants_context:
        arguments["context"] = SimpleNamespace(trace_context=SimpleNamespace(trace_parent=_trace(request)))

    def write_outputs() -> None:
        for name, output in outputs.items():
            if messages := output.get():
                put(function.outputs[name], messages)
        for name, blob in blobs.items():
            if content := blob.get():
                write(_resolved(function.blobs[name]), content)

    def call_and_write() -> func.HttpResponse:
        answer: func.HttpResponse = function.call(**arguments)
        write_outputs()
        return answer

    if inspect.iscoroutinefunction(function.call):
        answer: func.HttpResponse = await function.call(**arguments)
        await run_in_threadpool(write_outputs)
    else:
        # In one thread: every change of threads takes its time.
        answer = await run_in_threadpool(call_and_write)
    body = answer.get_body()
    # An answer without a body has no type of it.
    content_type = {"Content-Type": f"{answer.mimetype}; charset={answer.charset}"} if body else {}
    return Response(body, answer.status_code, {**content_type, **answer.headers})
