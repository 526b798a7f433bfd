"""The table `[sources.<name>]` that is proposed for recorded webhooks, with a reason for each line."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bridge.errors import BadWebhook
from bridge.events import Webhook
from bridge.fields import as_time
from bridge.local.learning.roles import Roles, roles_of, unknown_words
from bridge.local.learning.values import Value, example, expression, tables, values
from bridge.rendering.filters import upper_first
from bridge.rendering.links import safe_url
from bridge.rendering.text import in_words, one_line, printable
from bridge.sources import cloud_event, form_bodies
from bridge.sources import reading_names as names

_MOST_FACTS = 8
_MOST_COLUMNS = 4
_COMMENT = 120  # characters
# Lists that hold an event each, where an object has nothing else of its own.
_LISTS = frozenset(
    ("alerts", "events", "items", "records", "entries", "messages", "notifications", "incidents", "faults")
)
_NOUNS = frozenset(
    ("alert", "alarm", "incident", "issue", "problem", "finding", "check", "monitor", "job", "run", "build")
)
_EVENT = ("key", "delivery", "kind", "title", "scope", "actor", "url", "text", "occurred", "started")
_KEYS = {"key": "correlation_key"}


@dataclass(frozen=True)
class Proposal:
    """A source's table as TOML, and what is unsure of it, a sentence each."""

    name: str
    table: str
    unsure: tuple[str, ...]


def source_name(text: str) -> str:
    """The text as a source's name: `tank_alarms` of `Tank alarms.json`."""
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:40]
    return name if name[:1].isalpha() else f"source_{name}"[:40].rstrip("_")


def propose(name: str, webhooks: Sequence[Webhook]) -> Proposal:
    """Propose a source for webhooks of one service. BadWebhook if none of them can be read."""
    is_binary = any(map(cloud_event.is_binary, webhooks))
    payloads = list(_payloads(webhooks, "cloudevents" if is_binary else "any"))
    each, items = _items(payloads)
    is_event = is_binary or any(map(cloud_event.is_event, items))
    roles = roles_of(items, values(items))
    lines = [f"[sources.{name}]", f"title = {_toml(upper_first(name.replace('_', ' ')))}"]
    if is_event:
        lines.append(_line("body", "cloudevents", "each is a CloudEvent: item has its attributes and its data"))
    lines += [
        *_let(name, roles),
        *_event(name, roles, each),
        *_details(name, roles),
        *_meter(name, roles),
        *_table(name, items),
    ]
    lines += [*_facts(name, roles), *_buttons(name, roles), *_severities(name, roles)]
    return Proposal(name, "\n".join(lines) + "\n", tuple(roles.unsure))


def _payloads(webhooks: Sequence[Webhook], mode: str) -> Iterator[Any]:
    for webhook in webhooks:
        try:
            yield form_bodies.decoded(mode, webhook)
        except form_bodies.BrokenJson:
            raise BadWebhook("A body begins as JSON does, and is not JSON.") from None


def _items(payloads: Sequence[Any]) -> tuple[str, list[Any]]:
    """The expression of the list that holds the events, if any, and all events."""
    keys = {_list_key(payload) for payload in payloads if isinstance(payload, Mapping)}
    if len(keys) == 1 and (key := next(iter(keys))):
        found = [item for payload in payloads if isinstance(payload, Mapping) for item in payload[key]]
        return expression("payload", (key,)), found
    return "", [item for payload in payloads for item in (payload if isinstance(payload, list) else [payload])]


def _list_key(payload: Mapping[str, Any]) -> str:
    """The key of an object's list of events."""
    lists = [
        key
        for key, value in payload.items()
        if isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value)
    ]
    says_itself = any(names.normal(str(key)) in {*names.TITLE, *names.MESSAGE} for key in payload)
    return lists[0] if len(lists) == 1 and names.normal(lists[0]) in _LISTS and not says_itself else ""


def _let(name: str, roles: Roles) -> Iterator[str]:
    state, flag = roles.of("state"), roles.of("flag")
    if state:
        listed = ", ".join(f"'{word}'" for word in roles.over)
        text = f"{state.expression}|string|lower in [{listed}]"
        yield from _head(name, "let")
        yield _line("over", text, f"the state is {roles.found['state'].reason}")
    elif flag:
        yield from _head(name, "let")
        yield _line("over", flag.expression, roles.found["flag"].reason)


def _event(name: str, roles: Roles, each: str) -> Iterator[str]:
    yield from _head(name, "event")
    if each:
        yield _line("each", each, "a list of objects, and nothing beside it says what happened")
    for role in _EVENT:
        if choice := roles.found.get(role):
            yield _line(_KEYS.get(role, role), choice.value.expression, choice.reason)
    if not roles.of("title"):
        yield _line("title", f"'{name.replace('_', ' ')}'", "no value can be a title")
    state, severity, ends = roles.of("state"), roles.of("severity"), roles.of("state") or roles.of("flag")
    if state:
        yield _line("word", state.expression, "the state, at the top of the card")
    graded = severity or state
    if graded or ends:
        worse = graded.expression if graded else "'warning'"
        why = roles.found["severity"].reason if severity else "no value is called a severity: by the state"
        yield _line("severity", f"'success' if over else {worse}" if ends else worse, why)
    if ends:
        yield _line("ends_thread", "over", "the next webhook after the end starts a new thread")


