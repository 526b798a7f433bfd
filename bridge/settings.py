"""The bridge's settings: one frozen value, read from the environment once."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from bridge.clouds import CLOUDS, Cloud
from bridge.errors import SettingsError

IDENTITIES = ("managed-identity", "agent-user", "service-account", "developer")
CHANNELS = ("threads", "mail")
# What cannot do without what: (setting, its value): the settings that it needs.
_NEEDS = {
    ("BRIDGE_IDENTITY", "agent-user"): (
        "BRIDGE_TENANT_ID",
        "BRIDGE_BLUEPRINT_ID",
        "BRIDGE_AGENT_ID",
        "BRIDGE_AGENT_USER_ID",
    ),
    ("BRIDGE_IDENTITY", "service-account"): (
        "BRIDGE_TENANT_ID",
        "BRIDGE_APP_ID",
        "BRIDGE_CLIENT_ID",
        "BRIDGE_KEY_VAULT_URL",
    ),
    ("BRIDGE_CHANNEL", "mail"): ("BRIDGE_MAIL_FROM",),
}
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SECRET = re.compile(r"BRIDGE_([A-Z0-9_]+)_SECRET")
# https://learn.microsoft.com/azure/app-service/app-service-key-vault-references: one that Azure could not resolve
# arrives as its own text.
_UNRESOLVED = "@Microsoft.KeyVault("


@dataclass(frozen=True)
class Group:
    """What the settings say about a group.

    mail: its address. thread: the one thread that all its posts reply to. paused: it gets nothing for now.
    """

    mail: str = ""
    thread: str = ""
    paused: bool = False


@dataclass(frozen=True)
class Settings:
    """What a person can set. Secrets are kept out of the representation."""

    group: str = ""
    config: str = ""
    templates: Path | None = None
    time_zone: tzinfo = UTC
    identity: str = "managed-identity"
    client_id: str = ""
    tenant_id: str = ""
    azure_monitor_audience: str = ""
    aws_sns_topics: str = ""
    blueprint_id: str = ""
    agent_id: str = ""
    agent_user_id: str = ""
    app_id: str = ""
    key_vault_url: str = ""
    key_vault_entry: str = "webhook-bridge-account"
    public_url: str = ""
    channel: str = "threads"
    mail_from: str = ""
    cloud_name: str = "global"
    graph_url: str = ""
    settle_seconds: float = 5.0
    digest_over: float = 10.0
    reopen_minutes: float = 15.0
    thread_days: float = 90.0
    give_up_hours: float = 24.0
    history_days: float = 30.0
    outbox: Path = Path(".bridge/outbox.sqlite")
    secrets: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)

    @property
    def cloud(self) -> Cloud:
        """The cloud of BRIDGE_CLOUD."""
        return CLOUDS[self.cloud_name]

    @property
    def graph_base(self) -> str:
        """The base URL of Graph, with its version."""
        return self.graph_url or f"https://{self.cloud.graph}/v1.0"

    @property
    def credentials(self) -> Mapping[str, tuple[str, ...]]:
        """What senders prove themselves by, for each source: its secrets, the audiences of its tokens, its topics."""
        others = {"azure_monitor": _listed_in(self.azure_monitor_audience), "aws_sns": _listed_in(self.aws_sns_topics)}
        return {**self.secrets, **{name: proofs for name, proofs in others.items() if proofs}}

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
        if host := env.get("WEBSITE_HOSTNAME", ""):
            # https://learn.microsoft.com/azure/app-service/reference-app-settings
            values.setdefault("public_url", f"https://{host}")
        problems += _contradictions(values)
        secrets = _secrets(env, problems)
        if problems:
            raise SettingsError(problems)
        return Settings(**values, secrets=secrets)


def _contradictions(values: Mapping[str, Any]) -> list[str]:
    """What each setting would be good for by itself, but not with the others."""
    problems: list[str] = []
    for (name, choice), needed in _NEEDS.items():
        if values.get(TABLE[name][0]) == choice:
            problems += [
                f"{other} is missing: {name}={choice} needs it" for other in needed if not values.get(TABLE[other][0])
            ]
    if values.get("azure_monitor_audience") and not _UUID.fullmatch(values.get("tenant_id", "").lower()):
        problems.append(
            "BRIDGE_AZURE_MONITOR_AUDIENCE needs BRIDGE_TENANT_ID, as the id and not the name of the tenant"
        )
    cloud = CLOUDS[values.get("cloud_name", "global")]
    url = values.get("graph_url", "")
    if url and not is_loopback(url) and urlsplit(url).hostname != cloud.graph:
        problems.append("BRIDGE_GRAPH_URL is not of the cloud of BRIDGE_CLOUD, whose tokens it would not take")
    vault = values.get("key_vault_url", "")
    if vault and not str(urlsplit(vault).hostname).endswith(f".{cloud.vault}"):
        problems.append(f"BRIDGE_KEY_VAULT_URL is not of the cloud of BRIDGE_CLOUD, whose vaults end in .{cloud.vault}")
    return problems


def _secrets(env: Mapping[str, str], problems: list[str]) -> dict[str, tuple[str, ...]]:
    secrets: dict[str, tuple[str, ...]] = {}
    for name, text in env.items():
        match = _SECRET.fullmatch(name)
        if not match or not text.strip():
            continue
        if _UNRESOLVED in text:
            problems.append(_unresolved(name))
            continue
        secrets[match[1].lower()] = _listed_in(text)
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


def _zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (OSError, ValueError, LookupError):
        raise ValueError("is not a time zone: give its name, as Europe/Berlin or America/New_York") from None


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


def _listed(choices: Iterable[str]) -> str:
    *others, last = (f"`{choice}`" for choice in choices)
    return f"{', '.join(others)} or {last}"


def _name(text: str) -> str:
    # It becomes a part of a URL.
    if not re.fullmatch(r"[\w.@-]+", text):
        raise ValueError("is not an id: copy it from the portal")
    return text


def _graph_url(text: str) -> str:
    # Plain HTTP only to this machine, where the stand-in Graph listens: a token must not travel in the clear.
    hosts = [cloud.graph for cloud in CLOUDS.values()]
    match = re.match(r"https://([\w.-]+)(?=[:/]|$)", text)
    if not (match and match[1] in hosts) and not re.match(r"https?://(127\.0\.0\.1|localhost|\[::1\])[:/]", text):
        raise ValueError(f"must begin with https:// and one of {', '.join(hosts)}")
    return text.rstrip("/")


def _address(what: str) -> Callable[[str], str]:
    """An https:// URL of a host alone."""

    def convert(text: str) -> str:
        if not re.fullmatch(r"https://[A-Za-z0-9.-]+(:\d+)?/?", text):
            raise ValueError(f"must be {what}, with nothing behind the host")
        return text.rstrip("/")

    return convert


