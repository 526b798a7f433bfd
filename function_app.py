"""The triggers, and nothing else: a webhook function for each source, delivery, health, and the sign-in."""

import json
import logging
import os
import typing
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

import azure.functions as func

from bridge.app import Bridge
from bridge.entries import to_message
from bridge.errors import BridgeError, SettingsError, SignInError
from bridge.events import Webhook
from bridge.settings import Settings
from bridge.sources import SOURCES
from bridge.sources.base import Source

_logger = logging.getLogger("bridge")
_WRONG = {"error": "The settings are wrong; /api/health/details names them, with the key."}
_QUEUE, _STORAGE = "entries", "AzureWebJobsStorage"

app = func.FunctionApp()

bridge: Bridge | None = None
problems: tuple[str, ...] = ()
try:
    bridge = Bridge(Settings.from_env(os.environ))
except SettingsError as error:
    # Functions that are not indexed answer 404, and senders then give up; so they are, and answer 503.
    problems = error.problems
    _logger.error("The settings are wrong, no webhook is accepted: %s", error)  # noqa: TRY400  a person's mistake


def _answer(status: int, body: Mapping[str, object], headers: Mapping[str, str] | None = None) -> func.HttpResponse:
    return func.HttpResponse(json.dumps(body), status_code=status, mimetype="application/json", headers=headers)


def _level(source: Source) -> func.AuthLevel:
    """A source that proves itself by its own scheme needs no function key; wrong settings answer 503 to everyone."""
    proves_itself = bridge is None or (source.verifier and bridge.settings.credentials.get(source.name))
    return func.AuthLevel.ANONYMOUS if proves_itself else func.AuthLevel.FUNCTION


def _webhook(source: Source) -> Callable[[func.HttpRequest, func.Out[typing.List[str]]], func.HttpResponse]:  # noqa: UP006
    # The worker refuses func.Out[list[str]] when it loads the app; it reads typing.List as one message an item.
    def webhook(req: func.HttpRequest, entries: func.Out[typing.List[str]]) -> func.HttpResponse:  # noqa: UP006
        if bridge is None:
            return _answer(503, _WRONG)
        request = Webhook(dict(req.headers), req.get_body(), req.method, dict(req.params))
        receipt = bridge.receiver.receive(source.name, request)
        if receipt.entries:
            entries.set([to_message(entry) for entry in receipt.entries])
        return _answer(receipt.status, receipt.body, receipt.headers)

    return webhook


for _source in (bridge.sources if bridge else SOURCES).values():
    _function = app.queue_output(arg_name="entries", queue_name=_QUEUE, connection=_STORAGE)(_webhook(_source))
    _route = app.route(f"webhooks/{_source.path}", methods=list(_source.methods), auth_level=_level(_source))
    _function = _route(_function)
    app.function_name(f"webhook_{_source.name}")(_function)

if bridge is None:
    # Which sources the settings declare is not known: their senders, too, shall try again.
    @app.function_name("webhook_declared")
    @app.route("webhooks/generic/{name}", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
    def webhook_declared(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001  the worker binds it by name
        """Answers webhooks of sources that wrong settings declare."""
        return _answer(503, _WRONG)


@app.function_name("publish")
@app.queue_trigger(arg_name="message", queue_name=_QUEUE, connection=_STORAGE)
def publish(message: func.QueueMessage) -> None:
    """Records an entry, or drains a group that a wake names."""
    _working().publisher.handle(message.get_body())


@app.function_name("sweep")
@app.timer_trigger(arg_name="timer", schedule="0 */5 * * * *", run_on_startup=False)
def sweep(timer: func.TimerRequest) -> None:  # noqa: ARG001  the worker binds it by name
    """Wakes what was overslept, takes back what was poisoned, forgets what is old."""
    _working().sweep()


@app.function_name("health")
@app.route("health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def health(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001  the worker binds it by name
    """Whether all is well, and no more: anyone may ask."""
    status, report = _health()
    return _answer(status, {"ok": report["ok"]})


# A function of its own: the host tells no anonymous function whether a key was given.
@app.function_name("health_details")
@app.route("health/details", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
def health_details(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001  the worker binds it by name
    """What is wrong, for who has the function key: settings at fault, groups on hold, dead letters."""
    return _answer(*_health())


@app.function_name("doctor")
@app.route("doctor", methods=["GET", "POST"], auth_level=func.AuthLevel.ADMIN)
def doctor(req: func.HttpRequest) -> func.HttpResponse:
    """The checklist of everything that a post needs; POST posts a test thread, too."""
    from bridge.doctor import as_json, examine, is_well, of_settings  # noqa: PLC0415  whoever only receives needs none

    findings = list(examine(bridge, os.environ, post=req.method == "POST") if bridge else of_settings(problems))
    return _answer(200 if is_well(findings) else 503, as_json(findings))


@app.function_name("sign_in")
@app.route("sign-in", methods=["GET"], auth_level=func.AuthLevel.ADMIN)
def sign_in(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001  the worker binds it by name
    """Sends the browser to Entra, where the service account signs in."""
    return _told(lambda: func.HttpResponse(status_code=302, headers={"Location": _working().delivery.begin_sign_in()}))


# Anyone may call it, but only with the state that the other function has signed.
@app.function_name("sign_in_callback")
@app.route("sign-in/callback", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
def sign_in_callback(req: func.HttpRequest) -> func.HttpResponse:
    """Redeems what Entra sends the browser back with, and keeps the account."""

    def finished() -> func.HttpResponse:
        form = dict(parse_qsl(req.get_body().decode("utf-8", "replace")))
        name = _working().delivery.finish_sign_in(form)
        return func.HttpResponse(f"{name} has signed in; you may close this page.\n", mimetype="text/plain")

    return _told(finished)


def _told(answer: Callable[[], func.HttpResponse]) -> func.HttpResponse:
    """The answer, or what the person before the browser has to know instead."""
    if bridge is None:
        return _answer(503, _WRONG)
    try:
        return answer()
    except BridgeError as error:
        status = 400 if isinstance(error, SignInError) else 503
        return func.HttpResponse(f"{error}\n", status_code=status, mimetype="text/plain")


def _health() -> tuple[int, Mapping[str, object]]:
    if bridge is None:
        return 503, {"ok": False, "problems": problems}
    try:
        report = bridge.publisher.health()
    except Exception as error:  # whatever it is, it is what the caller asks about
        _logger.exception("The outbox cannot be read")
        return 503, {"ok": False, "problems": [f"The outbox cannot be read: {type(error).__name__}."]}
    ok = not report.get("held")
    return 200 if ok else 503, {"ok": ok, **report}


def _working() -> Bridge:
    if bridge is None:
        raise SettingsError(problems)  # the message stays in the queue until the settings are mended
    return bridge
