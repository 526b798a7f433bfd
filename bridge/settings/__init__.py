"""The settings of the environment as one frozen value; `table` says how each is read, and what it means."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import field
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bridge.clouds import CLOUDS, Cloud
from bridge.settings import conversions
from bridge.settings.table import CHANNELS, IDENTITIES, TABLE
from bridge.settings.toml_tables import Problems
from bridge.values import dataclass

# (setting, its value): the settings that this choice needs.
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
# What is nothing without another setting.
_TOGETHER = {
    "BRIDGE_GITHUB_APP_ID": "BRIDGE_GITHUB_APP_KEY",
    "BRIDGE_GITHUB_APP_KEY": "BRIDGE_GITHUB_APP_ID",
    "BRIDGE_GITHUB_HOOKS": "BRIDGE_GITHUB_TOKEN",
}
_SECRET = re.compile(r"BRIDGE_([A-Z0-9_]+)_SECRET")
_NETWORKS = re.compile(r"BRIDGE_([A-Z0-9_]+)_NETWORKS")
# Azure passes on the text of a reference that it could not resolve:
# https://learn.microsoft.com/azure/app-service/app-service-key-vault-references
__all__ = ["CHANNELS", "IDENTITIES", "TABLE", "Group", "Settings", "is_loopback"]
_UNRESOLVED = "@Microsoft.KeyVault("

GRAPH_ID = re.compile(r"[\w=+/-]{4,}")  # a thread or a conversation


@dataclass(frozen=True)
class Group:
    """A Microsoft 365 group that the configuration names.

    id: its object id. name: its name in `[groups]`, if it has one. mail: its address. thread: the one thread to which
    all its posts are replies. paused: its posts wait until it is no longer paused.
    """

    id: str
    name: str = ""
    mail: str = ""
    thread: str = ""
    paused: bool = False


@dataclass(frozen=True)
class Settings:
    """The settings of the environment. config: the text of BRIDGE_CONFIG. Secrets are not in the representation.

    secrets, networks: by the names of sources. Networks are in CIDR notation, or `github`.
    """

    group: str = ""
    config: str = ""
    templates: Path | None = None
    time_zone: tzinfo = UTC
    identity: str = "managed-identity"
    client_id: str = ""
    tenant_id: str = ""
    azure_monitor_audience: tuple[str, ...] = ()
    aws_sns_topics: tuple[str, ...] = ()
    blueprint_id: str = ""
    agent_id: str = ""
    agent_user_id: str = ""
    app_id: str = ""
    key_vault_url: str = ""
    key_vault_entry: str = "webhook-bridge-account"
    public_url: str = ""
    channel: str = "threads"
    mail_from: str = ""
    mail_importance: str = "never"
    cloud_name: str = "global"
    graph_url: str = ""
    settle_seconds: float = 5.0
    digest_over: float = 10.0
    reopen_minutes: float = 15.0
    thread_days: float = 90.0
    give_up_hours: float = 24.0
    history_days: float = 30.0
    keep_payloads_hours: float = 0.0
    watchdog_minutes: float = 0.0
    pictures: str = "mail"
    image_hosts: tuple[str, ...] = ()
    outbox: Path = Path(".bridge/outbox.sqlite")
    github_token: str = field(default="", repr=False)
    github_app_id: str = ""
    github_app_key: str = field(default="", repr=False)
    github_hooks: tuple[str, ...] = ()
    github_api_url: str = "https://api.github.com"
    secrets: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    networks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def cloud(self) -> Cloud:
        """The cloud of BRIDGE_CLOUD."""
        return CLOUDS[self.cloud_name]

    @property
    def recovers_github(self) -> bool:
        """Whether GitHub is asked for what it could not deliver."""
        return bool(self.github_token or self.github_app_id)

    @property
    def graph_base(self) -> str:
        """The base URL of Graph, with its version."""
        return self.graph_url or f"https://{self.cloud.graph}/v1.0"

    @property
    def has_pictures(self) -> bool:
        """Whether posts show pictures, in the channel that is used."""
        return self.pictures in ("all", self.channel)

    @staticmethod
    def from_env(env: Mapping[str, str]) -> "Settings":
        """Reads the BRIDGE_ settings; SettingsError with every problem at once."""
        problems = Problems()
        settings = Settings.read(env, problems)
        problems.raise_any()
        return settings

    @staticmethod
    def read(env: Mapping[str, str], problems: Problems) -> "Settings":
        """Reads the BRIDGE_ settings; a wrong one is a problem, and has its default value."""
        values: dict[str, Any] = {}
        for name, setting in TABLE.items():
            if text := _resolved(name, env.get(name, ""), problems):
                try:
                    values[setting.attribute] = setting.convert(text)
                except ValueError as error:
                    problems.add(f"{name} {error}")
        if host := env.get("WEBSITE_HOSTNAME", ""):
            # https://learn.microsoft.com/azure/app-service/reference-app-settings
            values.setdefault("public_url", f"https://{host}")
        secrets = {
            match[1].lower(): conversions.separated(text)
            for name in env
            if (match := _SECRET.fullmatch(name)) and (text := _resolved(name, env[name], problems))
        }
        settings = Settings(**values, secrets=secrets, networks=_networks(env, problems))
        for problem in _contradictions(settings, problems):
            problems.add(problem)
        return settings


def _networks(env: Mapping[str, str], problems: Problems) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name in env:
        if (match := _NETWORKS.fullmatch(name)) and env[name].strip():
            try:
                found[match[1].lower()] = conversions.networks(env[name])
            except ValueError as error:
                problems.add(f"{name} {error}")
    return found


def _resolved(name: str, text: str, problems: Problems) -> str:
    if _UNRESOLVED not in text:
        return text.strip()
    problems.add(
        f"{name} is a Key Vault reference that Azure could not resolve: check the vault's access for the identity"
    )
    return ""


def _contradictions(settings: Settings, known: Problems) -> Iterable[str]:
    """What is wrong with settings that are right by themselves."""
    for (name, choice), needed in _NEEDS.items():
        if getattr(settings, TABLE[name].attribute) == choice:
            for other in needed:
                if not getattr(settings, TABLE[other].attribute) and not known.names(other):
                    yield f"{other} is missing: {name}={choice} needs it"
    if settings.azure_monitor_audience and not conversions.is_uuid(settings.tenant_id):
        yield "BRIDGE_AZURE_MONITOR_AUDIENCE needs BRIDGE_TENANT_ID: the tenant's id, not its name"
    yield from _incomplete(settings, known)
    cloud, url, vault = settings.cloud, settings.graph_url, settings.key_vault_url
    if url and not is_loopback(url) and urlsplit(url).hostname != cloud.graph:
        yield "BRIDGE_GRAPH_URL is not in the cloud that BRIDGE_CLOUD names, and would not accept its tokens"
    if vault and not str(urlsplit(vault).hostname).endswith(f".{cloud.vault}"):
        yield f"BRIDGE_KEY_VAULT_URL is not in the cloud that BRIDGE_CLOUD names: its vaults end in .{cloud.vault}"


def _incomplete(settings: Settings, known: Problems) -> Iterable[str]:
    for name, other in _TOGETHER.items():
        value, needed = (getattr(settings, TABLE[each].attribute) for each in (name, other))
        if value and not needed and not known.names(other):
            yield f"{other} is missing: {name} needs it"


def is_loopback(url: str) -> bool:
    """Whether the URL is of this machine, where the stand-in Graph listens."""
    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
