"""What a source consists of: one Source value for each service."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from bridge.errors import BadWebhook, Unavailable
from bridge.events import Event, Webhook, bounded
from bridge.fields import parse_json, parse_plain_json
from bridge.limits import DEFAULT_BODY, MIN_KEY
from bridge.rendering.text import in_words
from bridge.settings import Settings
from bridge.sources.answers import Protocol
from bridge.sources.people import NOBODY, PeopleAt
from bridge.values import dataclass
from bridge.verification.verifier import SecretVerifier, Verifier

_DIGITS = 30
_LONGEST_WORD = 200  # characters that are looked at


@dataclass(frozen=True)
class Ignored:
    """The answer to an authenticated webhook of which nothing is posted: a ping, a handshake, an event left out.

    reason: why nothing is posted, for the log and for `explain`.
    body, headers: the answer that the service expects; without a body, the reason is the answer.
    """

    reason: str
    body: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Authentication:
    """How the senders of a source are authenticated: a verifier, and the credentials that the settings hold for it.

    setting: the setting that holds the credentials. problem: why these authenticate nobody; empty: they are good.
    """

    verifier: Verifier
    credentials: tuple[str, ...] = field(repr=False)
    setting: str
    problem: str = ""

    def check(self, webhook: Webhook) -> None:
        """Returns if the sender is authenticated; raises AuthenticationError with the reason otherwise.

        Unavailable where the settings hold nothing by which anyone can be authenticated.
        """
        if self.problem:
            raise Unavailable(f"{self.problem}.")
        self.verifier.verify(webhook, self.credentials)

    def sign(self, body: bytes) -> Mapping[str, str]:
        """The headers with which the sender would sign the body; CommandError where only the service can."""
        return self.verifier.sign(body, self.credentials[0])


RETRY_MINUTES = 15.0  # where nothing is known of how long a service tries again
_MARKER = "{delivery}"
MARK = "sent_by_bridge"  # the field by which one payload of `send` differs from the next


@dataclass(frozen=True)
class Source:
    """A service that sends webhooks.

    name: its one name in modules, URLs, template and sample folders and settings (`azure_monitor`).
    title: its name for people (`Azure Monitor`).
    verifier: checks a shared secret of the settings; None: the service has none.
    read: turns an authenticated webhook into its events, oldest first. Missing or odd fields make a plainer event,
        never an error; BadWebhook only where the body cannot be the service's.
    headers: the service's own headers for an event name and a delivery id, for `send` and `explain`.
    methods: the HTTP methods of its webhooks and handshakes.
    max_body: the bytes of its longest webhook, as it documents, and of what that is decompressed to.
    retry_window: for how many seconds the service sends a webhook again that was not accepted, as it documents.
    delivery_field: the field of a payload that differs with each delivery, for `send`: the service's own, if any.
    sent_field: the field of a payload that says when it was sent, in milliseconds since 1970, for `send`; empty: none.
    event_parts: how many of the dotted parts of a sample's name are the service's name for its event.
    attributes, details: the names of its events' attributes and details that its form declares.
    is_declared: it is declared in BRIDGE_CONFIG. extends: the source of the bridge's own that it is made from.
    takes_fields: of a multipart form without JSON, or with several parts of it, it takes the fields.
    read_headers: the names of further headers that it reads.
    protocol: the answers that its clients expect; None: the bridge's own, in JSON.
    people: where its payloads name people; a form says it by itself.
    by_published_keys: where the service signs with keys that it publishes: how it is authenticated if the settings say
        which of its senders may send, else None.
    """

    name: str
    title: str
    verifier: SecretVerifier | None
    read: Callable[[Webhook], Sequence[Event] | Ignored]
    headers: Callable[[str, str], Mapping[str, str]] = lambda _event, _delivery: {}
    methods: tuple[str, ...] = ("POST",)
    max_body: int = DEFAULT_BODY
    retry_window: float = RETRY_MINUTES * 60
    delivery_field: str = MARK
    sent_field: str = ""
    event_parts: int = 1
    attributes: frozenset[str] = frozenset()
    details: frozenset[str] = frozenset()
    is_declared: bool = False
    extends: str = ""
    takes_fields: bool = False
    read_headers: frozenset[str] = frozenset()
    protocol: Protocol | None = None
    people: PeopleAt = NOBODY
    by_published_keys: Callable[[Settings], Authentication | None] = lambda _settings: None

    @property
    def path(self) -> str:
        """Where its webhooks go, below `/api/webhooks/`."""
        return f"generic/{self.name}" if self.is_declared else self.name

    @property
    def samples(self) -> Path:
        """The folder of recorded payloads, one for each kind of event; it is not in the package for Azure."""
        return Path(__file__).parent / (self.extends or self.name) / "samples"

    def with_people(self, event: Event) -> Event:
        """The event with the people whom its payload names."""
        found = {**self.people.read(event.payload, event.attributes), **event.people}
        return replace(event, people=found) if found else event

    def delivery_in(self, webhook: Webhook) -> str:
        """The sender's id of a delivery, from the header that the source has for it; empty where it has none."""
        names = [name for name, value in self.headers("", _MARKER).items() if value == _MARKER]
        return delivery_id(webhook.header(names[0])) if names else ""

    def event_in(self, webhook: Webhook) -> str:
        """The service's name for an event, from the header that the source has for it; empty where it has none."""
        names = [name for name, value in self.headers(_MARKER, "").items() if _MARKER in value]
        return webhook.header(names[0]) if names else ""

    @property
    def secret_setting(self) -> str:
        """The setting that holds its shared secrets."""
        return f"BRIDGE_{self.name.upper()}_SECRET"

    def authentication(self, settings: Settings) -> Authentication | None:
        """How the settings authenticate its senders; None: the host has checked the function key before."""
        secrets = settings.secrets.get(self.name)
        if self.verifier and secrets:
            return Authentication(self.verifier, secrets, self.secret_setting, self._problem(self.verifier, secrets))
        return self.by_published_keys(settings)

    def _problem(self, verifier: SecretVerifier, secrets: Sequence[str]) -> str:
        """What is wrong with the secrets: one that authenticates nobody, or that somebody could find out."""
        for number, secret in enumerate(secrets, 1):
            which = self.secret_setting + (f" (secret {number} of {len(secrets)})" if len(secrets) > 1 else "")
            size = verifier.key_size(secret)
            if size is None:
                return f"{which} holds no secret with which {self.title} authenticates: copy it from there as a whole"
            if size < MIN_KEY:
                return f"{which} has a key of fewer than {MIN_KEY} bytes, which can be guessed: make one of 24 or more"
        return ""


