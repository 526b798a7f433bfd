"""The answers that the clients of a chat service expect, in place of the bridge's own."""

from collections.abc import Callable, Sequence
from datetime import datetime

from bridge.events import Webhook
from bridge.values import dataclass


@dataclass(frozen=True)
class Reply:
    """An HTTP answer, byte for byte. content_type: of the text; without a text there is none."""

    status: int
    text: str = ""
    content_type: str = "text/plain"


@dataclass(frozen=True)
class Refusal:
    """Why a webhook is refused. is_empty: it is a message that says nothing."""

    status: int
    reason: str
    is_empty: bool = False


@dataclass(frozen=True)
class Protocol:
    """What the clients of a service are answered.

    accepted: for a webhook that the bridge has taken, also one that a route drops; with the ids of its entries and the
        time. refused: for one that it has not.
    """

    accepted: Callable[[Webhook, Sequence[str], datetime], Reply]
    refused: Callable[[Refusal], Reply]
