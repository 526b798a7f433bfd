"""The functions of an azure.functions app, read from their decorators once."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import azure.functions as func
from azure.functions.decorators.function_app import Function
from starlette.concurrency import run_in_threadpool

Call = Callable[..., Any]


@dataclass(frozen=True)
class HttpFunction:
    """Runs for a request. methods: none means all. outputs: the queue of each parameter that takes messages."""

    name: str
    route: str
    methods: frozenset[str]
    needs_key: bool
    parameter: str
    outputs: Mapping[str, str]
    call: Call


@dataclass(frozen=True)
class QueueFunction:
    """Runs for a message of a queue."""

    name: str
    queue: str
    parameter: str
    call: Call


@dataclass(frozen=True)
class TimerFunction:
    """Runs by a schedule of six fields."""

    name: str
    schedule: str
    parameter: str
    call: Call


@dataclass(frozen=True)
class Functions:
    """All functions of an app, by what triggers them."""

    http: tuple[HttpFunction, ...]
    queue: tuple[QueueFunction, ...]
    timer: tuple[TimerFunction, ...]

    @property
    def queues(self) -> frozenset[str]:
        """The names of all queues that are read or written."""
        written = {queue for function in self.http for queue in function.outputs.values()}
        return frozenset(written | {function.queue for function in self.queue})


def index(app: func.FunctionApp) -> Functions:
    """Reads the functions of an app, which an app allows once; ValueError for a trigger that this host lacks."""
    found: dict[str, list[Any]] = {trigger: [] for trigger in _READERS}
    for function in app.get_functions():
        trigger = function.get_trigger()
        if trigger is None or trigger.type not in _READERS:
            raise ValueError(f"The function {function.get_function_name()} has a trigger that this host lacks.")
        found[trigger.type].append(_READERS[trigger.type](function, trigger))
    return Functions(*(tuple(functions) for functions in found.values()))


async def run(call: Call, **arguments: object) -> Any:
    """Calls a function as the worker does: a plain one in a pool of threads, an asynchronous one on the loop."""
    if inspect.iscoroutinefunction(call):
        return await call(**arguments)
    return await run_in_threadpool(call, **arguments)


def _http(function: Function, trigger: Any) -> HttpFunction:
    name, call = function.get_function_name(), function.get_user_function()
    return HttpFunction(
        name=name,
        route=trigger.route or name,
        methods=frozenset(method.value for method in trigger.methods or ()),
        needs_key=trigger.auth_level is not func.AuthLevel.ANONYMOUS,
        parameter=trigger.name,
        outputs={binding.name: binding.queue_name for binding in function.get_bindings() if binding.type == "queue"},
        call=call,
    )


def _queue(function: Function, trigger: Any) -> QueueFunction:
    return QueueFunction(function.get_function_name(), trigger.queue_name, trigger.name, function.get_user_function())


def _timer(function: Function, trigger: Any) -> TimerFunction:
    return TimerFunction(function.get_function_name(), trigger.schedule, trigger.name, function.get_user_function())


# In the order of the fields of Functions.
_READERS: Mapping[str, Callable[[Function, Any], Any]] = {
    "httpTrigger": _http,
    "queueTrigger": _queue,
    "timerTrigger": _timer,
}
