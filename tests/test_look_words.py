"""A post says each thing once: the name, the state, how bad it is; and its facts stand before its buttons."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from markupsafe import Markup

from bridge.events import Severity
from bridge.publishing.stories import post_html
from bridge.rendering.filters import level, topic, without_subject
from bridge.sources import SOURCES
from tests.amounts import one_in
from tests.look import parse
from tests.test_look import NOW, entry_of, events_of, posts
from tests.test_look_buttons import buttons


def shown(sample: str) -> list[str]:
    source, _, name = sample.partition("/")
    return parse(entry_of(events_of(SOURCES[source], SOURCES[source].samples / f"{name}.json")[0]).html).shown


@pytest.mark.parametrize(
    ("sample", "first", "sentence"),
    [
        ("alertmanager/group.firing", "Firing · critical · plant-west", "Firing for pump-07"),
        ("alertmanager/group.storm", "Firing · warning · plant-west", "Firing for node-30 and 29 more"),
        ("grafana/group.error", "Not evaluated · Plant west", "Cannot be evaluated"),
        ("aws_sns/alarm.alarm", "Firing · EU (Ireland)", "This alarm is firing: Pressure (average) < 2 for 5 min"),
        ("azure_monitor/metric.fired", "Firing · controller-7", "Percentage CPU of controller-7 averaged 97.21 %"),
        ("azure_monitor/log.fired", "Firing · warning · pump-logs", "A search in pump-logs found 23 rows"),
        ("azure_monitor/administrative.fired", "Deleted · critical", "alexd@contoso.com deleted the virtual machine"),
        ("github/workflow_run.completed", "Failed · contoso/pump", "Failed on main at c1dfd96 after 4 min 10 s"),
        ("github/dependabot_alert.created", "Vulnerability · high", "Dependabot found a vulnerability in gauge-chart"),
        ("gitlab/access_token.group", "Expires soon · pump", "This access token of pump expires on 30 November 2026"),
        ("pagerduty/incident.triggered", "Firing · P1 · Stations", "Assigned to: Mona Lisa"),
        ("rootly/incident.created", "Firing · SEV1 · Pipes", "This incident was declared by Mona Lisa"),
        ("pingdom/check.down", "Down · high importance", "This check is down: HTTP Error 503"),
        ("jira/issue_created.highest", "Created · highest priority · Pump", "Mona Lisa created this bug"),
        ("home_assistant/entity.low", "Alert · error · North station", "Tank 4 level is 12.5 %"),
        ("azure_monitor/security.fired", "Security alert · controller-7", "Defender for Cloud found a virus"),
    ],
)
def test_the_first_lines_of_a_card(sample: str, first: str, sentence: str) -> None:
    lines = shown(sample)
    assert lines[0].startswith(first)
    assert lines[2].startswith(sentence)


def test_no_sentence_begins_with_the_headline_above_it() -> None:
    wrong = []
    for path, event, entry in posts():
        if event.source in ("slack", "teams", "discord", "messagecard"):  # the texts are their writers'
            continue
        lines = parse(entry.html).shown
        own = {" ".join(str(event.details.get(name, "")).split()) for name in ("text", "description")} | {event.text}
        if len(lines) > 3 and re.match(re.escape(lines[1]) + r"[ :](?!for |with )", lines[2]) and lines[2] not in own:
            wrong.append(f"{path.parents[1].name}/{path.stem}: {lines[2]}")
    assert wrong == [], wrong


@pytest.mark.parametrize(
    ("facts", "severity", "word", "expected"),
    [
        ([], "info", "Firing", ""),
        ([], "critical", "Firing", "critical"),
        ([], "critical", "Critical", ""),
        ([], "error", "Firing", ""),
        ([], "error", "Opened", "error"),
        ([], "warning", "Firing", "warning"),
        ([], "warning", "Approval needed", ""),
        ([("Severity", "high")], "error", "Found", "high"),
        ([("Severity", "SEV1")], "error", "Firing", "SEV1"),
        ([("Priority", "P1")], "critical", "Firing", "P1"),
        ([("Priority", "Highest")], "error", "Created", "highest priority"),
        ([("Urgency", "high")], "critical", "Firing", "high urgency"),
        ([("Severity", "Critical")], "critical", "Critical", ""),
        ([("Priority", "8")], "warning", "Message", "warning"),
        ([("Severity", "see the runbook")], "error", "Failed", ""),
    ],
)
def test_one_vocabulary_for_how_bad_it_is(
    facts: list[tuple[str, str]], severity: str, word: str, expected: str
) -> None:
    assert level(facts, Severity(severity), word) == expected


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("CI #9 failed on main", "Failed on main"),
        ("CI #9 was canceled", "Canceled"),
        ("CI #9: a search found 3", "A search found 3"),
        ("CI #9 for tests failed", "CI #9 for tests failed"),
        ("CI #90 failed", "CI #90 failed"),
        (Markup("<b>CI #9</b> failed on <b>main</b>"), Markup("Failed on <b>main</b>")),
        (Markup("<b>CI #9 x</b> failed"), Markup("<b>CI #9 x</b> failed")),
    ],
)
def test_a_sentence_without_its_subject(sentence: str, expected: str) -> None:
    assert without_subject(sentence, ["", "CI #9"]) == expected


@pytest.mark.parametrize(
    ("sample", "text", "path"),
    [
        ("branch_protection_configuration.disabled", "Open the branch settings", "contoso/pump/settings/branches"),
        ("branch_protection_rule.edited", "Open the branch settings", "contoso/pump/settings/branches"),
        ("deploy_key.created", "Open the deploy keys", "contoso/pump/settings/keys"),
        ("deployment_protection_rule.requested", "Review the deployment", "contoso/pump/actions/runs/84001"),
        ("gollum", "Open the wiki", "contoso/pump/wiki"),
        ("label.created", "Open the labels", "contoso/pump/labels"),
        ("merge_group.destroyed", "Open the merge queue", "contoso/pump/queue/main"),
        ("meta.deleted", "Open the webhooks", "contoso/pump/settings/hooks"),
        (
            "personal_access_token_request.created",
            "Review the requests",
            "organizations/contoso/settings/personal-access-token-requests",
        ),
        ("projects_v2.edited", "Open the project", "orgs/contoso/projects/12"),
        ("projects_v2_item.edited", "Open the project", "orgs/contoso/projects/12"),
        ("repository_dispatch.bench-finished", "Open the workflow runs", "contoso/pump/actions"),
        ("secret_scanning_scan.completed", "Open the secret scanning alerts", "contoso/pump/security/secret-scanning"),
        ("security_advisory.published", "Open the advisory", "advisories/GHSA-0000-0000-0000"),
        ("security_and_analysis", "Open the security settings", "contoso/pump/settings/security_analysis"),
        ("workflow_dispatch", "Open the workflow", "contoso/pump/actions/workflows/endurance.yml"),
    ],
)
def test_what_github_gives_no_address_leads_to_its_own_page(sample: str, text: str, path: str) -> None:
    source = SOURCES["github"]
    entry = entry_of(events_of(source, source.samples / f"{sample}.json")[0])
    assert buttons(entry)[0] == (text, f"https://github.com/{path}")


PORTAL = "https://portal.azure.com/#resource/subscriptions/"


@pytest.mark.parametrize(
    ("sample", "text", "url"),
    [
        ("gitlab/release.delete", "Open the repository", "https://gitlab.contoso.com/pump/firmware"),
        ("event_grid/resources.delete", "Open the subscription", f"{PORTAL}00000000-0000-4000-8000-000000000099"),
        ("gitlab/wiki_page.delete", "Open the wiki", "https://gitlab.contoso.com/pump/firmware/-/wikis/home"),
        ("jira/issue_deleted", "Open the project", "https://contoso.atlassian.net/projects/PUMP"),
        ("jira/sprint_deleted", "Open the board", "https://contoso.atlassian.net/secure/RapidBoard.jspa?rapidView=4"),
    ],
)
def test_what_is_deleted_leads_to_where_it_was(sample: str, text: str, url: str) -> None:
    source, _, name = sample.partition("/")
    (event,) = events_of(SOURCES[source], SOURCES[source].samples / f"{name}.json")
    assert buttons(entry_of(event))[-1] == (text, url)


def test_what_the_thread_remembers_stands_above_the_buttons_and_the_timeline_below_them() -> None:
    source = SOURCES["github"]
    names = ("pull_request.opened", "pull_request_review.submitted", "pull_request.closed")
    entries = [
        replace(
            entry_of(events_of(source, source.samples / f"{name}.json")[0], place),
            occurred=NOW + timedelta(minutes=place),
        )
        for place, name in enumerate(names)
    ]
    lines = parse(post_html(entries)).shown
    places = [
        next(place for place, line in enumerate(lines) if text in line)
        for text in ("Labels", "Approved by", "Open the pull request", "hubot approved this pull request")
    ]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("name", "scope", "expected"),
    [
        ("#12 Stop the pump", "contoso/pump", "#12 Stop the pump · contoso/pump"),
        ("contoso/pump", "contoso/pump", "contoso/pump"),
        (f"#12 {'word ' * 40}", "contoso/pump", f"#12 {'word ' * 19}word… · contoso/pump"),
        (f"{'word ' * 40}(GHSA-0000-0000-0001)", "", f"{'word ' * 18}word… (GHSA-0000-0000-0001)"),
        (f"{'word ' * 40}#7", "p", f"{'word ' * 21}word… #7 · p"),
    ],
)
def test_a_topic_is_shortened_in_its_title_alone(name: str, scope: str, expected: str) -> None:
    assert topic(name, scope) == expected
    assert len(expected) <= 120


def test_topics_of_long_titles_keep_their_scope() -> None:
    for path, event, _ in one_in(2, posts()):
        made = entry_of(
            replace(event, title=f"{event.title} {'and so on ' * 20}", scope="a-very/long-scope-of-a-place")
        )
        assert len(made.topic) <= 120, path.name
        assert made.topic.endswith("… · a-very/long-scope-of-a-place"), path.name


def test_facts_read_as_text_where_the_table_is_dropped() -> None:
    lines = shown("github/pull_request.opened")
    assert "Labels: bug" in lines
    assert "Reviewers: hubot" in lines
