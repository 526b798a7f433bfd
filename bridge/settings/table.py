"""The settings of the environment, each with how it is read and what it means."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from bridge.clouds import CLOUDS
from bridge.settings import conversions

IDENTITIES = ("managed-identity", "agent-user", "service-account", "developer")
CHANNELS = ("threads", "mail")
IMPORTANCES = ("never", "warning", "error", "critical")
PICTURES = ("mail", "all", "none")


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
        "group", str, "Default group: object id of the group that receives events that no route sends elsewhere"
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
    "BRIDGE_MAIL_IMPORTANCE": Setting(
        "mail_importance",
        conversions.one_of(*IMPORTANCES),
        f"Lowest severity at which mail gets high importance (`mail`): {_choices(IMPORTANCES)}",
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
        "Retention of authenticated webhooks' bodies, for rendering and sending them again (hours);"
        " 0: they are not kept",
    ),
    "BRIDGE_WATCHDOG_MINUTES": Setting(
        "watchdog_minutes",
        conversions.at_least(0),
        "Watchdog: how often a test entry takes the whole way except the request to Graph (minutes); 0: never",
    ),
    "BRIDGE_GITHUB_TOKEN": Setting(
        "github_token",
        conversions.github_token,
        "GitHub token for requesting failed webhooks again: fine-grained, with *Webhooks* (read and write)",
    ),
    "BRIDGE_GITHUB_HOOKS": Setting(
        "github_hooks",
        conversions.github_owners,
        "Repositories and organizations whose failed webhooks are delivered again, such as `contoso/pump, contoso`;"
        " empty: all repositories of the token",
    ),
    "BRIDGE_GITHUB_APP_ID": Setting(
        "github_app_id", conversions.identifier, "Id of a GitHub App whose failed webhooks are delivered again"
    ),
    "BRIDGE_GITHUB_APP_KEY": Setting(
        "github_app_key", conversions.private_key, "Private key of the GitHub App, as PEM or in base64"
    ),
    "BRIDGE_GITHUB_API_URL": Setting(
        "github_api_url",
        conversions.github_api,
        "URL of GitHub's API; for an Enterprise Server, `https://<host>/api/v3`",
    ),
    "BRIDGE_PICTURES": Setting(
        "pictures", conversions.one_of(*PICTURES), f"Charts as pictures, by channel: {_choices(PICTURES)}"
    ),
    "BRIDGE_IMAGE_HOSTS": Setting(
        "image_hosts",
        conversions.hosts,
        "Hosts from which the bridge fetches images that payloads name, separated by commas",
    ),
    "BRIDGE_OUTBOX": Setting(
        "outbox", Path, "SQLite file of the outbox, if no storage account is configured; the queue has a file beside it"
    ),
}
