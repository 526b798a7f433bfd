"""The bridge's settings: one frozen value, read from the environment once."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bridge.errors import SettingsError

IDENTITIES = ("managed-identity", "developer")
# https://learn.microsoft.com/graph/deployments: tokens of one cloud are worth nothing in another.
GRAPH_HOSTS = ("graph.microsoft.com", "graph.microsoft.us", "dod-graph.microsoft.us", "microsoftgraph.chinacloudapi.cn")
_SECRET = re.compile(r"BRIDGE_([A-Z0-9_]+)_SECRET")
# https://learn.microsoft.com/azure/app-service/app-service-key-vault-references: one that Azure could not resolve
# arrives as its own text.
_UNRESOLVED = "@Microsoft.KeyVault("


@dataclass(frozen=True)
class Settings:
    """What a person can set. Secrets are kept out of the representation."""

    group: str = ""
    config: str = ""
    templates: Path | None = None
    identity: str = "managed-identity"
    client_id: str = ""
    graph_url: str = "https://graph.microsoft.com/v1.0"
    settle_seconds: float = 5.0
    digest_over: float = 10.0
    reopen_minutes: float = 15.0
    thread_days: float = 90.0
    give_up_hours: float = 24.0
    history_days: float = 30.0
    outbox: Path = Path(".bridge/outbox.sqlite")
    secrets: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)

    @staticmethod
    def from_env(env: Mapping[str, str]) -> "Settings":
        """Reads the BRIDGE_ settings; SettingsError with every problem at once, without a value in any of them."""
        problems: list[str] = []
        values: dict[str, Any] = {}
        for name, (attribute, convert, _) in TABLE.items():
            text = env.get(name, "").strip()
            if not text:
                continue
            if text.startswith(_UNRESOLVED):
                problems.append(_unresolved(name))
                continue
            try:
                values[attribute] = convert(text)
            except ValueError as error:
                problems.append(f"{name} {error}")
        values["config"] = _config_text(values.get("config", ""), problems)
        secrets = _secrets(env, problems)
        if problems:
            raise SettingsError(problems)
        return Settings(**values, secrets=secrets)


def _secrets(env: Mapping[str, str], problems: list[str]) -> dict[str, tuple[str, ...]]:
    secrets: dict[str, tuple[str, ...]] = {}
    for name, text in env.items():
        match = _SECRET.fullmatch(name)
        if not match or not text.strip():
            continue
        if _UNRESOLVED in text:
            problems.append(_unresolved(name))
            continue
        secrets[match[1].lower()] = tuple(part.strip() for part in text.split(",") if part.strip())
    return secrets


def _unresolved(name: str) -> str:
    return f"{name} is a Key Vault reference that Azure could not resolve: check the vault's access for the identity"


def _config_text(config: str, problems: list[str]) -> str:
    """BRIDGE_CONFIG itself, or the text of the file that it names."""
    if not config or config.startswith("[") or "\n" in config or "=" in config:
        return config
    try:
        return Path(config).read_text("utf-8")
    except (OSError, ValueError):
        problems.append("BRIDGE_CONFIG names a file that cannot be read: give a readable path, or the TOML text itself")
        return ""


def _folder(text: str) -> Path:
    if not Path(text).is_dir():
        raise ValueError("is not a folder: create it, or remove the setting")
    return Path(text)


def _at_least(least: float) -> Callable[[str], float]:
    def convert(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            raise ValueError("is not a number") from None
        if not least <= number < 1e6:
            raise ValueError(f"must be at least {least:g}")
        return number

    return convert


def _one_of(*choices: str) -> Callable[[str], str]:
    def convert(text: str) -> str:
        if text not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return text

    return convert


def _graph_url(text: str) -> str:
    # Plain HTTP only to this machine, where the stand-in Graph listens: a token must not travel in the clear.
    match = re.match(r"https://([\w.-]+)(?=[:/]|$)", text)
    if not (match and match[1] in GRAPH_HOSTS) and not re.match(r"https?://(127\.0\.0\.1|localhost|\[::1\])[:/]", text):
        raise ValueError(f"must begin with https:// and one of {', '.join(GRAPH_HOSTS)}")
    return text.rstrip("/")


def is_loopback(url: str) -> bool:
    """Whether the URL is of this machine, where the stand-in Graph listens."""
    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")


# name: (attribute, how its text is read, what it means)
TABLE: Mapping[str, tuple[str, Callable[[str], Any], str]] = {
    "BRIDGE_GROUP": ("group", str, "Object id of the group that gets what no route sends elsewhere"),
    "BRIDGE_CONFIG": ("config", str, "Groups and routes as TOML: the text itself, or the path of a file"),
    "BRIDGE_TEMPLATES": ("templates", _folder, "Folder of your own templates, searched before the bridge's"),
    "BRIDGE_IDENTITY": ("identity", _one_of(*IDENTITIES), "Who posts: `managed-identity`, or `developer` (`az login`)"),
    "BRIDGE_CLIENT_ID": ("client_id", str, "Client id of a user-assigned managed identity; empty: system-assigned"),
    "BRIDGE_GRAPH_URL": ("graph_url", _graph_url, "Base URL of Microsoft Graph, with its version"),
    "BRIDGE_SETTLE_SECONDS": ("settle_seconds", _at_least(0), "How long an entry waits for others of its thread"),
    "BRIDGE_DIGEST_OVER": ("digest_over", _at_least(1), "More new threads at once than this become one, a digest"),
    "BRIDGE_REOPEN_MINUTES": ("reopen_minutes", _at_least(0), "What happens sooner after a thread's end goes on in it"),
    "BRIDGE_THREAD_DAYS": ("thread_days", _at_least(1), "A thread without a post for so long is over"),
    "BRIDGE_GIVE_UP_HOURS": ("give_up_hours", _at_least(0.1), "How long a refused identity or group is tried again"),
    "BRIDGE_HISTORY_DAYS": ("history_days", _at_least(1), "How long repeats of a delivery are recognised"),
    "BRIDGE_OUTBOX": ("outbox", Path, "The SQLite file of outbox and queue, where no storage account is set"),
}
