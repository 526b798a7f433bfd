"""bridge/sources/jira: what Jira says, and in which thread."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge.entries import Target, entry_id
from bridge.errors import BadWebhook
from bridge.events import Event, Webhook
from bridge.rendering.renderer import Renderer
from bridge.sources.base import Ignored
from bridge.sources.jira import JIRA
from tests.look import parse

SAMPLES = Path(__file__).parent.parent / "bridge/sources/jira/samples"
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
RENDERER = Renderer()
SITE = "contoso.atlassian.net"
ISSUE, NAME, TEXT = f"{SITE} issue 10007", "PUMP-7 The pump runs dry", "The log says why, @Mona Lisa: the switch is"


def answer(payload: object) -> object:
    return JIRA.read(Webhook({}, json.dumps(payload).encode()))


def read(payload: object) -> Event:
    (event,) = answer(payload)
    return event


def sample(name: str) -> dict:
    return json.loads((SAMPLES / f"{name}.json").read_text())


def summary(event: Event) -> str:
    return RENDERER.entry(event, "0" * 32, Target("g"), NOW).summary


def lines(event: Event) -> list[str]:
    return parse(RENDERER.entry(event, "0" * 32, Target("g"), NOW).html).shown


# By sample: its correlation key, how much it matters, and its line in the inbox.
TABLE = {
    "attachment_created": (f"{SITE} attachment 61", "info", "Alex Darrow attached the file pump.csv"),
    "automation": (ISSUE, "info", f"{NAME} has the status Done"),
    "board_configuration_changed": (f"{SITE} board 4", "info", "Board Pump board was reconfigured"),
    "board_created": (f"{SITE} board 4", "info", "Board Pump board was created"),
    "comment_created": (ISSUE, "info", f"Nora Banks commented on {NAME}: {TEXT}"),
    "comment_created.alone": (ISSUE, "info", "Nora Banks commented on issue 10007: The log says why"),
    "comment_created.internal": (ISSUE, "info", f"Nora Banks left an internal note on {NAME}: The customer need"),
    "comment_deleted": (ISSUE, "info", f"A comment by Nora Banks on {NAME} was deleted"),
    "comment_updated": (ISSUE, "info", f"Nora Banks edited a comment on {NAME}: {TEXT}"),
    "issue_created": (ISSUE, "info", f"Mona Lisa created {NAME}"),
    "issue_created.highest": (ISSUE, "error", f"Mona Lisa created {NAME}"),
    "issue_deleted": (ISSUE, "warning", f"Mona Lisa deleted {NAME}"),
    "issue_updated.assigned": (ISSUE, "info", f"Mona Lisa assigned {NAME} to Nora Banks"),
    "issue_updated.assigned.oneself": (ISSUE, "info", f"Nora Banks assigned {NAME} to themselves"),
    "issue_updated.assigned.unlogged": (ISSUE, "info", f"Mona Lisa assigned {NAME} to Nora Banks"),
    "issue_updated.attachment": (ISSUE, "info", f"Mona Lisa attached pump.csv to {NAME}"),
    "issue_updated.comment_deleted": (ISSUE, "info", f"Nora Banks deleted a comment on {NAME}"),
    "issue_updated.comment_edited": (ISSUE, "info", f"Nora Banks edited a comment on {NAME}: {TEXT}"),
    "issue_updated.commented": (ISSUE, "info", f"Nora Banks commented on {NAME}: {TEXT}"),
    "issue_updated.description": (ISSUE, "info", f"Mona Lisa edited the description of {NAME}"),
    "issue_updated.done": (ISSUE, "info", f"Alex Darrow moved {NAME} from In Progress to Done"),
    "issue_updated.done.commented": (
        ISSUE,
        "info",
        f"Alex Darrow moved {NAME} from In Progress to Done: Mended in 2.4.",
    ),
    "issue_updated.labels": (ISSUE, "info", f"Mona Lisa added label water to {NAME}"),
    "issue_updated.link": (ISSUE, "info", f"Mona Lisa linked {NAME}: This issue blocks PUMP-9"),
    "issue_updated.priority": (ISSUE, "error", f"Mona Lisa changed the priority of {NAME} from Medium to Highest"),
    "issue_updated.reopened": (ISSUE, "warning", f"Nora Banks reopened {NAME} as To Do"),
    "issue_updated.several": (ISSUE, "info", f"Mona Lisa changed {NAME}: fix version, due date and Story Points"),
    "issue_updated.sprint": (ISSUE, "info", f"Mona Lisa moved {NAME} to sprint Pump 12"),
    "issue_updated.started": (ISSUE, "info", f"Alex Darrow moved {NAME} from To Do to In Progress"),
    "issue_updated.summary": (ISSUE, "info", f"Mona Lisa renamed {NAME}"),
    "issue_updated.unassigned": (ISSUE, "info", f"Mona Lisa unassigned Alex Darrow from {NAME}"),
    "issue_updated.work_logged": (ISSUE, "info", f"Alex Darrow logged 2 h on {NAME}"),
    "issuelink_created": ("jira issue 10007", "info", "A link was added: issue 10007 blocks issue 10009"),
    "issuelink_deleted": ("jira issue 10007", "info", "A link was removed: issue 10007 blocks issue 10009"),
    "project_created": (f"{SITE} project 10000", "info", "Project Pump was created"),
    "project_deleted": (f"{SITE} project 10000", "warning", "Project Pump was deleted"),
    "project_updated": (f"{SITE} project 10000", "info", "Project Pump was changed"),
    "sprint_closed": (f"{SITE} sprint 12", "info", "Sprint Pump 12 was closed"),
    "sprint_created": (f"{SITE} sprint 12", "info", "Sprint Pump 12 was created"),
    "sprint_deleted": (f"{SITE} sprint 12", "info", "Sprint Pump 12 was deleted"),
    "sprint_started": (f"{SITE} sprint 12", "info", "Sprint Pump 12 was started"),
    "sprint_updated": (f"{SITE} sprint 12", "info", "Sprint Pump 12 was changed"),
    "user_created": (f"{SITE} user 5b10a15", "info", "The account of Hugo Botta was created"),
    "version_created": (f"{SITE} version 24", "info", "Version 2.4 was created"),
    "version_deleted": (f"{SITE} version 24", "info", "Version 2.4 was deleted"),
    "version_released": (f"{SITE} version 24", "info", "Version 2.4 was released"),
    "version_unreleased": (f"{SITE} version 24", "warning", "Version 2.4 is no longer released"),
    "worklog_created": (ISSUE, "info", "Alex Darrow logged 2h on issue 10007: Read the switch twice."),
    "worklog_deleted": (ISSUE, "info", "2h that Alex Darrow had logged on issue 10007 was removed"),
    "worklog_updated": (ISSUE, "info", "Alex Darrow changed logged work to 3h on issue 10007"),
}
NOISE = {"issue_property_set": "only apps read", "issue_updated.rank": "changes nothing"}


def test_every_sample_is_in_a_table():
    assert {path.stem for path in SAMPLES.glob("*.json")} == {*TABLE, *NOISE}


@pytest.mark.parametrize("name", TABLE)
def test_sample(name):
    event = read(sample(name))
    thread, severity, line = TABLE[name]
    assert (event.correlation_key, event.severity) == (thread, severity)
    assert summary(event).startswith(line)
    assert event.kind.partition(".")[0] == name.partition(".")[0]
    assert event.occurred == (None if name == "automation" else datetime(2026, 11, 23, 14, 3, 11, 428000, tzinfo=UTC))
    assert event.url.startswith("https://contoso.atlassian.net/") or name.startswith(
        ("issuelink", "user", "project_deleted", "version_deleted")
    )


@pytest.mark.parametrize("name", NOISE)
def test_noise_is_ignored_with_a_reason(name):
    ignored = answer(sample(name))
    assert isinstance(ignored, Ignored)
    assert NOISE[name] in ignored.reason


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("issue_updated.done", {"Status": "In Progress → Done", "Resolution": "none → Done"}),
        ("issue_updated.labels", {"Labels": "+water"}),
        ("issue_updated.link", {"Link": "This issue blocks PUMP-9"}),
        (
            "issue_updated.several",
            {"Fix version": "none → 2.4", "Due date": "none → 30 November 2026", "Story Points": "none → 5"},
        ),
        ("issue_updated.work_logged", {"Time spent": "1 h → 3 h", "Remaining time": "2 h → 0 s"}),
        ("sprint_updated", {"End": "4 December 2026 → 7 December 2026"}),
        ("version_deleted", {"Release date": "30 November 2026", "Merged into": "2.5"}),
    ],
)
def test_each_change_is_a_fact_with_its_old_and_new_value(name, facts):
    assert dict(read(sample(name)).facts) == facts


def test_a_comment_that_two_webhooks_bring_is_one_post():
    for one, other in (
        ("comment_created", "issue_updated.commented"),
        ("comment_created", "comment_created.alone"),
        ("comment_updated", "issue_updated.comment_edited"),
        ("comment_deleted", "issue_updated.comment_deleted"),
    ):
        assert entry_id(read(sample(one)), 0, "g") == entry_id(read(sample(other)), 0, "g")
    others = ("comment_created", "comment_created.internal", "comment_updated", "comment_deleted", "issue_created")
    assert len({entry_id(read(sample(name)), 0, "g") for name in others}) == len(others)
    later = sample("comment_deleted") | {"timestamp": 1795442592000}
    assert entry_id(read(later), 0, "g") != entry_id(read(sample("comment_deleted")), 0, "g")


def test_old_versions_name_no_type_of_update():
    payload = sample("issue_updated.commented")
    del payload["issue_event_type_name"]
    assert summary(read(payload)).startswith(f"Nora Banks commented on {NAME}")
    payload["comment"]["updated"] = "2026-11-23T14:05:11.428+0000"
    assert summary(read(payload)).startswith(f"Nora Banks edited a comment on {NAME}")


def test_descriptions_read_as_text_in_both_formats():
    shown = lines(read(sample("issue_created")))
    assert {"What happens", "The pump runs dry for up to 40 s at a time:", "See the log, @Alex Darrow."} <= set(shown)
    shown = lines(read(sample("issue_created.highest")))
    assert {"The pump runs dry for up to 40 s.", "Ask @Alex Darrow for the log", "Do not start it by hand."} <= set(
        shown
    )


def test_what_is_done_already_is_no_emergency():
    payload = sample("issue_updated.priority")
    payload["issue"]["fields"]["status"]["statusCategory"]["key"] = "done"
    assert read(payload).severity == "info"


def test_a_hidden_comment_says_so_to_routes():
    assert read(sample("comment_created.internal")).attributes["internal"] is True
    restricted = sample("comment_created")
    restricted["comment"]["visibility"] = {"type": "role", "value": "Developers"}
    assert read(restricted).attributes["internal"] is True
    assert read(sample("comment_created")).attributes["internal"] is False


def test_no_link_leads_to_the_interface_of_programs():
    payload = sample("comment_created")
    text = json.dumps(payload).replace("https://contoso.atlassian.net", "https://api.atlassian.com/ex/jira/0001")
    assert read(json.loads(text)).url == ""


@pytest.mark.parametrize("body", [b"[]", b"7", b"text"])
def test_a_body_that_is_no_object_is_refused(body):
    with pytest.raises(BadWebhook):
        JIRA.read(Webhook({}, body))


def test_an_event_that_is_not_known_is_a_plain_post():
    event = read({"webhookEvent": "filter_created", "filter": {"name": "Pumps"}, "timestamp": 1795442591428})
    assert summary(event) == "Filter created: Pumps"


def test_every_event_has_every_attribute():
    assert len({frozenset(read(sample(name)).attributes) for name in TABLE}) == 1
    event = read(sample("issue_updated.several"))
    assert event.attributes["changed"] == ["fix version", "duedate", "story points"]
    assert (event.attributes["project"], event.attributes["issue_type"]) == ("PUMP", "Bug")
