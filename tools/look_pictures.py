"""What the pictures of docs/look.md show: twelve posts before and after, and a list of forty threads."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

from bridge.entries import Entry
from bridge.publishing.digests import digest_html
from bridge.publishing.stories import post_html
from bridge.sources import SOURCES
from tools.look_page import entry, story

# The same posts as the version of 24 November 2026 made them, of the same payloads.
BEFORE = Path(__file__).parent / "look_before.json"
_TITLES = {name: source.title for name, source in SOURCES.items()}

# Posts by their names: of one event, of a story's, or of a digest's.
POSTS: Mapping[str, Sequence[str]] = {
    "A pull request, from opened to merged": (
        "github/pull_request.opened",
        "github/pull_request.review_requested",
        "github/pull_request_review.submitted",
        "github/pull_request_review_comment.created",
        "github/pull_request.closed",
    ),
    "A star": ("github/star.created",),
    "A workflow that failed": ("github/workflow_run.completed",),
    "A deployment that failed": ("github/deployment_status.failure",),
    "A secret that was pushed": ("github/secret_scanning_alert.created",),
    "An alert with a limit": ("alertmanager/group.firing",),
    "A storm of one alert": ("alertmanager/group.storm",),
    "An alert without data": ("grafana/group.no_data",),
    "A metric of Sentry": ("sentry/metric_alert.critical",),
    "A monitor of Datadog": ("datadog/monitor.triggered",),
    "An alarm of CloudWatch": ("aws_sns/alarm.alarm",),
    "A digest": (
        "alertmanager/group.storm",
        "grafana/group.no_data",
        "datadog/monitor.triggered",
        "github/workflow_run.completed",
        "azure_monitor/metric.fired",
        "pagerduty/incident.acknowledged",
        "updown/check.down",
        "github/issues.opened",
        "github/issues.closed",
    ),
}
INBOX = (
    "github/pull_request.opened",
    "github/issues.opened",
    "github/push",
    "github/workflow_run.completed",
    "github/release.published",
    "github/dependabot_alert.created",
    "github/secret_scanning_alert.created",
    "github/discussion.created",
    "github/star.created",
    "github/deployment_status.failure",
    "gitlab/merge_request.open",
    "gitlab/release.create",
    "gitlab/issue.open.incident",
    "gitlab/vulnerability.detected",
    "azure_devops/git.push.tag",
    "azure_devops/git.pullrequest.created",
    "azure_devops/workitem.created",
    "azure_devops/ms.vss-pipelinechecks-events.approval-pending",
    "bitbucket/pullrequest.created",
    "jira/issue_created.highest",
    "jira/sprint_started",
    "linear/Issue.create",
    "azure_monitor/metric.fired",
    "azure_monitor/service_health.incident",
    "azure_monitor/budget.actual",
    "alertmanager/group.storm",
    "alertmanager/group.firing",
    "grafana/group.no_data",
    "grafana/rule.alerting",
    "datadog/monitor.triggered",
    "new_relic/issue.activated",
    "aws_sns/alarm.alarm",
    "gcp_monitoring/incident.open",
    "statuspage/incident.investigating",
    "pagerduty/incident.triggered",
    "opsgenie/Create",
    "sentry/issue.created",
    "sonarqube/quality_gate.error",
    "updown/check.down",
    "stripe/invoice.payment_failed",
)


@dataclass(frozen=True)
class Row:
    """A thread as a list of mail shows it."""

    sender: str
    topic: str
    preview: str
    time: datetime


def posts() -> dict[str, tuple[str, str]]:
    """The HTML of each post before and after, by its name."""
    before = json.loads(BEFORE.read_text("utf-8"))
    return {name: (before[name], html(samples)) for name, samples in POSTS.items()}


def html(samples: Sequence[str]) -> str:
    """The post of these samples: a story where all are of one thread, else a digest of events seven minutes apart."""
    several = [
        replace(made, occurred=made.received + timedelta(minutes=7 * n)) for n, made in enumerate(_made(samples))
    ]
    if len({one.correlation_key for one in several}) > 1:
        return digest_html(several, _TITLES)
    return post_html(story(samples))


def inbox() -> list[Row]:
    """Forty threads, the newest first, as Outlook lists the mails of a group."""
    return [
        Row("Platform", made.topic, preview(post_html([made])), made.received - timedelta(minutes=11 * place))
        for place, made in enumerate(_made(INBOX))
    ]


def preview(post: str) -> str:
    """The beginning of a post's text, as lists of mail show it."""
    return " ".join(_Text.of(post).partition("\u200c")[0].split())[:140]


def _made(samples: Sequence[str]) -> list[Entry]:
    return [entry(name, place) for place, name in enumerate(samples)]


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        self.found.append(data)

    @classmethod
    def of(cls, post: str) -> str:
        reader = cls()
        reader.feed(post)
        return "".join(reader.found)
