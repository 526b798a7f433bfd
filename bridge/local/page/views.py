"""Deliveries, dead letters and groups on the page: what it reads of them, and what it may do.

All of it needs a storage and nothing else: the page of `make run` and that of a deployed app are the same.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute

from bridge.errors import BridgeError, redacted_line
from bridge.local.page.dead_letters import DeadLettersView, Requeuer
from bridge.local.page.deliveries import DeliveriesView
from bridge.local.page.group_list import Doctor, GroupsView
from bridge.local.page.origin_check import Endpoint
from bridge.local.page.releasing import Releaser
from bridge.local.page.resending import Resender, curl
from bridge.local.page.routes import Action, RequestError, action_route, page_route
from bridge.local.page.stored import Stored
from bridge.outbox.base import Queue

Read = Callable[[Mapping[str, str]], Mapping[str, Any]]
Act = Callable[[Mapping[str, Any]], Mapping[str, Any]]
Explain = Callable[[Exception], str]


def _problem(error: Exception) -> str:
    return f"The storage cannot be read or written: {type(error).__name__}: {redacted_line(str(error))}"


@dataclass(frozen=True)
class Writing:
    """What is needed to act, and not only to show.

    queue: returns it when it is first needed. wake: makes the host look at its queue; called on the event loop that
    serves the page. address: of the bridge to which edited webhooks are sent; empty: they cannot be.
    """

    queue: Callable[[], Queue]
    wake: Callable[[], None] = lambda: None
    address: str = ""


class Views:
    """The views over a storage.

    writing: None where the page only shows. title: what the page is of. has_conversations: the page shows the groups'
    threads, too. doctor: examines everything; None: it cannot be asked here. address: of the bridge, for curl commands.
    explain: says of what the storage raises what is wrong, and what helps.
    """

    def __init__(
        self,
        stored: Stored,
        writing: Writing | None = None,
        *,
        title: str = "Webhook bridge",
        has_conversations: bool = False,
        doctor: Doctor | None = None,
        address: str = "",
        explain: Explain = _problem,
    ) -> None:
        self._stored, self._writing, self._address = stored, writing, address
        self._explain = explain
        self._deliveries = DeliveriesView(stored)
        self._letters = DeadLettersView(stored)
        self._groups = GroupsView(stored, doctor)
        self.about = {
            "title": title,
            "conversations": has_conversations,
            "deliveries": True,
            "write": writing is not None,
            "edit": bool(writing and writing.address),
            "doctor": doctor is not None,
            "sources": [{"name": name, "title": one.title} for name, one in sorted(stored.sources.items())],
            "groups": [stored.group(group) for group in stored.bridge.configuration.groups] if stored.bridge else [],
        }

    def routes(self, port: int) -> Sequence[BaseRoute]:
        """What the page reads, and what it does; without `writing` there is no route that does anything."""
        reads: dict[str, Read] = {
            "/page/deliveries": self._deliveries.page,
            "/page/deliveries/states": self._deliveries.states,
            "/page/delivery": self._deliveries.show,
            "/page/delivery/compare": self._deliveries.compare,
            "/page/delivery/curl": lambda query: curl(self._stored, query, self._address),
            "/page/dead-letters": self._letters.page,
            "/page/dead-letter": self._letters.post,
            "/page/groups": self._groups.groups,
            "/page/groups/doctor": self._groups.findings,
        }
        return [
            *(page_route(path, _reading(read, self._explain), port) for path, read in reads.items()),
            *(self._actions(self._writing, port) if self._writing else ()),
        ]

    def topics(self) -> Mapping[str, object]:
        """What an open page is sent, by topic: what it may show, and what changes when a webhook comes."""
        return {"about": self.about, "deliveries": self._current()}

    def _actions(self, writing: Writing, port: int) -> Iterator[BaseRoute]:
        requeuer = Requeuer(self._stored)
        resender = Resender(self._stored, writing.queue, writing.address)
        acts: dict[str, Act] = {
            "/page/resend": resender.resend,
            "/page/requeue": requeuer.one,
            "/page/requeue-some": requeuer.some,
            "/page/release": Releaser(self._stored, writing.queue).one,
        }
        return (action_route(path, _acting(act, writing.wake, self._explain), port) for path, act in acts.items())

    def _current(self) -> Mapping[str, object]:
        try:
            outbox = self._stored.outbox()
            held = sum(row.held for row in outbox.summaries())
            return {"newest": self._deliveries.newest(), "dead": outbox.counts().dead, "held": held, "problem": ""}
        except Exception as error:  # noqa: BLE001  the page shows it, whatever it is
            return {"newest": [], "dead": 0, "held": 0, "problem": self._explain(error)}


def _reading(read: Read, explain: Explain) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        try:
            return JSONResponse(await run_in_threadpool(read, request.query_params))
        except BridgeError as error:
            return PlainTextResponse(str(error), error.status if isinstance(error, RequestError) else 409)
        except Exception as error:  # noqa: BLE001  whatever storage raises is what the page must show
            return PlainTextResponse(explain(error), 503)

    return endpoint


def _acting(act: Act, wake: Callable[[], None], explain: Explain) -> Action:
    async def action(content: dict[str, Any]) -> object:
        try:
            done = await run_in_threadpool(act, content)
        except BridgeError:
            raise
        except Exception as error:
            raise RequestError(explain(error), 503) from error
        wake()
        return done

    return action
