"""Messages for Discord's webhooks: https://discord.com/developers/docs/resources/webhook#execute-webhook."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from bridge.errors import BadWebhook
from bridge.events import Event, Webhook
from bridge.fields import Payload, dig, moment, objects, part
from bridge.limits import MAX_BODY
from bridge.sources import chat, kit, markups
from bridge.sources.answers import Protocol, Refusal, Reply
from bridge.sources.base import Source, decode_json
from bridge.sources.cards import Reading
from bridge.sources.chat import Message
from bridge.sources.discord.components import Components

_FORM = "application/x-www-form-urlencoded"


def read(webhook: Webhook) -> Sequence[Event]:
    """Read the one event of a message."""
    return (chat.event("discord", _message(_payload(webhook), webhook), webhook),)


def _payload(webhook: Webhook) -> Payload:
    """The message of a body; of a form, its field `payload_json` or its own fields."""
    if webhook.header("Content-Type").lower().startswith(_FORM) and webhook.body.lstrip()[:1] != b"{":
        try:
            fields = dict(parse_qsl(webhook.body.decode("utf-8", "replace"), max_num_fields=100))
        except ValueError as error:
            raise BadWebhook("The form has too many fields.") from error
        if "payload_json" not in fields:
            return fields
        payload = decode_json(fields["payload_json"].encode("utf-8", "replace"))
        if isinstance(payload, Mapping):
            return payload
        raise BadWebhook("The form's payload_json is not a JSON object, as messages for Discord are.")
    return kit.json_object(webhook, "Discord")


def _message(payload: Payload, webhook: Webhook) -> Message:
    reading = Reading("discord")
    content, embeds = dig(payload, "content"), objects(payload, "embeds")
    reading.says(content)
    several = len([embed for embed in embeds if dig(embed, "title")]) > 1
    for place, embed in enumerate(embeds):
        if reading.enters():
            if place:
                reading.rule()
            _embed(reading, embed)
    components = Components(reading)
    components.read(payload)
    _poll(reading, part(payload, "poll"))
    files = kit.listed(dig(each, "filename") for each in objects(payload, "attachments"))
    reading.text(markups.escaped(f"Files that are left out: {files}" if files else ""), "minor")
    lines = [reading.plain(line) for line in chat.first_lines(content)]
    named = [reading.plain(dig(embed, "title")) for embed in embeds if dig(embed, "title")]
    other = [dig(embed, name) for embed in embeds for name in ("description", "author.name")]
    described = [reading.plain(line) for text in other for line in chat.first_lines(text, 1)]
    titles = [*lines, *named] if several else [*named, *lines]
    return Message(
        app="Discord",
        card=reading.card(),
        payload=payload,
        titles=[title for title in (*titles, *([] if titles else described), *components.spoken[:1]) if title],
        lead=lines[0] if named and lines and not several and lines[0] != named[0] else "",
        url="" if several else next((dig(embed, "url") for embed in embeds if dig(embed, "url")), ""),
        colours=chat.colours([*(embed.get("color") for embed in embeds), *components.accents]),
        sender=dig(payload, "username"),
        channel=dig(payload, "thread_name"),
        thread=webhook.query.get("thread_id", "").strip(),
        occurred=next(filter(None, (moment(embed, "timestamp") for embed in embeds)), None),
    )


def _embed(reading: Reading, embed: Payload) -> None:
    """https://discord.com/developers/docs/resources/message#embed-object."""
    if author := dig(embed, "author.name"):
        reading.text(_linked(reading, author, dig(embed, "author.url")), "minor")
    reading.text(_linked(reading, dig(embed, "title"), dig(embed, "url")), "heading")
    reading.says(dig(embed, "description"))
    reading.facts([(dig(each, "name"), kit.id_at(each, "value")) for each in objects(embed, "fields")])
    for name in ("image", "thumbnail", "video"):
        if url := dig(embed, f"{name}.url"):
            reading.image("", url)
    reading.text(reading.markdown(dig(embed, "footer.text"), "plain"), "minor")


def _linked(reading: Reading, text: str, url: str) -> str:
    markdown = reading.markdown(text)
    return f"[{markdown}](<{url.strip()}>)" if chat.address(url) and "](" not in markdown and text else markdown


def _poll(reading: Reading, poll: Payload) -> None:
    """https://discord.com/developers/docs/resources/poll."""
    if question := dig(poll, "question.text"):
        answers = [dig(each, "poll_media.text") for each in objects(poll, "answers") if reading.enters()]
        lines = [
            f"**{reading.markdown(question, 'plain')}**",
            "",
            *(f"* {reading.markdown(text, 'plain')}" for text in answers),
        ]
        reading.text("\n".join(lines))
        reading.presses += len(answers)


def _accepted(webhook: Webhook, ids: Sequence[str], time: datetime) -> Reply:
    """204, or the message as Discord would have stored it, for clients that wait for it."""
    if webhook.query.get("wait", "").lower() not in {"true", "1"}:
        return chat.answer(webhook, ids, Reply(204))
    try:
        payload = _payload(webhook)
    except BadWebhook:  # a form with files, of which the message was read
        payload = {}
    number = str(int((ids[0] if ids else webhook.fingerprint)[:15], 16))
    message: Any = {
        "id": number,
        "type": 0,
        "content": dig(payload, "content"),
        "channel_id": webhook.query.get("thread_id") or "0",
        "author": {
            "id": "0",
            "username": dig(payload, "username") or "webhook bridge",
            "avatar": None,
            "discriminator": "0000",
            "bot": True,
        },
        "attachments": [],
        "embeds": objects(payload, "embeds"),
        "mentions": [],
        "mention_roles": [],
        "pinned": False,
        "mention_everyone": False,
        "tts": False,
        "timestamp": time.isoformat(),
        "edited_timestamp": None,
        "flags": 0,
        "components": [],
        "webhook_id": "0",
    }
    return chat.answer(webhook, ids, Reply(200, json.dumps(message), "application/json"))


# https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
_CODES = {
    401: (50027, "Invalid Webhook Token"),
    403: (50013, "Missing Permissions"),
    413: (40005, "Request entity too large"),
    429: (0, "You are being rate limited."),
    503: (0, "503: Service Unavailable"),
}


def _refused(refusal: Refusal) -> Reply:
    code, text = _CODES.get(refusal.status, (50035, f"Invalid Form Body: {refusal.reason}"))
    if refusal.is_empty:
        code, text = 50006, "Cannot send an empty message"
    return Reply(refusal.status, json.dumps({"message": text, "code": code}), "application/json")


DISCORD = Source(
    name="discord",
    title="Discord",
    verifier=chat.VERIFIER,
    read=read,
    max_body=MAX_BODY,  # with its files: https://discord.com/developers/docs/reference#uploading-files
    protocol=Protocol(_accepted, _refused),
)
