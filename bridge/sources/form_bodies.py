"""The bodies that a form takes, each as a JSON value: JSON, the fields of a form, a CloudEvent, or plain text."""

from collections.abc import Mapping
from typing import Any

from bridge.errors import BadWebhook, TooDeep
from bridge.events import Webhook
from bridge.fields import form_fields
from bridge.sources import cloud_event
from bridge.sources.base import decode_json

_FORM = "application/x-www-form-urlencoded"


class BrokenJson(Exception):
    """The body begins as JSON does, and is not."""


def decoded(body: str, webhook: Webhook) -> Any:
    """The body as the form expects it: `json`, `form`, `cloudevents`, or `any`. Without JSON's nulls."""
    value = _decoded(body, webhook)
    # What is in base64 in a CloudEvent may have some, too.
    return _without_nulls(value) if b"null" in webhook.body or b"data_base64" in webhook.body else value


def is_text(body: str, webhook: Webhook) -> bool:
    """Whether `any` body is plain text."""
    if body != "any" or webhook.header("Content-Type").lower().startswith(_FORM):
        return False
    try:
        decode_json(webhook.body)
    except BadWebhook:
        return True
    return False


def _decoded(body: str, webhook: Webhook) -> Any:
    if body == "form":
        # The fields of a multipart form come as JSON.
        is_json = webhook.header("Content-Type").lower().startswith("application/json")
        return _objects(decode_json(webhook.body)) if is_json else _fields(webhook)
    if body == "cloudevents" and cloud_event.is_binary(webhook):
        return cloud_event.from_headers(webhook)
    if body == "cloudevents":
        return _with_data(_objects(decode_json(webhook.body)))
    return _objects(decode_json(webhook.body)) if body == "json" else _any(webhook)


def _any(webhook: Webhook) -> Any:
    """Whatever it is. What begins as JSON is JSON: `curl -d` calls everything a form."""
    is_form = webhook.header("Content-Type").lower().startswith(_FORM)
    begins_as_json = webhook.body.lstrip()[:1] in {b"{", b"["}
    if is_form and not begins_as_json:
        return _fields(webhook)
    try:
        return decode_json(webhook.body)
    except TooDeep:
        raise
    except BadWebhook:
        if begins_as_json and not is_form:
            raise BrokenJson from None
    return _fields(webhook) if is_form else {"body": webhook.body.decode("utf-8", "replace")}


def _fields(webhook: Webhook) -> Mapping[str, str]:
    try:
        return form_fields(webhook.body, keep_blank=True)
    except ValueError as error:
        raise BadWebhook("The form has too many fields.") from error


def _with_data(value: Any) -> Any:
    """Events in structured mode with what they bring in place of its base64."""
    if isinstance(value, list):
        return [_with_data(item) for item in value]
    return {**value, "data": cloud_event.data(value)} if "data_base64" in value else value


def _objects(value: Any) -> Any:
    items = value if isinstance(value, list) else [value]
    if items and all(isinstance(item, Mapping) for item in items):
        return value
    raise BadWebhook("The body is neither a JSON object nor a list of them.")


def _without_nulls(value: Any) -> Any:
    """The value, in which nulls are left out: they are as good as missing, which is undefined in expressions.

    In place, as most payloads have none, and a copy of a large one takes as long as to decode it.
    """
    level = [value] if isinstance(value, dict | list) else []
    while level:
        for inner in level:
            if type(inner) is dict:
                if None in inner.values():
                    for key in [key for key, each in inner.items() if each is None]:
                        del inner[key]
            elif type(inner) is list and None in inner:
                inner[:] = [each for each in inner if each is not None]
        within = [inner.values() if type(inner) is dict else inner for inner in level]
        level = [each for inner in within for each in inner if type(each) is dict or type(each) is list]
    return value
