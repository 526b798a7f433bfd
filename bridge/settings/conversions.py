"""Conversions of the texts of settings; each raises ValueError with what is wrong, but without the text."""

import base64
import binascii
import contextlib
import ipaddress
import re
from collections.abc import Callable
from datetime import tzinfo
from pathlib import Path
from typing import Self

from bridge.clouds import CLOUDS
from bridge.spelling import meant


def time_zone(text: str) -> tzinfo:
    """The time zone of that name."""
    # Imported here, as it looks for the system's time zones, and by default there are none to look up.
    from zoneinfo import ZoneInfo  # noqa: PLC0415

    try:
        return ZoneInfo(text)
    except (OSError, ValueError, LookupError):
        raise ValueError("is not a time zone: give its name, such as Europe/Berlin or America/New_York") from None


def folder(text: str) -> Path:
    """A folder that exists."""
    # The operating system refuses some names, such as long ones, with an error.
    with contextlib.suppress(OSError):
        if Path(text).is_dir():
            return Path(text)
    raise ValueError("is not a folder: create it, or remove the setting")


class FileText(str):
    """The text of a file. file: its name, for messages."""

    __slots__ = ("file",)
    file: str

    def __new__(cls, text: str, file: str) -> Self:
        """The text, with the name of its file."""
        made = super().__new__(cls, text)
        made.file = file
        return made


def file_of(text: str) -> str:
    """The name of the file that a setting's text was read from, or nothing."""
    return text.file if isinstance(text, FileText) else ""


def is_toml(text: str) -> bool:
    """Whether a setting's text is TOML itself, and not the path of a file."""
    return text.startswith("[") or "\n" in text or "=" in text


def toml_text(text: str) -> str:
    """The text itself, or that of the file that it names."""
    if is_toml(text):
        return text
    try:
        return FileText(Path(text).read_text("utf-8"), Path(text).name)
    except (OSError, ValueError):
        # Any other text may have come here by mistake, and be a secret.
        names = f"names {text}, which" if text.endswith(".toml") else "names a file that"
        raise ValueError(f"{names} cannot be read: give a readable path, or the TOML text itself") from None


def at_least(least: float) -> Callable[[str], float]:
    """A number that is not smaller."""

    def convert(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            raise ValueError("is not a number") from None
        if not least <= number < 1e6:
            raise ValueError(f"must be at least {least:g}")
        return number

    return convert


def one_of(*choices: str) -> Callable[[str], str]:
    """One of the choices."""

    def convert(text: str) -> str:
        if text not in choices:
            like = meant(text, choices)
            instead = f"; did you mean `{like}`?" if like else ""
            raise ValueError(f"must be one of {', '.join(choices)}{instead}")
        return text

    return convert


def is_uuid(text: str) -> bool:
    """Whether a text is an id as Entra has them: of a group, an app or a tenant."""
    return re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text, re.IGNORECASE) is not None


def identifier(text: str) -> str:
    """An id or a user's name, which becomes part of a URL."""
    if not re.fullmatch(r"[\w.@-]+", text):
        raise ValueError("is not an id: copy it from the portal")
    return text


def graph_url(text: str) -> str:
    """The base URL of Graph in one of the clouds, or of the stand-in on this machine."""
    # Plain HTTP only to this machine, where the stand-in Graph listens: a token must not travel in the clear.
    hosts = [cloud.graph for cloud in CLOUDS.values()]
    match = re.match(r"https://([\w.-]+)(?=[:/]|$)", text)
    if not (match and match[1] in hosts) and not re.match(r"https?://(127\.0\.0\.1|localhost|\[::1\])[:/]", text):
        raise ValueError(f"must begin with https:// and one of {', '.join(hosts)}")
    return text.rstrip("/")


def host_url(meaning: str) -> Callable[[str], str]:
    """An https:// URL without a path."""

    def convert(text: str) -> str:
        if not re.fullmatch(r"https://[A-Za-z0-9.-]+(:\d+)?/?", text):
            raise ValueError(f"must be {meaning}, with nothing after the host")
        return text.rstrip("/")

    return convert


