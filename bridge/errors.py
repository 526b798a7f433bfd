"""Every error that the bridge raises on purpose.

BridgeError
├── SettingsError            settings or BRIDGE_CONFIG are wrong; carries every problem at once
├── CommandError             a command line cannot be carried out; one line for a person, exit status 2
├── MessageError             a queue message that no version of the bridge wrote
├── WebhookError             a webhook that gets an answer other than "accepted"
│   ├── AuthenticationError             401: the sender did not prove who it is
│   ├── BadWebhook           400: empty, no JSON where the service writes JSON, unknown group
│   ├── TooLarge             413: longer than 25 MiB
│   └── Unavailable          503: our own fault; senders try again on it
├── GraphError               Microsoft Graph did not take a post
│   ├── NotSent              surely not done, try again: no connection, 429, 503 with Retry-After
│   ├── OutcomeUnknown       done, not done, or yet to be done: time-out, 500, 502, 504, bare 503
│   ├── ThreadGone           404 on a reply: deleted, or not visible yet
│   └── Refused              will not be done, however often it is tried
│       ├── ContentRefused   400, 413: this post
│       └── AccessRefused    401, 403, 404 on the group: anything by this identity in this group
└── OutboxError              the outbox could not do what was asked
    ├── Conflict             a row is not what was read any more; somebody else has written it
    └── LeaseLost            another drain may be at work: stop, touch nothing more
"""

from collections.abc import Sequence
from typing import ClassVar


class BridgeError(Exception):
    """The root; its text is a sentence that a person can act on."""


class SettingsError(BridgeError):
    """Settings are wrong. `problems` has one sentence each, with names of settings and never their values."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class SignInError(BridgeError):
    """The sign-in of the service account cannot be begun or finished."""


class CommandError(BridgeError):
    """A command cannot be carried out."""


class MessageError(BridgeError):
    """A message of the queue cannot be read."""


class WebhookError(BridgeError):
    """A webhook that is not accepted; `status` is the HTTP status that answers it."""

    status: ClassVar[int]


class AuthenticationError(WebhookError):
    """The sender did not prove who it is."""

    status = 401


class BadWebhook(WebhookError):
    """The webhook cannot be understood."""

    status = 400


class TooLarge(WebhookError):
    """The body is longer than the bridge takes."""

    status = 413


class Unavailable(WebhookError):
    """The bridge itself cannot take webhooks now."""

    status = 503


class GraphError(BridgeError):
    """Microsoft Graph did not take a post."""


class NotSent(GraphError):
    """Surely not done. `retry_after` is how many seconds Graph wants to be left alone, if it said so."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class OutcomeUnknown(GraphError):
    """The request left and no answer tells whether it was carried out."""


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


class Conflict(OutboxError):
    """A row has been written by somebody else since it was read."""


class LeaseLost(OutboxError):
    """The lease has run out or was taken over."""
