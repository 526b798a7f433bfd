"""What workflows of Teams take: Adaptive Cards in the envelope of a message or bare, and MessageCards.

https://support.microsoft.com/office/create-incoming-webhooks-with-workflows-for-microsoft-teams-8ae491c7-0394-4861-ba59-055e33f75498
"""

import json
from collections.abc import Sequence

from bridge.events import Event, Webhook
from bridge.fields import Payload, dig, objects, part
from bridge.sources import chat, kit, messagecard
from bridge.sources.answers import Protocol, Refusal, Reply
from bridge.sources.base import Source
from bridge.sources.cards import Reading
from bridge.sources.chat import Message
from bridge.sources.teams.adaptive import AdaptiveCard

_APP = "Teams"
_CARD = "application/vnd.microsoft.card.adaptive"
_CONNECTOR = "application/vnd.microsoft.teams.card.o365connector"


def read(webhook: Webhook) -> Sequence[Event]:
    """Read the one event of a message."""
    payload = kit.json_object(webhook, "Teams")
    return (chat.event("teams", _message(payload), webhook),)


def _message(payload: Payload) -> Message:
    if _is_message_card(payload):
        return messagecard.message(payload, _APP)
    cards = _attached(payload, _CARD)
    if dig(payload, "type") == "AdaptiveCard" or (not cards and isinstance(payload.get("body"), list)):
        cards = [payload]
    connectors = _attached(payload, _CONNECTOR)
    if connectors and not cards:
        return messagecard.message(connectors[0], _APP)
    return _of_cards(payload, cards)


def _of_cards(payload: Payload, cards: Sequence[Payload]) -> Message:
    reading = Reading("teams", names=_mentioned(cards))
    # A message without a card has its text, in the format that it names.
    reading.text(reading.markdown(dig(payload, "text")))
    read_cards = []
    for place, content in enumerate(cards):
        if reading.enters():
            if place:
                reading.rule()
            card = AdaptiveCard(reading)
            card.read(content)
            read_cards.append((content, card))
    summary = reading.plain(dig(payload, "summary"))
    headings = [card.heading for _, card in read_cards if card.heading]
    firsts = [card.first for _, card in read_cards if card.first]
    spoken = [reading.plain(line) for line in chat.first_lines(dig(payload, "text"), 1)]
    fallbacks = [reading.plain(dig(content, name)) for content, _ in read_cards for name in ("fallbackText", "speak")]
    return Message(
        app=_APP,
        card=reading.card(),
        payload=payload,
        titles=[text for text in (*headings, summary, *spoken, *firsts, *fallbacks) if text],
        url=next((url for content, _ in read_cards if (url := dig(content, "selectAction.url"))), ""),
        colours=[card.colour for _, card in read_cards],
    )


def _attached(payload: Payload, content_type: str) -> list[Payload]:
    """The cards of that type; one that names no type is taken for what it is."""
    found = []
    for attachment in objects(payload, "attachments"):
        content = part(attachment, "content")
        is_connector = _is_message_card(content)
        kind = dig(attachment, "contentType") or (_CONNECTOR if is_connector else _CARD)
        if content and kind == content_type:
            found.append(content)
    return found


def _is_message_card(payload: Payload) -> bool:
    if "MessageCard" in (payload.get("@type"), payload.get("type")):
        return True
    return "type" not in payload and any(name in payload for name in ("sections", "themeColor", "potentialAction"))


def _mentioned(cards: Sequence[Payload]) -> dict[str, str]:
    """The names of people, by what mentions in the texts hold."""
    entities = [
        entity for card in cards for name in ("msteams", "msTeams") for entity in objects(card, f"{name}.entities")
    ]
    return {
        dig(entity, "text").removeprefix("<at>").removesuffix("</at>").strip().lower(): dig(entity, "mentioned.name")
        for entity in entities
        if dig(entity, "mentioned.name")
    }


# The form is that of workflows: https://learn.microsoft.com/rest/api/logic/workflows
_CODES = {
    401: "Unauthorized",
    403: "Forbidden",
    413: "RequestEntityTooLarge",
    429: "TooManyRequests",
    503: "ServiceUnavailable",
}


def _refused(refusal: Refusal) -> Reply:
    content = {"error": {"code": _CODES.get(refusal.status, "InvalidRequestContent"), "message": refusal.reason}}
    return Reply(refusal.status, json.dumps(content), "application/json")


TEAMS = Source(
    name="teams",
    title="Microsoft Teams",
    verifier=chat.VERIFIER,
    read=read,
    protocol=Protocol(lambda webhook, ids, _: chat.answer(webhook, ids, Reply(202)), _refused),
)
