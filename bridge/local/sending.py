"""Send a payload as its service does: with the service's headers, signed with the secret from the settings."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import requests

from bridge.errors import CommandError
from bridge.local.config import FUNCTION_KEY
from bridge.program import start_command
from bridge.sources.base import Authentication, Source

_TIMEOUT = 30  # seconds


@dataclass(frozen=True)
class OutgoingWebhook:
    """Headers and body of a webhook that is ready to be sent."""

    headers: Mapping[str, str]
    body: bytes


def event_name(file_name: str, parts: int = 1) -> str:
    """The service's name for the event of a sample: `pull_request` for pull_request.opened.json.

    parts: how many dot-separated parts of the file's name belong to it.
    """
    return ".".join(file_name.removesuffix(".json").partition("__")[0].split(".")[:parts])


def signed(
    source: Source, authentication: Authentication | None, body: bytes, event: str, delivery: str
) -> OutgoingWebhook:
    """The webhook as the service would send it. Without an authentication it is unsigned and needs the function key."""
    body = _as_new(body, source, delivery)
    headers = {"Content-Type": "application/json", **source.headers(event, delivery)}
    if authentication:
        headers |= authentication.sign(body)
    return OutgoingWebhook(headers, body)


def with_function_key(webhook: OutgoingWebhook) -> OutgoingWebhook:
    """The webhook with the function key of the local host."""
    return OutgoingWebhook({**webhook.headers, "x-functions-key": FUNCTION_KEY}, webhook.body)


def post(url: str, webhook: OutgoingWebhook, query: Mapping[str, str] = MappingProxyType({})) -> tuple[int, str]:
    """Post the webhook; return status and text of the answer. CommandError if there is no answer."""
    with requests.Session() as session:
        # A proxy is only for the outside world.
        session.trust_env = "//127.0.0.1" not in url
        try:
            answer = session.post(
                url,
                params=query,
                data=webhook.body,
                headers=webhook.headers,
                timeout=_TIMEOUT,
                allow_redirects=False,
            )
        except requests.ConnectionError as error:
            raise CommandError(f"Nothing answers at {url}: start the bridge with `{start_command()}`.") from error
        except requests.RequestException as error:
            raise CommandError(f"Cannot post to {url}: {type(error).__name__}.") from error
        return answer.status_code, answer.text


def _as_new(body: bytes, source: Source, delivery: str) -> bytes:
    """The payload with an id of its own, sent now: the bridge would take the same bytes for a replay."""
    try:
        payload = json.loads(body)
    except ValueError:
        return body
    field = source.delivery_field
    if isinstance(payload, dict):
        sent = {source.sent_field: int(time.time() * 1000)} if source.sent_field else {}
        return json.dumps(payload | {field: delivery} | sent).encode()
    if isinstance(payload, list) and all(isinstance(item, dict) for item in payload):
        return json.dumps([item | {field: f"{delivery} {place}"} for place, item in enumerate(payload)]).encode()
    return body
