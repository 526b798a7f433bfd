"""People: whom `[people]` knows, whom routes invite by their roles, and how posts name them."""

import json
import re
from datetime import UTC, datetime

import pytest

from bridge import people
from bridge.configuration import Configuration
from bridge.deliveries import DeliveryRecord, EventRecord, Outcome
from bridge.entries import from_message
from bridge.errors import SettingsError
from bridge.events import Event, Webhook
from bridge.outbox.sqlite import SqliteOutbox
from bridge.outbox.unknown_people import listed, unknown_people
from bridge.people import People
from bridge.receiving.participants import invitation, shown
from bridge.receiving.receiver import Receiver
from bridge.receiving.records import DeliveryRecords
from bridge.rendering.renderer import Renderer
from bridge.settings import Settings
from bridge.sources import SOURCES
from bridge.sources.base import Ignored
from bridge.sources.people import NOBODY, PeopleAt, persons
from tests.local_stack import ROOT
from tools.samples import webhook

NOW = datetime(2026, 11, 23, 14, 3, tzinfo=UTC)
GROUP = "3c1d0d4e-0000-4000-8000-000000000000"
PEOPLE = """
[people]
"github:monalisa" = "Mona Lisa <mona@contoso.com>"
"hubot" = "Hubert Otto <hubert@contoso.com>"
"github:octocat" = ""
"Alex Darrow" = "alexd@contoso.com"
"nora@contoso.com" = "Nora Banks <nora@contoso.com>"
"github:pump-team" = "team:pumps"
"gitlab:*" = "{login}@contoso.com"
"*@contoso.example" = "{login}@contoso.com"

[teams]
pumps = ["Pat <pat@contoso.com>", "sam@contoso.com", "Mona Lisa <mona@contoso.com>"]
"""


def configured(config: str) -> Configuration:
    return Configuration.of(Settings(GROUP, config))


KNOWN = configured(PEOPLE).people


@pytest.mark.parametrize(
    ("source", "person", "found"),
    [
        ("github", ("monalisa",), ("Mona Lisa <mona@contoso.com>",)),
        ("github", ("MonaLisa",), ("Mona Lisa <mona@contoso.com>",)),
        ("jira", ("monalisa",), None),
        ("jira", ("hubot",), ("Hubert Otto <hubert@contoso.com>",)),
        ("github", ("octocat",), ()),
        ("jira", ("5b10a12", "Alex Darrow"), ("alexd@contoso.com",)),
        ("pagerduty", ("PX1", "nora@contoso.com"), ("Nora Banks <nora@contoso.com>",)),
        ("github", ("pump-team",), ("Pat <pat@contoso.com>", "sam@contoso.com", "Mona Lisa <mona@contoso.com>")),
        ("gitlab", ("Norab",), ("norab@contoso.com",)),
        ("gitlab", ("hubot",), ("Hubert Otto <hubert@contoso.com>",)),  # a name comes before a pattern
        ("circleci", ("mona@contoso.example", "Mona"), ("mona@contoso.com",)),
        # An address that a service sends is nobody's unless [people] says so.
        ("github", ("stranger", "stranger@elsewhere.example"), None),
        # What becomes a part of an address has nothing in it that an address cannot have there.
        *(("gitlab", (odd,), None) for odd in ("a b", "a@b", "a,b", "<a>", ".a", "a.", "ä", "", "x\n")),
    ],
)
def test_a_person_is_found_by_what_the_service_knows(source, person, found):
    assert KNOWN.find(source, person) == found


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        (
            '[people]\n"githb:mona" = "m@contoso.com"',
            "[people]: `githb:mona` begins with the name of no source; did you",
        ),
        ("[people]\nmona = 7", '`mona` must be "Name <name@example.com>"'),
        ('[people]\nmona = "nobody"', "`mona` must be"),
        ('[people]\nmona = "m@contoso.com, n@contoso.com"', "`mona` must be"),
        ('[people]\n"github:*" = "m@contoso.com"', "needs a `*` where its value has {login}"),
        ('[people]\nmona = "{login}@contoso.com"', "needs a `*` where its value has {login}"),
        ('[people]\n"*-*" = "{login}@contoso.com"', "may have one `*`"),
        (
            '[people]\nmona = "team:pmups"\n[teams]\npumps = []',
            "names a team that is not in [teams]; did you mean `pumps`?",
        ),
        ('[teams]\npumps = ["pat"]', "[teams]: `pumps` must be a list"),
        ('[teams]\npumps = "pat@contoso.com"', "[teams]: `pumps` must be a list"),
        (f"[teams]\npumps = {json.dumps([f'p{n}@contoso.com' for n in range(21)])}", "may have 20 members at most"),
        ('[[route]]\ngroups = []\nparticipants = ["@reviewer"]', "names no role; did you mean `@reviewers`?"),
        ('[[route]]\ngroups = []\nparticipants = ["team:pumps"]', "names a team that is not in [teams]"),
        ("people = 7", "[people] must be a table"),
    ],
)
def test_a_wrong_person_or_team_is_a_problem_with_what_helps(config, problem):
    with pytest.raises(SettingsError) as caught:
        configured(config)
    assert problem in str(caught.value)


