"""Failed deliveries of GitHub: found, asked for again within GitHub's limits, and each event once."""

import base64
import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import serialization

from bridge.deliveries import DeliveryFilter, DeliveryRecord, Outcome, record_id
from bridge.errors import SettingsError
from bridge.github_deliveries.deliveries import deliveries
from bridge.github_deliveries.hooks import leads_here
from bridge.github_deliveries.recovery import recover, report
from bridge.outbox.sqlite import SqliteOutbox
from bridge.settings import Settings
from tests.github_stand_in import TOKEN, FakeGithub, served
from tests.outbox_stand_ins import Clock
from tests.rsa_keys import rsa_key

URL = "https://bridge.contoso.com/api/webhooks/github"
PUMP, ORG = "/repos/contoso/pump/hooks/7", "/orgs/contoso/hooks/8"
MINUTE, HOUR, DAY = 60, 3600, 86400


class World:
    """GitHub, the bridge's storage, and the task, with a clock of their own."""

    def __init__(self, folder, github, address):
        self.github, self.clock = github, github.clock
        self.outbox = SqliteOutbox(folder / "outbox.sqlite")
        self.settings = Settings(
            github_token=TOKEN,
            github_hooks=("contoso/pump",),
            github_api_url=address,
            public_url="https://bridge.contoso.com",
        )
        github.repositories = ["contoso/pump"]
        github.hook(PUMP, URL)
        # What arrives is known to the bridge.
        github.answer = self.arrive

    def arrive(self, guid, status=202):
        at = self.clock()
        if status == 202:
            self.outbox.note_delivery(
                DeliveryRecord(
                    record_id(at, f"{hash(guid) % 16**5:05x}"), at, "github", Outcome.ACCEPTED, 202, delivery=guid
                )
            )
        return status

    def failed(self, count, path=PUMP, status=502, prefix="g"):
        guids = [f"{prefix}{number:05}" for number in range(count)]
        for guid in guids:
            self.github.deliver(path, guid, status)
        return guids

    def succeeds(self, path=PUMP, guid="fine"):
        self.github.deliver(path, guid, self.arrive(guid))

    def run(self, times=1, every=2 * MINUTE, **settings):
        for _ in range(times):
            self.clock.now += every
            recover(replace(self.settings, **settings), self.outbox, self.clock)

    def run_with(self, **settings):
        """A run with other settings, which stay."""
        self.settings = replace(self.settings, **settings)
        self.run()

    @property
    def report(self):
        return report(self.settings, self.outbox)


@pytest.fixture
def world(tmp_path):
    github = FakeGithub(Clock())
    with served(github) as address:
        made = World(tmp_path, github, address)
        yield made
        made.outbox.close()


def test_what_failed_is_asked_for_once_and_noted(world, steps):
    failed = world.failed(3)
    world.succeeds()
    world.run(5)
    assert sorted(world.github.redelivered()) == failed
    found = world.outbox.deliveries(DeliveryFilter(outcome="refused"), 10).records
    assert {(record.delivery, record.status, record.kind) for record in found} == {
        (guid, 502, "issues.opened") for guid in failed
    }
    assert "asked to try again" in found[0].reason
    assert [fields["delivery"] for _, fields in steps() if fields["step"] == "redelivery"] == failed[::-1]
    assert world.report == {"webhooks": 1, "at": world.report["at"], "redeliveries": 3, "failing": 0, "problems": []}


def test_what_is_settled_is_not_asked_for(world):
    for number, status in enumerate((200, 202, 204, 400, 413, 422)):
        world.github.deliver(PUMP, f"s{number}", status)
    world.succeeds()
    world.run(2)
    assert world.github.redelivered() == []


@pytest.mark.parametrize("status", [0, 401, 404, 429, 500, 503, 504])
def test_every_other_failure_is_asked_for(world, status):
    world.failed(1, status=status)
    world.clock.now += MINUTE
    world.succeeds()
    world.run()
    assert world.github.redelivered() == ["g00000"]


def test_what_came_meanwhile_is_not_asked_for_again(world):
    failed = world.failed(2)
    world.arrive(failed[0])  # a person has pressed Redeliver, or another webhook brought it
    world.github.deliver(PUMP, failed[1], 202, again=True)
    world.succeeds()
    world.run(3)
    assert world.github.redelivered() == []


