"""Links of strangers: only safe addresses, and never a text that pretends to be another address.

`contoso.com` that leads elsewhere reads `contoso.com → evil.example`.
"""

import re
import unicodedata
from urllib.parse import unquote, urlsplit

from bridge.limits import MAX_URL
from bridge.rendering.text import has_invisible, shorten

SCHEMES = {"http", "https", "mailto"}
_LONGEST_TEXT = 2000  # characters of a link's text that are looked at
_SHOWN = 60  # characters of a URL
_MOST_OF_HOST = 59  # so that it is never cut with the rest


def _words(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


_AROUND = "()[]{}<>\"'“”\u2018\u2019«»,.;:!?*_`…"
_NUMBER = re.compile(r"[#!]\d+")
_EXPLICIT = re.compile(r"(?:[a-z][a-z0-9+.-]{0,15}:)?[/\\]{2}", re.IGNORECASE)
_HOST = re.compile(r"(?:[\w-]{1,63}\.){1,10}([^\W\d_][\w-]{1,62})")
# In a text of several words only these make a host of a word: `contoso.com`, `contoso.de`, and not `String.replace`.
_ENDINGS = _words(
    "com org net edu gov mil int info biz dev app cloud online site shop store tech top xyz link example test"
)
# What ends so is a file and no host...
_FILES = _words(
    """
    asc bak bicep bz2 cfg cjs cpp cs cshtml csproj css csv diff dll doc docx dockerfile env erb exe gif go gradle gz hpp
    htm html ini ipynb jar java jpeg jpg js json jsonc jsx kt less lock log lua mjs patch pdf pem php png proto ps1 psm1
    razor rb scala scss sha256 sig sln sql svg swift tar tf tfvars tgz toml ts tsx txt vb vue war wasm webp whl xlsx xml
    yaml yml
    """
)
# ... and so does this where the address leads to a file of the name; else it is a host, in Moldova or Serbia.
_FILES_OR_HOSTS = _words("app cc md mov pl ps py rs sh so zip")


def safe_url(url: str) -> str:
    """The URL if it is a whole one of http, https or mailto and not overlong, else an empty string."""
    url = url.strip()
    if not url or _is_plain(url):
        return url
    if len(url) > MAX_URL or re.search(r"[\s\x00-\x1f\x7f<>\"]", url) or has_invisible(url):
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    whole = parts.path if parts.scheme == "mailto" else parts.netloc
    return url if parts.scheme in SCHEMES and whole else ""


def _is_plain(url: str) -> bool:
    """Whether the URL is a safe one of which each sign is what it seems: nearly all are, and a post has dozens."""
    scheme, found, rest = url.partition("://")
    if scheme not in ("https", "http") or not found or not rest or rest[0] in "/?#" or len(url) > MAX_URL:
        return False
    is_visible = url.isascii() and url.isprintable()
    return is_visible and not (" " in url or "<" in url or ">" in url or '"' in url or "[" in url or "]" in url)


def short_url(url: str) -> str:
    """A URL as people read it: its host and what there is room for of its path. A host shows its end at least."""
    text = re.sub(r"^https?://(www\.)?", "", url.strip()).rstrip("/")
    authority = re.split(r"[/?#]", text, maxsplit=1)[0]
    host = authority.rpartition("@")[2]
    return shorten(_end(host) + text[len(authority) :], _SHOWN)


def real_host(text: str, url: str, *, is_name: bool = False) -> str:
    """Where the link really leads, if its text looks like an address of another place; else an empty string.

    is_name: the text is a title or a name, of which a word among others promises nothing, unless it begins as a URL.
    """
    real = _host_of(url)
    if not real:
        return ""
    words = [word for word in text[:_LONGEST_TEXT].split() if not _NUMBER.fullmatch(word)]
    endings = frozenset[str]() if is_name else _ENDINGS
    for word in words[:1] if is_name else words:
        shown = _shown(word, "" if is_name else url, None if len(words) == 1 else endings)
        if shown and (not _same(shown, real) or _is_disguised(shown)):
            return _end(real)
    return ""


def _host_of(url: str) -> str:
    """The host of a URL, or the domain of a mail address, in ASCII as the browser asks for it."""
    try:
        parts = urlsplit(url)
        host = unquote(parts.path).rpartition("@")[2] if parts.scheme == "mailto" else unquote(parts.hostname or "")
    except ValueError:
        return ""
    return _ascii(host.lower().rstrip("."))


def _shown(word: str, url: str, endings: frozenset[str] | None) -> str:
    """The host that a reader sees in a word, or an empty string.

    url: where the link leads; empty: what could be a file is one.
    endings: by which a host is known, beside those of countries; None: any.
    """
    word = word.strip(_AROUND).lower()
    explicit = _EXPLICIT.match(word)
    authority = word[explicit.end() if explicit else 0 :]
    for sign in "/\\?#":
        authority = authority.partition(sign)[0]
    # In `https://github.com@evil.example` a reader sees what is no host at all.
    host = authority.partition("@")[0] if explicit else authority.rpartition("@")[2]
    if ":" in host:
        host = re.sub(r":\d*$", "", host)
    if explicit or host.startswith("www."):
        return host
    ending = found[1] if (found := _HOST.fullmatch(host)) else ""
    if not ending or ending in _FILES or (ending in _FILES_OR_HOSTS and (not url or host in _path(url))):
        return ""
    return host if endings is None or ending in endings or (endings and len(ending) == 2) else ""


def _path(url: str) -> str:
    return unquote(url.partition("//")[2].partition("/")[2]).lower()


def _same(shown: str, real: str) -> bool:
    """Whether one host is the other or within it."""
    shown, real = (_ascii(host).removeprefix("www.") for host in (shown, real))
    return shown == real or real.endswith(f".{shown}") or shown.endswith(f".{real}")


def _ascii(host: str) -> str:
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return host


def _is_disguised(host: str) -> bool:
    """Whether a host below an ending of Latin letters has others, which may look like them."""
    if host.isascii():
        return False
    letters = (unicodedata.normalize("NFKD", letter)[0] for letter in host if letter.isalpha())
    return host.rpartition(".")[2].isascii() and not all(letter.isascii() for letter in letters)


def _end(host: str) -> str:
    """A host, or the end of an overlong one: that says whose it is."""
    return host if len(host) <= _MOST_OF_HOST else f"…{host[1 - _MOST_OF_HOST :]}"
