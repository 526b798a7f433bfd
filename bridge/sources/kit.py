"""What the reading of most services needs once: checked bodies, keys, ids, facts and short texts."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

from bridge.errors import BadWebhook
from bridge.events import Event, Webhook
from bridge.fields import Payload, at, first
from bridge.rendering.text import one_line
from bridge.sources.base import decode_json

Facts = tuple[tuple[str, str], ...]

MAX_TITLE = 200  # characters; leaves room for the scope in a topic
_MAX_FACT = 200


def json_object(webhook: Webhook, service: str) -> Payload:
    """The JSON object of a body; BadWebhook, with the service's name, when the body is anything else."""
    text = json_text(webhook)
    payload = (webhook.parsed if text is webhook.body else None) or decode_json(text)
    if isinstance(payload, dict):
        return payload
    raise BadWebhook(f"The body is not a JSON object, as the payloads of {service} are.")


def json_text(webhook: Webhook) -> bytes:
    """The JSON of a body: of a form, what its field `payload` holds."""
    if not webhook.header("Content-Type").lower().startswith("application/x-www-form-urlencoded"):
        return webhook.body
    try:
        fields = parse_qs(webhook.body.decode("utf-8", "replace"), max_num_fields=100)
    except ValueError as error:
        raise BadWebhook("The form has too many fields.") from error
    return fields["payload"][0].encode("utf-8", "replace") if "payload" in fields else webhook.body


def no_attributes(texts: str, lists: str = "", flags: str = "") -> Mapping[str, Any]:
    """Every attribute of a source by its name, empty: a route can ask for one that an event does not have."""
    return {
        **dict.fromkeys(texts.split(), ""),
        **{name: [] for name in lists.split()},
        **dict.fromkeys(flags.split(), False),
    }


def differ(one: Any, other: Any, *paths: str) -> bool:
    """Whether two objects are not the same, by the first of the paths that both have an id at."""
    pairs = ((id_at(one, path), id_at(other, path)) for path in paths)
    return next((left != right for left, right in pairs if left and right), False)


def id_at(payload: Any, *paths: str) -> str:
    """The first id at the paths, as text: a number other than zero, or a text that is not empty."""
    found = (at(payload, path) for path in paths)
    return next((str(value) for value in found if value and isinstance(value, int | str) and value is not True), "")


def key(*parts: str) -> str:
    """A key made of several parts; empty when one of them is missing, because it would then match other things."""
    return " ".join(parts) if all(part.strip() for part in parts) else ""


def facts(**values: str) -> Facts:
    """The facts that have a value; an underscore in a name becomes a space."""
    return tuple((name.replace("_", " "), one_line(value, _MAX_FACT)) for name, value in values.items() if value)


def with_attributes(event: Event, **attributes: Any) -> Mapping[str, Any]:
    """The event's attributes, with these replaced."""
    return {**event.attributes, **attributes}


def with_details(event: Event, **details: Any) -> Event:
    """The event with more values for its templates."""
    return replace(event, details={**event.details, **details})


def title(name: str, reference: str = "") -> str:
    """A title with the object's reference behind it, which is never cut: `Stop the pump #12`."""
    return one_line(name, MAX_TITLE - len(reference) - 1) + (f" {reference}" if reference else "")


def first_line(text: str, limit: int = 120) -> str:
    """The first line of a text that is not empty, such as a commit's subject."""
    return one_line(text.strip()[:2000].partition("\n")[0], limit)


def change(old: str, new: str) -> str:
    """`old → new`; empty where both are the same."""
    return "" if old == new else f"{old or 'none'} → {new or 'none'}"


def names_by_id(payload: Any, *ids: str) -> dict[str, str]:
    """The names of everybody in a payload, by their ids in small letters: a mention in a text brings the id alone.

    ids: the fields that an id may stand in.
    """
    found: dict[str, str] = {}
    values = [payload]
    while values:
        value = values.pop()
        if isinstance(value, Mapping):
            known = [id_.lower() for field in ids if isinstance(id_ := value.get(field), str) and id_]
            if name := first(value, ("displayName",)):
                found.update(dict.fromkeys(known, one_line(name, 80)))
            values += value.values()
        elif isinstance(value, list):
            values += value
    return found


def listed(names: Iterable[str], most: int = 20) -> str:
    """The names, each once, joined by commas; `and 3 more` for those beyond `most`."""
    unique = list(dict.fromkeys(filter(None, names)))
    more = len(unique) - most
    return ", ".join(unique[:most]) + (f" and {more} more" if more > 0 else "")


def remark(author: str, text: str) -> str:
    """What somebody wrote, as Markdown with their name before it."""
    name = re.sub(r"([\\`*_{}\[\]<>#|~])", r"\\\1", author)
    return f"**{name}**: {text}" if name and text else text
