"""The tables of docs/settings.md, docs/expressions.md and docs/log.md, from the code that they describe."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields

from bridge.calendar import maintenance, summaries
from bridge.events import Event
from bridge.settings import TABLE, Settings
from bridge.steps import FIELDS
from tools.marks import between
from tools.template_tables import named, sentence, table

# What belongs together; a setting that is nowhere else is in the last part.
_PARTS: Mapping[str, Sequence[str]] = {
    "What goes where": ["GROUP", "CONFIG", "<SOURCE>_SECRET", "<SOURCE>_NETWORKS", "TEMPLATES", "TIME_ZONE"],
    "Who posts": [
        *("IDENTITY", "CHANNEL", "CLIENT_ID", "TENANT_ID", "BLUEPRINT_ID", "AGENT_ID", "AGENT_USER_ID", "APP_ID"),
        *("KEY_VAULT_URL", "KEY_VAULT_ENTRY", "PUBLIC_URL", "MAIL_FROM", "MAIL_IMPORTANCE", "CLOUD", "GRAPH_URL"),
    ],
    "When posts are sent, and how many": ["SETTLE_SECONDS", "DIGEST_OVER", "REOPEN_MINUTES", "THREAD_DAYS"],
    "What is kept, and for how long": ["HISTORY_DAYS", "KEEP_PAYLOADS_HOURS", "GIVE_UP_HOURS", "OUTBOX"],
    "Single services": [
        *("AZURE_MONITOR_AUDIENCE", "AWS_SNS_TOPICS", "GITHUB_TOKEN", "GITHUB_HOOKS", "GITHUB_APP_ID"),
        *("GITHUB_APP_KEY", "GITHUB_API_URL"),
    ],
    "Pictures and monitoring": (),
}
# What the page says besides.
_MORE = {
    "BRIDGE_AZURE_MONITOR_AUDIENCE": "; empty: they need the function key",
    "BRIDGE_AWS_SNS_TOPICS": "; empty: its messages need the function key",
    "BRIDGE_MAIL_IMPORTANCE": ". [What rules can look for](outlook-rules.md)",
    "BRIDGE_IDENTITY": ". [Which one](identity.md)",
    "BRIDGE_SETTLE_SECONDS": "; they become one post",
    "BRIDGE_DIGEST_OVER": "; more of them become one post, a digest",
    "BRIDGE_REOPEN_MINUTES": ": within it, the next event continues the thread",
    "BRIDGE_THREAD_DAYS": ": after it, the next event starts a new thread",
    "BRIDGE_GIVE_UP_HOURS": ": after it, its entries become dead letters",
    "BRIDGE_KEEP_PAYLOADS_HOURS": ". `make run` keeps them for 24",
    "BRIDGE_GITHUB_TOKEN": ". [What that does](github-deliveries.md)",
    "BRIDGE_PICTURES": ". [What they are](pictures.md)",
    "BRIDGE_IMAGE_HOSTS": "; empty: none are. [What is checked](pictures.md)",
    "BRIDGE_WATCHDOG_MINUTES": ". [What it shows](operate.md#the-watchdog)",
}
_OF_SOURCES = {
    "BRIDGE_<SOURCE>_SECRET": "Secret of a service's webhooks, such as `BRIDGE_GITHUB_SECRET`; several, separated by "
    "commas, during its rotation; each of 16 bytes or more (`openssl rand -hex 32`)",
    "BRIDGE_<SOURCE>_NETWORKS": "Networks from which a service's webhooks may come, such as `192.0.2.0/24`, and "
    "`github` for those that GitHub publishes; empty: from anywhere. "
    "[Where the address can be trusted](operate.md#networks)",
}


def with_settings(text: str) -> str:
    """docs/settings.md with a table for each part."""
    return between(text, "settings", "".join(_settings()))


def with_names(text: str) -> str:
    """docs/expressions.md with the names of an event, and which of them are known where."""
    names = [one.name for one in fields(Event)]
    rows = [(name, meaning.replace("event.", "")) for name, meaning in named(Event, names)]
    text = between(text, "names", f"\n{table(('name', 'meaning'), rows)}\n")
    places = [
        ("`when` and `unless` of a route, `when` of an expectation", "all of the above"),
        ("`match` of a maintenance", _listed(maintenance.NAMES)),
        ("`when` of a summary", _listed(sorted(summaries.NAMES))),
        ("a source of your own", "`payload`, `item`, `header(name)`, `query`, and `event` where it extends another"),
    ]
    return between(text, "places", f"\n{table(('in', 'names'), places)}\n")


def with_fields(text: str) -> str:
    """docs/log.md with the fields of its lines."""
    rows = [(f"`{name}`", sentence(meaning)) for name, meaning in FIELDS.items() if name != "step"]
    return between(text, "fields", f"\n{table(('field', 'meaning'), rows)}\n")


def _settings() -> Iterator[str]:
    known = {f"BRIDGE_{name}" for names in _PARTS.values() for name in names}
    for part, names in _PARTS.items():
        settings = [f"BRIDGE_{name}" for name in names] or [name for name in TABLE if name not in known]
        yield f"\n## {part}\n\n{table(('setting', 'default', 'meaning'), map(_setting, settings))}"
    yield "\n"


def _setting(name: str) -> Sequence[str]:
    if name in _OF_SOURCES:
        return f"`{name}`", "", _OF_SOURCES[name]
    default = getattr(Settings(), TABLE[name].attribute)
    shown = f"{default:g}" if isinstance(default, float) else str(default)
    return f"`{name}`", "" if default in (None, "", ()) else f"`{shown}`", TABLE[name].meaning + _MORE.get(name, "")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