def _mailbox(text: str) -> str:
    if not re.fullmatch(r"[^<>@\s/?#]+@[^<>@\s/?#]+", text):
        raise ValueError("must be the address of a mailbox, like bridge@contoso.com")
    return text


def _entry_name(text: str) -> str:
    # https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates
    if not re.fullmatch(r"[0-9A-Za-z-]{1,120}", text):
        raise ValueError("must be of letters, digits and hyphens, as the names of secrets in Key Vault are")
    return text


def _audience(text: str) -> str:
    if not all(re.fullmatch(r"[\w.:/-]+", part) for part in _listed_in(text) or ("",)):
        raise ValueError("must be the client id of an app registration, or its application id URI")
    return text


def _topics(text: str) -> str:
    if not all(re.fullmatch(r"arn:aws[a-z-]*:sns:[a-z0-9-]{3,30}:\d+:[\w.-]+", part) for part in _listed_in(text)):
        raise ValueError("must be ARNs of topics, as arn:aws:sns:eu-west-1:123456789012:alarms")
    return text


def _listed_in(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def is_loopback(url: str) -> bool:
    """Whether the URL is of this machine, where the stand-in Graph listens."""
    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")


# name: (attribute, how its text is read, what it means)
TABLE: Mapping[str, tuple[str, Callable[[str], Any], str]] = {
    "BRIDGE_GROUP": ("group", str, "Object id of the group that gets what no route sends elsewhere"),
    "BRIDGE_CONFIG": ("config", str, "Groups and routes as TOML: the text itself, or the path of a file"),
    "BRIDGE_TEMPLATES": ("templates", _folder, "Folder of your own templates, searched before the bridge's"),
    "BRIDGE_TIME_ZONE": ("time_zone", _zone, "Zone of the times that posts show, as `Europe/Berlin`: `16:03 UTC+2`"),
    "BRIDGE_IDENTITY": ("identity", _one_of(*IDENTITIES), f"Who posts: {_listed(IDENTITIES)}"),
    "BRIDGE_CLIENT_ID": ("client_id", str, "Client id of a user-assigned managed identity; empty: system-assigned"),
    "BRIDGE_TENANT_ID": (
        "tenant_id",
        _name,
        "Id of the Entra tenant (`agent-user`, `service-account`, secure webhooks)",
    ),
    "BRIDGE_AZURE_MONITOR_AUDIENCE": (
        "azure_monitor_audience",
        _audience,
        "Client id of the app registration that Azure Monitor's secure webhooks get their tokens for",
    ),
    "BRIDGE_AWS_SNS_TOPICS": (
        "aws_sns_topics",
        _topics,
        "ARNs of the topics of Amazon SNS that may send, separated by commas",
    ),
    "BRIDGE_BLUEPRINT_ID": ("blueprint_id", _name, "Client id of the agent identity blueprint (`agent-user`)"),
    "BRIDGE_AGENT_ID": ("agent_id", _name, "Client id of the agent identity (`agent-user`)"),
    "BRIDGE_AGENT_USER_ID": ("agent_user_id", _name, "Object id or user principal name of the agent's user"),
    "BRIDGE_APP_ID": ("app_id", _name, "Client id of the app registration that the account signs in to"),
    "BRIDGE_KEY_VAULT_URL": (
        "key_vault_url",
        _address("the URL of a key vault"),
        "Key vault that keeps the account's sign-in (`service-account`)",
    ),
    "BRIDGE_KEY_VAULT_ENTRY": ("key_vault_entry", _entry_name, "Name of the sign-in in the key vault"),
    "BRIDGE_PUBLIC_URL": (
        "public_url",
        _address("the URL of the app"),
        "URL of the app, where the sign-in returns to; empty: the one that Azure gives it",
    ),
    "BRIDGE_CHANNEL": ("channel", _one_of(*CHANNELS), f"How posts get into groups: {_listed(CHANNELS)}"),
    "BRIDGE_MAIL_FROM": ("mail_from", _mailbox, "Address of the mailbox that sends the mail (`mail`)"),
    "BRIDGE_CLOUD": ("cloud_name", _one_of(*CLOUDS), f"Cloud of the tenant: {_listed(CLOUDS)}"),
    "BRIDGE_GRAPH_URL": ("graph_url", _graph_url, "Base URL of Microsoft Graph, with its version; empty: v1.0"),
    "BRIDGE_SETTLE_SECONDS": ("settle_seconds", _at_least(0), "How long an entry waits for others of its thread"),
    "BRIDGE_DIGEST_OVER": ("digest_over", _at_least(1), "More new threads at once than this become one, a digest"),
    "BRIDGE_REOPEN_MINUTES": ("reopen_minutes", _at_least(0), "What happens sooner after a thread's end goes on in it"),
    "BRIDGE_THREAD_DAYS": ("thread_days", _at_least(1), "A thread without a post for so long is over"),
    "BRIDGE_GIVE_UP_HOURS": ("give_up_hours", _at_least(0.1), "How long a refused identity or group is tried again"),
    "BRIDGE_HISTORY_DAYS": ("history_days", _at_least(1), "How long repeats of a delivery are recognised"),
    "BRIDGE_OUTBOX": ("outbox", Path, "The SQLite file of outbox and queue, where no storage account is set"),
}
