"""Edit routes and templates on the page: the files, what is wrong with a text, and its effect before it is saved."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from bridge.app import Bridge
from bridge.configuration import Configuration
from bridge.deliveries import DeliveryFilter, DeliveryRecord, Outcome
from bridge.errors import SettingsError
from bridge.local.page.deadline import Deadline
from bridge.local.page.editing.effects import Effect, Result, effect
from bridge.local.page.editing.files import CONFIG, ChangedOnDisk, EditableFiles, NotSaved, extending
from bridge.local.page.group_names import label
from bridge.local.page.routes import Action, action_route, page_route
from bridge.local.page.stored import labels
from bridge.mistakes import in_files
from bridge.outbox.payloads import Payloads
from bridge.payloads import KeptPayload
from bridge.settings import Settings
from bridge.settings.conversions import FileText
from bridge.settings.toml_tables import Problems

_MOST = 20  # webhooks whose effect is shown
_LARGEST = 1 << 20  # bytes of their bodies: a check must not take long
_PAGE, _PAGES = 100, 10  # records that are looked through for them
_LINE = re.compile(r"\bline (\d+)")
_Found = Sequence[tuple[DeliveryRecord, Effect]]
_NOT_RUNNING = "The settings are wrong, so the bridge does not run. The effect is shown when they are right."
_NOT_KEPT = "Payloads are not kept: set BRIDGE_KEEP_PAYLOADS_HOURS, and the next webhooks appear here."
_NONE_YET = "No webhook has been kept yet. Send a sample, and its route and post appear here."


class Editor:
    """Opens, checks and saves files.

    bridge: the one that runs; None while the settings are wrong. env: the environment that it was configured from.
    payloads: returns the kept ones when they are first needed. reload: as `HostedBridge` has it.
    """

    def __init__(
        self,
        bridge: Bridge | None,
        env: Mapping[str, str],
        payloads: Callable[[], Payloads],
        reload: Callable[[], Sequence[str]] = lambda: (),
    ) -> None:
        self._reload = reload
        self._bridge = bridge
        self._env = env
        self._payloads = payloads
        self._deadline = Deadline()
        self._files = EditableFiles(env, _starts(bridge) if bridge else {})

    def routes(self, port: int) -> list[BaseRoute]:
        """What the page reads and does."""

        async def files(_: Request) -> Response:
            return JSONResponse(await run_in_threadpool(self.files))

        async def save(content: dict[str, Any]) -> object:
            # What does not end here would not end in the bridge either, which then posts nothing. This waits for no
            # other check, as that may be of an earlier text that does not end.
            await run_in_threadpool(Deadline().wait_for, lambda: self.check(content))
            saved = await run_in_threadpool(self.save, content)
            return saved if "conflict" in saved else {**saved, "wrong": self._reload()}

        return [
            page_route("/page/files", files, port),
            action_route("/page/open", _in_thread(self.open), port),
            action_route("/page/check", _in_thread(self._check_in_time), port),
            action_route("/page/save", save, port),
        ]

    def files(self) -> object:
        """The names of the files, ready for JSON. originals: those of which the user can have a version."""
        yours = self._files.templates()
        originals = [name for name in self._files.originals() if name not in yours]
        return {"config": CONFIG, "has_config": self._files.has_config, "templates": yours, "originals": originals}

    def open(self, content: Mapping[str, Any]) -> object:
        """Read `{"name"}`; return the file."""
        return asdict(self._files.open(str(content.get("name", ""))))

    def save(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """Read `{"name", "text", "version"}`; return the file as it is now, or `{"conflict"}`.

        A configuration with which the bridge would not run is not saved.
        """
        name, text = _named(content)
        if name == CONFIG and (problems := self._configured(name, text)[1]):
            what = "the problem" if len(problems) == 1 else f"the {len(problems)} problems"
            raise NotSaved(f"Not saved: with {what} that the list shows, the bridge would accept no webhook.")
        try:
            return asdict(self._files.save(name, text, str(content.get("version", ""))))
        except ChangedOnDisk as error:
            return {"conflict": str(error)}

    def check(self, content: Mapping[str, Any]) -> object:
        """Read `{"name", "text", "selected"}`; return what is wrong with the text, and its effect if it were saved.

        selected: the id of the delivery that is shown in full; empty: the one that shows the change best.
        """
        name, text = _named(content)
        configuration, problems = self._configured(name, text)
        if configuration is None:
            return {"problems": [_problem(name, problem, is_error=True) for problem in problems], "deliveries": None}
        new = Bridge(configuration, unsaved={} if name == CONFIG else {name: text})
        wrong = [_problem(name, problem, is_error=True) for problem in new.renderer.problems()]
        wrong += [_problem(name, one.text) for one in in_files(new.configuration, new.renderer)]
        return {"problems": wrong, **self._effects(new, name, str(content.get("selected", "")))}

    def _check_in_time(self, content: Mapping[str, Any]) -> object:
        return self._deadline.wait_for(lambda: self.check(content))

    def _configured(self, name: str, text: str) -> tuple[Configuration | None, Sequence[str]]:
        """The configuration with the text as if it were saved, or the problems."""
        settings = Settings.read(self._env, Problems())
        if name == CONFIG:
            file = self._files.open(name).place.rpartition("/")[2]
            settings = replace(settings, config=FileText(text, file))
        try:
            return Configuration.of(settings), ()
        except SettingsError as error:
            return None, error.problems

    def _effects(self, new: Bridge, name: str, selected: str) -> dict[str, Any]:
        if self._bridge is None:
            return {"deliveries": [], "shown": None, "note": _NOT_RUNNING}
        old = self._bridge
        found = [
            (record, effect(old, new, payload, datetime.fromtimestamp(record.at, UTC)))
            for record, payload in islice(self._kept(old), _MOST)
        ]
        rows = [_row(record, one, old, new) for record, one in found]
        kept_hours = new.configuration.settings.keep_payloads_hours
        note = "" if rows else _NONE_YET if kept_hours else _NOT_KEPT
        return {"deliveries": rows, "shown": _shown(found, selected or _best(found, name), old, new), "note": note}

    def _kept(self, bridge: Bridge) -> Iterator[tuple[DeliveryRecord, KeptPayload]]:
        """The newest webhooks that were read and whose payload is kept."""
        before, payloads = "", self._payloads()
        for _ in range(_PAGES):
            page = bridge.delivery.outbox.deliveries(DeliveryFilter(), _PAGE, before)
            for record in page.records:
                is_read = record.outcome in (Outcome.ACCEPTED, Outcome.DROPPED) and record.size <= _LARGEST
                if is_read and record.payload and (payload := payloads.find(record)):
                    yield record, payload
            before = page.following
            if not before:
                return


def _in_thread(work: Callable[[Mapping[str, Any]], object]) -> Action:
    async def action(content: dict[str, Any]) -> object:
        return await run_in_threadpool(work, content)

    return action


def _starts(bridge: Bridge) -> Mapping[str, str]:
    """What a template for each source of the user's own begins with."""
    sources = bridge.configuration.sources.values()
    return {
        f"{source.name}/event.html": extending(bridge.renderer.template_of(source.extends, "event"))
        for source in sources
        if source.is_declared
    }


