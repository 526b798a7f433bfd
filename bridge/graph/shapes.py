"""What group posts and mail have in common, in Graph's shapes."""

from collections.abc import Mapping
from email.utils import parseaddr
from typing import Any

from bridge.graph.channel import Post

# The longest topic is documented nowhere; this is the longest subject that Exchange keeps.
_LONGEST_TOPIC = 255


def topic(post: Post) -> str:
    """The topic of a post, or the subject of a message, of a length that Exchange keeps."""
    return post.topic[:_LONGEST_TOPIC]


def body(post: Post) -> Mapping[str, str]:
    """An itemBody: https://learn.microsoft.com/graph/api/resources/itembody."""
    return {"contentType": "html", "content": post.html}


def recipient(person: str) -> Mapping[str, Any]:
    """A recipient, given as "Name <address>" or by the address alone."""
    name, address = parseaddr(person)
    return {"emailAddress": {"name": name or address, "address": address}}
