"""Attachments of posts and messages: https://learn.microsoft.com/graph/api/resources/fileattachment.

One of 3 MB has 4 MB in Base64, more than Graph takes in a request: `http.read_json` refuses it.
"""

import base64
import binascii
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from bridge.local.fake_graph.calls import Call, Reply, bad_request, page
from bridge.local.fake_graph.types import ObjectType

_TYPE = "#microsoft.graph.fileAttachment"
FILE = ObjectType(
    "fileAttachment",
    {
        "@odata.type": str,
        "name": str,
        "contentType": str,
        "contentBytes": str,
        "contentId": str,
        "contentLocation": str,
        "isInline": bool,
    },
    ("@odata.type", "name", "contentBytes"),
)
_PROPERTIES = (*FILE.properties, "id", "size", "lastModifiedDateTime")


def stored(attachments: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Attachments of a request as they are kept, each with an id; Failure where Graph would not take one."""
    return [_stored(attachment) for attachment in attachments]


def _stored(attachment: Mapping[str, Any]) -> Mapping[str, Any]:
    if attachment["@odata.type"] != _TYPE:
        raise bad_request(f"Attachments of type {attachment['@odata.type']} are not supported by this stand-in.")
    try:
        content = base64.b64decode(attachment["contentBytes"], validate=True)
    except (binascii.Error, ValueError):
        raise bad_request("Cannot convert the literal of 'contentBytes' to the expected type 'Edm.Binary'.") from None
    defaults = {"contentType": "application/octet-stream", "contentId": None, "isInline": False}
    return {**defaults, **attachment, "id": f"AAMkAtt{secrets.token_hex(12)}=", "size": len(content)}


def listed(call: Call, attachments: Sequence[Mapping[str, Any]]) -> Reply:
    """A page of attachments."""
    return page(call, list(attachments), _PROPERTIES)


def inline_pictures(attachments: Sequence[Mapping[str, Any]]) -> Mapping[str, str]:
    """The pictures that a post shows, as data URLs, by the ids with which its HTML names them."""
    inline = [one for one in attachments if one["isInline"] and one["contentId"]]
    return {one["contentId"]: f"data:{one['contentType']};base64,{one['contentBytes']}" for one in inline}
