"""MessageCards of connectors: https://learn.microsoft.com/outlook/actionable-messages/message-card-reference."""

from collections.abc import Sequence

from bridge.events import Event, Webhook
from bridge.fields import Payload, dig, objects
from bridge.sources import chat, kit
from bridge.sources.answers import Protocol, Refusal, Reply
from bridge.sources.base import Source
from bridge.sources.cards import Reading
from bridge.sources.chat import Message

_MARKUP = "messagecard"


def read(webhook: Webhook) -> Sequence[Event]:
    """Read the one event of a card."""
    payload = kit.json_object(webhook, "connectors")
    return (chat.event("messagecard", message(payload, "Outlook and Teams"), webhook),)


def message(payload: Payload, app: str) -> Message:
    """What a MessageCard says. app: where its buttons could be pressed."""
    reading = Reading(_MARKUP)
    title = reading.plain(dig(payload, "title"))
    summary = reading.plain(dig(payload, "summary"))
    reading.says(dig(payload, "text"))
    sections = objects(payload, "sections")
    for section in sections:
        if reading.enters():
            _section(reading, section)
    _actions(reading, payload)
    headed = [reading.plain(name) for section in sections[:3] for name in _headings(section)]
    spoken = [reading.plain(line) for line in chat.first_lines(dig(payload, "text"), 1)]
    titles = list(filter(None, (title, summary, *headed, *spoken)))
    return Message(
        app=app,
        card=reading.card(),
        payload=payload,
        titles=titles,
        lead=summary if title and summary != title else "",
        colours=chat.colours([dig(payload, "themeColor")]),
    )


def _headings(section: Payload) -> list[str]:
    return [text for name in ("title", "activityTitle") if (text := dig(section, name))]


def _section(reading: Reading, section: Payload) -> None:
    markup = "plain" if section.get("markdown") is False else _MARKUP
    if section.get("startGroup") is True:
        reading.rule()
    for heading in _headings(section):
        reading.text(reading.markdown(heading, markup), "heading")
    reading.text(reading.markdown(dig(section, "activitySubtitle"), markup), "minor")
    for name in ("activityText", "text"):
        reading.says(dig(section, name), markup)
    facts = objects(section, "facts")
    reading.facts([(_text(fact, "name"), _text(fact, "value")) for fact in facts], markup)
    heroes = [section["heroImage"]] if isinstance(section.get("heroImage"), dict) else []
    for image in [*heroes, *objects(section, "images")]:
        if reading.enters():
            reading.image(dig(image, "title"), dig(image, "image"))
    _actions(reading, section)


def _text(fact: Payload, name: str) -> str:
    """A text, or a number as one."""
    value = fact.get(name)
    return str(value) if isinstance(value, str | int | float) else ""


def _actions(reading: Reading, holder: Payload) -> None:
    """Buttons; those that ask something, or post, only the clients of connectors had."""
    for action in objects(holder, "potentialAction"):
        if not reading.enters():
            continue
        kind = dig(action, "@type") or dig(action, "type")
        if kind == "ActionCard":
            reading.inputs += len(objects(action, "inputs"))
            reading.presses += max(1, len(objects(action, "actions")))
        elif kind in {"OpenUri", "ViewAction"}:
            reading.button(dig(action, "name"), _target(action))
        else:
            reading.presses += 1


def _target(action: Payload) -> str:
    """Where a button leads: on any system, else on the first."""
    targets = objects(action, "targets")
    of_any = [dig(target, "uri") for target in targets if dig(target, "os") in {"", "default"}]
    listed = action.get("target")
    older = [url for url in listed if isinstance(url, str)] if isinstance(listed, list) else [dig(action, "target")]
    return chat.address(*of_any, *(dig(target, "uri") for target in targets), *older)


def _refused(refusal: Refusal) -> Reply:
    """In plain text, as connectors answered, but with a status that says the same."""
    if refusal.is_empty:
        return Reply(refusal.status, "Summary or Text is required.")
    known = "Bad payload received by generic incoming webhook. " if refusal.status == 400 else ""
    return Reply(refusal.status, f"{known}{refusal.reason}")


MESSAGECARD = Source(
    name="messagecard",
    title="MessageCard",
    verifier=chat.VERIFIER,
    read=read,
    protocol=Protocol(lambda webhook, ids, _: chat.answer(webhook, ids, chat.ONE), _refused),
)
