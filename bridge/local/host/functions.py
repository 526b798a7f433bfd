"""The functions of an azure.functions app, as its decorators declare them."""

import asyncio
import inspect
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import azure.functions as func

Call = Callable[..., Any]
Binding = Mapping[str, Any]  # as in function.json


@dataclass(frozen=True)
class HttpFunction:
    """A function with an HTTP trigger.

    methods: empty means all. outputs: the name of the queue for each output parameter. blobs: the path of the blob for
    each output parameter of that kind. wants_context: it has a parameter `context`.
    """

    name: str
    route: str
    methods: frozenset[str]
    needs_key: bool
    parameter: str
    outputs: Mapping[str, str]
    blobs: Mapping[str, str]
    call: Call
    wants_context: bool = False


@dataclass(frozen=True)
class QueueFunction:
    """A function with a queue trigger."""

    name: str
    queue: str
    parameter: str
    call: Call


@dataclass(frozen=True)
class TimerFunction:
    """A function with a timer trigger; its schedule has six fields."""

    name: str
    schedule: str
    parameter: str
    call: Call


@dataclass(frozen=True)
class Functions:
    """All functions of an app, by trigger."""

    http: tuple[HttpFunction, ...]
    queue: tuple[QueueFunction, ...]
    timer: tuple[TimerFunction, ...]

    @property
    def queues(self) -> frozenset[str]:
        """The names of all queues that the functions read or write."""
        written = {queue for function in self.http for queue in function.outputs.values()}
        return frozenset(written | {function.queue for function in self.queue})


def index(app: func.FunctionApp) -> Functions:
    """Read the functions of an app, which can be done once; ValueError for a trigger that is not supported."""
    found: dict[str, list[Any]] = {trigger: [] for trigger in _READERS}
    for function in app.get_functions():
        # In the form in which the worker reports them to the host.
        name, bindings = str(function.get_function_name()), [json.loads(raw) for raw in function.get_raw_bindings()]
        trigger = next(binding for binding in bindings if binding["type"].endswith("Trigger"))
        if trigger["type"] not in _READERS:
            raise ValueError(f"The function {name} has a trigger that this host does not support: {trigger['type']}.")
        found[trigger["type"]].append(_READERS[trigger["type"]](name, trigger, bindings, function.get_user_function()))
    return Functions(*(tuple(functions) for functions in found.values()))


def run(call: Call, **arguments: object) -> Any:
    """Call a function in this thread; an asynchronous one gets an event loop of its own."""
    result = call(**arguments)
    return asyncio.run(_awaited(result)) if inspect.isawaitable(result) else result


async def _awaited(result: Awaitable[Any]) -> Any:
    return await result


def _http(name: str, trigger: Binding, bindings: list[Binding], call: Call) -> HttpFunction:
    return HttpFunction(
        name=name,
        route=trigger.get("route") or name,
        methods=frozenset(trigger.get("methods") or ()),
        needs_key=trigger["authLevel"] != func.AuthLevel.ANONYMOUS.name,
        parameter=trigger["name"],
        outputs={binding["name"]: binding["queueName"] for binding in bindings if binding["type"] == "queue"},
        blobs={binding["name"]: binding["path"] for binding in bindings if binding["type"] == "blob"},
        call=call,
        wants_context="context" in inspect.signature(call).parameters,
    )


def _queue(name: str, trigger: Binding, _: list[Binding], call: Call) -> QueueFunction:
    return QueueFunction(name, trigger["queueName"], trigger["name"], call)


def _timer(name: str, trigger: Binding, _: list[Binding], call: Call) -> TimerFunction:
    return TimerFunction(name, trigger["schedule"], trigger["name"], call)


# In the order of the fields of Functions.
_READERS: Mapping[str, Callable[[str, Binding, list[Binding], Call], Any]] = {
    "httpTrigger": _http,
    "queueTrigger": _queue,
    "timerTrigger": _timer,
}
