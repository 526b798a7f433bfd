"""The settings of the environment: one frozen value, and the table that says how each is read and what it means."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from bridge import conversions
from bridge.clouds import CLOUDS, Cloud
from bridge.toml_tables import Problems

IDENTITIES = ("managed-identity", "agent-user", "service-account", "developer")
CHANNELS = ("threads", "mail")
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
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SECRET = re.compile(r"BRIDGE_([A-Z0-9_]+)_SECRET")
_NETWORKS = re.compile(r"BRIDGE_([A-Z0-9_]+)_NETWORKS")
# Azure passes on the text of a reference that it could not resolve:
# https://learn.microsoft.com/azure/app-service/app-service-key-vault-references
_UNRESOLVED = "@Microsoft.KeyVault("


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
    outbox: Path = Path(".bridge/outbox.sqlite")
    secrets: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    networks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def cloud(self) -> Cloud:
        """The cloud of BRIDGE_CLOUD."""
        return CLOUDS[self.cloud_name]

    @property
    def graph_base(self) -> str:
        """The base URL of Graph, with its version."""
        return self.graph_url or f"https://{self.cloud.graph}/v1.0"

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
    if settings.azure_monitor_audience and not _UUID.fullmatch(settings.tenant_id.lower()):
        yield "BRIDGE_AZURE_MONITOR_AUDIENCE needs BRIDGE_TENANT_ID, as the id and not the name of the tenant"
    cloud, url, vault = settings.cloud, settings.graph_url, settings.key_vault_url
    if url and not is_loopback(url) and urlsplit(url).hostname != cloud.graph:
        yield "BRIDGE_GRAPH_URL is not of the cloud of BRIDGE_CLOUD, whose tokens it would not accept"
    if vault and not str(urlsplit(vault).hostname).endswith(f".{cloud.vault}"):
        yield f"BRIDGE_KEY_VAULT_URL is not of the cloud of BRIDGE_CLOUD, whose vaults end in .{cloud.vault}"


def is_loopback(url: str) -> bool:
    """Whether the URL is of this machine, where the stand-in Graph listens."""
    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")


def _choices(names: Iterable[str]) -> str:
    *others, last = (f"`{name}`" for name in names)
    return f"{', '.join(others)} or {last}"


class Setting(NamedTuple):
    """How one setting is read. attribute: of Settings. meaning: what it is for, as the docs say it."""

    attribute: str
    convert: Callable[[str], Any]
    meaning: str


TABLE: Mapping[str, Setting] = {
    "BRIDGE_GROUP": Setting(
        "group", str, "Default group: object id of the group that receives what no route sends elsewhere"
    ),
    "BRIDGE_CONFIG": Setting(
        "config", conversions.toml_text, "Groups, routes and your own sources as TOML: the text, or the path of a file"
    ),
    "BRIDGE_TEMPLATES": Setting(
        "templates", conversions.folder, "Folder with your own templates, searched before the bridge's"
    ),
    "BRIDGE_TIME_ZONE": Setting(
        "time_zone", conversions.time_zone, "Time zone of the times in posts, such as `Europe/Berlin`: `16:03 UTC+2`"
    ),
    "BRIDGE_IDENTITY": Setting(
        "identity", conversions.one_of(*IDENTITIES), f"Identity that posts: {_choices(IDENTITIES)}"
    ),
    "BRIDGE_CLIENT_ID": Setting(
        "client_id", str, "Client id of a user-assigned managed identity; empty: the system-assigned one"
    ),
    "BRIDGE_TENANT_ID": Setting(
        "tenant_id",
        conversions.identifier,
        "Id of the Entra tenant (`agent-user`, `service-account`, secure webhooks)",
    ),
    "BRIDGE_AZURE_MONITOR_AUDIENCE": Setting(
        "azure_monitor_audience",
        conversions.audiences,
        "Azure Monitor's secure webhooks: client id of the app registration for which their tokens are issued",
    ),
    "BRIDGE_AWS_SNS_TOPICS": Setting(
        "aws_sns_topics", conversions.topics, "Amazon SNS: ARNs of the topics that may send, separated by commas"
    ),
    "BRIDGE_BLUEPRINT_ID": Setting(
        "blueprint_id", conversions.identifier, "Client id of the agent identity blueprint (`agent-user`)"
    ),
    "BRIDGE_AGENT_ID": Setting("agent_id", conversions.identifier, "Client id of the agent identity (`agent-user`)"),
    "BRIDGE_AGENT_USER_ID": Setting(
        "agent_user_id", conversions.identifier, "Object id or user principal name of the agent's user (`agent-user`)"
    ),
    "BRIDGE_APP_ID": Setting(
        "app_id",
        conversions.identifier,
        "Client id of the app registration to which the account signs in (`service-account`)",
    ),
    "BRIDGE_KEY_VAULT_URL": Setting(
        "key_vault_url",
        conversions.host_url("the URL of a key vault"),
        "URL of the key vault that keeps the account's sign-in (`service-account`)",
    ),
    "BRIDGE_KEY_VAULT_ENTRY": Setting(
        "key_vault_entry", conversions.entry_name, "Name of the account's sign-in in the key vault (`service-account`)"
    ),
    "BRIDGE_PUBLIC_URL": Setting(
        "public_url",
        conversions.host_url("the URL of the app"),
        "URL of the app, to which the sign-in returns; empty: the host name that Azure gives it",
    ),
    "BRIDGE_CHANNEL": Setting(
        "channel", conversions.one_of(*CHANNELS), f"How posts are delivered to groups: {_choices(CHANNELS)}"
    ),
    "BRIDGE_MAIL_FROM": Setting(
        "mail_from", conversions.mailbox, "Address of the mailbox from which posts are sent (`mail`)"
    ),
    "BRIDGE_CLOUD": Setting(
        "cloud_name", conversions.one_of(*CLOUDS), f"Microsoft cloud of the tenant: {_choices(CLOUDS)}"
    ),
    "BRIDGE_GRAPH_URL": Setting(
        "graph_url", conversions.graph_url, "Base URL of Microsoft Graph, with its version; empty: v1.0"
    ),
    "BRIDGE_SETTLE_SECONDS": Setting(
        "settle_seconds", conversions.at_least(0), "Settle window: wait for more events of the same thread (seconds)"
    ),
    "BRIDGE_DIGEST_OVER": Setting("digest_over", conversions.at_least(1), "Digest threshold: new threads per batch"),
    "BRIDGE_REOPEN_MINUTES": Setting(
        "reopen_minutes", conversions.at_least(0), "Reopen window after a thread ends (minutes)"
    ),
    "BRIDGE_THREAD_DAYS": Setting("thread_days", conversions.at_least(1), "Lifetime of an inactive thread (days)"),
    "BRIDGE_GIVE_UP_HOURS": Setting(
        "give_up_hours", conversions.at_least(0.1), "Retry period for a refused identity or group (hours)"
    ),
    "BRIDGE_HISTORY_DAYS": Setting(
        "history_days",
        conversions.at_least(1),
        "Retention of the delivery history, by which repeats are recognised (days)",
    ),
    "BRIDGE_KEEP_PAYLOADS_HOURS": Setting(
        "keep_payloads_hours",
        conversions.at_least(0),
        "Retention of the bodies of authenticated webhooks, so that they can be rendered and sent again (hours);"
        " 0: they are not kept",
    ),
    "BRIDGE_WATCHDOG_MINUTES": Setting(
        "watchdog_minutes",
        conversions.at_least(0),
        "Watchdog: how often an entry goes all the way up to the request to Graph (minutes); 0: never",
    ),
    "BRIDGE_OUTBOX": Setting("outbox", Path, "SQLite file of outbox and queue, where no storage account is configured"),
}
