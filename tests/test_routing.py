"""Routes: the first match wins, drops are drops, and nobody's expression costs an event."""

import pytest

from bridge.app import Bridge
from bridge.configuration import Configuration
from bridge.entries import Target
from bridge.errors import BadWebhook, SettingsError
from bridge.events import Event, Severity
from bridge.settings import Group, Settings

DEFAULT, OPS, DEV = (f"3c1d0d4e-0000-4000-8000-00000000000{n}" for n in range(3))
GROUPS = f'[groups]\nops = "{OPS}"\ndev = {{ id = "{DEV}" }}\n'


def event(**changes: object) -> Event:
    fields = {
        "source": "github",
        "kind": "workflow_run.completed",
        "delivery": "d",
        "correlation_key": "t",
        "title": "CI",
        "payload": {"n": 1},
        "severity": Severity.ERROR,
        "scope": "contoso/pump",
        "attributes": {"conclusion": "failure", "labels": ["bug"]},
    }
    return Event(**{**fields, **changes})


def groups(routes: str, requested: str = "", default: str = DEFAULT, **changes: object) -> list[str]:
    decision = Configuration.of(Settings(default, GROUPS + routes)).routes.decide(event(**changes), requested)
    return [target.group for target in decision.targets]


def route(when: str, to: str = '["ops"]', more: str = "") -> str:
    return f"[[route]]\nwhen = '''{when}'''\ngroups = {to}\n{more}\n"


@pytest.mark.parametrize(
    "when",
    [
        "true",
        "source == 'github' and kind.startswith('workflow_run')",
        "severity >= 'warning' and scope is glob('contoso/*')",
        "severity == 'error'",
        "not (severity < 'error' or severity > 'error') and severity <= 'critical'",
        "'bug' in attributes.labels",
        "attributes.conclusion != 'success' or attributes.missing",
        "payload.n == 1",
        "attributes.missing != 'x'",
    ],
)
def test_matches(when):
    assert groups(route(when)) == [OPS]


@pytest.mark.parametrize(
    "when",
    [
        "false",
        "attributes.missing",
        "severity >= 'fatal'",  # no such severity
        "payload.n / 0",
        "payload.clear()",
    ],
)
def test_does_not_match_and_costs_nothing(when):
    assert groups(route(when)) == [DEFAULT]


def test_the_first_match_wins_unless_it_says_continue():
    assert groups(route("true", '["dev"]') + route("true")) == [DEV]
    assert groups(route("true", '["dev"]', "continue = true") + route("true", '["ops", "dev"]')) == [DEV, OPS]
    assert groups(route("true", '["dev"]', "continue = true")) == [DEV]


def test_a_route_without_groups_drops():
    assert groups(route("true", "[]") + route("true")) == []


def test_what_no_route_matches_goes_to_the_default_group_if_there_is_one():
    assert groups(route("false")) == [DEFAULT]
    assert groups(route("false"), default="") == []
    assert groups(route("false"), default="dev") == [DEV]


def test_the_url_replaces_the_groups_but_not_a_drop():
    assert groups("", requested="ops") == [OPS]
    assert groups(route("true", '["dev"]'), requested="ops") == [OPS]
    assert groups(route("true", '["dev"]'), requested=DEFAULT) == [DEFAULT]
    assert groups(route("true", "[]"), requested="ops") == []


def test_an_unknown_group_in_the_url_is_the_senders_mistake():
    with pytest.raises(BadWebhook, match="not a group of the settings"):
        groups("", requested="nobody")


def test_the_decision_says_why():
    routes = Configuration.of(Settings(DEFAULT, GROUPS + route("false") + route("source == 'github'"))).routes
    assert routes.decide(event()).reason == "route 2 matches: source == 'github'"
    assert "BRIDGE_GROUP" in routes.decide(event(source="jira")).reason


def test_participants_of_a_route_are_in_its_targets():
    config = GROUPS + route("true", '["ops"]', 'participants = ["Alex Darrow <alexd@contoso.com>"]')
    decision = Configuration.of(Settings(DEFAULT, config)).routes.decide(event())
    assert decision.targets == (Target(OPS, ("Alex Darrow <alexd@contoso.com>",)),)


