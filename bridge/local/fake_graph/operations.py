"""Every operation of the stand-in Graph: its path, what answers it, and whom Microsoft permits it.

The permissions are those of Microsoft's reference and of its published map of permissions
(https://github.com/microsoftgraph/microsoft-graph-devx-content), the least first; an empty tuple is "not supported".
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bridge.local.fake_graph import groups as mailbox_groups
from bridge.local.fake_graph import mail as mailbox_mail
from bridge.local.fake_graph.calls import Call, Failure, Reply
from bridge.local.fake_graph.store import MailStore
from bridge.local.fake_graph.tokens import Grant

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
_NONE: tuple[str, ...] = ()


@dataclass(frozen=True)
class Operation:
    """method and path, its ids in braces. delegated, application: of which permissions a token needs one."""

    method: str
    path: str
    answer: Callable[[MailStore, Call], Reply]
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
    Operation("GET", "/groups/{group}", mailbox_groups.get_group, _GROUP, _GROUP),
    Operation("GET", _THREADS, mailbox_groups.list_threads, _READ, _READ),
    Operation("POST", _THREADS, mailbox_groups.start, _WRITE, _NONE),
    Operation("GET", "/groups/{group}/conversations", mailbox_groups.list_conversations, _READ, _READ),
    Operation("GET", _CONVERSATION, mailbox_groups.list_threads, _READ, _READ),
    Operation("POST", _CONVERSATION, mailbox_groups.start, _WRITE, _NONE),
    Operation("GET", _THREAD, mailbox_groups.get_thread, _READ, _READ),
    Operation("DELETE", _THREAD, mailbox_groups.delete_thread, _WRITE, _WRITE),
    Operation("POST", f"{_THREAD}/reply", mailbox_groups.reply, _WRITE, _NONE),
    Operation("GET", f"{_THREAD}/posts", mailbox_groups.list_posts, _READ, _READ),
    Operation("GET", _POST, mailbox_groups.get_post, _READ, _READ),
    Operation("POST", f"{_POST}/reply", mailbox_groups.reply, _WRITE, _WRITE),
    Operation("POST", _MESSAGES, mailbox_mail.create, _DRAFT, _DRAFT),
    Operation("GET", _MESSAGE, mailbox_mail.get, _MAIL, _MAIL_OF_ALL),
    Operation("PATCH", _MESSAGE, mailbox_mail.change, _DRAFT, _DRAFT),
    Operation("DELETE", _MESSAGE, mailbox_mail.delete, _DRAFT, _DRAFT),
    Operation("POST", f"{_MESSAGE}/createReplyAll", mailbox_mail.create_reply_all, _DRAFT, _DRAFT),
    Operation("POST", f"{_MESSAGE}/send", mailbox_mail.send, _SEND, _SEND),
    Operation("POST", "/users/{mailbox}/sendMail", mailbox_mail.send_mail, _SEND, _SEND),
    Operation("GET", "/users/{mailbox}/mailFolders/drafts/messages", mailbox_mail.list_drafts, _MAIL, _MAIL_OF_ALL),
)


@dataclass(frozen=True)
class Policy:
    """Who may do what beyond the permissions of tokens.

    members: of groups that are private, by their ids; the others are open to everybody.
    people: the addresses of the mailboxes that are people's own, by their object ids.
    mail_scope: the mailboxes for which Exchange lets applications use mail, by their addresses. What Exchange grants is
    not in the token: https://learn.microsoft.com/exchange/permissions-exo/application-rbac
    """

    members: Mapping[str, frozenset[str]]
    people: Mapping[str, str]
    mail_scope: frozenset[str]


def check_permission(operation: Operation, grant: Grant, path: Mapping[str, str], policy: Policy) -> None:
    """Failure unless the token may do that, as Microsoft documents it."""
    group, mailbox = path.get("group", ""), path.get("mailbox", "").lower()
    permitted = operation.application if grant.kind == "app" else operation.delegated
    if mailbox and grant.kind == "app" and mailbox in {address.lower() for address in policy.mail_scope}:
        return
    if mailbox and grant.kind == "user":
        shared = tuple(f"{permission}.Shared" for permission in permitted)
        own = mailbox in (grant.subject.lower(), policy.people.get(grant.subject, "").lower())
        permitted = (*permitted, *shared) if own else shared
    if not grant.permissions & set(permitted):
        raise _denied(operation)
    if operation.path == "/groups/{group}":
        return
    if grant.kind == "user" and group in policy.members and grant.subject not in policy.members[group]:
        raise Failure(
            403,
            "ErrorAccessDenied",
            f"Access is denied. Check credentials and try again., User '{grant.subject}' not authorized to access "
            f"group '{group}'. Reason: '(0xD10)'.",
        )


def _denied(operation: Operation) -> Failure:
    if operation.path == "/groups/{group}":
        return Failure(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
    return Failure(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
