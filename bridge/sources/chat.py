"""A message for a chat service as an event: its title, thread, severity, and the answer that its clients expect."""

import colorsys
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from typing import Any

from bridge.errors import BadWebhook, EmptyMessage
from bridge.events import Event, Severity, Webhook
from bridge.fields import Payload
from bridge.rendering.links import safe_url
from bridge.rendering.text import one_line
from bridge.sources import card_titles
from bridge.sources.answers import Reply
from bridge.sources.base import identifier
from bridge.sources.card_titles import Title
from bridge.sources.cards import Card
from bridge.sources.emoji import without_outer_emoji
from bridge.sources.kit import MAX_TITLE
from bridge.sources.severities import known_severity
from bridge.values import dataclass
from bridge.verification.combinations import AnyOf
from bridge.verification.shared_secrets import Token

# Their senders cannot sign. Without a secret, the host checks the function key in the URL.
VERIFIER = AnyOf((Token("Authorization", "Bearer "), Token("X-Webhook-Token")))
OK = Reply(200, "ok")
ONE = Reply(200, "1")

_NAMED_COLOURS = {
    **dict.fromkeys(("good", "success", "green"), Severity.SUCCESS),
    **dict.fromkeys(("warning", "yellow", "orange"), Severity.WARNING),
    **dict.fromkeys(("danger", "attention", "error", "red"), Severity.ERROR),
}
# `Uptime Kuma Alert`: only who sends it.
_OF_SENDER = re.compile(r"(?:[\w.-]+ ){0,3}(?:alert|alarm|notification|message|webhook)s?[!:]?", re.IGNORECASE)
_SEVERITY_FACTS = {"severity", "alert severity"}


@dataclass(frozen=True)
class Message:
    """What a message for a chat service says.

    app: what people call the service; its buttons cannot be pressed elsewhere. titles: what may be its title, the best
    first. lead: its first sentence, where that is not the title. url: the title's address. colours: what its colours
    say of the severity. sender: the name under which it would be posted. channel: where.
    thread: the service's own id of the conversation.
    """

    app: str
    card: Card
    payload: Payload
    titles: Sequence[str] = ()
    lead: str = ""
    url: str = ""
    colours: Sequence[Severity | None] = ()
    sender: str = ""
    channel: str = ""
    thread: str = ""
    occurred: datetime | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)


def event(source: str, message: Message, webhook: Webhook) -> Event:
    """The event of a message; EmptyMessage if there is nothing to read in it."""
    _check(webhook)
    if message.card.is_empty and not any((*message.titles, message.lead)):
        raise EmptyMessage("The message is empty: it has no text, no card and no attachment.")
    title, scope, replaced = _title(message)
    colour = max(filter(None, message.colours), default=None)
    severity = _severity(title, colour, message.card, webhook)
    is_over = title.is_over(colour) and severity is Severity.SUCCESS
    state = title.state if title.is_claimed or _agree(title.severity, colour) else ""
    lead = _lead(message, title)
    body = webhook.fingerprint
    key = _key(message, title, webhook)
    card = message.card.without((title.text, title.subject, lead, replaced))
    buttons = card.buttons or ([(_open(title, scope), message.url)] if message.url else [])
    return Event(
        source=source,
        kind=f"message.{identifier(state.replace(' ', '_'))}" if state else "message",
        delivery=body,
        dedup_key=body,
        # Where no state is recognised in a title, the key may differ with the state: equal bodies may then be news.
        repeat_window=None if state or key.startswith(_OWN) else 0.0,
        correlation_key=key,
        title=one_line(title.subject, MAX_TITLE),
        payload=message.payload,
        severity=severity,
        scope=scope,
        url=message.url or next((url for _, url in card.buttons), ""),
        occurred=message.occurred,
        text=card.news,
        facts=tuple((name, value) for name, value in card.facts if name),
        images=tuple((part.text, part.url) for part in card.parts if part.kind == "image"),
        attributes={
            "state": state, "sender": message.sender, "channel": message.channel,
            "thread": message.thread, **message.attributes,
        },
        details={
            "action": identifier(state.replace(" ", "_")) or "posted",
            "app": message.app,
            "state": state,
            "counts": title.counts,
            "reason": title.reason,
            "lead": lead,
            "title_url": message.url,
            "parts": card.parts,
            "buttons": buttons,
            "presses": card.presses,
            "inputs": card.inputs,
            "left_out": card.left_out,
        },
        ends_thread=is_over,
    )  # fmt: skip


def colour_severity(colour: Any) -> Severity | None:
    """What a colour says of the severity: red, orange or yellow, green. None for any other, and for none."""
    if isinstance(colour, int) and not isinstance(colour, bool):
        colour = f"{colour:06x}" if 0 <= colour <= 0xFFFFFF else ""
    if not isinstance(colour, str):
        return None
    name = colour.strip().lower()
    if name in _NAMED_COLOURS:
        return _NAMED_COLOURS[name]
    digits = name.removeprefix("#").removeprefix("0x")
    if re.fullmatch(r"[0-9a-f]{3}", digits):
        digits = "".join(2 * digit for digit in digits)
    if not re.fullmatch(r"[0-9a-f]{6}", digits):
        return None
    red, green, blue = (int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4))
    hue, saturation, value = colorsys.rgb_to_hsv(red, green, blue)
    return _of_hue(360 * hue) if saturation >= 0.3 and value >= 0.25 else None


