"""The names of groups for people, in place of their object ids."""

import re
from collections.abc import Mapping

_GROUP_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

Labels = Mapping[str, str]  # the names of groups in the settings, by lower-case group id


def label(labels: Labels, group: str) -> str:
    """The name of a group; one that the settings do not name is known by the ends of its id."""
    known = labels.get(group.lower())
    return known or (f"Group {group[:4]}…{group[-4:]}" if _GROUP_ID.fullmatch(group) else group)


def with_names(labels: Labels, text: str) -> str:
    """The text with names in place of the ids of groups that have one."""
    return _GROUP_ID.sub(lambda found: labels.get(found[0].lower(), found[0]), text)