def _meter(name: str, roles: Roles) -> Iterator[str]:
    numbers = [v for v in roles.left if all(isinstance(n, int | float) and not isinstance(n, bool) for n in v.present)]
    for limit in (value for value in numbers if value.own_name in names.LIMITS):
        beside = [v for v in numbers if v.path[:-1] == limit.path[:-1] and v.own_name in names.VALUES]
        if len(beside) == 1:
            value = beside[0]
            unit = next(
                (v for v in roles.left if v.path[:-1] == limit.path[:-1] and v.own_name in {"unit", "units"}), None
            )
            yield from _head(name, "meter")
            yield _line("label", f"'{value.label}'", "")
            yield _line("value", value.expression, f"{example(value.present[0])}: a number beside its limit")
            yield _line("limit", limit.expression, f"{example(limit.present[0])}: its name says so")
            if unit:
                yield _line("unit", unit.expression, example(unit.present[0]))
            yield from _direction(roles, value, limit)
            roles.left = [other for other in roles.left if other not in (value, limit, unit)]
            return


def _direction(roles: Roles, value: Value, limit: Value) -> Iterator[str]:
    """Which side of its limit is bad, as the webhooks show that are not an end."""
    state = roles.of("state")
    states = state.values if state else (None,) * len(value.values)
    pairs = zip(value.values, limit.values, states, strict=True)
    bad = {
        n > most for n, most, at in pairs if None not in (n, most) and str(at).lower() not in roles.over and n != most
    }
    if len(bad) == 1:
        side = "above" if bad == {True} else "below"
        yield _line("direction", f"'{side}'", f"the value is {side} its limit where it is not over")
    else:
        roles.unsure.append("Whether the value is bad above or below its limit: add `direction` to the meter.")


def _table(name: str, items: Sequence[Any]) -> Iterator[str]:
    path, rows = next((found for item in items for found in tables(item)), ((), []))
    columns = [
        key
        for key in dict.fromkeys(key for row in rows for key in row if isinstance(key, str))
        if any(isinstance(row.get(key), str | int | float) and not safe_url(str(row.get(key))) for row in rows)
        and not names.is_noise(names.normal(key), in_words(key), "")
    ][:_MOST_COLUMNS]
    if columns:
        yield from _head(name, "table")
        yield _line("each", expression("item", path), f"a list of {len(rows)} objects")
        labels = {"each": "Each"}
        for key in columns:
            label = _unique(upper_first(in_words(key)) or key, labels)
            yield _line(label, expression("row", (key,)), "")


def _details(name: str, roles: Roles) -> Iterator[str]:
    """What is called an alarm in the payload is called so in the post."""
    paths = [value.path for role in ("state", "title", "key") if (value := roles.of(role))]
    noun = next((part for path in paths for part in path[:-1] if part in _NOUNS), "")
    if noun:
        yield from _head(name, "details")
        yield _line("noun", f"'{noun}'", "what holds them in the payload")


def _facts(name: str, roles: Roles) -> Iterator[str]:
    shown: dict[str, Value] = {}
    ranked = sorted(roles.left, key=lambda v: (names.place_of(v.names[0], v.present[0], v.depth), v.depth))
    for value in ranked:
        is_taken = any(value is choice.value for choice in roles.found.values())
        if not is_taken and value.label and value.label not in shown and _helps(value):
            shown[value.label] = value
    yield from _head(name, "facts") if shown else ()
    for label, value in list(shown.items())[:_MOST_FACTS]:
        is_number_of_time = all(
            isinstance(each, int | float) and as_time(each) and each > 1e8 for each in value.present
        )
        is_time = is_number_of_time and names.place_of(value.names[0], 0) == names.TIME
        yield _line(label, value.expression + ("|time" if is_time else ""), example(value.present[0]))
    if len(shown) > _MOST_FACTS:
        yield f"# left out: {one_line(', '.join(v.expression for v in list(shown.values())[_MOST_FACTS:]), 300)}"


def _helps(value: Value) -> bool:
    texts = [one_line(text, 200) for text in value.texts]
    is_plain = not any(isinstance(each, bool) for each in value.present)
    is_opaque = value.is_id_like or any(safe_url(text) or text.startswith(("{", "<")) for text in texts)
    return is_plain and not is_opaque and not names.is_noise(value.names[0], value.label, texts[0])


def _buttons(name: str, roles: Roles) -> Iterator[str]:
    yield from _head(name, "buttons") if roles.links else ()
    for text, choice in roles.links.items():
        yield _line(text, choice.value.expression, choice.reason)


def _severities(name: str, roles: Roles) -> Iterator[str]:
    role = "severity" if roles.of("severity") else "state"
    words = [word for word in unknown_words(roles, role) if word.lower() not in roles.over]
    if words:
        yield from _head(name, "severities")
        for word in words:
            yield f'{_toml(printable(word))} = "info"  # an unknown word: success, info, warning, error or critical?'
        roles.unsure.append(f"How bad {', '.join(map(example, words))} is: say it in `severities`.")


def _head(name: str, part: str) -> tuple[str, str]:
    return "", f"[sources.{name}.{part}]"


def _line(key: str, text: str, reason: str) -> str:
    bare = key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _toml(key)
    comment = one_line(reason, _COMMENT)
    return f"{bare} = {_toml(text)}" + (f"  # {comment}" if comment else "")


def _unique(label: str, taken: dict[str, str]) -> str:
    while label in taken:
        label += "_"
    taken[label] = label
    return label


def _toml(text: str) -> str:
    """A text as TOML's basic string, which has JSON's escapes."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
