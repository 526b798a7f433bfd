"""Every post leads on: buttons with verbs, in the order of use, and meters wherever a value has a limit."""

import json
import re
from collections.abc import Iterator

import pytest

from bridge.entries import Entry
from bridge.events import Event, Webhook
from bridge.sources import SOURCES
from tests.look import Node, parse
from tests.test_look import entry_of, events_of, posts

pytestmark = pytest.mark.wide

VERBS = "Open See Review Reply Silence Read Join Download Confirm Acknowledge Investigate Compare"
# What reads badly, or says where a machine is.
VAGUE = re.compile(r"\b(item|event page|link|url|object|confidential)\b", re.IGNORECASE)


def buttons(entry: Entry) -> list[tuple[str, str]]:
    """The texts and addresses of a card's buttons."""
    cells = [node for node in parse(entry.html).walk() if node.tag == "td" and is_button(node)]
    links = [next(node for node in cell.walk() if node.tag == "a") for cell in cells]
    return [(link.text, link.attributes["href"]) for link in links]


def is_button(cell: Node) -> bool:
    is_filled = cell.style.get("background") == "#0f6cbd"
    return (is_filled and bool(cell.text)) or ("border" in cell.style and "a" in tags(cell))


def tags(node: Node) -> set[str]:
    return {each.tag for each in node.walk()}


def of(name: str) -> list[str]:
    source, _, sample = name.partition("/")
    path = SOURCES[source].samples / f"{sample}.json"
    return [text for text, _ in buttons(entry_of(events_of(SOURCES[source], path)[0]))]


def found() -> Iterator[tuple[str, Event, Entry]]:
    for path, event, entry in posts():
        yield f"{path.parents[1].name}/{path.stem}", event, entry


def test_every_post_with_an_address_leads_on() -> None:
    wrong = []
    for name, event, entry in found():
        shown = buttons(entry)
        texts, urls = [text for text, _ in shown], [url for _, url in shown]
        if event.url and not entry.minor and not shown:
            wrong.append(f"{name}: no button, and its address is {event.url}")
        if len(shown) > 3:
            wrong.append(f"{name}: {len(shown)} buttons")
        if len({*texts}) < len(texts) or len({*urls}) < len(urls):
            wrong.append(f"{name}: the same twice: {shown}")
        # The buttons of a message are named by who wrote it.
        if event.source not in ("slack", "teams", "discord", "messagecard"):
            wrong += [f"{name}: {text!r}" for text in texts if not is_verb_phrase(text)]
    assert wrong == []


def is_verb_phrase(text: str) -> bool:
    verb, _, rest = text.partition(" ")
    return verb in VERBS.split() and bool(rest) and not VAGUE.search(text) and len(text) <= 48


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        ("github/pull_request.opened", ["Review the changes", "Open the pull request"]),
        ("github/pull_request.synchronize", ["See what is new", "Review the changes", "Open the pull request"]),
        ("github/issue_comment.created", ["Reply to the comment"]),
        ("github/push", ["See the changes"]),
        ("github/push.deleted", ["Open the repository"]),
        ("github/workflow_job.completed", ["See the failed log"]),
        ("github/deployment_status.failure", ["See the failed log", "Open the site"]),
        ("github/deployment_status.created", ["Open the site", "See the log"]),
        ("github/secret_scanning_alert.created", ["Open the alert", "See where it is"]),
        ("gitlab/pipeline.failed", ["See the failed log", "See the failed pipeline"]),
        ("gitlab/deployment.success", ["Open the site", "Open the job"]),
        ("azure_devops/build.complete.failed", ["See the failed log", "See the failed build"]),
        ("circleci/job-completed.failed", ["See the failed log", "Open the workflow"]),
        ("alertmanager/group.firing", ["Open the runbook", "Silence it", "See the graph"]),
        ("alertmanager/group.storm", ["Silence them", "Open all alerts"]),
        ("grafana/group.firing", ["Open the runbook", "Open the dashboard", "Silence it"]),
        ("datadog/monitor.triggered", ["Open the runbook", "Open the monitor"]),
        ("pagerduty/incident.triggered", ["Open the incident"]),
        ("opsgenie/Create", ["Open the alert"]),
        ("sentry/event_alert.triggered", ["Open the issue", "Open the event"]),
        ("stripe/invoice.payment_failed", ["Open the invoice", "Open the event"]),
        ("updown/check.down", ["Open the check", "Open the site"]),
        ("linear/Issue.update", ["Open the issue"]),
        ("jira/comment_created", ["Reply to the comment"]),
        ("standard_webhooks/pump.stopped", ["Open the page"]),
        ("event_grid/app_service_failed", ["Open in the Azure portal"]),
    ],
)
def test_what_is_used_first_stands_first(sample: str, expected: list[str]) -> None:
    assert of(sample) == expected


