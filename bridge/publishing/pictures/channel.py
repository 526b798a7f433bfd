"""A channel that puts pictures into posts on their way to Graph: an attempt that is repeated draws them again."""

import logging
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from markupsafe import escape

from bridge.errors import NotSent, Refused
from bridge.graph.channel import Channel, Picture, Post
from bridge.publishing.pictures.charts import drawn
from bridge.publishing.pictures.fetching import Fetcher, NoImage
from bridge.publishing.pictures.images import Image
from bridge.rendering.links import safe_url
from bridge.rendering.picture_marks import Wanted, with_pictures, without_marks

# https://learn.microsoft.com/graph/api/message-post-attachments: below 3 MB; Base64 makes four bytes of three.
MOST_BYTES = 2_000_000
MOST_CHARTS, MOST_IMAGES = 6, 4  # of a post; a reply by mail takes a request for each
TIME = 8.0  # seconds for all images of a post
REFUSED = 3600.0  # seconds for which a group that refused a picture gets none
FAILED = 300.0  # seconds for which a host that failed is not asked again
_WIDEST, _HIGHEST = 540, 400  # pixels that are shown
_STYLE = "display:block;border:0;max-width:100%;height:auto"

_T = TypeVar("_T")
_logger = logging.getLogger(__name__)


@dataclass
class _Album:
    """The pictures of one post, while they are made. ends: when no further image is asked for.

    name: no other post has it: mail programs show the posts of a conversation together.
    """

    ends: float
    name: str = field(default_factory=lambda: secrets.token_hex(8))
    pictures: list[Picture] = field(default_factory=list)
    images: int = 0

    def add(self, content: bytes, media_type: str, extension: str) -> str:
        """The id of one more picture; empty where there is no room for it."""
        if sum(len(one.content) for one in self.pictures) + len(content) > MOST_BYTES:
            return ""
        number = len(self.pictures) + 1
        self.pictures.append(
            Picture(f"{self.name}-{number}@webhook-bridge", f"picture-{number}.{extension}", media_type, content)
        )
        return self.pictures[-1].id


class IllustratedChannel:
    """The `Channel` behind it, with pictures in the posts that have marks for them.

    fetcher: of the images that payloads name. clock: seconds since 1970.
    """

    def __init__(self, channel: Channel, fetcher: Fetcher, clock: Callable[[], float] = time.time) -> None:
        self._channel, self._fetcher, self._clock = channel, fetcher, clock
        self._refused: dict[str, float] = {}
        self._failed: dict[str, float] = {}

    def prepare(self, post: Post, thread: str) -> Post:
        """Draws and fetches the pictures of the post, then prepares it."""
        illustrated = self._illustrated(post)
        return self._tried(illustrated, lambda: self._channel.prepare(illustrated, thread))

    def start(self, post: Post) -> str:
        """Starts a thread with the post, which was prepared."""
        return self._tried(post, lambda: self._channel.start(post))

    def reply(self, thread: str, post: Post) -> str:
        """Adds the post, which was prepared, to the thread."""
        return self._tried(post, lambda: self._channel.reply(thread, post))

    def find(self, group: str, tokens: Sequence[str], since: datetime, where: str = "") -> Mapping[str, str]:
        """Finds tokens as the channel behind it does."""
        return self._channel.find(group, tokens, since, where)

    def _tried(self, post: Post, attempt: Callable[[], _T]) -> _T:
        """What the attempt returns. Where Graph refuses a post with pictures, the next attempt has none."""
        try:
            return attempt()
        except Refused as error:
            if not post.pictures:
                raise
            self._refused[post.group] = self._clock() + REFUSED
            raise NotSent(f"{error} It had pictures, and is sent again without them.") from error

    def _illustrated(self, post: Post) -> Post:
        if self._refused.get(post.group, 0.0) > self._clock():
            return replace(post, html=without_marks(post.html))
        album = _Album(self._clock() + TIME)
        html = with_pictures(post.html, lambda wanted: self._shown(wanted, album))
        return replace(post, html=html, pictures=tuple(album.pictures))

    def _shown(self, wanted: Wanted, album: _Album) -> str:
        """The HTML of a picture; empty where there is none, and nothing but the picture is lost."""
        if wanted.kind == "image":
            return self._shown_image(str(wanted.values.get("url")), wanted.alt, album)
        drawing = drawn(wanted.kind, wanted.values) if len(album.pictures) < MOST_CHARTS else None
        picture = album.add(drawing.png, "image/png", "png") if drawing else ""
        return _tag(picture, drawing.width, drawing.height, wanted.alt) if drawing and picture else ""

    def _shown_image(self, url: str, alt: str, album: _Album) -> str:
        found = self._fetched(url, album)
        picture = album.add(found.content, found.media_type, found.extension) if found else ""
        if not found or not picture:
            return ""
        share = min(1.0, _WIDEST / found.width, _HIGHEST / found.height)
        tag = _tag(picture, max(round(found.width * share), 1), max(round(found.height * share), 1), alt)
        return f'<a href="{escape(safe_url(url))}">{tag}</a>'

    def _fetched(self, url: str, album: _Album) -> Image | None:
        now, host = self._clock(), url.partition("//")[2].partition("/")[0]
        album.images += 1
        if album.images > MOST_IMAGES or now >= album.ends or self._failed.get(host, 0.0) > now:
            return None
        try:
            return self._fetcher.fetch(url, album.ends - now)
        except NoImage as error:
            _logger.info("An image is not shown: %s", error)
            if error.is_of_host:
                # Below a `*.` there may be any number of hosts.
                self._failed = {one: until for one, until in self._failed.items() if until > now}
                self._failed[host] = now + FAILED
            return None


def _tag(picture: str, width: int, height: int, alt: str) -> str:
    size = f'width="{width}" height="{height}"'
    return f'<img src="cid:{picture}" {size} alt="{escape(alt)}" style="width:{width}px;{_STYLE}">'
