"""The meaning of Microsoft Graph's answers: pure functions from status, headers and body to the bridge's errors."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from bridge.errors import AccessRefused, ContentRefused, GraphError, NotSent, OutcomeUnknown, redacted

LONGEST_RETRY_AFTER = 3600.0
APP_ONLY = (
    "Graph accepts new threads and replies only from an identity that acts as a user (delegated), and refuses a "
    "managed identity's own token, whatever roles it has (https://learn.microsoft.com/graph/api/group-post-threads). "
    "Use an identity that acts as a user (BRIDGE_IDENTITY=agent-user or service-account), or mail to the group "
    "(BRIDGE_CHANNEL=mail). If it is a user already: make it a member of the group, and consent to "
    "Group-Conversation.ReadWrite.All."
)
_NO_MAIL = (
    "The identity needs Mail.Send and Mail.ReadWrite for the mailbox of BRIDGE_MAIL_FROM: scripts/make-mailbox.ps1 "
    "grants them for that mailbox only. Exchange may take two hours to apply it."
)
_MISSING_GROUP = "Check the group's id; it must be a Microsoft 365 group with a mailbox."
_MISSING_MAILBOX = "Check BRIDGE_MAIL_FROM; it must be a mailbox of this tenant."
_MAYBE_DONE = "It may have been carried out: look for the post before sending it again."


class NotFound(AccessRefused):
    """404: the group, or a thread in it. `code` distinguishes the two."""

    def __init__(self, reason: str, code: str) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(frozen=True)
class Answer:
    """An answer of Graph; `body` is None when it was too long or too slow to read."""

    status: int
    headers: Mapping[str, str]
    body: bytes | None

    def json(self) -> Mapping[str, Any] | None:
        """The JSON object of the body, or None if it has none."""
        try:
            content = json.loads(self.body or b"")
        except (ValueError, RecursionError):
            return None
        return content if isinstance(content, dict) else None


# status: (the error, what to do next); https://learn.microsoft.com/graph/errors
_REFUSALS: Mapping[int, tuple[type[GraphError], str]] = {
    400: (ContentRefused, "This post cannot be sent as it is: read Graph's message, and check the template."),
    401: (
        AccessRefused,
        "A fresh token was refused, too: check BRIDGE_IDENTITY, BRIDGE_CLIENT_ID and BRIDGE_GRAPH_URL.",
    ),
    403: (AccessRefused, "Grant the identity the permission of Graph's message, and check the group's policies."),
    408: (OutcomeUnknown, _MAYBE_DONE),
    413: (ContentRefused, "The post is larger than Graph accepts (4 MB): shorten its template."),
}

_RECIPIENT = (ContentRefused, "Check the addresses of the route's `participants`, and of [people] and [teams].")
# The same by code, whatever the status.
_CODES: Mapping[str, tuple[type[GraphError], str]] = {
    # For a moment after a message was sent, nobody can reply to it.
    "ErrorInvalidReferenceItem": (
        NotSent,
        "Exchange is still filing the last message; the reply will be sent later.",
    ),
    "ErrorInvalidRecipients": _RECIPIENT,
    "ErrorInvalidRecipient": _RECIPIENT,
    "ErrorTooManyRecipients": _RECIPIENT,
}


def failure(answer: Answer, name: str) -> GraphError:
    """The error for an answer other than 2xx to the request with that name (method and path)."""
    code, message = _odata_error(answer)
    is_mail = " /users/" in name
    reason = f"{name}: Graph answered {answer.status}{_detail(code, message)}{_request_id(answer)}."
    if answer.status in (429, 509):
        return NotSent(f"{reason} The app is throttled; it will be sent later.", retry_after(answer.headers))
    if answer.status == 503 and (seconds := retry_after(answer.headers)) is not None:
        return NotSent(f"{reason} Graph is busy; it will be sent later.", seconds)
    if by_code := _CODES.get(code):
        return by_code[0](f"{reason} {by_code[1]}")
    if answer.status == 404:
        return NotFound(f"{reason} {_MISSING_MAILBOX if is_mail else _MISSING_GROUP}", code)
    if answer.status == 403 and code == "ErrorAccessDenied":
        return AccessRefused(f"{reason} {_NO_MAIL if is_mail else APP_ONLY}")
    kind, advice = _REFUSALS.get(answer.status) or _any_other(answer.status)
    return kind(f"{reason} {advice}")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds of Retry-After, a number or a date, at most an hour; None if there is none that can be read.

    https://learn.microsoft.com/graph/throttling
    """
    text = headers.get("Retry-After", "").strip()
    seconds = _seconds(text)
    return None if seconds is None else min(max(seconds, 0.0), LONGEST_RETRY_AFTER)


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return _seconds_until(text)
    return seconds if math.isfinite(seconds) else None


def _seconds_until(text: str) -> float | None:
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return (date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds()


def _any_other(status: int) -> tuple[type[GraphError], str]:
    if status >= 500:
        return OutcomeUnknown, _MAYBE_DONE
    if status >= 400:
        return ContentRefused, "Graph does not accept this post: read its message."
    return (
        AccessRefused,
        "Redirects are not followed, because the token must go nowhere else: check BRIDGE_GRAPH_URL.",
    )


def _odata_error(answer: Answer) -> tuple[str, str]:
    error = (answer.json() or {}).get("error")
    if not isinstance(error, dict):
        return "", ""
    return _plain(error.get("code"), 100), _plain(error.get("message"), 500)


def _plain(value: object, most: int) -> str:
    return " ".join(redacted(value).split())[:most] if isinstance(value, str) else ""


def _detail(code: str, message: str) -> str:
    return f" {code}" + (f" ({message})" if message else "") if code or message else ""


def _request_id(answer: Answer) -> str:
    """Graph's id of the request, which Microsoft's support asks for."""
    request_id = _plain(answer.headers.get("request-id"), 64)
    return f", request-id {request_id}" if request_id else ""
