"""Mail of the stand-in Graph: drafts, sending them, and the groups that turn mail into threads.

https://learn.microsoft.com/graph/api/resources/message
"""

import json
from collections.abc import Mapping
from typing import Any

from bridge.local.mailbox_calls import (
    BODY,
    RECIPIENT,
    Call,
    Failure,
    Reply,
    Shape,
    Type,
    bad_request,
    checked,
    page,
    range_of,
    selected,
    stamp,
)
from bridge.local.mailbox_groups import content
from bridge.local.mailbox_store import MailMessage, MailStore

_MINUTE, _MOST = 60.0, 30  # messages that Exchange takes from a mailbox, and in how many seconds
_WRITABLE: Mapping[str, Shape] = {
    "subject": str,
    "body": BODY,
    "toRecipients": [RECIPIENT],
    "ccRecipients": [RECIPIENT],
    "bccRecipients": [RECIPIENT],
    "importance": ("low", "normal", "high"),
}
_MESSAGE = Type("message", _WRITABLE)
_COMMENT = Type("createReplyAll", {"comment": str, "message": _MESSAGE})
_SEND_MAIL = Type("sendMail", {"message": _MESSAGE, "saveToSentItems": bool}, ("message",))
_PROPERTIES = (
    *("id", "subject", "body", "toRecipients", "ccRecipients", "isDraft", "conversationId", "internetMessageId"),
    *("createdDateTime", "sentDateTime"),
)


def create(store: MailStore, call: Call) -> Reply:
    """POST /users/{mailbox}/messages: https://learn.microsoft.com/graph/api/user-post-messages."""
    return 201, _json(store.draft(call.path["mailbox"], _fields(checked(call.content, _MESSAGE)), call.received), call)


def get(store: MailStore, call: Call) -> Reply:
    """GET /users/{mailbox}/messages/{id}."""
    return 200, selected(call, _json(_existing(store, call), call), _PROPERTIES)


def list_drafts(store: MailStore, call: Call) -> Reply:
    """GET /users/{mailbox}/mailFolders/drafts/messages."""
    top, skip = range_of(call)
    found = store.drafts(call.path["mailbox"])[skip : skip + top + 1]
    return page(call, [_json(message, call) for message in found], _PROPERTIES)


def change(store: MailStore, call: Call) -> Reply:
    """PATCH /users/{mailbox}/messages/{id}: of a draft alone."""
    message, wanted = _existing(store, call), checked(call.content, _MESSAGE)
    if not message.is_draft:
        raise Failure(403, "ErrorAccessDenied", "The message was sent and cannot be changed.")
    return 200, _json(store.change(message.id, message.fields | _fields(wanted)), call)


def delete(store: MailStore, call: Call) -> Reply:
    """DELETE /users/{mailbox}/messages/{id}."""
    store.forget(_existing(store, call).id)
    return 204, None


def create_reply_all(store: MailStore, call: Call) -> Reply:
    """POST /users/{mailbox}/messages/{id}/createReplyAll: https://learn.microsoft.com/graph/api/message-createreplyall."""
    answered = _existing(store, call)
    wanted = checked(call.content, _COMMENT) if call.content is not None else {}
    if "comment" in wanted and "body" in wanted.get("message", {}):
        raise bad_request("Specify either a comment or the body of the message, not both.")
    subject = str(answered.fields.get("subject", ""))
    fields = answered.fields | {
        "subject": subject if subject.startswith("RE: ") else f"RE: {subject}",
        "body": {"contentType": "html", "content": wanted.get("comment", "")},
        **_fields(wanted.get("message", {})),
    }
    draft = store.draft(call.path["mailbox"], fields, call.received, answered.conversation)
    return 201, _json(draft, call)


def send(store: MailStore, call: Call) -> Reply:
    """POST /users/{mailbox}/messages/{id}/send: https://learn.microsoft.com/graph/api/message-send."""
    message = _existing(store, call)
    if not message.is_draft:
        raise Failure(404, "ErrorItemNotFound", "The specified object was not found in the store.")
    _deliver(store, call, message)
    return 202, None


def send_mail(store: MailStore, call: Call) -> Reply:
    """POST /users/{mailbox}/sendMail: https://learn.microsoft.com/graph/api/user-sendmail."""
    wanted = checked(call.content, _SEND_MAIL)
    _deliver(store, call, store.draft(call.path["mailbox"], _fields(wanted["message"]), call.received))
    return 202, None


def _deliver(store: MailStore, call: Call, message: MailMessage) -> None:
    if not message.fields.get("toRecipients"):
        raise Failure(400, "ErrorInvalidRecipients", "At least one recipient isn't valid.")
    mailbox, now = call.path["mailbox"], call.received
    if store.sent_since(mailbox, now.timestamp() - _MINUTE) >= _MOST:
        raise Failure(429, "ErrorExceededMessageLimit", "The message rate limit of the mailbox was exceeded.")
    body = content(message.fields["body"]) if "body" in message.fields else ""
    store.send(message, now)
    for recipient in message.fields["toRecipients"]:
        group = store.group_of(recipient["emailAddress"]["address"])
        if group:
            store.take_mail(group, message, str(message.fields.get("subject", "")), body, mailbox, now, call.visible)


def _existing(store: MailStore, call: Call) -> MailMessage:
    message = store.message(call.path["mailbox"], call.path["message"])
    if message is None:
        raise Failure(404, "ErrorItemNotFound", "The specified object was not found in the store.")
    return message


def _fields(wanted: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in wanted.items() if not name.startswith("@odata.")}


def _json(message: MailMessage, call: Call) -> dict[str, Any]:
    """A message as Graph shows it: by its immutable id only to who prefers that.

    https://learn.microsoft.com/graph/outlook-immutable-id
    """
    immutable = 'idtype="immutableid"' in call.headers.get("prefer", "").lower()
    empty = {"subject": "", "body": {"contentType": "html", "content": ""}, "toRecipients": [], "ccRecipients": []}
    fields: dict[str, Any] = json.loads(json.dumps(empty | message.fields))
    return {
        **fields,
        "id": message.id if immutable else message.place,
        "isDraft": message.is_draft,
        "conversationId": message.conversation,
        "internetMessageId": f"<{message.id[-24:]}@localhost>",
        "createdDateTime": stamp(message.created),
        "sentDateTime": stamp(message.created),
    }