def test_a_declared_source_has_people_of_its_own():
    assert configured('[people]\n"pumps:mona" = "m@contoso.com"\n[sources.pumps]').people.find("pumps", ("Mona",))


# The people of a recorded webhook by their roles, each by the first of its handles.
@pytest.mark.parametrize(
    ("source", "sample", "roles"),
    [
        ("github", "pull_request.opened", "actor monalisa, author monalisa, reviewers hubot"),
        ("github", "issue_comment.created", "actor octocat, author monalisa"),
        ("github", "workflow_run.completed", "actor monalisa, author monalisa"),
        ("github", "push.created", "actor monalisa, author hubot"),
        ("gitlab", "merge_request.open", "actor alexd, author alexd, reviewers mona, assignees alexd"),
        ("gitlab", "push.many", "actor alexd, author alexd"),
        ("bitbucket", "issue.created", "actor mona, author mona, assignees alex"),
        ("bitbucket_server", "pr.comment.added", "actor mona, author alex, reviewers mona nora"),
        (
            "azure_devops",
            "git.pullrequest.created",
            "author alex@contoso.com, reviewers mona@contoso.com nora@contoso.com",
        ),
        (
            "azure_devops",
            "workitem.updated.state",
            "actor alex@contoso.com, author mona@contoso.com, assignees alex@contoso.com",
        ),
        ("jira", "comment_created", "actor Nora Banks, author Mona Lisa, assignees Alex Darrow"),
        ("linear", "Issue.create", "actor Mona Lisa, assignees Octo Cat"),
        ("alertmanager", "group.firing", "owner water"),
        ("azure_monitor", "metric.fired", "owner pumps"),
        (
            "opsgenie",
            "Acknowledge",
            "actor mona@contoso.example, owner mona@contoso.example, assignees mona@contoso.example",
        ),
        ("pagerduty", "incident.acknowledged", "actor Mona Lisa, assignees Mona Lisa"),
        ("incident_io", "incident.created", "actor monalisa@contoso.com, owner Nora Octocat"),
        ("rootly", "incident.created", "actor monalisa@contoso.com, author monalisa@contoso.com"),
        ("splunk", "alert", "owner monalisa"),
        ("circleci", "job-completed.failed", "author mona@contoso.example"),
    ],
)
def test_sources_know_who_has_which_role(source, sample, roles):
    found = SOURCES[source].read(webhook(SOURCES[source], SOURCES[source].samples / f"{sample}.json"))
    assert not isinstance(found, Ignored)
    event = SOURCES[source].with_people(found[0])
    said = {role: " ".join(one[0] for one in those) for role, those in event.people.items()}
    assert ", ".join(f"{role} {names}" for role, names in said.items()) == roles


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (None, ()),
        ("", ()),
        ([], ()),
        (7, ()),
        ("mona", (("mona",),)),
        ("Mona Lisa <mona@contoso.com>", (("mona@contoso.com", "Mona Lisa"),)),
        (["a", None, {}, "a", {"login": "b", "id": 7}], (("a",), ("b",))),
        ({"user": {"name": "mona", "displayName": "Mona Lisa"}}, (("Mona Lisa", "mona"),)),
        ({"username": "mona", "email": "[REDACTED]"}, (("mona",),)),
        ([[["a"]]], (("a",),)),
    ],
)
def test_a_person_is_a_text_or_an_object_or_several_of_them(value, found):
    assert persons(value) == found


