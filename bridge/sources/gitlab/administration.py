"""What system hooks and group hooks tell of people, groups and projects themselves.

https://docs.gitlab.com/administration/system_hooks/
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from bridge.events import Event, Severity
from bridge.fields import Payload, dig, first
from bridge.rendering.text import one_line
from bridge.sources.gitlab.words import day, found, home, is_bot, moment, number, scope, spoken, titled, with_attributes

# What an event is: its word, its tone, and its sentence.
_TOLD: Mapping[str, tuple[str, str, str]] = {
    "project_create": ("created", "success", "The project {where} was created"),
    "project_destroy": ("deleted", "warning", "The project {where} was deleted"),
    "project_rename": ("renamed", "info", "The project {old} is now {where}"),
    "project_transfer": ("moved", "info", "The project {old} was moved to {where}"),
    "project_update": ("settings", "info", "The settings of the project {where} were changed"),
    "group_create": ("created", "success", "The group {where} was created"),
    "group_destroy": ("deleted", "warning", "The group {where} was deleted"),
    "group_rename": ("renamed", "info", "The group {old} is now {where}"),
    "subgroup_create": ("created", "success", "The subgroup {where} was created"),
    "subgroup_destroy": ("deleted", "warning", "The subgroup {where} was deleted"),
    "user_create": ("new user", "success", "{user} has an account now"),
    "user_destroy": ("user deleted", "warning", "The account of {user} was deleted"),
    "user_rename": ("user renamed", "info", "{old} is now {user}"),
    "user_failed_login": ("sign-in failed", "warning", "{user} failed to sign in, being {state}"),
    "user_add": ("member added", "success", "{user} was added to {where}{role}"),
    "user_update": ("member changed", "info", "The membership of {user} in {where} was changed{to}"),
    "user_remove": ("member removed", "quiet", "{user} was removed from {where}"),
    "user_access_request": ("access requested", "warning", "{user} asks for access to {where}"),
    "user_access_request_denied": ("access denied", "quiet", "{user} was refused access to {where}"),
    "user_access_request_revoked": ("request withdrawn", "quiet", "{user} no longer asks for access to {where}"),
    "key_create": ("key added", "info", "An SSH key was added for {user}"),
    "key_destroy": ("key removed", "info", "An SSH key of {user} was removed"),
    "repository_update": ("updated", "info", "The repository of {where} was updated{refs}"),
}
_MEMBER = re.compile(r"(user_\w+?)_(?:to|for|from)_(?:team|group|project)")


def knows(name: str) -> bool:
    """Whether the event has a sentence of its own."""
    return _base(name) in _TOLD


def told(event: Event) -> Event:
    """A user, member, group, project or key that was created, changed or deleted. GitLab does not say by whom."""
    payload = event.payload
    name = dig(payload, "event_name")
    word, tone, sentence = _TOLD[_base(name)]
    where = scope(payload) or dig(payload, "name") or "GitLab"
    role = one_line(first(payload, ("group_access", "access_level", "project_access")), 40)
    user = _user(payload)
    is_member = bool(_MEMBER.fullmatch(name))
    is_user = name.startswith(("user_", "key_")) and not is_member
    refs = [ref for ref in dig(payload, "refs", list[object]()) if isinstance(ref, str)]
    words = {
        "where": where,
        "old": first(payload, ("old_path_with_namespace", "old_full_path", "old_path", "old_username")) or "It",
        "user": user,
        "state": spoken(dig(payload, "state")) or "unknown",
        "role": f" as {role}" if role else "",
        "to": f": {role} now" if role else "",
        "refs": f": {', '.join(ref.partition('/')[2].partition('/')[2] or ref for ref in refs[:3])}" if refs else "",
    }
    subject = user if is_user or is_member else where
    kind = "Member" if is_member else "User" if is_user else name.partition("_")[0].capitalize()
    ident = number(payload, "user_id") or dig(payload, "username") or (number(payload, "id") if is_user else "")
    place = "user" if is_user else home(payload)
    return replace(
        event,
        correlation_key=f"{place} {ident}"
        if is_user
        else f"{place} member {ident}"
        if is_member
        else f"{place} itself",
        title=titled(f"{kind} {subject}"),
        severity=Severity.WARNING if tone == "warning" else Severity.INFO,
        scope="" if is_user else where,
        actor=one_line(dig(payload, "user_name"), 80) if name == "repository_update" else "",
        occurred=moment(payload, "updated_at", "created_at"),
        facts=found(
            Expires=day(dig(payload, "expires_at")),
            Visibility="" if is_member else spoken(dig(payload, "project_visibility")),
            Owner=dig(payload, "owner_name"),
            Parent=dig(payload, "parent_full_path"),
        ),
        attributes=with_attributes(event, author="", sender="", bot=is_bot(dig(payload, "user_username")), action=name),
        details={"word": word, "tone": tone, "sentence": sentence.format_map(words)},
    )


def _base(name: str) -> str:
    """`user_add` of user_add_to_group."""
    match = _MEMBER.fullmatch(name)
    return match[1] if match else name


def _user(payload: Payload) -> str:
    name, login = first(payload, ("user_name", "name")), first(payload, ("user_username", "username"))
    return one_line(f"{name} ({login})" if name and login and name != login else name or login or "Somebody", 80)