def test_while_the_bridge_does_not_answer_one_delivery_is_asked_for_ever_less_often(world):
    failed = world.failed(30)
    world.github.answer = lambda guid: 502
    world.run(40, every=6 * MINUTE)
    # In four hours: after 2, 4, 8, 16, 32, 64 and 120 minutes.
    assert 5 <= len(world.github.redelivered()) <= 9
    assert "cannot deliver the webhooks of contoso/pump: it gets 502" in world.report["problems"][0]
    world.github.answer = world.arrive
    world.run(8, every=2 * HOUR)
    assert {*failed} <= {*world.github.redelivered()}
    assert world.report["problems"] == []


def test_after_an_outage_the_failures_are_spread_over_runs_and_none_is_asked_for_twice(world):
    failed = world.failed(250)
    world.succeeds()
    asked = []
    for _ in range(6):
        before = len(world.github.asked)
        world.run()
        methods = [method for method, _ in world.github.asked[before:]]
        asked.append((methods.count("POST"), methods.count("GET")))
    assert [posts for posts, _ in asked] == [60, 60, 60, 60, 10, 0]
    assert sorted(world.github.redelivered()) == failed


def test_ten_thousand_failures_cost_a_run_no_more_than_a_hundred(world):
    world.failed(10_000)
    world.succeeds()
    for _ in range(2):
        before = len(world.github.asked)
        world.run()
        assert len(world.github.asked) - before <= 65
    assert len({*world.github.redelivered()}) == 120
    # Sixty in two minutes: all of them are asked for long before GitHub forgets them.
    assert 10_000 / 60 * 2 * MINUTE < DAY
    assert max(len(memo.text) for memo in world.outbox.memos("github")) < 1000


def test_new_failures_during_a_long_pass_are_found_by_the_next(world):
    world.failed(90)
    world.succeeds()
    world.run()
    late = world.failed(2, prefix="late")
    world.succeeds(guid="fine2")
    world.run(5)
    assert len({*world.github.redelivered()}) == 92
    assert {*late} <= {*world.github.redelivered()}


def test_an_event_that_fails_again_is_asked_for_a_few_times_and_then_never(world):
    (poison,) = world.failed(1)
    world.succeeds()
    world.github.answer = lambda guid: 503 if guid == poison else world.arrive(guid)
    for hour in range(0, 60, 2):
        world.run(2, every=HOUR)
        if hour % 8 == 0:
            world.succeeds(guid=f"fine{hour}")
    assert 4 <= world.github.redelivered().count(poison) <= 6
    assert world.report["failing"] == 1
    world.clock.now += DAY
    world.run(2)
    assert world.report["failing"] == 0


def test_a_cursor_that_github_forgot_starts_the_pass_over_without_asking_twice(world):
    world.failed(130)
    world.succeeds()
    world.run()
    (memo,) = [memo for memo in world.outbox.memos("github") if memo.name == PUMP]
    state = json.loads(memo.text) | {"cursor": f"{PUMP}/deliveries?per_page=100&cursor=forgotten"}
    world.outbox.write_memo(replace(memo, text=json.dumps(state)))
    world.run(4)
    found = world.github.redelivered()
    assert len(found) == len({*found}) == 130


