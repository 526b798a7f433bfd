"""The operations on groups: their conversations, threads and posts.

https://learn.microsoft.com/graph/api/resources/conversationthread
"""

import html
from collections.abc import Mapping
from typing import Any

from bridge.local.fake_graph import attachments
from bridge.local.fake_graph.calls import Call, Reply, bad_request, not_found, page, range_of, selected, timestamp
from bridge.local.fake_graph.store import Store, StoredPost, StoredThread
from bridge.local.fake_graph.types import BODY, RECIPIENT, ObjectType, check_recipients, checked

SENDER = "Webhook bridge"
_POST = ObjectType(
    "post",
    {"body": BODY, "newParticipants": [RECIPIENT], "from": RECIPIENT, "attachments": [attachments.FILE]},
    ("body",),
    is_open=True,
)
_THREAD = ObjectType(
    "conversationThread",
    {
        "topic": str,
        "posts": [_POST],
        "toRecipients": [RECIPIENT],
        "ccRecipients": [RECIPIENT],
        "hasAttachments": bool,
        "isLocked": bool,
        "lastDeliveredDateTime": str,
        "preview": str,
        "uniqueSenders": [str],
    },
    ("topic", "posts"),
)
_REPLY = ObjectType("reply", {"post": _POST, "Post": _POST})
_GROUP_PROPERTIES = ("id", "displayName", "mail", "mailEnabled", "groupTypes", "visibility")
_THREAD_PROPERTIES = ("id", *(name for name in _THREAD.properties if name != "posts"))
_POST_PROPERTIES = (
    *("id", "createdDateTime", "lastModifiedDateTime", "changeKey", "categories", "receivedDateTime"),
    *("hasAttachments", "body", "from", "sender", "newParticipants", "conversationThreadId", "conversationId"),
)
_CONVERSATION_PROPERTIES = ("id", "topic", "hasAttachments", "lastDeliveredDateTime", "uniqueSenders", "preview")


def get_group(store: Store, call: Call) -> Reply:
    """GET /groups/{id}: https://learn.microsoft.com/graph/api/group-get."""
    group = call.path["group"]
    mail = store.address_of(group)
    name = mail.partition("@")[0]
    values = (group, name, mail, True, ["Unified"], "Private" if call.private else "Public")
    return 200, selected(call, dict(zip(_GROUP_PROPERTIES, values, strict=True)), _GROUP_PROPERTIES)


def list_threads(store: Store, call: Call) -> Reply:
    """GET /groups/{id}/threads, or those of a conversation: the one with the newest post comes first."""
    top, skip = range_of(call)
    conversation = call.path.get("conversation", "")
    if conversation:
        _check_conversation(store, call)
    found = store.threads(call.path["group"], conversation=conversation, top=top + 1, skip=skip)
    return page(call, [_thread_json(thread) for thread in found], _THREAD_PROPERTIES)


def list_conversations(store: Store, call: Call) -> Reply:
    """GET /groups/{id}/conversations: the one with the newest post comes first."""
    top, skip = range_of(call)
    newest: dict[str, StoredThread] = {}
    topics: dict[str, str] = {}
    for thread in store.threads(call.path["group"]):
        newest.setdefault(thread.conversation, thread)
        topics[thread.conversation] = thread.topic
    found: list[Mapping[str, Any]] = [
        {**_thread_json(thread), "id": conversation, "topic": topics[conversation]}
        for conversation, thread in list(newest.items())[skip : skip + top + 1]
    ]
    return page(call, found, _CONVERSATION_PROPERTIES)


