"""The server of the page: what the page reads, and what it does."""

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute

from bridge.app import Bridge, open_payloads
from bridge.doctor import examine
from bridge.local.fake_graph.server import FakeGraph
from bridge.local.page import fault_switches, mail, samples
from bridge.local.page.deadline import Deadline
from bridge.local.page.editing.editor import Editor
from bridge.local.page.group_names import label, with_names
from bridge.local.page.learning import Learner
from bridge.local.page.live_updates import LiveUpdates
from bridge.local.page.mistakes import MistakesView
from bridge.local.page.origin_check import Endpoint
from bridge.local.page.origins import Origins
from bridge.local.page.outbox import OutboxView
from bridge.local.page.rates import per_second
from bridge.local.page.routes import Action, RequestError, action_route, page_route
from bridge.local.page.sender import Sender
from bridge.local.page.static_files import VERSION, files
from bridge.local.page.stored import Stored, labels
from bridge.local.page.views import Views, Writing
from bridge.local.page.webhooks import WebhookLog
from bridge.local.received import ReceivedWebhooks
from bridge.outbox.delivery_story import EntryStory
from bridge.program import program, start_command
from bridge.settings import Settings

_WITHOUT_BRIDGE = {"title": "Webhook bridge", "conversations": True, "deliveries": False, "write": False}


@dataclass(frozen=True)
class HostedBridge:
    """The bridge that runs in this process.

    bridge: None while the settings are wrong. wake: makes the host look at its queue; to be called on its event loop.
    received: the last webhooks of each source, if they are kept. reload: starts the bridge again, and the page's server
    with it, from the settings and files as they are now; returns what is wrong with them. Also on the event loop.
    problems: what is wrong with the settings.
    """

    bridge: Bridge | None
    webhooks: WebhookLog = field(default_factory=WebhookLog)
    wake: Callable[[], None] = lambda: None
    received: ReceivedWebhooks | None = None
    reload: Callable[[], Sequence[str]] | None = None
    problems: Sequence[str] = ()