def test_a_payload_with_ten_thousand_reviewers_costs_little():
    payload = {"reviewers": [{"login": f"r{number}"} for number in range(10_000)]}
    assert len(PeopleAt(reviewers=("reviewers",)).read(payload, {})["reviewers"]) == 50


def event(actor="monalisa", **roles):
    those = {role: tuple((one,) for one in names.split()) for role, names in roles.items()}
    return Event("github", "pull_request", "d", "k", "t", {}, actor=actor, people=those)


@pytest.mark.parametrize(
    ("happened", "wanted", "invited", "unknown"),
    [
        (event(reviewers="hubot"), ["@reviewers"], ["hubert"], []),
        (event(author="monalisa", reviewers="hubot"), ["@author", "@reviewers"], ["hubert"], []),
        (event("hubot", author="monalisa"), ["@author", "@reviewers"], ["mona"], []),
        # The person who acted is not invited under another name either, and not as a member of a team.
        (event(""), ["mona@contoso.com"], ["mona"], []),
        (event(), ["mona@contoso.com", "team:pumps"], ["pat", "sam"], []),
        (event(reviewers="pump-team"), ["@reviewers"], ["pat", "sam"], []),
        (event(reviewers="hubot hubot"), ["@reviewers", "hubert@contoso.com"], ["hubert"], []),
        (event(reviewers="octocat"), ["@reviewers"], [], []),
        (event(reviewers="stranger renovate[bot]"), ["@reviewers"], [], ["github:stranger"]),
        (event("stranger", author="stranger"), ["@author"], [], ["github:stranger"]),
        (event(), ["@owner"], [], []),
    ],
)
def test_a_route_invites_by_roles_and_never_who_acted(happened, wanted, invited, unknown):
    found = invitation(KNOWN, happened, wanted)
    assert [people.address_of(one).partition("@")[0] for one in found.participants] == invited
    assert list(found.unknown) == unknown


def test_an_invitation_is_bounded():
    many = configured('[people]\n"*" = "{login}@contoso.com"').people
    found = invitation(many, event(reviewers=" ".join(f"r{number}" for number in range(40))), ["@reviewers"])
    assert len(found.participants) == 20


def test_posts_show_the_names_that_people_have():
    happened = Event(
        "github", "push", "d", "k", "t", {}, actor="monalisa",
        people={"reviewers": (("hubot",),)},
        facts=(("Reviewers", "hubot (approved), octocat"), ("Branch", "monalisa")),
        details={
            "people": ["hubot", "stranger"], "author": "monalisa", "source": "monalisa", "name": "hubot",
            "commits": [{"id": "1", "author": "hubot"}, {"id": "2"}], "notes": {"approved": "monalisa"},
        },
    )  # fmt: skip
    post = shown(happened, KNOWN)
    assert post.actor == "Mona Lisa"
    assert post.facts == (("Reviewers", "Hubert Otto (approved), octocat"), ("Branch", "monalisa"))
    assert post.details == {
        "people": ["Hubert Otto", "stranger"], "author": "Mona Lisa", "source": "monalisa", "name": "hubot",
        "commits": [{"id": "1", "author": "Hubert Otto"}, {"id": "2"}], "notes": {"approved": "Mona Lisa"},
    }  # fmt: skip
    assert shown(happened, People()) is happened


PULL = {
    "action": "review_requested",
    "pull_request": {
        "number": 7, "title": "Stop the pump", "user": {"login": "monalisa"}, "id": 9,
        "requested_reviewers": [{"login": "hubot"}, {"login": "stranger"}],
    },
    "requested_reviewer": {"login": "hubot"},
    "repository": {"id": 1, "full_name": "contoso/pump"},
    "sender": {"login": "monalisa"},
}  # fmt: skip
ROUTE = '[[route]]\ngroups = ["3c1d0d4e-0000-4000-8000-000000000000"]\nparticipants = ["@reviewers", "@author"]\n'


def receiver(config):
    found = configured(config)
    records = DeliveryRecords(found.sources, found.authentications, ())
    return Receiver(
        found.sources,
        found.authentications,
        found.routes,
        Renderer(),
        lambda: NOW,
        records=records,
        people=found.people,
    )