def _participants(post: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The participants whom a post adds to its thread; Failure where the group cannot have one of them."""
    people = list(post.get("newParticipants", []))
    check_recipients(people)
    return people


def _attachments(post: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return attachments.stored(post.get("attachments", []))


def start(store: Store, call: Call) -> Reply:
    """POST /groups/{id}/threads, or into a conversation: the answer is the id of the new thread."""
    thread = checked(call.content, _THREAD)
    if len(thread["posts"]) != 1:
        raise bad_request("A new thread must have exactly one post.")
    if call.path.get("conversation"):
        _check_conversation(store, call)
    new = store.start(
        call.path["group"],
        thread["topic"],
        content(thread["posts"][0]["body"]),
        SENDER,
        call.received,
        call.visible,
        call.path.get("conversation", ""),
        participants=_participants(thread["posts"][0]),
        attachments=_attachments(thread["posts"][0]),
    )
    return 201, {"id": new}


def get_thread(store: Store, call: Call) -> Reply:
    """GET /groups/{id}/threads/{id}."""
    return 200, selected(call, _thread_json(_existing(store, call)), _THREAD_PROPERTIES)


def delete_thread(store: Store, call: Call) -> Reply:
    """DELETE /groups/{id}/threads/{id}."""
    store.delete(_existing(store, call).id)
    return 204, None


def reply(store: Store, call: Call) -> Reply:
    """POST /groups/{id}/threads/{id}/reply, or to a post in it: the answer is 202 without content."""
    answer = checked(call.content, _REPLY)
    post = answer.get("post", answer.get("Post"))
    if post is None:
        raise bad_request("The parameter 'Post' is missing.")
    thread = _existing(store, call)
    if call.path.get("post"):
        _existing_post(store, call)
    people, files = _participants(post), _attachments(post)
    store.reply(thread.id, content(post["body"]), SENDER, call.received, participants=people, attachments=files)
    return 202, None


def list_posts(store: Store, call: Call) -> Reply:
    """GET /groups/{id}/threads/{id}/posts: oldest first, regardless of $orderby."""
    top, skip = range_of(call)
    thread = _existing(store, call)
    found = store.posts(thread.group, thread.id, top=top + 1, skip=skip)
    return page(call, [_post_json(post, thread) for post in found], _POST_PROPERTIES)


def get_post(store: Store, call: Call) -> Reply:
    """GET /groups/{id}/threads/{id}/posts/{id}."""
    thread = _existing(store, call)
    return 200, selected(call, _post_json(_existing_post(store, call), thread), _POST_PROPERTIES)


def list_attachments(store: Store, call: Call) -> Reply:
    """GET /groups/{id}/threads/{id}/posts/{id}/attachments."""
    return attachments.listed(call, _existing_post(store, call).attachments)


def content(body: Mapping[str, Any]) -> str:
    """The content of an itemBody as HTML."""
    text = str(body["content"])
    return text if body["contentType"].lower() == "html" else f"<pre>{html.escape(text)}</pre>"


def _existing(store: Store, call: Call) -> StoredThread:
    for thread in store.threads(call.path["group"], call.path["thread"]):
        return thread
    raise not_found()


def _existing_post(store: Store, call: Call) -> StoredPost:
    for post in store.posts(call.path["group"], _existing(store, call).id):
        if post.id == call.path["post"]:
            return post
    raise not_found()


def _check_conversation(store: Store, call: Call) -> None:
    if not store.threads(call.path["group"], conversation=call.path["conversation"], top=1):
        raise not_found()


def _thread_json(thread: StoredThread) -> Mapping[str, Any]:
    return {
        "id": thread.id,
        "topic": thread.topic,
        "hasAttachments": False,
        "lastDeliveredDateTime": timestamp(thread.updated),
        "uniqueSenders": [SENDER],
        "toRecipients": [],
        "ccRecipients": [],
        "preview": thread.preview,
        "isLocked": False,
    }


def _post_json(post: StoredPost, thread: StoredThread) -> Mapping[str, Any]:
    address = post.sender if "@" in post.sender else "bridge@localhost"
    sender = {"emailAddress": {"name": post.sender, "address": address}}
    return {
        "id": post.id,
        "createdDateTime": timestamp(post.received),
        "lastModifiedDateTime": timestamp(post.received),
        "changeKey": post.id[-12:],
        "categories": [],
        "receivedDateTime": timestamp(post.received),
        "hasAttachments": bool(post.attachments),
        "body": {"contentType": "html", "content": f"<html><body>{post.html}</body></html>"},
        "from": sender,
        "sender": sender,
        "newParticipants": list(post.participants),
        "conversationThreadId": thread.id,
        "conversationId": thread.conversation,
    }
