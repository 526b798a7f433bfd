"""The registry of sources: a new one is a folder beside this and a line here."""

from collections.abc import Mapping

from bridge.sources import generic
from bridge.sources.alertmanager import ALERTMANAGER
from bridge.sources.aws_sns import AWS_SNS
from bridge.sources.azure_container_registry import AZURE_CONTAINER_REGISTRY
from bridge.sources.azure_devops import AZURE_DEVOPS
from bridge.sources.azure_monitor import AZURE_MONITOR
from bridge.sources.base import Source
from bridge.sources.bitbucket import BITBUCKET
from bridge.sources.bitbucket_server import BITBUCKET_SERVER
from bridge.sources.cloud_events import CLOUD_EVENTS
from bridge.sources.discord import DISCORD
from bridge.sources.event_grid import EVENT_GRID
from bridge.sources.github import GITHUB
from bridge.sources.gitlab import GITLAB
from bridge.sources.grafana import GRAFANA
from bridge.sources.jira import JIRA
from bridge.sources.jira_service_management import JIRA_SERVICE_MANAGEMENT
from bridge.sources.linear import LINEAR
from bridge.sources.messagecard import MESSAGECARD
from bridge.sources.slack import SLACK
from bridge.sources.teams import TEAMS

# Described by the preset.toml of their folder, without code.
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

SOURCES: Mapping[str, Source] = {
    source.name: source
    for source in (
        GITHUB,
        AZURE_MONITOR,
        ALERTMANAGER,
        GRAFANA,
        AZURE_DEVOPS,
        EVENT_GRID,
        CLOUD_EVENTS,
        AZURE_CONTAINER_REGISTRY,
        GITLAB,
        BITBUCKET,
        BITBUCKET_SERVER,
        AWS_SNS,
        JIRA,
        JIRA_SERVICE_MANAGEMENT,
        LINEAR,
        MESSAGECARD,
        TEAMS,
        SLACK,
        DISCORD,
        *map(generic.preset, PRESETS),
    )
}
