"""Every error that the bridge raises on purpose.

BridgeError
├── SettingsError            settings or BRIDGE_CONFIG are wrong; carries every problem at once
├── SignInError              the sign-in of the service account cannot be begun or finished
│   └── UnknownSignIn        nobody has begun it: anyone could be asking
├── CommandError             a command line cannot be carried out; one line for a person, exit status 2
├── MessageError             a queue message that no version of the bridge wrote
├── WebhookError             a webhook that is refused with a 4xx, or with 503
│   ├── AuthenticationError  401: the sender is not authenticated
│   ├── NotAllowed           403: the address is not one from which the source's webhooks may come
│   ├── BadWebhook           400: empty, no JSON where the service writes JSON, unknown group
│   │   ├── EmptyMessage     a chat message that says nothing
│   │   └── TooDeep          JSON that is nested deeper than the bridge reads
│   ├── TooLarge             413: longer than the bridge takes
│   └── Unavailable          503: our own fault; senders try again on it
├── GraphError               Microsoft Graph did not take a post
│   ├── NotSent              surely not done, try again: no connection, 429, 503 with Retry-After
│   ├── OutcomeUnknown       done, not done, or yet to be done: time-out, 500, 502, 504, bare 503
│   ├── ThreadGone           404 on a reply: deleted, or not visible yet
│   └── Refused              will not be done, however often it is tried
│       ├── ContentRefused   400, 413: this post
│       └── AccessRefused    401, 403, 404 on the group: anything by this identity in this group
└── OutboxError              the outbox could not do what was asked
    ├── RowRefused           storage will never take a row, for what it holds
    ├── Conflict             a row is not what was read any more; somebody else has written it
    └── LeaseLost            another drain may be at work: stop, touch nothing more
"""

import re
from collections.abc import Sequence
from typing import ClassVar

from bridge.limits import MAX_DEPTH

_TOKEN = re.compile(r"(?i:bearer)\s+[^\s\"',;]+|eyJ[\w-]{6,}(?:\.[\w-]*){0,4}")


class BridgeError(Exception):
    """The root; its text is a sentence that a person can act on."""


class SettingsError(BridgeError):
    """Settings are wrong. `problems` has one sentence each, with names of settings and never their values."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class SignInError(BridgeError):
    """The sign-in of the service account cannot be begun or finished."""


class UnknownSignIn(SignInError):
    """The state is not that of the sign-in that was begun last: anyone could be asking. status: of the answer."""

    status: ClassVar[int] = 400


class CommandError(BridgeError):
    """A command cannot be carried out."""


class MessageError(BridgeError):
    """A message of the queue cannot be read."""


class WebhookError(BridgeError):
    """A webhook that is not accepted; `status` is the HTTP status that answers it."""

    status: ClassVar[int]


class AuthenticationError(WebhookError):
    """The sender is not authenticated."""

    status = 401


class NotAllowed(WebhookError):
    """The source's webhooks may not come from this address."""

    status = 403


class BadWebhook(WebhookError):
    """The webhook cannot be understood."""

    status = 400


class EmptyMessage(BadWebhook):
    """A message of a chat service without anything to read."""


class TooDeep(BadWebhook):
    """JSON that is nested deeper than the bridge reads."""

    def __init__(self) -> None:
        super().__init__(f"The JSON is nested more than {MAX_DEPTH} levels deep.")


class TooLarge(WebhookError):
    """The body is longer than the bridge takes."""

    status = 413


class Unavailable(WebhookError):
    """The bridge itself cannot take webhooks now."""

    status = 503


class GraphError(BridgeError):
    """Microsoft Graph did not take a post."""


class NotSent(GraphError):
    """Surely not done. `retry_after`: the seconds for which Graph wants no requests, if it says so."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class OutcomeUnknown(GraphError):
    """The request was sent, and no answer says whether it was carried out."""


class ThreadGone(GraphError):
    """The thread to reply to is not there: deleted, or created a moment ago and not visible yet."""


class Refused(GraphError):
    """Graph will not do this, however often it is tried."""


class ContentRefused(Refused):
    """This post is refused; others may pass."""


class AccessRefused(Refused):
    """The identity or the group is refused: nothing passes until a person changes something."""


class OutboxError(BridgeError):
    """The outbox could not do what was asked."""


class RowRefused(OutboxError):
    """Storage will not take a row, however often it is tried: for its size, or for a text that it cannot hold."""


class Conflict(OutboxError):
    """A row has been written by somebody else since it was read."""


class LeaseLost(OutboxError):
    """The lease has run out or was taken over."""


def redacted(text: str) -> str:
    """The text without anything that looks like a token."""
    if "eyJ" not in text and "bearer" not in text.lower():
        return text  # as nearly all, in a tenth of the time
    return _TOKEN.sub("[token]", text)


def redacted_line(text: str) -> str:
    """What another service said, redacted, on one line of bounded length."""
    return " ".join(redacted(text).split())[:500]