def test_the_silence_of_alertmanager_names_the_labels_of_the_group() -> None:
    event = events_of(SOURCES["alertmanager"], SOURCES["alertmanager"].samples / "group.firing.json")[0]
    url = dict(buttons(entry_of(event)))["Silence it"]
    matchers = "%7Balertname%3D%22PumpPressureLow%22%2C%20cluster%3D%22plant-west%22%7D"
    assert url == f"https://alerts.contoso.com/#/silences/new?filter={matchers}"


def meters(entry: Entry) -> list[str]:
    """The texts above the bars of a card."""
    rows = [node for node in parse(entry.html).walk() if node.tag == "tr"]
    bars = [place for place, row in enumerate(rows) if any(is_bar(each) for each in row.children)]
    return [rows[place - 1].text for place in bars]


def is_bar(node: Node | str) -> bool:
    tables = [each for each in node.walk() if each.tag == "table"] if isinstance(node, Node) else []
    return any(table.attributes.get("width") == "300" for table in tables) and not (
        isinstance(node, Node) and node.text
    )


@pytest.mark.parametrize(
    ("sample", "text"),
    [
        ("alertmanager/group.firing", "1.7, limit 2"),
        ("grafana/group.firing", "93.4, limit 90"),
        ("aws_sns/alarm.alarm", "1.7, limit 2"),
        ("gcp_monitoring/incident.open", "memory utilization 0.93, limit 0.9"),
        ("sonarqube/quality_gate.error", "new coverage 71.0, at least 80"),
        ("datadog/monitor.triggered", "tank.level 93.4, limit 90"),
        ("azure_monitor/metric.fired", "97.21 %, threshold 80 %"),
        ("splunk/alert.counted", "waiting 412, limit 250"),
        ("zabbix/trigger.problem", "41.2 A, limit 38 A"),
        ("sentry/metric_alert.critical", "500, limit 100"),
    ],
)
def test_a_value_that_has_a_limit_is_a_bar_below_its_text(sample: str, text: str) -> None:
    source, _, name = sample.partition("/")
    entry = entry_of(events_of(SOURCES[source], SOURCES[source].samples / f"{name}.json")[0])
    assert text in meters(entry)


def new_relic(**values: object) -> Entry:
    path = SOURCES["new_relic"].samples / "issue.activated.json"
    body = json.dumps({**json.loads(path.read_text()), **values}).encode()
    answer = SOURCES["new_relic"].read(Webhook({}, body))
    assert isinstance(answer, list | tuple)
    return entry_of(answer[0])


def test_new_relic_has_a_bar_where_its_body_names_value_and_threshold() -> None:
    assert meters(new_relic(value=93.4, threshold=90)) == ["93.4, limit 90"]
    assert meters(new_relic(value=None, threshold=90)) == []
    assert meters(new_relic(threshold=90)) == []


@pytest.mark.parametrize("sample", ["azure_monitor/log.application_insights", "aws_sns/alarm.alarm"])
def test_a_series_is_drawn_with_its_range_as_text(sample: str) -> None:
    source, _, name = sample.partition("/")
    event = events_of(SOURCES[source], SOURCES[source].samples / f"{name}.json")[0]
    shown = "\n".join(parse(entry_of(event).html).shown)
    assert re.search(r"^\d+ values, [\d.]+ to [\d.]+$", shown, re.MULTILINE)
    assert len(event.details["history"].bars) >= 3
