"""The operations on mail: drafts, sending, and delivery to groups, which turn mail into threads.

https://learn.microsoft.com/graph/api/resources/message
"""

import html
import math
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from bridge.local.fake_graph import attachments
from bridge.local.fake_graph.calls import (
    Call,
    Failure,
    Reply,
    bad_request,
    not_found,
    page,
    range_of,
    selected,
    timestamp,
)
from bridge.local.fake_graph.groups import content
from bridge.local.fake_graph.messages import StoredMessage
from bridge.local.fake_graph.store import Store
from bridge.local.fake_graph.text import preview
from bridge.local.fake_graph.types import BODY, RECIPIENT, ObjectType, PropertyType, check_recipients, checked

_MINUTE, _MOST = timedelta(minutes=1), 30  # Exchange lets a mailbox send this many messages in a minute
_MOST_HEADERS = 5  # that a client may add to a message
_RECIPIENTS = ("toRecipients", "ccRecipients", "bccRecipients")
_SENDERS = ("from", "sender")
_HEADER = ObjectType("internetMessageHeader", {"name": str, "value": str}, ("name", "value"))
_WRITABLE: Mapping[str, PropertyType] = {
    "subject": str,
    "body": BODY,
    **{name: [RECIPIENT] for name in _RECIPIENTS},
    "replyTo": [RECIPIENT],
    **dict.fromkeys(_SENDERS, RECIPIENT),
    "importance": ("low", "normal", "high"),
    "inferenceClassification": ("focused", "other"),
    "categories": [str],
    "isRead": bool,
    "isDeliveryReceiptRequested": bool,
    "isReadReceiptRequested": bool,
    "internetMessageHeaders": [_HEADER],
}
# Only a draft may change these. https://learn.microsoft.com/graph/api/message-update documents it for the first three;
# for the recipients it is an assumption.
_DRAFT_ONLY = {"subject", "body", "replyTo", *_RECIPIENTS, *_SENDERS}
_MESSAGE = ObjectType("message", _WRITABLE)
# A list of its own, which only the creation of a draft takes together with the rest.
_NEW_MESSAGE = ObjectType("message", {**_WRITABLE, "attachments": [attachments.FILE]})
_COMMENT = ObjectType("createReplyAll", {"comment": str, "message": _MESSAGE})
_SEND_MAIL = ObjectType(
    "sendMail", {"message": _NEW_MESSAGE, "Message": _NEW_MESSAGE, "saveToSentItems": bool, "SaveToSentItems": bool}
)
_READ_ONLY = (
    *("id", "isDraft", "conversationId", "internetMessageId", "createdDateTime", "lastModifiedDateTime"),
    *("receivedDateTime", "sentDateTime", "bodyPreview", "hasAttachments", "parentFolderId", "changeKey"),
)
_PROPERTIES = (*_READ_ONLY, *_WRITABLE)


def create(store: Store, call: Call) -> Reply:
    """POST /users/{mailbox}/messages: https://learn.microsoft.com/graph/api/user-post-messages."""
    fields = _fields(_checked(call.content, _NEW_MESSAGE))
    return 201, _json(store.messages.draft(_mailbox(call), fields, call.received, call.visible), call)


def get(store: Store, call: Call) -> Reply:
    """GET /users/{mailbox}/messages/{id}: https://learn.microsoft.com/graph/api/message-get."""
    return 200, _selected(call, _existing(store, call))


def list_drafts(store: Store, call: Call) -> Reply:
    """GET /users/{mailbox}/mailFolders/drafts/messages: https://learn.microsoft.com/graph/api/mailfolder-list-messages."""
    top, skip = range_of(call)
    found = store.messages.drafts(_mailbox(call), top + 1, skip)
    return page(call, [_selected(call, message) for message in found], _PROPERTIES)


def change(store: Store, call: Call) -> Reply:
    """PATCH /users/{mailbox}/messages/{id}: https://learn.microsoft.com/graph/api/message-update."""
    wanted = _fields(_checked(call.content, _MESSAGE))
    if "internetMessageHeaders" in wanted:
        # https://learn.microsoft.com/graph/api/resources/message: only when a message is made.
        raise Failure(400, "ErrorInvalidPropertySet", "Set action is invalid for property 'internetMessageHeaders'.")
    with store.transaction():
        message = _existing(store, call)
        if message.sent and _DRAFT_ONLY & set(wanted):
            text = "Update operation is invalid for property of a sent message."
            raise Failure(400, "ErrorInvalidPropertyUpdateSentMessage", text)
        store.messages.change(message.id, message.fields | wanted)
        return 200, _json(_existing(store, call), call)


