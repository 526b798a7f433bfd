"""What system hooks and group hooks say of people, groups and projects themselves. They do not say who acted.

https://docs.gitlab.com/administration/system_hooks/
"""

import re
from dataclasses import replace

from bridge.events import Event, Severity
from bridge.fields import Payload, dig, first, objects
from bridge.rendering.text import in_words, one_line
from bridge.sources import kit
from bridge.sources.gitlab.places import day, home, is_bot, moment, names, scope

# The events that have a sentence in templates/event.html; those of members without where the membership is.
_KNOWN = {
    "project_create", "project_destroy", "project_rename", "project_transfer", "project_update", "group_create",
    "group_destroy", "group_rename", "subgroup_create", "subgroup_destroy", "user_create", "user_destroy",
    "user_rename", "user_failed_login", "user_add", "user_update", "user_remove", "user_access_request",
    "user_access_request_denied", "user_access_request_revoked", "key_create", "key_destroy", "repository_update",
}  # fmt: skip
_WARNINGS = {
    "project_destroy", "group_destroy", "subgroup_destroy", "user_destroy", "user_failed_login", "user_access_request",
}  # fmt: skip
_MEMBER = re.compile(r"(user_\w+?)_(?:to|for|from)_(?:team|group|project)")


def knows(name: str) -> bool:
    """Whether the event has a sentence of its own."""
    return _base(name) in _KNOWN


def administered(event: Event) -> Event:
    """A user, member, group, project or key that was created, changed or deleted."""
    payload, name = event.payload, dig(event.payload, "event_name")
    is_member = bool(_MEMBER.fullmatch(name))
    is_user = name.startswith(("user_", "key_")) and not is_member
    where, user = scope(payload) or one_line(dig(payload, "name"), 120), _user(payload)
    kind = "Member" if is_member else "User" if is_user else name.partition("_")[0].capitalize()
    number = kit.id_at(payload, "user_id") or dig(payload, "username") or (kit.id_at(payload, "id") if is_user else "")
    key = kit.key("user", number) if is_user else kit.key(home(payload), "member", number) if is_member else ""
    return replace(
        event,
        correlation_key=key if is_user or is_member else kit.key(home(payload), "itself"),
        title=kit.title(f"{kind} {user if is_user or is_member else where}".strip()),
        severity=Severity.WARNING if _base(name) in _WARNINGS else Severity.INFO,
        scope="" if is_user else where,
        actor=one_line(dig(payload, "user_name"), 80) if name == "repository_update" else "",
        occurred=moment(payload, "updated_at", "created_at"),
        facts=kit.facts(
            Expires=day(dig(payload, "expires_at")),
            Visibility="" if is_member else in_words(dig(payload, "project_visibility")),
            Owner=dig(payload, "owner_name") or kit.listed(names(objects(payload, "owners"))),
            Parent=dig(payload, "parent_full_path"),
        ),
        attributes=kit.with_attributes(
            event, author="", sender="", bot=is_bot(dig(payload, "user_username")), action=name
        ),
        details={
            **event.details,
            "action": _base(name),
            "where": where,
            "user": user,
            "old": first(payload, ("old_path_with_namespace", "old_full_path", "old_path", "old_username")),
            "state": in_words(dig(payload, "state")),
            "role": one_line(first(payload, ("group_access", "access_level", "project_access")), 40),
            "refs": kit.listed((_ref(ref) for ref in dig(payload, "refs", list[object]()) if isinstance(ref, str)), 3),
        },
    )


def _base(name: str) -> str:
    """`user_add` of user_add_to_group."""
    match = _MEMBER.fullmatch(name)
    return match[1] if match else name


def _ref(ref: str) -> str:
    return ref.removeprefix("refs/").partition("/")[2] or ref


def _user(payload: Payload) -> str:
    name, login = first(payload, ("user_name", "name")), first(payload, ("user_username", "username"))
    return one_line(f"{name} ({login})" if name and login and name != login else name or login, 80)