def identifier(text: str) -> str:
    """The sender's text, reduced to characters that are safe in names of templates and in keys."""
    return re.sub(r"[^a-z0-9_.-]", "", text[:100].lower()).strip(".")


def as_action(word: str) -> str:
    """A service's word for an action or a state, as templates name their blocks: `add_details` of AddDetails."""
    return _as_action(word[:_LONGEST_WORD])


# A notification can have thousands of states, which are the same few words.
@lru_cache(maxsize=1024)
def _as_action(word: str) -> str:
    return in_words(word).replace(" ", "_")


def delivery_id(text: str) -> str:
    """A sender's id of a delivery, from a header: on one line, and bounded."""
    return bounded("".join(text.split()).lower())


def decode_json(body: bytes) -> Any:
    """The JSON value of a body, fit to be written as UTF-8 again; BadWebhook when it is none, or nested too deep.

    A whole number of thirty digits or more is a text: arithmetic with it would fail.
    """
    # `null` is decoded twice, which happens to nobody.
    if (plain := parse_plain_json(body)) is not None:
        return plain
    try:
        value = parse_json(body.decode("utf-8-sig", "replace"), _whole)
    except ValueError as error:
        raise BadWebhook("The body is not JSON: let the service send application/json.") from error
    # JSON may name half a surrogate pair, which no text that leaves the bridge may hold.
    return _without_surrogates(value) if b"\\ud" in body or b"\\uD" in body else value


def _whole(digits: str) -> int | str:
    return int(digits) if len(digits) < _DIGITS else digits


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_surrogates(name): _without_surrogates(item) for name, item in value.items()}
    return value
