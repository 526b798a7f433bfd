"""Messages for Slack's incoming webhooks: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks."""

from collections.abc import Sequence

from bridge.events import Event, Webhook
from bridge.fields import Payload, as_time, dig, objects
from bridge.sources import chat, kit
from bridge.sources.answers import Protocol, Refusal, Reply
from bridge.sources.base import Source
from bridge.sources.cards import Reading
from bridge.sources.chat import Message
from bridge.sources.slack.blocks import Blocks

_MARKUP = "slack"


def read(webhook: Webhook) -> Sequence[Event]:
    """Read the one event of a message."""
    payload = kit.json_object(webhook, "Slack")
    return (chat.event("slack", _message(payload), webhook),)


def _message(payload: Payload) -> Message:
    reading = Reading(_MARKUP if payload.get("mrkdwn") is not False else "plain")
    blocks = Blocks(reading)
    blocks.read(payload, "blocks")
    text, attachments = dig(payload, "text"), objects(payload, "attachments")
    if not blocks.has_text:  # with blocks, the text is for notifications alone
        reading.says(text)
    reading.markup = _MARKUP
    several = len([each for each in attachments if dig(each, "title")]) > 1
    for attachment in attachments:
        if reading.enters():
            _attachment(reading, blocks, attachment)
    lines = [reading.plain(line) for line in chat.first_lines(text)]
    named = [reading.plain(dig(each, "title")) for each in attachments if dig(each, "title")]
    other = [dig(each, name) for each in attachments for name in ("pretext", "text", "author_name", "fallback")]
    spoken = [reading.plain(line) for text in other for line in chat.first_lines(text, 1)]
    titles = [*blocks.headings, *lines, *named] if several else [*blocks.headings, *named, *lines]
    return Message(
        app="Slack",
        card=reading.card(),
        payload=payload,
        titles=[title for title in (*titles, *([] if titles else spoken), *blocks.first) if title],
        lead=lines[0] if named and lines and not several and lines[0] != named[0] else "",
        url="" if several else next((dig(each, "title_link") for each in attachments if dig(each, "title_link")), ""),
        colours=chat.colours(each.get("color") for each in attachments),
        sender=dig(payload, "username"),
        channel=dig(payload, "channel"),
        thread=kit.id_at(payload, "thread_ts"),
        occurred=next(filter(None, (as_time(each.get("ts")) for each in attachments)), None),
    )


def _attachment(reading: Reading, blocks: Blocks, attachment: Payload) -> None:
    """https://docs.slack.dev/messaging/formatting-message-text#attachments."""
    reading.says(dig(attachment, "pretext"))
    if isinstance(attachment.get("blocks"), list):
        blocks.read(attachment, "blocks")
    else:
        _classic(reading, attachment)
    _actions(reading, attachment)


def _classic(reading: Reading, attachment: Payload) -> None:
    title, text = dig(attachment, "title"), dig(attachment, "text")
    author = dig(attachment, "author_name")
    if author:
        reading.text(_linked(reading, author, dig(attachment, "author_link")), "minor")
    reading.text(_linked(reading, title, dig(attachment, "title_link")), "heading")
    reading.says(text)
    reading.facts([(dig(each, "title"), kit.id_at(each, "value")) for each in objects(attachment, "fields")])
    if not any((title, text, author, dig(attachment, "pretext"), objects(attachment, "fields"))):
        reading.text(reading.markdown(dig(attachment, "fallback")))
    for name in ("image_url", "thumb_url"):
        if dig(attachment, name):
            reading.image("", dig(attachment, name))
    reading.text(reading.markdown(dig(attachment, "footer")), "minor")


def _linked(reading: Reading, text: str, url: str) -> str:
    """A title as a link where it leads somewhere."""
    markdown = reading.markdown(text)
    return f"[{markdown}](<{url.strip()}>)" if chat.address(url) and "](" not in markdown and text else markdown


def _actions(reading: Reading, attachment: Payload) -> None:
    for action in objects(attachment, "actions"):
        if reading.enters():
            reading.button(reading.plain(dig(action, "text")), dig(action, "url"))


# https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors
_WORDS = {
    400: "invalid_payload",
    401: "invalid_token",
    403: "action_prohibited",
    413: "payload_too_large",
    429: "rate_limited",
    503: "service_unavailable",
}


def _refused(refusal: Refusal) -> Reply:
    return Reply(refusal.status, "no_text" if refusal.is_empty else _WORDS.get(refusal.status, "invalid_payload"))


SLACK = Source(
    name="slack",
    title="Slack",
    verifier=chat.VERIFIER,
    read=read,
    protocol=Protocol(
        accepted=lambda webhook, ids, _: chat.answer(webhook, ids, chat.OK),
        refused=_refused,
    ),
)