class PageServer:
    """Serves the page at the port.

    hosted: None if only the stand-in Graph runs in this process. updates: those of an earlier server, whose open pages
    this one takes over.
    """

    def __init__(
        self,
        fake_graph: FakeGraph,
        port: int,
        hosted: HostedBridge | None = None,
        updates: LiveUpdates | None = None,
    ) -> None:
        self._fake_graph = fake_graph
        self._port = port
        self._hosted = hosted
        self._bridge = bridge = hosted.bridge if hosted else None
        self._webhooks = hosted.webhooks if hosted else WebhookLog()
        self._labels = labels(bridge.configuration) if bridge else {}
        self._outbox = OutboxView(lambda: bridge.delivery.outbox, self._webhooks, self._labels) if bridge else None
        self._origins = Origins(lambda: bridge.delivery.outbox) if bridge else None
        authentications = bridge.configuration.authentications if bridge else {}
        self._mistakes = MistakesView(bridge, os.environ) if bridge else None
        self._sender = Sender(f"http://127.0.0.1:{port}", authentications)
        received = hosted.received if hosted else None
        settings = bridge.configuration.settings if bridge else Settings()
        self._deadline = Deadline()
        self._learner = Learner(received, settings) if received else None
        self._views = self._views_over(hosted, bridge) if hosted and bridge else None
        reload = hosted.reload if hosted else None
        payloads = partial(open_payloads, settings, os.environ)
        self._editor = Editor(bridge, os.environ, payloads, reload) if reload else None
        self.updates = updates or LiveUpdates(self._current)
        self.updates.current = self._current

    def close(self) -> None:
        """End streams and bursts. Must be called on the event loop that serves the page."""
        self.updates.close()
        self._sender.close()

    def routes(self) -> list[BaseRoute]:
        """The page at `/`, and everything that it reads and does."""
        pages: dict[str, Endpoint] = {
            **files(),
            "/page/mail": self._mail,
            "/page/webhook": self._webhook,
            "/page/events": self._events,
        }
        actions: dict[str, Action] = {"/page/faults": self._switch_fault, "/page/read": self._mark}
        if self._hosted:
            pages |= {"/page/samples": _samples, "/page/sample": _sample}
            actions |= {"/page/send": self._sender.send}
        if self._learner:
            pages |= {"/page/received": self._received}
            actions |= {"/page/learn": self._learn, "/page/trial": self._try_table}
        return [
            *(page_route(path, endpoint, self._port) for path, endpoint in pages.items()),
            *(action_route(path, action, self._port) for path, action in actions.items()),
            *(self._views.routes(self._port) if self._views else ()),
            *(self._editor.routes(self._port) if self._editor else ()),
        ]

    def _views_over(self, hosted: HostedBridge, bridge: Bridge) -> Views:
        """The views over the storage of the bridge that runs in this process."""
        address, settings = f"http://127.0.0.1:{self._port}", bridge.configuration.settings
        stored = Stored(
            bridge,
            lambda: bridge.delivery.outbox,
            lambda: open_payloads(settings, os.environ),
            posted=self._posted,
        )
        return Views(
            stored,
            Writing(lambda: bridge.delivery.queue, hosted.wake, address),
            has_conversations=True,
            doctor=lambda: examine(bridge, os.environ),
            address=address,
        )

    def _posted(self, entry: EntryStory) -> str:
        """The HTML of the post that has an entry, from the stand-in Graph."""
        posts = self._fake_graph.posts(entry.group, entry.thread)
        return next((post.html for post in posts if entry.token and entry.token in post.html), "")

    async def _mail(self, request: Request) -> Response:
        webhooks_of = self._outbox.webhooks_of if self._outbox else lambda _: ()
        titles = self._bridge.configuration.titles if self._bridge else {}
        selection = mail.Selection(self._fake_graph, self._labels, titles, self._by_thread(), webhooks_of)
        query = request.query_params
        return JSONResponse(
            await run_in_threadpool(selection.show, mail.Filter.of(query), mail.limit(query.get("limit", "")))
        )

    async def _mark(self, content: dict[str, Any]) -> object:
        return await run_in_threadpool(mail.mark, self._fake_graph.inbox, content, self._by_thread())

    def _by_thread(self) -> mail.Origins:
        return self._origins.by_thread if self._origins else {}

    async def _webhook(self, request: Request) -> Response:
        webhook = self._webhooks.show(request.query_params.get("entry", ""))
        return JSONResponse(webhook) if webhook else PlainTextResponse("This webhook is no longer available.\n", 404)

    async def _events(self, _: Request) -> Response:
        return StreamingResponse(self.updates.stream(), media_type="text/event-stream")

    async def _switch_fault(self, content: dict[str, Any]) -> object:
        return fault_switches.switch(self._fake_graph.faults, content)

    async def _received(self, _: Request) -> Response:
        return JSONResponse(await run_in_threadpool(self._learner.names) if self._learner else [])

    async def _learn(self, content: dict[str, Any]) -> object:
        learner = self._learner
        return await self._in_time(lambda: learner.propose(content)) if learner else {}

    async def _try_table(self, content: dict[str, Any]) -> object:
        learner = self._learner
        return await self._in_time(lambda: learner.try_table(content)) if learner else {}

    async def _in_time(self, work: Callable[[], object]) -> object:
        return await run_in_threadpool(self._deadline.wait_for, work)

    def _current(self) -> Mapping[str, object]:
        """What open pages show now, by topic."""
        state = self._fake_graph.inbox.state()
        self._update_origins(state)
        groups = mail.overview(self._fake_graph, self._labels)
        topics = self._views.topics() if self._views else {}
        about = self._views.about if self._views else _WITHOUT_BRIDGE
        version = f"{state} {self._origins.version if self._origins else 0}"
        return {
            "page": VERSION,
            "mail": {"groups": groups, "permissions": self._fake_graph.permissions, "version": version},
            "settings": self._settings_problems(),
            "burst": asdict(self._sender.progress) if self._sender.progress else None,
            "faults": fault_switches.state(self._fake_graph.faults),
            "rates": self._rates(),
            "mistakes": self._mistakes.show() if self._mistakes else (),
            **self._delivery(),
            **topics,
            "about": {**about, "editing": self._editor is not None, "start": start_command(), "program": program()},
        }

    def _update_origins(self, state: object) -> None:
        # The outbox's own view shows why it cannot be read.
        with contextlib.suppress(Exception):
            if self._origins:
                self._origins.update(state)

    def _settings_problems(self) -> Mapping[str, object]:
        """What keeps all or some webhooks from being accepted."""
        if self._hosted and not self._bridge:
            return {"accepts": "none", "problems": self._hosted.problems}
        problems = self._bridge.configuration.problems if self._bridge else ()
        return {"accepts": "some" if problems else "all", "problems": problems}

    def _delivery(self) -> Mapping[str, object]:
        """The outbox and the groups that need a person; if the storage cannot be read, the reason."""
        if not (self._outbox and self._bridge):
            return {"outbox": None, "held": []}
        try:
            return {"outbox": self._outbox.show(), "held": self._held(self._bridge)}
        except Exception as error:  # noqa: BLE001  the page shows it, whatever it is
            return {"outbox": {"counts": {}, "rows": [], "problem": f"The outbox cannot be read: {error}"}, "held": []}

    def _held(self, bridge: Bridge) -> list[Mapping[str, object]]:
        held = bridge.publisher.health()["held"]
        reasons = held.items() if isinstance(held, dict) else ()
        return [
            {
                "group": label(self._labels, group),
                **reason,
                "reason": with_names(self._labels, reason["reason"]),
            }
            for group, reason in reasons
        ]

    def _rates(self) -> Mapping[str, list[int]]:
        now = time.time()
        requests = list(reversed(self._fake_graph.log))
        failed = (request.at for request in requests if not 200 <= request.status < 300)
        series: Mapping[str, Iterable[float]] = {
            "webhooks": self._webhooks.times(),
            "requests": (request.at for request in requests),
            "failed": failed,
        }
        return {name: per_second(times, now) for name, times in series.items()}


async def _samples(_: Request) -> Response:
    return JSONResponse({"usual": samples.usual(), "sources": samples.names()})


async def _sample(request: Request) -> Response:
    try:
        return PlainTextResponse(
            samples.payload(request.query_params.get("source", ""), request.query_params.get("file", ""))
        )
    except RequestError as error:
        return PlainTextResponse(f"{error}\n", error.status)
