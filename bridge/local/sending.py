"""Sends a payload as its service does: with the service's headers, signed with the secret of the settings."""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import requests

from bridge.errors import BadWebhook, CommandError
from bridge.events import Event, Webhook
from bridge.local.host.http_functions import KEY
from bridge.sources.base import Ignored, Source

_TIMEOUT = 30  # seconds


@dataclass(frozen=True)
class Sendable:
    """A webhook that its receiver takes for the service's own."""

    headers: Mapping[str, str]
    body: bytes


def event_name(file_name: str, parts: int = 1) -> str:
    """The service's name for a sample's event, of so many parts: `pull_request` of pull_request.opened.json."""
    return ".".join(file_name.removesuffix(".json").partition("__")[0].split(".")[:parts])


def signed(source: Source, secrets: Sequence[str], body: bytes, event: str, delivery: str) -> Sendable:
    """The payload as the service would send it; without a secret the receiver's function key has to open."""
    body = _marked(body, source.delivery_field, delivery)
    headers = {"Content-Type": "application/json", **source.headers(event, delivery)}
    if source.verifier and secrets:
        headers |= source.verifier.sign(body, secrets[0])
    return Sendable(headers, body)


def opened(webhook: Sendable) -> Sendable:
    """With the function key of the local host."""
    return Sendable({**webhook.headers, "x-functions-key": KEY}, webhook.body)


def post(url: str, webhook: Sendable) -> tuple[int, str]:
    """Status and text of the answer; CommandError when there is none."""
    with requests.Session() as session:
        # A proxy is for the world outside.
        session.trust_env = "//127.0.0.1" not in url
        try:
            answer = session.post(
                url, data=webhook.body, headers=webhook.headers, timeout=_TIMEOUT, allow_redirects=False
            )
        except requests.ConnectionError as error:
            raise CommandError(f"Nothing answers at {url}: start the bridge with `make run`.") from error
        except requests.RequestException as error:
            raise CommandError(f"{url} cannot be posted to: {type(error).__name__}.") from error
        return answer.status_code, answer.text


def _marked(body: bytes, name: str, delivery: str) -> bytes:
    """The payload with its delivery's id: a service never sends the same bytes twice, so these would be a repeat."""
    try:
        payload = json.loads(body)
    except ValueError:
        return body
    if isinstance(payload, dict):
        return json.dumps(payload | {name: delivery}).encode()
    if isinstance(payload, list) and all(isinstance(item, dict) for item in payload):
        return json.dumps([item | {name: f"{delivery} {place}"} for place, item in enumerate(payload)]).encode()
    return body


def apart(source: Source, body: bytes, event: str) -> Callable[[int], bytes]:
    """Gives the payload about another thing for each number.

    Which field names the thing is found by trying: the first whose change changes the thread, and the title with it
    where there is such a field. A payload without one stays as it is.
    """
    try:
        payload = json.loads(body)
    except ValueError:
        return lambda _: body
    place = _telling_place(source, payload, event)
    return lambda number: json.dumps(_changed(payload, place, number)).encode() if place else body


Place = tuple[Any, ...]  # the names and positions that lead to a value


def _telling_place(source: Source, payload: Any, event: str) -> Place:
    before = _first_event(source, payload, event)
    found: Place = ()
    for place in _places(payload) if before else ():
        after = _first_event(source, _changed(payload, place, 1), event)
        if before and after and after.correlation_key != before.correlation_key and after.kind == before.kind:
            if after.title != before.title:
                return place
            found = found or place
    return found


def _first_event(source: Source, payload: Any, event: str) -> Event | None:
    try:
        events = source.read(Webhook(source.headers(event, "apart"), json.dumps(payload).encode()))
    except BadWebhook:
        return None
    return None if isinstance(events, Ignored) else next(iter(events), None)


def _places(value: Any, above: Place = ()) -> Iterator[Place]:
    """Where the texts and whole numbers are."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        yield from itertools.chain.from_iterable(_places(item, (*above, name)) for name, item in items)
    elif isinstance(value, str) or type(value) is int:
        yield above


def _changed(payload: Any, place: Place, number: int) -> Any:
    changed = deepcopy(payload)
    holder = changed
    for step in place[:-1]:
        holder = holder[step]
    value = holder[place[-1]]
    holder[place[-1]] = value + number if isinstance(value, int) else f"{value}-{number}"
    return changed
