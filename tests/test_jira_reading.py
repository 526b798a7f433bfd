"""bridge/sources/jira: a post says what the payload says, whatever names, texts and new values there are."""

import itertools
import json

import pytest

from bridge.events import Severity
from bridge.sources.base import Ignored
from tests.test_jira import ISSUE, NAME, answer, lines, read, sample, summary

MONA, NORA = ({"displayName": name, "accountId": f"id-{name}"} for name in ("Mona Lisa", "Nora Banks"))


def update(*items: tuple[str, str, str], kind: str = "issue_updated", **values: object) -> dict:
    """An update of these fields, from what to what."""
    changelog = [{"field": field, "fromString": old, "toString": new} for field, old, new in items]
    payload = sample("issue_updated.several") | {"issue_event_type_name": kind, **values}
    return payload | {"changelog": {"items": changelog}}


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (("status", "To Do", "Done"), f"moved {NAME} from To Do to Done"),
        (("priority", "Low", "Odd"), f"changed the priority of {NAME} from Low to Odd"),
        (("issuetype", "Bug", "Task"), f"changed the type of {NAME} from Bug to Task"),
        (("assignee", "A", "B"), f"assigned {NAME} to B"),
        (("assignee", "A", ""), f"unassigned A from {NAME}"),
        (("Sprint", "S 1", "S 2"), f"moved {NAME} to sprint S 2"),
        (("Sprint", "S 1", ""), f"removed {NAME} from sprint S 1"),
        (("project", "Pump", "Tank"), f"moved {NAME} to another project from Pump to Tank"),
        (("summary", "a", "b"), f"renamed {NAME}"),
        (("description", "a", "b"), f"edited the description of {NAME}"),
        (("description", "a", ""), f"removed the description of {NAME}"),
        (("labels", "a", "a b"), f"added label b to {NAME}"),
        (("labels", "a b", "b"), f"removed label a from {NAME}"),
        (("labels", "a", "b c"), f"changed the labels of {NAME}"),
        (("Link", "", "This issue blocks PUMP-9"), f"linked {NAME}: This issue blocks PUMP-9"),
        (("Link", "This issue blocks PUMP-9", ""), f"removed a link of {NAME}: This issue blocks PUMP-9"),
        (("Attachment", "", "log.txt"), f"attached log.txt to {NAME}"),
        (("Attachment", "log.txt", ""), f"removed log.txt from {NAME}"),
        (("timespent", "3600", "5400"), f"logged 30 min on {NAME}"),
        (("timespent", "3600", ""), f"removed 1 h of logged work from {NAME}"),
        (("resolution", "", "Fixed"), f"resolved {NAME} as Fixed"),
        (("resolution", "Fixed", ""), f"reopened {NAME}"),
        (("Flagged", "", "Impediment"), f"flagged {NAME}: Impediment"),
        (("Flagged", "Impediment", ""), f"removed the flag from {NAME}"),
        (("Moon phase", "new", "full"), f"changed the moon phase of {NAME} from new to full"),
    ],
)
def test_a_single_change_is_a_sentence(item, words):
    assert summary(read(update(item))) == f"Mona Lisa {words}"


def test_several_changes_are_named_in_the_line_and_none_is_cut_silently():
    items = [(f"Field {number}", "a", "b") for number in range(12)]
    event = read(update(*items))
    assert summary(event) == f"Mona Lisa changed {NAME}: Field 0, Field 1, Field 2, Field 3, Field 4 and 7 more"
    assert any(line.startswith("and 5 more Field 7, Field 8") for line in lines(event))


def test_the_changes_say_the_same_in_any_order():
    items = [("resolution", "", "Done"), ("status", "To Do", "Done"), ("assignee", "A", "B")]
    assert len({summary(read(update(*order))) for order in itertools.permutations(items)}) == 1


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("issue_closed", f"Mona Lisa closed {NAME}"),
        ("issue_resolved", f"Mona Lisa resolved {NAME}"),
        ("issue_reopened", f"Mona Lisa reopened {NAME}"),
        ("issue_moved", f"Mona Lisa moved {NAME}"),
        ("issue_worklog_updated", f"Mona Lisa changed logged work on {NAME}"),
        ("issue_archived", f"{NAME}: archived by Mona Lisa"),
        ("issue_sent_to_the_moon", f"{NAME}: sent to the moon by Mona Lisa"),
    ],
)
def test_an_update_without_changes_is_what_its_type_says(kind, words):
    event = read(update(kind=kind))
    assert (summary(event), event.severity in {Severity.INFO, Severity.WARNING}) == (words, True)


@pytest.mark.parametrize("kind", ["issue_updated", "issue_generic", ""])
def test_an_update_that_says_nothing_is_ignored(kind):
    assert isinstance(answer(update(kind=kind)), Ignored)
    assert isinstance(answer(update(("Rank", "", "ranked higher"), kind="issue_archived")), Ignored)


@pytest.mark.parametrize("priority", ["Odd", "P0", "", None])
def test_a_priority_that_is_not_known_does_not_matter_more(priority):
    payload = sample("issue_created")
    payload["issue"]["fields"]["priority"] = {"name": priority} if priority is not None else None
    assert read(payload).severity == Severity.INFO


HOSTILE = "deleted a comment on PUMP-7 Done closed [~accountid:x] was removed"


@pytest.mark.parametrize(
    "name", ["issue_created", "issue_updated.done", "comment_created", "sprint_started", "version_released"]
)
def test_no_name_and_no_text_says_what_was_done(name):
    before = read(sample(name))
    text = json.dumps(sample(name))
    for word in (
        "Mona Lisa",
        "Nora Banks",
        "Alex Darrow",
        "The pump runs dry",
        "Pump 12",
        "Stops when the tank is empty",
    ):
        text = text.replace(word, HOSTILE)
    after = read(json.loads(text))
    assert (after.details["action"], after.severity) == (before.details["action"], before.severity)


