"""The triggers, and nothing else: a webhook function for each source, delivery, health, and the sign-in."""

import json
import logging
import os
import typing
from collections.abc import Callable, Mapping

import azure.functions as func
from azure.functions.decorators.blob import BlobOutput
from azure.functions.decorators.queue import QueueOutput

from bridge import __version__, tracing
from bridge.app import Bridge
from bridge.configuration import Configuration
from bridge.entries import to_messages
from bridge.errors import BridgeError, SettingsError, SignInError, Unavailable, UnknownSignIn, WebhookError
from bridge.events import Webhook
from bridge.payloads import PATH
from bridge.receiving.receipts import Receipt, refusal
from bridge.sources import SOURCES

_logger = logging.getLogger("bridge")
_WRONG = "The settings are wrong; /api/health/details names them, with the function key."
_QUEUE, _STORAGE = "entries", "AzureWebJobsStorage"

app = func.FunctionApp()

bridge: Bridge | None = None
problems: tuple[str, ...] = ()
try:
    bridge = Bridge(Configuration.from_env(os.environ))
    for _problem in bridge.configuration.problems:
        _logger.error("One source accepts no webhook: %s", _problem)
except SettingsError as error:
    # The functions are indexed all the same, and answer 503: senders try again on 503, and give up on 404.
    problems = error.problems
    _logger.error("The settings are wrong, no webhook is accepted: %s", error)  # noqa: TRY400  a person's mistake


def _answer(status: int, body: Mapping[str, object], headers: Mapping[str, str] | None = None) -> func.HttpResponse:
    return func.HttpResponse(json.dumps(body), status_code=status, mimetype="application/json", headers=headers)


def _answer_to_sender(receipt: Receipt) -> func.HttpResponse:
    reply = receipt.reply
    if reply is None:
        return _answer(receipt.status, receipt.body, receipt.headers)
    return func.HttpResponse(reply.text, status_code=reply.status, mimetype=reply.content_type, headers=receipt.headers)


def _level(source: str) -> func.AuthLevel:
    """Whether the host checks the function key: not where the bridge authenticates the sender, or answers only 503."""
    needs_key = bridge is not None and source not in bridge.configuration.authentications
    return func.AuthLevel.FUNCTION if needs_key else func.AuthLevel.ANONYMOUS


# One for all sources: each that azure-functions makes costs an inspection of signatures, and there are sixty sources.
_TO_QUEUE = QueueOutput("entries", _QUEUE, _STORAGE)
_TO_BLOB = BlobOutput("payload", PATH, _STORAGE)

# The worker refuses func.Out[list[str]] when it loads the app; it reads typing.List as one message an item.
_Messages = func.Out[typing.List[str]]  # noqa: UP006


def _webhook(source: str) -> Callable[..., func.HttpResponse]:
    def webhook(req: func.HttpRequest, entries: _Messages, context: func.Context) -> func.HttpResponse:
        return _answer_to_sender(_received(source, req, entries, context))

    return webhook


def _webhook_that_is_kept(source: str) -> Callable[..., func.HttpResponse]:
    def webhook(
        req: func.HttpRequest, entries: _Messages, payload: func.Out[bytes], context: func.Context
    ) -> func.HttpResponse:
        receipt = _received(source, req, entries, context)
        if receipt.payload:
            payload.set(receipt.payload)
        return _answer_to_sender(receipt)

    return webhook


def _received(source: str, req: func.HttpRequest, entries: _Messages, context: func.Context) -> Receipt:
    if bridge is None:
        return refusal(SOURCES[source], Unavailable(_WRONG))
    request = Webhook(dict(req.headers), req.get_body(), req.method, dict(req.params))
    with tracing.within(tracing.valid(context.trace_context.trace_parent)):
        receipt = bridge.receiver.receive(source, request)
    if messages := to_messages(receipt.entries, receipt.notes):
        entries.set(messages)
    return receipt


_sources = bridge.configuration.sources if bridge else SOURCES
_keeps_payloads = bridge is not None and bridge.configuration.settings.keep_payloads_hours > 0
for _name in _sources:
    _received_by = (_webhook_that_is_kept if _keeps_payloads else _webhook)(_name)
    _received_by.__name__ = f"webhook_{_name}"  # which names the function, too
    _route = app.route(f"webhooks/{_sources.path(_name)}", methods=_sources.methods(_name), auth_level=_level(_name))
    _function = _route(_received_by)
    _function.add_binding(_TO_QUEUE)
    if _keeps_payloads:
        _function.add_binding(_TO_BLOB)

