"""Whether a token may call an operation, as Microsoft documents it."""

from collections.abc import Mapping
from dataclasses import dataclass

from bridge.local.fake_graph.calls import Failure
from bridge.local.fake_graph.operations import Operation
from bridge.local.fake_graph.tokens import Grant


@dataclass(frozen=True)
class Policy:
    """Access rules that are not in a token.

    members: the members of private groups, by group id; all other groups are open to everybody.
    people: the addresses of people's own mailboxes, by the person's object id.
    mail_scope: the addresses of the mailboxes in which Exchange lets applications use mail. Tokens do not show what
    Exchange grants: https://learn.microsoft.com/exchange/permissions-exo/application-rbac
    """

    members: Mapping[str, frozenset[str]]
    people: Mapping[str, str]
    mail_scope: frozenset[str]


def check_permission(operation: Operation, grant: Grant, path: Mapping[str, str], policy: Policy) -> None:
    """Raise Failure unless the token may call the operation."""
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
