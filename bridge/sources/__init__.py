"""The registry of sources: a new one is a folder beside this and a line here."""

import tomllib
from collections.abc import Mapping
from dataclasses import replace

from bridge.errors import SettingsError
from bridge.sources import generic
from bridge.sources.alertmanager import ALERTMANAGER
from bridge.sources.aws_sns import AWS_SNS
from bridge.sources.azure_container_registry import AZURE_CONTAINER_REGISTRY
from bridge.sources.azure_devops import AZURE_DEVOPS
from bridge.sources.azure_monitor import AZURE_MONITOR
from bridge.sources.base import Source
from bridge.sources.bitbucket import BITBUCKET
from bridge.sources.bitbucket_server import BITBUCKET_SERVER
from bridge.sources.event_grid import EVENT_GRID
from bridge.sources.form import faults, parse
from bridge.sources.github import GITHUB
from bridge.sources.gitlab import GITLAB
from bridge.sources.grafana import GRAFANA
from bridge.sources.jira import JIRA
from bridge.sources.linear import LINEAR

# Described by the preset.toml of their folder, without code.
_PRESETS = (
    "circleci",
    "datadog",
    "docker_hub",
    "dynatrace",
    "freshstatus",
    "gcp_monitoring",
    "graylog",
    "new_relic",
    "opsgenie",
    "pagerduty",
    "pingdom",
    "sentry",
    "sonarqube",
    "splunk",
    "standard_webhooks",
    "statuspage",
    "stripe",
    "updown",
    "uptimerobot",
    "zabbix",
)

SOURCES: Mapping[str, Source] = {
    source.name: source
    for source in (
        GITHUB,
        AZURE_MONITOR,
        ALERTMANAGER,
        GRAFANA,
        AZURE_DEVOPS,
        EVENT_GRID,
        AZURE_CONTAINER_REGISTRY,
        GITLAB,
        BITBUCKET,
        BITBUCKET_SERVER,
        AWS_SNS,
        JIRA,
        LINEAR,
        *map(generic.preset, _PRESETS),
    )
}


def declared(config: str) -> Mapping[str, Source]:
    """The sources of `[sources.<name>]` in BRIDGE_CONFIG; SettingsError with everything that is wrong with them."""
    try:
        tables = tomllib.loads(config).get("sources", {})
    except tomllib.TOMLDecodeError:
        return {}  # as the routes of the same text say
    if not isinstance(tables, dict):
        raise SettingsError(["BRIDGE_CONFIG: [sources] must be a table of sources"])
    found: dict[str, Source] = {}
    problems: list[str] = []
    for name, table in tables.items():
        where = f"BRIDGE_CONFIG: the source {name}"
        if name in SOURCES:
            problems.append(f"{where} is one of the bridge's own: choose another name")
        try:
            found[name] = replace(generic.source(name, table, where), is_declared=True)
            problems += faults(parse(name, table, where)[0], where)
        except SettingsError as error:
            problems += error.problems
    if problems:
        raise SettingsError(problems)
    return found