def received(config):
    return receiver(config).receive("github", Webhook({"X-GitHub-Event": "pull_request"}, json.dumps(PULL).encode()))


def test_an_entry_has_the_reviewers_as_its_participants_and_shows_people_by_their_names():
    (entry,) = received(ROUTE + PEOPLE).entries
    assert entry.participants == ("Hubert Otto <hubert@contoso.com>",)
    assert entry.summary.startswith("Mona Lisa requested a review")
    assert "Hubert Otto" in entry.html


def test_routes_still_match_what_the_service_calls_people():
    drop = "[[route]]\nwhen = \"actor == 'monalisa'\"\ngroups = []\n"
    assert received(drop + ROUTE + PEOPLE).status == 200


def test_explain_says_who_is_invited_and_who_is_not_known():
    headers = {"X-GitHub-Event": "pull_request"}
    (step,) = receiver(ROUTE + PEOPLE).explain("github", Webhook(headers, json.dumps(PULL).encode())).steps
    assert (step.participants, step.unknown) == (("Hubert Otto <hubert@contoso.com>",), ("github:stranger",))


def test_people_who_are_not_known_are_in_the_record_of_the_webhook():
    (note,) = map(from_message, received(ROUTE + PEOPLE).notes)
    assert note.events[0].unknown == ("github:stranger",)


def record(at, *unknown):
    happened = EventRecord("pull_request", unknown=unknown)
    return DeliveryRecord(f"{int(9e9 - at):016x}", at, "github", Outcome.ACCEPTED, 202, events=(happened,))


def test_the_latest_webhooks_say_who_is_unknown_and_since_when(tmp_path):
    outbox = SqliteOutbox(tmp_path / "outbox.sqlite")
    for each in (record(60.0, "github:a", "github:b"), record(120.0, "github:a"), record(180.0)):
        outbox.note_delivery(each)
    found = unknown_people(outbox)
    outbox.close()
    assert found == {"github:a": 120.0, "github:b": 60.0}
    assert listed(found) == "github:a (last 1970-01-01 00:02 UTC), github:b (last 1970-01-01 00:01 UTC)"
    assert listed(dict.fromkeys(map(str, range(25)), 0.0)).endswith(" and 5 more")


EXAMPLE = (ROOT / "config.example.toml").read_text()
PAGE = (ROOT / "docs/people.md").read_text()


FIRST = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)[0]


@pytest.mark.parametrize("config", [EXAMPLE, FIRST], ids=["example", "page"])
@pytest.mark.parametrize(
    ("sample", "sender", "invited"),
    [
        ("pull_request.opened", "monalisa", ["Hubert Otto <hubert@contoso.com>"]),
        ("pull_request.opened", "hubot", ["Mona Lisa <mona@contoso.com>"]),
        ("pull_request.opened", "octocat", ["Hubert Otto <hubert@contoso.com>", "Mona Lisa <mona@contoso.com>"]),
    ],
)
def test_the_examples_invite_whom_they_say(config, sample, sender, invited):
    names = "".join(f'{name} = "{GROUP}"\n' for name in ("platform",))
    found = configured(config if "[groups]" in config else f"{config}\n[groups]\n{names}")
    payload = json.loads((SOURCES["github"].samples / f"{sample}.json").read_text()) | {"sender": {"login": sender}}
    headers = SOURCES["github"].headers(sample.partition(".")[0], "d")
    made = Receiver(
        found.sources, found.authentications, found.routes, Renderer(), lambda: NOW, people=found.people
    ).receive("github", Webhook(headers, json.dumps(payload).encode()))
    assert list(made.entries[0].participants) == invited


def test_the_page_lists_every_source_that_knows_people():
    knowing = [source for source in SOURCES.values() if source.people != NOBODY]
    presets = (ROOT / "bridge/sources").glob("*/preset.toml")
    knowing += [SOURCES[path.parent.name] for path in presets if "[people]" in path.read_text()]
    missing = {source.title for source in knowing if source.title.removesuffix(" Data Center") not in PAGE}
    assert missing <= {"Docker Hub", "Octopus Deploy"}  # which say only who acted