def attach(store: Store, call: Call) -> Reply:
    """POST /users/{mailbox}/messages/{id}/attachments: https://learn.microsoft.com/graph/api/message-post-attachments."""
    (new,) = attachments.stored([checked(call.content, attachments.FILE)])
    with store.transaction():
        message = _existing(store, call)
        store.messages.change(message.id, message.fields | {"attachments": [*_files(message.fields), new]})
    return 201, new


def list_attachments(store: Store, call: Call) -> Reply:
    """GET /users/{mailbox}/messages/{id}/attachments."""
    return attachments.listed(call, _files(_existing(store, call).fields))


def delete(store: Store, call: Call) -> Reply:
    """DELETE /users/{mailbox}/messages/{id}: https://learn.microsoft.com/graph/api/message-delete."""
    store.messages.delete(_existing(store, call).id)
    return 204, None


def create_reply_all(store: Store, call: Call) -> Reply:
    """POST /users/{mailbox}/messages/{id}/createReplyAll: https://learn.microsoft.com/graph/api/message-createreplyall."""
    wanted = checked(call.content, _COMMENT) if call.content is not None else {}
    changes = _fields(_checked(wanted.get("message", {}), _MESSAGE))
    if "comment" in wanted and "body" in changes:
        raise bad_request("Specify either a comment or the body of the message, not both.")
    original = store.messages.message(_mailbox(call), call.path["message"], in_transit=True)
    if original is None:
        raise not_found()
    # Graph refuses this for drafts, and for messages that are still being sent.
    if original.sent is None or store.messages.message(_mailbox(call), original.id) is None:
        raise Failure(400, "ErrorInvalidReferenceItem", "The reference item does not support the requested operation.")
    subject = str(original.fields.get("subject", ""))
    fields = {
        "subject": subject if subject.upper().startswith("RE:") else f"RE: {subject}",
        "body": {"contentType": "html", "content": html.escape(wanted.get("comment", ""))},
        **{name: original.fields.get(name, []) for name in ("toRecipients", "ccRecipients")},
        **changes,
    }
    draft = store.messages.draft(_mailbox(call), fields, call.received, call.visible, original.conversation)
    return 201, _json(draft, call)


def send(store: Store, call: Call) -> Reply:
    """POST /users/{mailbox}/messages/{id}/send: https://learn.microsoft.com/graph/api/message-send."""
    with store.transaction():
        message = _existing(store, call)
        if message.sent:
            raise not_found()
        _check_sending(store, call, message.fields)
        _deliver(store, call, message, kept=True)
    return 202, None


def send_mail(store: Store, call: Call) -> Reply:
    """POST /users/{mailbox}/sendMail: https://learn.microsoft.com/graph/api/user-sendmail."""
    wanted = checked(call.content, _SEND_MAIL)
    message = wanted.get("message", wanted.get("Message"))
    if message is None:
        raise bad_request("The parameter 'Message' is missing.")
    fields = _fields(_checked(message, _NEW_MESSAGE))
    kept = wanted.get("saveToSentItems", wanted.get("SaveToSentItems", True))
    with store.transaction():
        _check_sending(store, call, fields)
        draft = store.messages.draft(_mailbox(call), fields, call.received, call.visible)
        _deliver(store, call, draft, kept=kept)
    return 202, None


def _check_sending(store: Store, call: Call, fields: Mapping[str, Any]) -> None:
    if not any(_addresses(fields)):
        raise Failure(400, "ErrorInvalidRecipients", "At least one recipient isn't valid., Recipient is missing.")
    check_recipients([recipient for name in _RECIPIENTS for recipient in fields.get(name, [])])
    senders = {fields[name]["emailAddress"]["address"].lower() for name in _SENDERS if name in fields}
    if senders - {_mailbox(call)}:
        text = "The user account which was used to submit this request does not have the right to send mail on behalf "
        raise Failure(403, "ErrorSendAsDenied", f"{text}of the specified sending account.")
    recent = store.messages.sendings(_mailbox(call), call.received - _MINUTE)
    if len(recent) >= _MOST:
        wait = recent[-_MOST] + _MINUTE - call.received
        text = "The message rate limit of the mailbox was exceeded."
        raise Failure(429, "ErrorExceededMessageLimit", text, max(1, math.ceil(wait.total_seconds())))


