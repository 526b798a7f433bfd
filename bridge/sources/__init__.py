"""The registry of sources: a new one is a folder beside this and a line here."""

import importlib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from types import MappingProxyType

from bridge.settings import Settings
from bridge.sources.base import Authentication, Source

# Written in code, in the package of their name.
_IN_CODE = (
    "github",
    "azure_monitor",
    "alertmanager",
    "grafana",
    "azure_devops",
    "event_grid",
    "cloud_events",
    "azure_container_registry",
    "gitlab",
    "bitbucket",
    "bitbucket_server",
    "aws_sns",
    "jira",
    "jira_service_management",
    "linear",
    "messagecard",
    "teams",
    "slack",
    "discord",
)

PRESETS = (
    "apprise",
    "argo_cd",
    "better_stack",
    "checkmk",
    "circleci",
    "datadog",
    "docker_hub",
    "dynatrace",
    "elastic",
    "falco",
    "flux",
    "freshstatus",
    "gcp_monitoring",
    "gotify",
    "graylog",
    "healthchecks",
    "home_assistant",
    "incident_io",
    "netdata",
    "new_relic",
    "ntfy",
    "octopus_deploy",
    "opsgenie",
    "pagerduty",
    "pingdom",
    "prtg",
    "rootly",
    "sentry",
    "snyk",
    "sonarqube",
    "splunk",
    "standard_webhooks",
    "statuspage",
    "stripe",
    "terraform_cloud",
    "updown",
    "uptime_kuma",
    "uptimerobot",
    "zabbix",
)

_NAMES = dict.fromkeys((*_IN_CODE, *PRESETS))
# What the registry itself knows of some sources: it would have to import all of them for it. The tests hold it right.
_METHODS = dict.fromkeys(("event_grid", "cloud_events"), ("POST", "OPTIONS"))
_PUBLISHED_KEYS: Mapping[str, Callable[[Settings], object]] = {
    "azure_monitor": lambda settings: settings.azure_monitor_audience,
    "aws_sns": lambda settings: settings.aws_sns_topics,
}


class Sources(Mapping[str, Source]):
    """All sources by their names: the bridge's own, each imported when it is first asked for, and declared ones.

    Most apps get webhooks of two or three services; to import all of them takes a fifth of a cold start.
    """

    def __init__(self, declared: Mapping[str, Source] = MappingProxyType({})) -> None:
        self.declared = declared

    def __getitem__(self, name: str) -> Source:
        return self.declared[name] if name in self.declared else _own(name)

    def __iter__(self) -> Iterator[str]:
        return iter({**_NAMES, **self.declared})

    def __len__(self) -> int:
        return len({**_NAMES, **self.declared})

    def __contains__(self, name: object) -> bool:
        return name in self.declared or name in _NAMES

    def path(self, name: str) -> str:
        """Where the webhooks of a source go, below `/api/webhooks/`."""
        return self.declared[name].path if name in self.declared else name

    def methods(self, name: str) -> tuple[str, ...]:
        """The HTTP methods of its webhooks and handshakes."""
        return self.declared[name].methods if name in self.declared else _METHODS.get(name, ("POST",))

    def authentication(self, name: str, settings: Settings) -> Authentication | None:
        """How the settings authenticate its senders; None: the host has checked the function key before."""
        says_how = settings.secrets.get(name) or (name in _PUBLISHED_KEYS and _PUBLISHED_KEYS[name](settings))
        return self[name].authentication(settings) if says_how or name in self.declared else None


@cache
def _own(name: str) -> Source:
    if name in PRESETS:
        from bridge.sources import generic  # noqa: PLC0415

        return generic.preset(name)
    if name not in _NAMES:
        raise KeyError(name)
    source: Source = getattr(importlib.import_module(f"{__name__}.{name}"), name.upper())
    return source


SOURCES = Sources()