def hosts(text: str) -> tuple[str, ...]:
    """Names of hosts, each with or without a port; `*.` stands for all below one."""
    parts = separated(text.lower())
    if not all(re.fullmatch(r"(\*\.)?([a-z0-9_-]+\.)+[a-z][a-z0-9-]*(:\d{1,5})?", part) for part in parts):
        raise ValueError("must be names of hosts, such as grafana.contoso.com or *.contoso.com, without https://")
    return parts


def mailbox(text: str) -> str:
    """The address of a mailbox."""
    if not re.fullmatch(r"[^<>@\s/?#]+@[^<>@\s/?#]+", text):
        raise ValueError("must be the address of a mailbox, such as bridge@contoso.com")
    return text


def entry_name(text: str) -> str:
    """The name of a secret: https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates."""
    if not re.fullmatch(r"[0-9A-Za-z-]{1,120}", text):
        raise ValueError("must consist of letters, digits and hyphens, as the names of secrets in Key Vault do")
    return text


def audiences(text: str) -> tuple[str, ...]:
    """Client ids or application id URIs."""
    parts = separated(text)
    if not parts or not all(re.fullmatch(r"[\w.:/-]+", part) for part in parts):
        raise ValueError("must be the client id of an app registration, or its application id URI")
    return parts


def topics(text: str) -> tuple[str, ...]:
    """ARNs of topics."""
    parts = separated(text)
    if not all(re.fullmatch(r"arn:aws[a-z-]*:sns:[a-z0-9-]{3,30}:\d+:[\w.-]+", part) for part in parts):
        raise ValueError("must be ARNs of topics, such as arn:aws:sns:eu-west-1:123456789012:alarms")
    return parts


def networks(text: str) -> tuple[str, ...]:
    """Networks in CIDR notation, and `github` for those that GitHub publishes."""
    parts = separated(text)
    try:
        for part in parts:
            if part != "github":
                ipaddress.ip_network(part)
    except ValueError:
        raise ValueError("must be networks, such as 192.0.2.0/24 or 2001:db8::/32, or `github`") from None
    if not parts:
        raise ValueError("is empty: list networks, or remove the setting")
    return parts


def separated(text: str) -> tuple[str, ...]:
    """The parts of a text that commas separate."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def github_token(text: str) -> str:
    """A token of GitHub, on one line."""
    if not re.fullmatch(r"[A-Za-z0-9_]{20,255}", text):
        raise ValueError("is not a token of GitHub: copy the whole token")
    return text


def github_owners(text: str) -> tuple[str, ...]:
    """Repositories (`contoso/pump`) and organizations (`contoso`) of GitHub."""
    parts = tuple(dict.fromkeys(part.strip("/") for part in separated(text)))
    if not parts or not all(re.fullmatch(r"[A-Za-z0-9-]{1,39}(/[\w.-]{1,100})?", part, re.ASCII) for part in parts):
        raise ValueError("must be names such as contoso/pump or contoso, separated by commas")
    return parts


def private_key(text: str) -> str:
    """A private key as PEM: as it is, on one line with its line ends written out, or in base64."""
    text = text.replace("\\n", "\n").strip()
    if not text.startswith("-----BEGIN"):
        try:
            text = base64.b64decode("".join(text.split()), validate=True).decode().strip()
        except (binascii.Error, ValueError):
            text = ""
    if not re.match(r"-----BEGIN (RSA )?PRIVATE KEY-----\s", text):
        raise ValueError("is not a private key: copy the whole PEM file, from -----BEGIN on, or the same in base64")
    return text


def github_api(text: str) -> str:
    """The base URL of GitHub's API, or of a stand-in on this machine."""
    # Plain HTTP only to this machine: a token must not travel in the clear.
    if not re.fullmatch(r"https://[A-Za-z0-9.-]+(:\d+)?(/api/v3)?/?|http://127\.0\.0\.1(:\d+)?(/[\w/.-]*)?", text):
        raise ValueError("must be the URL of GitHub's API, such as https://github.contoso.com/api/v3")
    return text.rstrip("/")