@pytest.mark.parametrize(
    ("group", "config", "problem"),
    [
        ("", "", "BRIDGE_GROUP is missing"),
        ("platform", "", "BRIDGE_GROUP is not a group's object id"),
        (DEFAULT, "= broken", "BRIDGE_CONFIG is not TOML"),
        (DEFAULT, f"a = {'[' * 5000}", "BRIDGE_CONFIG cannot be read: it is nested too deeply"),
        (DEFAULT, f"a = {'9' * 5000}", "BRIDGE_CONFIG is not TOML: Exceeds the limit"),
        (DEFAULT, route(" or ".join(["title"] * 300)), "route 1: `when` is too long or nested too deeply"),
        (DEFAULT, route("not " * 400 + "title"), "route 1: `when` is too long or nested too deeply"),
        (
            DEFAULT,
            route("(" * 999 + "title" + ")" * 999),
            "route 1: `when` is not an expression: it is nested too deep",
        ),
        (DEFAULT, "[roots]", "BRIDGE_CONFIG has an unknown key 'roots'"),
        (DEFAULT, "groups = 1", "[groups] must be a table"),
        (DEFAULT, '[groups]\nops = "x"', "the group ops is not a group's object id"),
        (DEFAULT, '[groups]\nops = { name = "x" }', "the group ops is not a group's object id"),
        (DEFAULT, f'[groups]\nops = {{ id = "{OPS}", name = "x" }}', "the group ops has an unknown key 'name'"),
        (DEFAULT, f'[groups]\nops = {{ id = "{OPS}", paused = 1 }}', "`paused` must be true or false"),
        (DEFAULT, f'[groups]\nops = {{ id = "{OPS}", mail = "ops" }}', "the group ops: `mail` must be an address"),
        (DEFAULT, f'[groups]\nops = {{ id = "{OPS}", thread = "a b" }}', "`thread` must be a thread's id"),
        (DEFAULT, GROUPS + route("true", '["ops"]', "conversation = 1"), "`conversation` must be a conversation's id"),
        (
            DEFAULT,
            GROUPS + route("true", '["ops", "dev"]', "conversation = 'AAQk='"),
            "`conversation` belongs to one",
        ),
        (DEFAULT, "[route]\nwhen = 'true'", "in double brackets"),
        (DEFAULT, "route = [1]", "route 1 must be a table"),
        (DEFAULT, route("true", '["ops"]'), "'ops' is not a group's object id"),
        (DEFAULT, GROUPS + "[[route]]\nwhen = 'true'", "route 1 needs `groups`"),
        (DEFAULT, GROUPS + route("true", more="colour = 'red'"), "unknown key 'colour'"),
        (DEFAULT, GROUPS + route("sevrity == 'error'"), "unknown name 'sevrity'"),
        (DEFAULT, GROUPS + route("true and"), "`when` is not an expression"),
        (DEFAULT, GROUPS + route("true", more="participants = ['nobody']"), "`participants` must be a list"),
    ],
)
def test_every_wrong_setting_is_reported(group, config, problem):
    with pytest.raises(SettingsError) as raised:
        Configuration.of(Settings(group, config))
    assert any(problem in text for text in raised.value.problems)


def test_a_wrong_group_is_not_also_missing():
    with pytest.raises(SettingsError) as raised:
        Configuration.of(Settings("platform"))
    assert len(raised.value.problems) == 1


def test_a_group_may_have_an_address_and_a_thread_and_be_paused():
    table = f'id = "{OPS}", mail = "ops@contoso.com", thread = "AAQkAD_-=", paused = true'
    groups = Configuration.of(Settings(DEFAULT, f'[groups]\nops = {{ {table} }}\ndev = "{DEV}"')).groups
    ops = Group(OPS, "ops", "ops@contoso.com", "AAQkAD_-=", paused=True)
    assert list(groups.items()) == [(DEFAULT, Group(DEFAULT)), (OPS, ops), (DEV, Group(DEV, "dev"))]


def test_a_route_may_start_its_threads_in_a_conversation():
    config = GROUPS + route("true", '["ops"]', 'conversation = "AAQkAD_-="')
    assert Configuration.of(Settings(DEFAULT, config)).routes.decide(event()).targets == (Target(OPS, (), "AAQkAD_-="),)


FAILING = "'internal' in payload.issue.body"


@pytest.mark.parametrize("body", ["internal stuff", None, 7])
def test_a_route_that_drops_and_fails_drops(body):
    assert groups(route(FAILING, "[]") + route("true"), payload={"issue": {"body": body}}) == []
    assert groups(route(FAILING, "[]"), requested="ops", payload={"issue": {"body": body}}) == []


def test_a_route_with_groups_that_fails_does_not_match():
    assert groups(route(FAILING, '["ops"]') + route("true", '["dev"]'), payload={"issue": {"body": None}}) == [DEV]


def test_a_failing_route_is_logged_once_and_reported(caplog):
    config = GROUPS + route("true", '["dev"]', "continue = true") + route(FAILING, "[]")
    configuration = Configuration.of(Settings(DEFAULT, config))
    routes = configuration.routes
    assert routes.failing.report() == []
    for _ in range(3):
        decision = routes.decide(event(payload={"issue": {"body": None}}))
    assert decision.reason.endswith(f"; route 2 failed and drops it: {FAILING}")
    reason = "TypeError: argument of type 'NoneType' is not iterable"
    failing = [{"route": 2, "when": FAILING, "failures": 3, "reason": reason}]
    assert routes.failing.report() == failing
    (line,) = [record.getMessage() for record in caplog.records if "failed" in record.getMessage()]
    assert line.startswith(f"Route 2 of BRIDGE_CONFIG failed and drops the event: `{FAILING}`: {reason}.")

    class Well:
        def health(self):
            return {"held": {}}

        def condition(self):
            return {"problems": []}

    report = {"ok": True, "held": {}, "problems": [], "failing_routes": failing}
    assert Bridge(configuration, Well()).health() == report


def test_the_reason_of_a_failing_route_is_bounded():
    routes = Configuration.of(Settings(DEFAULT, GROUPS + route("severity >= payload.text"))).routes
    routes.decide(event(payload={"text": "x\u202e\n" * 100_000}))
    (failing,) = routes.failing.report()
    assert len(failing["reason"]) <= 200
    assert "\n" not in failing["reason"]
    assert "\u202e" not in failing["reason"]
