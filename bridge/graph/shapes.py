"""Parts of Graph's requests that group posts and mail have in common."""

import base64
from collections.abc import Mapping
from email.utils import parseaddr
from typing import Any

from bridge.graph.channel import Picture, Post

# Microsoft documents no limit for topics; this is the longest subject that Exchange keeps.
_LONGEST_TOPIC = 255


def topic(post: Post) -> str:
    """The topic of a post, or the subject of a message, no longer than Exchange keeps."""
    return post.topic[:_LONGEST_TOPIC]


def body(post: Post) -> Mapping[str, str]:
    """An itemBody: https://learn.microsoft.com/graph/api/resources/itembody."""
    return {"contentType": "html", "content": post.html}


def attachments(post: Post) -> list[Mapping[str, Any]]:
    """The pictures of a post, shown within it."""
    return [attachment(picture) for picture in post.pictures]


def attachment(picture: Picture) -> Mapping[str, Any]:
    """A fileAttachment: https://learn.microsoft.com/graph/api/resources/fileattachment."""
    return {
        "@odata.type": "#microsoft.graph.fileAttachment",
        "name": picture.name,
        "contentType": picture.media_type,
        "contentBytes": base64.b64encode(picture.content).decode(),
        "contentId": picture.id,
        "isInline": True,
    }


def recipient(person: str) -> Mapping[str, Any]:
    """A recipient, from "Name <address>" or only an address."""
    name, address = parseaddr(person)
    return {"emailAddress": {"name": name or address, "address": address}}