def _deliver(store: Store, call: Call, message: StoredMessage, *, kept: bool) -> None:
    """Send the message. It becomes a post in each group, in the thread of its conversation or in a new one."""
    store.messages.send(_mailbox(call), message.id, call.received, call.visible if kept else None)
    body = content(message.fields["body"]) if "body" in message.fields else ""
    files = _files(message.fields)
    # Each group once, in the order of the recipients.
    for group in dict.fromkeys(map(store.group_of, _addresses(message.fields))):
        if not group or group in call.missing:
            continue
        thread = store.conversation_thread(group, message.conversation)
        if thread:
            store.reply(thread, body, _mailbox(call), call.received, message.id, (), files)
        else:
            topic = str(message.fields.get("subject", ""))
            ids = (message.conversation, message.id)
            store.start(group, topic, body, _mailbox(call), call.received, call.visible, *ids, (), files)


def _addresses(fields: Mapping[str, Any]) -> Iterator[str]:
    for name in _RECIPIENTS:
        yield from (recipient["emailAddress"]["address"] for recipient in fields.get(name, []))


def _mailbox(call: Call) -> str:
    return call.path["mailbox"].lower()


def _existing(store: Store, call: Call) -> StoredMessage:
    message = store.messages.message(_mailbox(call), call.path["message"])
    if message is None:
        raise not_found()
    return message


def _checked(value: object, expected: ObjectType) -> dict[str, Any]:
    """The value, if it is a message that a client may write; otherwise Failure."""
    read_only = [name for name in _READ_ONLY if isinstance(value, dict) and name in value]
    if read_only:
        raise Failure(400, "ErrorInvalidPropertySet", f"Set action is invalid for property '{read_only[0]}'.")
    message = checked(value, expected)
    if len(message.get("internetMessageHeaders", [])) > _MOST_HEADERS:
        text = f"Maximum number of headers in one message should be less than or equal to {_MOST_HEADERS}."
        raise Failure(400, "InvalidInternetMessageHeaderCollection", text)
    for header in message.get("internetMessageHeaders", []):
        if not header["name"].lower().startswith("x-"):
            text = f"The internet message header name '{header['name']}' should start with 'x-' or 'X-'."
            raise Failure(400, "InvalidInternetMessageHeader", text)
    return message


def _fields(wanted: Mapping[str, Any]) -> dict[str, Any]:
    fields = {name: value for name, value in wanted.items() if not name.startswith("@odata.")}
    return fields | {"attachments": attachments.stored(fields["attachments"])} if "attachments" in fields else fields


def _files(fields: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(fields.get("attachments", []))


def prefers_immutable_ids(call: Call) -> bool:
    """Whether the client prefers immutable ids: https://learn.microsoft.com/graph/outlook-immutable-id."""
    return 'idtype="immutableid"' in call.headers.get("prefer", "").lower().replace(" ", "")


def _selected(call: Call, message: StoredMessage) -> Mapping[str, Any]:
    """The properties that $select names; without $select, all but the headers, which must be named."""
    item = _json(message, call)
    if "internetMessageHeaders" not in call.query.get("$select", ""):
        item.pop("internetMessageHeaders", None)
    return selected(call, item, _PROPERTIES)


def _json(message: StoredMessage, call: Call) -> dict[str, Any]:
    owner = {"emailAddress": {"name": _mailbox(call), "address": _mailbox(call)}}
    body = message.fields.get("body", {"contentType": "html", "content": ""})
    time = timestamp(message.sent or message.created)
    return {
        "id": message.id if prefers_immutable_ids(call) else message.current_id,
        "isDraft": message.sent is None,
        "conversationId": message.conversation,
        "internetMessageId": f"<{message.id[-24:].strip('=')}@localhost>",
        "createdDateTime": timestamp(message.created),
        "lastModifiedDateTime": time,
        "receivedDateTime": time,
        "sentDateTime": time,
        "bodyPreview": preview(content(body)),
        # Those within the text do not count.
        "hasAttachments": any(not one["isInline"] for one in _files(message.fields)),
        "parentFolderId": "AAMkDrafts=" if message.sent is None else "AAMkSentItems=",
        "changeKey": message.current_id[-12:],
        "subject": "",
        "body": body,
        **{name: [] for name in (*_RECIPIENTS, "replyTo", "categories")},
        **dict.fromkeys(_SENDERS, owner),
        "importance": "normal",
        "inferenceClassification": "focused",
        "isRead": True,
        "isDeliveryReceiptRequested": False,
        "isReadReceiptRequested": False,
        **{name: value for name, value in message.fields.items() if name != "attachments"},
    }
