"""Fetch what a service publishes, such as its keys: one answer of bounded length, in a bounded time."""

import time

import requests

from bridge.errors import Unavailable

_TIMEOUT = 2.0  # seconds for a connection, and for each part of an answer
_PART = 16 * 1024  # bytes


class NotPublished(Unavailable):
    """The host works, and says that there is nothing at this address."""


def fetch(url: str, largest: int, seconds: float) -> bytes:
    """The answer with status 200 from this address and no other.

    largest: bytes. seconds: until its last part. NotPublished, or an error of requests where there is no such answer.
    Nothing here bounds a name server, or a host that sends its headers byte by byte.
    """
    end = time.monotonic() + seconds
    # Unpacked, an answer would have no bound until it is read.
    headers = {"Accept-Encoding": "identity"}
    with requests.get(url, headers=headers, timeout=_TIMEOUT, allow_redirects=False, stream=True) as response:
        if response.status_code in (403, 404, 410):
            raise NotPublished(str(response.status_code))
        if response.status_code != 200 or response.headers.get("Content-Encoding", "identity") != "identity":
            raise requests.HTTPError(f"status {response.status_code}")
        content = b""
        while part := response.raw.read1(_PART, decode_content=False):
            content += part
            if len(content) > largest or time.monotonic() > end:
                raise requests.HTTPError("The answer is too long or too slow.")
    return content
