"""Bodies as they come over HTTP: compressed, in another charset, or as a part of a form. Sources read UTF-8.

Authentication is over the bytes that were sent, so it comes first.
"""

import codecs
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from email.message import Message
from typing import Any

from bridge.errors import BadWebhook, TooLarge
from bridge.events import Webhook
from bridge.fields import parse_json
from bridge.limits import in_units

# https://www.rfc-editor.org/rfc/rfc9110#section-8.4.1: deflate is in the zlib format, which some senders leave out.
_WINDOWS: Mapping[str, tuple[int, ...]] = {
    "gzip": (31,),
    "x-gzip": (31,),
    "deflate": (15, -15),
}
_NESTED = rb"^content-type:\s*(multipart|message)/"
_MOST_PARTS = 1000
_MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def readable(webhook: Webhook, max_body: int, *, as_fields: bool = False) -> Webhook:
    """The webhook with its body decompressed, taken out of a multipart form, and in UTF-8.

    as_fields: of a multipart form without exactly one part with JSON, all fields are taken, as one JSON object.
    max_body: bytes. TooLarge when it grows beyond that; BadWebhook when it is not what its headers say.
    """
    body = _decompressed(webhook, max_body)
    content_type = _content_type(webhook)
    if content_type.get_content_type() == "multipart/form-data":
        body, content_type = _part(webhook, body, as_fields=as_fields)
    charset = content_type.get_content_charset() or next(
        (name for mark, name in _MARKS.items() if body[:2] == mark), "utf-8"
    )
    text = _in_utf8(body, charset)
    if text is webhook.body:
        return webhook
    if len(text) > max_body:
        raise TooLarge(f"The body is longer than {in_units(max_body)}.")
    headers = {**webhook.headers, "content-type": content_type.get_content_type()}
    headers.pop("content-encoding", None)
    return replace(webhook, body=text, headers=headers, sent=webhook.body)


def _decompressed(webhook: Webhook, max_body: int) -> bytes:
    encoding = webhook.header("Content-Encoding").strip().lower()
    if encoding in {"", "identity"}:
        return webhook.body
    for window in _WINDOWS.get(encoding, ()):
        stream = zlib.decompressobj(window)
        try:
            body = stream.decompress(webhook.body, max_body + 1)
        except zlib.error:
            continue
        if len(body) > max_body:
            raise TooLarge(f"The decompressed body is longer than {in_units(max_body)}.")
        if stream.eof:
            return body
    raise BadWebhook("The body cannot be decompressed: send it complete, as gzip, as deflate or as it is.")


def _content_type(webhook: Webhook) -> Message:
    message = Message()
    # A header of several lines would make the parser fail.
    message["Content-Type"] = " ".join(webhook.header("Content-Type").split()) or "application/json"
    return message


def _part(webhook: Webhook, body: bytes, *, as_fields: bool) -> tuple[bytes, Message]:
    """The only part of a form that holds JSON: https://www.rfc-editor.org/rfc/rfc7578."""
    from email.parser import BytesParser  # noqa: PLC0415  few webhooks are forms

    if re.search(_NESTED, body, re.IGNORECASE | re.MULTILINE):
        # Its parser compares each line with the boundaries of all forms around it.
        raise BadWebhook("A part of the multipart form is a form or a message itself: send application/json.")
    head = f"Content-Type: {' '.join(webhook.header('Content-Type').split())}\r\n\r\n"
    form = BytesParser().parsebytes(head.encode("latin-1", "replace") + body)
    parts = [(_content(part), part) for part in form.walk() if not part.is_multipart()]
    found = [(content, part) for content, part in parts if content.lstrip()[:1] in {b"{", b"["}]
    # Beside files, which may be JSON themselves: https://discord.com/developers/docs/reference#uploading-files
    found = [pair for pair in found if _field(pair[1]) == "payload_json"] or found
    if as_fields and form.is_multipart() and len(found) != 1:
        fields = Message()
        fields["Content-Type"] = "application/json"
        return _fields(parts), fields
    if len(found) != 1 or not form.is_multipart():
        raise BadWebhook(f"The multipart form has {len(found)} parts with JSON, not one: send application/json.")
    content, part = found[0]
    if part.get_content_type() != "application/json":
        part.set_type("application/json")
    return content, part


def _field(part: Message) -> str:
    return str(part.get_param("name", "", header="Content-Disposition"))


def _fields(parts: Sequence[tuple[bytes, Message]]) -> bytes:
    """The fields of a form as a JSON object; of a file its name alone."""
    fields: dict[str, Any] = {}
    for content, part in parts[:_MOST_PARTS]:
        if name := _field(part):
            fields[name] = part.get_filename() or _value(_in_utf8(content, part.get_content_charset("utf-8")))
    return json.dumps(fields).encode()


def _value(content: bytes) -> Any:
    """What a field holds: JSON where it is an object or a list, else a text."""
    if content.lstrip()[:1] in {b"{", b"["}:
        try:
            return parse_json(content)
        except ValueError:
            pass
    return content.decode("utf-8", "replace")


def _content(part: Message) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _in_utf8(body: bytes, charset: str) -> bytes:
    try:
        codec = codecs.lookup(charset).name
    except LookupError:
        return body  # JSON is UTF-8, whatever an unknown name says
    if codec in {"utf-8", "ascii"}:
        return body
    try:
        return body.decode(codec).encode("utf-8")
    except (UnicodeError, ValueError, LookupError):
        raise BadWebhook(f"The body is not in the charset {codec} that its Content-Type names.") from None