# Rate limits.


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [
        ((429, {"Retry-After": "300"}, "slow down"), 300),
        ((403, {"Retry-After": "90"}, "You have exceeded a secondary rate limit."), 90),
        ((403, {}, "You have exceeded a secondary rate limit."), 60),
        ((429, {}, "slow down"), 60),
        ((403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1800000900"}, "API rate limit exceeded"), 780),
    ],
)
def test_github_is_not_asked_before_it_allows_it(world, fault, seconds):
    world.failed(3)
    world.succeeds()
    world.github.faults.extend([None, None, fault])
    world.run()
    began, count = world.clock.now, len(world.github.asked)
    while len(world.github.asked) == count:
        world.run(every=30)
    assert seconds - 1 <= world.clock.now - began <= seconds + 40
    world.run(6)
    assert sorted(world.github.redelivered()[-3:]) == ["g00000", "g00001", "g00002"]


def test_limits_in_a_row_are_waited_for_ever_longer(world):
    world.failed(1)
    world.succeeds()
    world.github.faults.extend([(429, {}, "slow down")] * 30)
    world.run(30)
    assert len(world.github.asked) < 8
    assert "waiting" in world.report


def test_some_requests_of_the_hour_are_left_to_others(world):
    world.failed(50)
    world.succeeds()
    world.github.remaining = 101
    world.run(3)
    assert world.github.remaining >= 97
    world.clock.now += HOUR
    world.run(2)
    assert len(world.github.redelivered()) == 50


# What goes wrong.


def test_an_expired_token_is_in_health_and_a_new_one_heals_at_once(world):
    world.failed(1)
    world.succeeds()
    world.github.tokens.clear()
    world.run(20)
    (problem,) = world.report["problems"]
    assert "401 (Bad credentials)" in problem
    assert "set BRIDGE_GITHUB_TOKEN" in problem
    assert len(world.github.asked) <= 3
    assert TOKEN not in str(world.outbox.memos("github"))
    world.github.tokens.add("github_pat_another_token_0123456789")
    world.run(github_token="github_pat_another_token_0123456789")
    assert world.report["problems"] == []
    assert world.github.redelivered() == ["g00000"]


def test_a_webhook_that_is_gone_stops_no_other(world):
    world.github.hook(ORG, URL)
    world.failed(1, ORG)
    world.succeeds(ORG)
    world.run(github_hooks=("contoso/pump", "contoso"))
    del world.github.hooks[PUMP]
    world.failed(1, ORG, prefix="org")
    world.succeeds(ORG, "fine2")
    world.run(github_hooks=("contoso/pump", "contoso"))
    assert "contoso/pump is gone" in world.report["problems"][0]
    assert {*world.github.redelivered()} == {"g00000", "org00000"}
    world.clock.now += HOUR
    world.run(github_hooks=("contoso/pump", "contoso"))
    assert "contoso/pump has no webhook that leads to this bridge" in world.report["problems"][0]
    world.github.hook(PUMP, URL)
    world.clock.now += HOUR
    world.run(github_hooks=("contoso/pump", "contoso"))
    assert world.report["problems"] == []


def test_an_owner_whom_the_token_may_not_see_is_named(world):
    world.succeeds()
    world.run(github_hooks=("contoso/pump", "contoso/secret", "elsewhere"))
    first, second = world.report["problems"]
    assert "contoso/secret does not exist, or the token lacks the repository permission *Webhooks*" in first
    assert "elsewhere does not exist, or the token lacks the organization permission" in second
    assert world.report["webhooks"] == 1


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_fault_of_github_costs_nothing(world, status):
    world.failed(2)
    world.succeeds()
    world.run()
    done = len(world.github.redelivered())
    world.failed(2, prefix="later")
    world.succeeds(guid="fine2")
    for position in range(4):
        world.github.faults.extend([*[None] * position, status])
        world.clock.now += HOUR
        world.run(2)
    assert done == 2
    assert sorted({*world.github.redelivered()}) == ["g00000", "g00001", "later00000", "later00001"]


def test_nothing_answers(world, tmp_path):
    world.run(github_api_url="http://127.0.0.1:9")
    assert "no answer from GitHub" in world.report["problems"][0]


def test_no_redirection_is_followed(world):
    world.github.faults.append((301, {"Location": "http://127.0.0.1:9/elsewhere"}, "Moved Permanently"))
    world.run()
    assert "moved or renamed" in world.report["problems"][0]
    assert len(world.github.asked) == 1


def test_a_next_page_of_another_host_is_not_followed(world):
    world.succeeds()
    world.run()
    link = {"Link": f'<http://127.0.0.1:9{PUMP}/deliveries?cursor=v1_1>; rel="next"'}
    world.github.faults.extend([(200, link, "a page")] * 3)
    world.run(3)
    assert "continues outside BRIDGE_GITHUB_API_URL" in world.report["problems"][0]
    world.run()
    assert world.report["problems"] == []


def test_webhooks_that_lead_elsewhere_or_are_off_are_left_alone(world):
    world.github.hooks.clear()
    world.github.hook(PUMP, "https://other.contoso.com/api/webhooks/github")
    world.github.hook("/repos/contoso/pump/hooks/9", URL, active=False)
    world.failed(1)
    world.run()
    assert world.report["webhooks"] == 0
    assert world.github.redelivered() == []


@pytest.mark.parametrize(
    ("url", "here", "leads"),
    [
        (URL, "https://bridge.contoso.com", True),
        (f"{URL}?code=x", "https://BRIDGE.contoso.com", True),
        ("https://bridge.contoso.com/api/webhooks/generic/pumps", "https://bridge.contoso.com", True),
        ("https://bridge.contoso.com.evil.example/api/webhooks/github", "https://bridge.contoso.com", False),
        ("https://bridge.contoso.com/other", "https://bridge.contoso.com", False),
        (URL, "", True),
        ("https://ci.contoso.com/hook", "", False),
        ("http://[", "", False),
    ],
)
def test_whether_a_webhook_leads_here(url, here, leads):
    assert leads_here(url, here) is leads


def test_without_names_the_tokens_repositories_are_looked_at(world):
    world.github.repositories = ["contoso/other", "contoso/pump"]
    world.failed(1)
    world.succeeds()
    world.run(github_hooks=())
    assert world.github.redelivered() == ["g00000"]
    assert world.report["problems"] == []


def test_an_app_signs_for_itself(world):
    key = rsa_key("github app")
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode()
    world.github.app = ("4711", key.public_key())
    world.github.hook("/app/hook", URL)
    world.failed(2, "/app/hook")
    world.succeeds("/app/hook")
    app = {"github_token": "", "github_hooks": (), "github_app_id": "4711", "github_app_key": pem}
    world.run_with(**app)
    assert sorted(world.github.redelivered()) == ["g00000", "g00001"]
    world.run_with(github_app_id="1")
    assert "Integration not found" in world.report["problems"][0]
    world.run_with(github_app_key="no key")
    assert "cannot sign" in world.report["problems"][0]
    # A token beside it goes on.
    world.failed(1, prefix="token")
    world.succeeds()
    world.run_with(github_token=TOKEN)
    assert world.github.redelivered()[-1] == "token00000"
    assert (world.report["webhooks"], len(world.report["problems"])) == (2, 1)


@pytest.mark.parametrize("status", [404, 500])
def test_an_app_of_which_github_says_nothing_is_a_problem_and_no_error(world, status):
    world.github.faults.append(status)
    pem = rsa_key("github app").private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    world.run_with(github_token="", github_hooks=(), github_app_id="7", github_app_key=pem.decode())
    assert f"GitHub answered {status}" in world.report["problems"][0]


def test_two_instances_do_not_look_at_the_same_time(world):
    world.succeeds()
    world.outbox.acquire("slots", "github", "another", world.clock.now, world.clock.now + 10 * MINUTE)
    world.run()
    assert world.github.asked == []


def test_odd_deliveries_are_left_out():
    odd = [None, 7, {}, {"id": True, "guid": "g", "delivered_at": "2026-11-23T14:03:00Z"}, {"id": 1, "guid": ""}]
    assert deliveries(odd) == deliveries({"message": "no list"}) == []


@pytest.mark.parametrize(
    ("env", "problem"),
    [
        ({"BRIDGE_GITHUB_TOKEN": "short"}, "BRIDGE_GITHUB_TOKEN is not a token"),
        ({"BRIDGE_GITHUB_TOKEN": TOKEN, "BRIDGE_GITHUB_HOOKS": "a b"}, "BRIDGE_GITHUB_HOOKS must be names"),
        ({"BRIDGE_GITHUB_HOOKS": "contoso"}, "BRIDGE_GITHUB_TOKEN is missing: BRIDGE_GITHUB_HOOKS needs it"),
        ({"BRIDGE_GITHUB_APP_ID": "7"}, "BRIDGE_GITHUB_APP_KEY is missing: BRIDGE_GITHUB_APP_ID needs it"),
        ({"BRIDGE_GITHUB_APP_ID": "7", "BRIDGE_GITHUB_APP_KEY": "x"}, "BRIDGE_GITHUB_APP_KEY is not a private key"),
        ({"BRIDGE_GITHUB_API_URL": "http://github.contoso.com/api/v3"}, "BRIDGE_GITHUB_API_URL must be the URL"),
        ({"BRIDGE_GITHUB_API_URL": "https://user@github.com"}, "BRIDGE_GITHUB_API_URL must be the URL"),
    ],
)
def test_wrong_settings_are_reported(env, problem):
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(env)
    assert problem in str(caught.value)


def test_a_key_may_be_on_one_line():
    pem = "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----"

    for text in (pem, pem.replace("\n", "\\n"), base64.b64encode(pem.encode()).decode()):
        env = {"BRIDGE_GITHUB_APP_ID": "7", "BRIDGE_GITHUB_APP_KEY": text}
        assert Settings.from_env(env).github_app_key == pem
        assert "BEGIN" not in repr(Settings.from_env(env))