def _named(content: Mapping[str, Any]) -> tuple[str, str]:
    return str(content.get("name", "")), str(content.get("text", ""))


def _problem(name: str, text: str, *, is_error: bool = False) -> dict[str, Any]:
    """A problem with its line, if it is in the file that is open."""
    is_here = text.startswith((f"{name}:", f"{name},")) or (name == CONFIG and not re.match(r"[\w./-]+\.html\b", text))
    line = _LINE.search(text) if is_here else None
    return {"text": text, "line": int(line[1]) if line else 0, "is_error": is_error}


def _row(record: DeliveryRecord, one: Effect, old: Bridge, new: Bridge) -> dict[str, Any]:
    changes = {"groups": one.changes_groups, "people": one.changes_people, "post": one.changes_post}
    return {
        "id": record.id,
        "at": record.at,
        "source": old.configuration.titles.get(record.source, record.source),
        "title": record.title or record.kind,
        "before": _where(one.before, old),
        "after": _where(one.after, new),
        "changes": [name for name, does in changes.items() if does],
    }


def _where(result: Result, bridge: Bridge) -> dict[str, Any]:
    return {"groups": _names(result.groups, bridge), "reason": result.today.reason}


def _best(found: _Found, name: str) -> str:
    """The id of the webhook to show if none is selected: the first that changes, or that the template renders."""
    changed = (record.id for record, one in found if one.changes_groups or one.changes_people or one.changes_post)
    rendered = (record.id for record, one in found if name in {event.template for event in one.after.today.events})
    return next(chain(changed, rendered), "")


def _shown(found: _Found, selected: str, old: Bridge, new: Bridge) -> dict[str, Any] | None:
    """The effect on one webhook in full: on the selected one, else on the newest."""
    if not found:
        return None
    record, one = next((pair for pair in found if pair[0].id == selected), found[0])
    return {"id": record.id, "before": _full(one.before, old), "after": _full(one.after, new)}


def _full(result: Result, bridge: Bridge) -> dict[str, Any]:
    shown = result.today.as_json()
    events = [{**event, "groups": _names(event["groups"], bridge)} for event in shown["events"]]
    return {**shown, "events": events, "problems": result.problems}


def _names(groups: Sequence[str], bridge: Bridge) -> list[str]:
    """What people call the groups."""
    known = labels(bridge.configuration)
    return [label(known, group) for group in groups]
