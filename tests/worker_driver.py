"""Drives Microsoft's worker library as the Functions host does; runs in an interpreter of its own.

Reads one JSON request a line and answers one JSON line: {"index": folder}, {"name", "http": {...}} or
{"name", "queue": text}. The library takes its protobuf module as an argument, so plain values with the
same names stand in for it.
"""

import asyncio
import json
import logging
import sys
from types import SimpleNamespace
from typing import Any

import azure_functions_runtime as worker
from azure.functions.decorators.core import BindingDirection


class Message(SimpleNamespace):
    """A protobuf message, as far as the library looks at it."""

    def WhichOneof(self, _: str) -> str:
        """The name of the field that is set, the first where there are more."""
        return next(iter(vars(self)))


def message(**fixed: object) -> type[Message]:
    return type("Message", (Message,), fixed)


NAMES = [
    "WorkerInitResponse",
    "WorkerMetadata",
    "FunctionMetadataResponse",
    "FunctionLoadResponse",
    "InvocationResponse",
    "RpcFunctionMetadata",
    "RpcException",
    "TypedData",
    "RpcHttp",
    "ParameterBinding",
]
PROTOS = SimpleNamespace(
    **{name: message() for name in NAMES},
    StatusResult=message(Success="success", Failure="failure"),
    BindingInfo=message(inout=BindingDirection.INOUT.value, out=BindingDirection.OUT.value, undefined=None),
)
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
IDS: dict[str, str] = {}


def request(**content: object) -> SimpleNamespace:
    return SimpleNamespace(request=SimpleNamespace(**content), properties={"host": "127.0.0.1", "protos": PROTOS})


async def index(folder: str) -> dict[str, Any]:
    init = SimpleNamespace(capabilities={}, function_app_directory=folder)
    response = await worker.worker_init_request(request(worker_init_request=init))
    if response.result.status != "success":
        return {"failure": response.result.exception.message}
    metadata = await worker.functions_metadata_request(request())
    for function in metadata.function_metadata_results:
        IDS[function.name] = function.function_id
        loaded = SimpleNamespace(function_id=function.function_id, metadata=function)
        await worker.function_load_request(request(function_load_request=loaded))
    results = metadata.function_metadata_results
    return {function.name: [json.loads(raw) for raw in function.raw_bindings] for function in results}


async def invoke(name: str, parameter: str, data: Message, metadata: dict[str, Message]) -> dict[str, Any]:
    nothing = SimpleNamespace(trace_parent=TRACE, trace_state="", attributes={}, retry_count=0, max_retry_count=0)
    nothing.exception = None
    invocation = SimpleNamespace(
        invocation_id="i",
        function_id=IDS[name],
        input_data=[Message(data=data, name=parameter)],
        trigger_metadata=metadata,
        trace_context=nothing,
        retry_context=nothing,
    )
    response = await worker.invocation_request(request(invocation_request=invocation))
    if response.result.status != "success":
        return {"failure": response.result.exception.message}
    outputs = {output.name: value_of(output.data) for output in response.output_data}
    if response.return_value is None:
        return {"outputs": outputs}
    http = response.return_value.http
    return {"outputs": outputs, "status": http.status_code, "body": text_of(http.body)}


def value_of(data: Message) -> Any:
    """What an output holds: JSON, or bytes, as a text."""
    return json.loads(data.json) if data.WhichOneof("data") == "json" else text_of(data)


def text_of(body: Message) -> str:
    value = getattr(body, body.WhichOneof("data"))
    return value.decode() if isinstance(value, bytes) else value


async def http(name: str, method: str, headers: dict[str, str], body: str) -> dict[str, Any]:
    content = Message(bytes=body.encode())
    url = f"http://127.0.0.1/api/{name}"
    typed = Message(http=Message(method=method, url=url, headers=headers, body=content, params={}, query={}))
    return await invoke(name, "req", typed, {})


async def queue(name: str, text: str) -> dict[str, Any]:
    metadata = {"Id": Message(string="1"), "DequeueCount": Message(string="1"), "PopReceipt": Message(string="r")}
    return await invoke(name, "message", Message(string=text), metadata)


async def main() -> None:
    logging.basicConfig(level=logging.DEBUG)  # to stderr, with all that the host could be given
    worker.start_threadpool_executor()
    for line in sys.stdin:
        asked = json.loads(line)
        if "index" in asked:
            answer = await index(asked["index"])
        elif "http" in asked:
            answer = await http(asked["name"], **asked["http"])
        else:
            answer = await queue(asked["name"], asked["queue"])
        print(json.dumps(answer), flush=True)
    worker.stop_threadpool_executor()


if __name__ == "__main__":
    asyncio.run(main())