def without_user(name: str, **changes: dict) -> dict:
    payload = sample(name)
    payload.pop("user", None)
    for part, values in changes.items():
        payload[part] |= values
    return payload


@pytest.mark.parametrize(
    ("name", "thing", "actor"),
    [
        ("comment_created", "comment", "Mona Lisa"),
        ("comment_updated", "comment", "Nora Banks"),
        ("comment_deleted", "comment", ""),
        ("worklog_created", "worklog", "Mona Lisa"),
        ("worklog_updated", "worklog", "Nora Banks"),
        ("worklog_deleted", "worklog", ""),
        ("attachment_created", "attachment", "Mona Lisa"),
    ],
)
def test_who_wrote_something_need_not_have_changed_it(name, thing, actor):
    payload = without_user(name, **{thing: {"author": MONA, "updateAuthor": NORA}})
    event = read(payload)
    assert (event.actor, event.attributes["sender"]) == (actor, actor)
    assert read(payload | {"user": {"displayName": "Zoe"}}).actor == "Zoe"


def test_an_editor_who_is_not_named_is_not_the_author():
    payload = without_user("comment_updated", comment={"author": MONA})
    del payload["comment"]["updateAuthor"]
    assert read(payload).actor == ""
    assert "Mona Lisa edited" not in summary(read(payload))


def test_who_reported_or_was_assigned_has_not_created_an_issue():
    payload = without_user("issue_created")
    payload["issue"]["fields"] |= {"creator": NORA, "reporter": MONA, "assignee": MONA}
    assert read(payload).actor == "Nora Banks"
    del payload["issue"]["fields"]["creator"]
    assert read(payload).actor == ""


@pytest.mark.parametrize("name", ["sprint_started", "version_released", "board_created", "project_created"])
def test_a_plan_names_who_acted_where_jira_does(name):
    assert read(sample(name)).actor == ""
    event = read(sample(name) | {"user": MONA})
    assert summary(event).endswith(" by Mona Lisa")
    assert read(sample("user_created")).actor == ""


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("sprint_paused", "Sprint Pump 12: paused"),
        ("version_frozen", "Sprint Pump 12: frozen"),
        ("board_melted", "Sprint Pump 12: melted"),
    ],
)
def test_an_action_that_is_not_known_is_shown_in_plain_words(name, words):
    family = name.partition("_")[0]
    event = read({"webhookEvent": name, family: {"id": 12, "name": "Pump 12"}})
    assert summary(event) == words.replace("Sprint", family.capitalize())
    assert event.severity == Severity.INFO


def test_mentions_show_names_in_both_formats():
    people = {"issue": {"id": "1", "key": "PUMP-1", "fields": {"watchers": [MONA | {"accountId": "M-1"}]}}}
    wiki = sample("comment_created") | people
    wiki["comment"]["body"] = "[~accountid:m-1] or [~accountid:x]"
    assert "@Mona Lisa or @someone" in lines(read(wiki))
    mention = {"type": "mention", "attrs": {"id": "M-1"}}
    wiki["comment"]["body"] = {"type": "doc", "content": [{"type": "paragraph", "content": [mention]}]}
    assert "@Mona Lisa" in lines(read(wiki))


def automation(**around: object) -> dict:
    """What a rule sends: the issue bare, or with what is around it."""
    item = sample("issue_updated.done")["issue"]
    return {"issue": item, **around} if around else item | {"changelog": {"total": 0, "histories": None}}


def test_a_rule_of_jira_automation_says_how_an_issue_stands():
    for payload in (automation(), automation(timestamp=1795442591428)):
        event = read(payload)
        assert (event.correlation_key, event.kind) == (ISSUE, "automation")
        assert (summary(event), event.actor) == (f"{NAME} has the status Done", "")
        assert event.url == "https://contoso.atlassian.net/browse/PUMP-7"
        assert event.attributes["status"] == "Done"


def test_a_comment_that_a_rule_sends_has_its_author():
    event = read(automation(comment={"author": NORA, "body": "Read *this*."}))
    assert "Nora Banks: Read this." in lines(event)
    assert event.actor == ""


def test_an_issue_of_a_rule_without_a_status_is_no_less_a_post():
    assert summary(read({"key": "PUMP-7", "fields": {"summary": "x"}, "id": 7})) == "PUMP-7 x was sent by a rule"


@pytest.mark.parametrize(
    "payload", [{"username": "mona"}, {}, {"webhookEvent": "option_voting_changed"}, {"a": {"b": 1}}]
)
def test_an_event_that_is_not_known_is_never_refused(payload):
    event = read(payload)
    assert event.correlation_key
    assert event.severity == Severity.INFO
    assert lines(event)


def test_each_key_needs_all_of_its_parts():
    for name in ("comment_created", "sprint_started", "version_released", "board_created", "project_created"):
        payload = sample(name)
        stripped = json.loads(json.dumps(payload).replace("https://contoso.atlassian.net", "x:"))
        one, other = (read(stripped | {"timestamp": time}).correlation_key for time in (1795442591428, 1795442591429))
        assert one
        assert "  " not in one
        assert one != other or one.startswith("jira issue "), name


def test_a_comment_without_its_id_is_recognised_by_its_whole_body():
    payload = sample("comment_created")
    del payload["comment"]["id"]
    other = sample("comment_created") | {"comment": {**payload["comment"], "body": "Something else"}}
    assert read(payload).dedup_key != read(other).dedup_key