def _of_hue(degrees: float) -> Severity | None:
    if degrees <= 18 or degrees >= 338:
        return Severity.ERROR
    if degrees <= 68:
        return Severity.WARNING
    return Severity.SUCCESS if degrees <= 170 else None


def first_lines(text: str, most: int = 2) -> list[str]:
    """The first lines of Markdown or of plain text that are not empty."""
    return [line.strip() for line in text[:2000].split("\n") if line.strip()][:most]


def answer(webhook: Webhook, ids: Sequence[str], otherwise: Reply) -> Reply:
    """The answer that the URL's `?answer=` wants, else the one of the protocol."""
    form = _ANSWERS.get(webhook.query.get("answer", ""))
    return form(ids) if form else otherwise


def _json(ids: Sequence[str]) -> Reply:
    listed = ", ".join(f'"{entry}"' for entry in ids)
    return Reply(202, f'{{"accepted": [{listed}]}}', "application/json")


_ANSWERS: Mapping[str, Callable[[Sequence[str]], Reply]] = {
    "ok": lambda _: OK,
    "1": lambda _: ONE,
    "empty": lambda _: Reply(202),
    "json": _json,
}


def _check(webhook: Webhook) -> None:
    """What the URL asks for must be something that there is, or nobody would notice that it is not done."""
    if (form := webhook.query.get("answer")) is not None and form not in _ANSWERS:
        raise BadWebhook(f"The URL's ?answer= must be one of {', '.join(_ANSWERS)}.")
    if (word := webhook.query.get("severity")) is not None and known_severity(word) is None:
        raise BadWebhook("The URL's ?severity= is not a severity: success, info, warning, error or critical.")


def _title(message: Message) -> tuple[Title, str, str]:
    """The title, the scope, and the title that names only the sender and gives way to a line that has a state."""
    scope = message.sender
    candidates = [line for text in (*message.titles, message.lead) if (line := one_line(text, 300))]
    first = card_titles.read(candidates[0] if candidates else f"Message for {message.app} without a title")
    if len(candidates) > 1 and _OF_SENDER.fullmatch(first.text):
        for line in candidates[1:]:
            if (other := card_titles.read(line)).state:
                return other, scope or first.text, first.text
    lead = card_titles.read(one_line(message.lead, 300)) if message.lead else first
    # The title is the object alone, and the sentence has its state: `shop`, `Application shop has degraded.`
    if not first.state and lead.state and _mentions(lead.subject, first.subject):
        first = Title(first.text, first.subject, first.key, lead.state, lead.is_claimed, lead.counts, lead.reason)
    return first, scope, ""


def _open(title: Title, scope: str) -> str:
    name = f" {title.subject}" if len(title.subject) <= 30 else ""
    return f"Open in {scope}" if 0 < len(scope) <= 30 else f"Open{name}"


def _mentions(text: str, name: str) -> bool:
    return bool(name) and name.casefold() in text.casefold()


def _lead(message: Message, title: Title) -> str:
    """The sender's own sentence, where the headline does not say it."""
    lead = one_line(without_outer_emoji(message.lead), 300)
    if lead and lead != title.text and not card_titles.is_state(lead):
        return lead
    is_cut = not title.is_claimed and title.subject != title.text.rstrip(".")
    return title.text if is_cut else ""


def _severity(title: Title, colour: Severity | None, card: Card, webhook: Webhook) -> Severity:
    """By colour and state, whichever is worse; a problem is as bad as a fact or the URL say that it is."""
    claimed = title.severity if title.is_claimed else None
    found = max(filter(None, (colour, claimed)), default=None)
    if found is Severity.SUCCESS:
        return found
    named = (known_severity(value) for name, value in card.facts if name.strip().lower() in _SEVERITY_FACTS)
    fact = next(filter(None, named), None)
    asked = known_severity(webhook.query.get("severity", ""))
    if asked is not None:
        return asked
    return fact or found or Severity.INFO


def _agree(state: Severity | None, colour: Severity | None) -> bool:
    """Whether a sentence's state is that of the colour: a sentence alone may speak of anything."""
    if state is None or colour is None:
        return False
    return (state is Severity.SUCCESS) == (colour is Severity.SUCCESS)


_OWN = "thread "


def _key(message: Message, title: Title, webhook: Webhook) -> str:
    """By what the URL or the service names, else by the title, for each channel and sender."""
    if asked := webhook.query.get("thread", "").strip():
        return _on_one_line(f"{_OWN}{asked}")
    if message.thread:
        return _on_one_line(_OWN + " ".join(filter(None, (message.channel, message.thread))))
    return _on_one_line(" ".join(filter(None, (message.channel, _plain(message.sender), title.key))))


def _on_one_line(text: str) -> str:
    return " ".join(text.split())


def _plain(text: str) -> str:
    return card_titles.read(text).key if text else ""


def address(*urls: str) -> str:
    """The first that is one."""
    return next((url.strip() for url in urls if safe_url(url)), "")


def colours(found: Iterable[Any]) -> list[Severity | None]:
    """What each of the colours says of the severity."""
    return [colour_severity(colour) for colour in found]