if bridge is None:
    # Which sources the settings declare is not known; their senders try again on 503, too.
    @app.function_name("webhook_declared")
    @app.route("webhooks/generic/{name}", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
    def webhook_declared(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001  the worker binds it by name
        """Answers webhooks of declared sources while the settings are wrong."""
        return _answer(503, {"error": _WRONG})


@app.function_name("publish")
@app.queue_trigger(arg_name="message", queue_name=_QUEUE, connection=_STORAGE)
def publish(message: func.QueueMessage) -> None:
    """Records an entry, or drains the group that a wake names."""
    _configured().publisher.handle(message.get_body())


@app.function_name("sweep")
@app.timer_trigger(arg_name="timer", schedule="0 */5 * * * *", run_on_startup=False)
def sweep(timer: func.TimerRequest) -> None:  # noqa: ARG001  the worker binds it by name
    """Wakes overdue groups, recovers messages of the poison queue, and deletes expired history."""
    _configured().sweep()


if bridge is not None and bridge.configuration.settings.recovers_github:
    # Every two minutes: a run asks for sixty deliveries at most.
    @app.function_name("github_deliveries")
    @app.timer_trigger(arg_name="timer", schedule="30 */2 * * * *", run_on_startup=False)
    def github_deliveries(timer: func.TimerRequest) -> None:  # noqa: ARG001  the worker binds it by name
        """Has GitHub deliver again what it could not deliver."""
        _configured().recover_github()


@app.function_name("health")
@app.route("health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def health(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001  the worker binds it by name
    """Says whether all is well, and nothing else: anyone may ask."""
    well = bridge is not None and bridge.is_well()
    return _answer(200 if well else 503, {"ok": well})


# A separate function: the host does not say to an anonymous one whether a key was given.
@app.function_name("health_details")
@app.route("health/details", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
def health_details(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001  the worker binds it by name
    """Says which version runs, and what is wrong: settings, groups on hold or late, a missing sweep, dead letters."""
    report = _health()
    return _answer(200 if report["ok"] else 503, {**report, "version": __version__})


@app.function_name("doctor")
@app.route("doctor", methods=["GET", "POST"], auth_level=func.AuthLevel.ADMIN)
def doctor(req: func.HttpRequest) -> func.HttpResponse:
    """Checks everything that a post needs; POST posts a test thread, too."""
    # Imported here, as a worker that only receives starts without it.
    from bridge.doctor import as_json, examine, is_well, of_settings  # noqa: PLC0415

    findings = list(examine(bridge, os.environ, post=req.method == "POST") if bridge else of_settings(problems))
    return _answer(200 if is_well(findings) else 503, as_json(findings))


@app.function_name("sign_in")
@app.route("sign-in", methods=["GET"], auth_level=func.AuthLevel.ADMIN)
def sign_in(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001  the worker binds it by name
    """Sends the browser to Entra, where the service account signs in."""

    def begin(bridge: Bridge) -> func.HttpResponse:
        return func.HttpResponse(status_code=302, headers={"Location": bridge.delivery.begin_sign_in()})

    return _to_browser(begin)


# Anyone may call it, but only with the state that the other function has signed.
@app.function_name("sign_in_callback")
@app.route("sign-in/callback", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
def sign_in_callback(req: func.HttpRequest) -> func.HttpResponse:
    """Redeems the code with which Entra sends the browser back, and keeps the account."""

    def finish(bridge: Bridge) -> func.HttpResponse:
        name = bridge.finish_sign_in(req.get_body())
        return func.HttpResponse(f"{name} has signed in; you may close this page.\n", mimetype="text/plain")

    return _to_browser(finish)


def _to_browser(answer: Callable[[Bridge], func.HttpResponse]) -> func.HttpResponse:
    """The answer, or the reason why there is none, for the person at the browser."""
    if bridge is None:
        return _answer(503, {"error": _WRONG})
    try:
        return answer(bridge)
    except (UnknownSignIn, WebhookError) as error:
        refused = bridge.receiver.turn_away("sign_in", error)
        text = f"{refused.body['error']}\n"
        return func.HttpResponse(text, status_code=refused.status, headers=refused.headers, mimetype="text/plain")
    except BridgeError as error:
        status = 400 if isinstance(error, SignInError) else 503
        return func.HttpResponse(f"{error}\n", status_code=status, mimetype="text/plain")


def _health() -> Mapping[str, object]:
    return bridge.health() if bridge else {"ok": False, "problems": problems}


def _configured() -> Bridge:
    if bridge is None:
        raise SettingsError(problems)  # the message stays in the queue until the settings are corrected
    return bridge
