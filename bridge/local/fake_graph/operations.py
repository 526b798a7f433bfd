"""The operations of the stand-in Graph: path, handler, and the permissions that Microsoft requires.

The permissions are those of Microsoft's reference and its published permission map
(https://github.com/microsoftgraph/microsoft-graph-devx-content), least privileged first; an empty tuple means "not
supported".
"""

from collections.abc import Callable
from dataclasses import dataclass

from bridge.local.fake_graph import groups, mail
from bridge.local.fake_graph.calls import Call, Reply
from bridge.local.fake_graph.store import Store

_WRITE = ("Group-Conversation.ReadWrite.All", "Group.ReadWrite.All")
_READ = ("Group-Conversation.Read.All", "Group-Conversation.ReadWrite.All", "Group.Read.All", "Group.ReadWrite.All")
_GROUP = (
    *("GroupMember.Read.All", "Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All"),
    "Directory.ReadWrite.All",
)
_SEND, _DRAFT = ("Mail.Send",), ("Mail.ReadWrite",)
_MAIL, _MAIL_OF_ALL = (
    ("Mail.ReadBasic", "Mail.Read", "Mail.ReadWrite"),
    ("Mail.ReadBasic.All", "Mail.Read", "Mail.ReadWrite"),
)
_MAIL_TEXT = ("Mail.Read", "Mail.ReadWrite")
_NONE: tuple[str, ...] = ()


@dataclass(frozen=True)
class Operation:
    """An operation. path: with the names of ids in braces.

    delegated, application: a token of that kind needs one of these permissions.
    """

    method: str
    path: str
    answer: Callable[[Store, Call], Reply]
    delegated: tuple[str, ...]
    application: tuple[str, ...]


_THREADS, _THREAD, _POST = (
    "/groups/{group}/threads",
    "/groups/{group}/threads/{thread}",
    "/groups/{group}/threads/{thread}/posts/{post}",
)
_CONVERSATION = "/groups/{group}/conversations/{conversation}/threads"
_MESSAGES, _MESSAGE = "/users/{mailbox}/messages", "/users/{mailbox}/messages/{message}"

OPERATIONS = (
    Operation("GET", "/groups/{group}", groups.get_group, _GROUP, _GROUP),
    Operation("GET", _THREADS, groups.list_threads, _READ, _READ),
    Operation("POST", _THREADS, groups.start, _WRITE, _NONE),
    Operation("GET", "/groups/{group}/conversations", groups.list_conversations, _READ, _READ),
    Operation("GET", _CONVERSATION, groups.list_threads, _READ, _READ),
    Operation("POST", _CONVERSATION, groups.start, _WRITE, _NONE),
    Operation("GET", _THREAD, groups.get_thread, _READ, _READ),
    Operation("DELETE", _THREAD, groups.delete_thread, _WRITE, _WRITE),
    Operation("POST", f"{_THREAD}/reply", groups.reply, _WRITE, _NONE),
    Operation("GET", f"{_THREAD}/posts", groups.list_posts, _READ, _READ),
    Operation("GET", _POST, groups.get_post, _READ, _READ),
    Operation("GET", f"{_POST}/attachments", groups.list_attachments, _READ, _NONE),
    Operation("POST", f"{_POST}/reply", groups.reply, _WRITE, _WRITE),
    Operation("POST", _MESSAGES, mail.create, _DRAFT, _DRAFT),
    Operation("GET", _MESSAGE, mail.get, _MAIL, _MAIL_OF_ALL),
    Operation("PATCH", _MESSAGE, mail.change, _DRAFT, _DRAFT),
    Operation("DELETE", _MESSAGE, mail.delete, _DRAFT, _DRAFT),
    Operation("POST", f"{_MESSAGE}/attachments", mail.attach, _DRAFT, _DRAFT),
    Operation("GET", f"{_MESSAGE}/attachments", mail.list_attachments, _MAIL_TEXT, _MAIL_TEXT),
    Operation("POST", f"{_MESSAGE}/createReplyAll", mail.create_reply_all, _DRAFT, _DRAFT),
    Operation("POST", f"{_MESSAGE}/send", mail.send, _SEND, _SEND),
    Operation("POST", "/users/{mailbox}/sendMail", mail.send_mail, _SEND, _SEND),
    Operation("GET", "/users/{mailbox}/mailFolders/drafts/messages", mail.list_drafts, _MAIL, _MAIL_OF_ALL),
)
