"""Identities that act as a user: real MSAL, azure-identity and Key Vault code against strict stand-ins."""

import contextlib
import json
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest

from bridge.clouds import CLOUDS
from bridge.errors import AccessRefused, NotSent, SignInError, UnknownSignIn
from bridge.graph.channel import Post
from bridge.graph.client import GraphClient
from bridge.graph.federation import Account, Vault
from bridge.graph.threads import GroupThreads
from bridge.graph.tokens import FRESH
from bridge.publishing.delivery import token_source
from bridge.settings import Settings
from bridge.sign_in import SignIn
from tests.faults import Fault
from tests.graph_servers import GROUP
from tests.microsoft import microsoft


@contextlib.contextmanager
def unlocked():
    yield True


class Tenant:
    """A tenant, and the bridge's settings in it."""

    def __init__(self, cloud, monkeypatch):
        self.cloud = cloud
        for name, value in cloud.env.items():
            monkeypatch.setenv(name, value)

    def settings(self, identity, **changes):
        return Settings.from_env({**self.cloud.settings, "BRIDGE_IDENTITY": identity, **changes})

    def identity(self, name, **changes):
        return token_source(self.settings(name, **changes))

    def browser(self, address):
        """Where Entra sends the browser back to: the form's fields."""
        return dict(parse_qsl(urlsplit(self.cloud.entra.sign_in(address)).query))

    def sign_in(self, clock=time.time):
        return SignIn(self.settings("service-account"), unlocked, clock)

    def signed_in(self):
        page = self.sign_in()
        return page.finish(self.browser(page.begin()))


@pytest.fixture(params=CLOUDS)
def anywhere(request, tmp_path, monkeypatch):
    with microsoft(tmp_path, request.param) as cloud:
        yield Tenant(cloud, monkeypatch)


@pytest.fixture
def tenant(tmp_path, monkeypatch):
    with microsoft(tmp_path) as cloud:
        yield Tenant(cloud, monkeypatch)


def claims(token):
    return jwt.decode(token, options={"verify_signature": False})


@pytest.mark.parametrize("identity", ["managed-identity", "agent-user", "service-account"])
def test_every_identity_gets_a_token_in_every_cloud(anywhere, identity):
    if identity == "service-account":
        anywhere.signed_in()
    token = claims(anywhere.identity(identity).token())
    assert token["aud"].rstrip("/") == f"https://{anywhere.settings(identity).cloud.graph}"
    assert ("scp" in token) is (identity != "managed-identity")
    assert anywhere.cloud.refused_hosts == []


@pytest.mark.parametrize("name", ["oid", "upn"])
def test_an_agents_user_is_named_by_id_or_by_name(tenant, name):
    user = {"oid": tenant.cloud.entra.agent_user.object_id, "upn": tenant.cloud.entra.agent_user.username}[name]
    token = claims(tenant.identity("agent-user", BRIDGE_AGENT_USER_ID=user).token())
    assert token["oid"] == tenant.cloud.entra.agent_user.object_id


@pytest.mark.parametrize(
    "setting", ["BRIDGE_BLUEPRINT_ID", "BRIDGE_AGENT_ID", "BRIDGE_AGENT_USER_ID", "BRIDGE_TENANT_ID"]
)
def test_an_agents_wrong_id_is_reported_with_what_to_check(tenant, setting):
    with pytest.raises(AccessRefused, match=r"BRIDGE_AGENT_USER_ID|BRIDGE_TENANT_ID"):
        tenant.identity("agent-user", **{setting: "00000000-0000-4000-8000-00000000dead"}).token()


@pytest.mark.parametrize("identity", ["agent-user", "service-account"])
def test_sixteen_threads_cost_one_exchange(tenant, identity):
    tenant.signed_in()
    one = tenant.identity(identity)
    tenant.cloud.entra.requests.clear()
    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(lambda _: one.token(), range(16)))) == 1
    assert [logged.endpoint for logged in tenant.cloud.entra.requests].count("token") == {"agent-user": 3}.get(
        identity, 1
    )


@pytest.mark.parametrize("identity", ["agent-user", "service-account"])
def test_a_challenge_is_answered_with_a_token_that_has_its_claims(tenant, identity):
    tenant.signed_in()
    one = tenant.identity(identity)
    first = one.token()
    assert one.token(FRESH) != first
    challenge = json.dumps({"access_token": {"acrs": {"essential": True, "value": "c1"}}})
    assert "c1" in json.dumps(claims(one.token(challenge)))


@pytest.mark.parametrize("identity", ["managed-identity", "agent-user", "service-account"])
@pytest.mark.parametrize("minutes", [-10, 10])
def test_a_clock_that_is_wrong_by_ten_minutes_keeps_nobody_from_posting(tenant, identity, minutes):
    tenant.cloud.entra.clock_offset = minutes * 60.0
    tenant.signed_in()
    assert tenant.identity(identity).token()


@pytest.mark.parametrize("identity", ["agent-user", "service-account"])
def test_entra_that_fails_is_tried_again_later(tenant, identity):
    tenant.signed_in()
    one = tenant.identity(identity)
    tenant.cloud.entra.faults.append(Fault(endpoint="token"))
    with pytest.raises(NotSent):
        one.token()
    assert one.token()


def test_a_key_vault_that_is_down_is_tried_again_later_and_a_good_token_stays_in_use(tenant):
    tenant.signed_in()
    one = tenant.identity("service-account")
    first = one.token()
    tenant.cloud.vault.down = True
    assert one.token() == first
    with pytest.raises(NotSent, match="key vault"):
        tenant.identity("service-account").token()
    tenant.cloud.vault.down = False
    assert tenant.identity("service-account").token()


def test_a_revoked_sign_in_says_who_must_do_what(tenant):
    tenant.signed_in()
    tenant.cloud.entra.revoke_refresh_tokens()
    with pytest.raises(AccessRefused) as refused:
        tenant.identity("service-account").token()
    assert "invalid_grant" in str(refused.value)
    assert f"python -m bridge sign-in {tenant.cloud.settings['BRIDGE_PUBLIC_URL']}" in str(refused.value)


def test_before_the_sign_in_nobody_has_a_token(tenant):
    with pytest.raises(AccessRefused, match="Nobody has signed in"):
        tenant.identity("service-account").token()


def test_something_else_in_the_vault_is_no_sign_in(tenant):
    settings = tenant.settings("service-account")
    account = Account(settings)
    account._vault.write(settings.key_vault_entry, "not json")
    with pytest.raises(AccessRefused, match="is not a sign-in"):
        account.fetch("")


def test_the_sign_in_is_kept_without_access_tokens(tenant):
    name = tenant.signed_in()
    assert "@" in name
    kept = json.loads(stored(tenant))
    assert set(kept) == {"RefreshToken", "Account"}


def stored(tenant) -> str:
    settings = tenant.settings("service-account")
    return Account(settings)._vault.read(settings.key_vault_entry)


def test_a_refresh_replaces_the_refresh_token_and_reading_does_not(tenant):
    tenant.signed_in()
    before = stored(tenant)
    tenant.identity("service-account").token()
    assert stored(tenant) == before
    Account(tenant.settings("service-account")).refresh()
    after = stored(tenant)
    assert after != before
    assert tenant.identity("service-account").token()


def test_a_sign_in_is_good_once(tenant):
    page = tenant.sign_in()
    form = tenant.browser(page.begin())
    page.finish(form)
    with pytest.raises(SignInError, match="not the latest sign-in"):
        page.finish(form)


def test_a_sign_in_is_good_for_ten_minutes(tenant):
    begun = time.time()
    form = tenant.browser(tenant.sign_in(lambda: begun).begin())
    with pytest.raises(SignInError, match="ten minutes"):
        tenant.sign_in(lambda: begun + 601).finish(form)
    assert tenant.sign_in(lambda: begun + 599).finish(form)


def test_only_the_sign_in_that_was_begun_last_is_good(tenant):
    page = tenant.sign_in()
    first = tenant.browser(page.begin())
    second = tenant.browser(page.begin())
    with pytest.raises(SignInError):
        page.finish(first)
    assert page.finish(second)


@pytest.mark.parametrize(
    "state", ["", "1", "9999999999.abc.def", f"9999999999.{'a' * 22}.{'0' * 64}", "\u0661.a." + "0" * 64]
)
def test_a_state_that_was_not_signed_here_changes_nothing(tenant, state):
    page = tenant.sign_in()
    form = tenant.browser(page.begin())
    with pytest.raises(SignInError):
        page.finish({**form, "state": state})
    assert page.finish(form)


def test_strangers_do_not_make_every_instance_read_the_vault(tenant, monkeypatch):
    form = tenant.browser(tenant.sign_in().begin())
    another, reads = tenant.sign_in(), []
    read = Vault.read
    monkeypatch.setattr(Vault, "read", lambda self, name: reads.append(name) or read(self, name))
    started = time.monotonic()
    for _ in range(500):
        with pytest.raises(UnknownSignIn):
            another.finish({"state": f"9999999999.{'a' * 22}.{'0' * 64}"})
    assert len(reads) <= 2 + 2 * (time.monotonic() - started)
    # What another instance has begun can be finished here while they go on.
    assert another.finish(form)


def test_a_vault_that_fails_is_not_asked_by_each_stranger(tenant, monkeypatch, caplog):
    page = tenant.sign_in()
    tenant.cloud.vault.down = True
    for _ in range(20):
        with pytest.raises(UnknownSignIn):
            page.finish({"state": f"9999999999.{'a' * 22}.{'0' * 64}"})
    assert caplog.text.count("A sign-in cannot be finished") == 1


def test_a_person_who_declines_can_begin_again(tenant):
    page = tenant.sign_in()
    form = tenant.browser(page.begin())
    with pytest.raises(SignInError, match="access_denied"):
        page.finish({"state": form["state"], "error": "access_denied", "error_description": "The user said no."})
    with pytest.raises(SignInError):
        page.finish(form)


def test_a_code_that_entra_does_not_redeem_says_to_begin_again(tenant):
    page = tenant.sign_in()
    form = tenant.browser(page.begin())
    with pytest.raises(AccessRefused, match=r"invalid_grant.*Begin again"):
        page.finish({**form, "code": "another"})


def test_two_callbacks_at_once_are_one(tenant):
    @contextlib.contextmanager
    def busy():
        yield False

    page = tenant.sign_in()
    form = tenant.browser(page.begin())
    with pytest.raises(SignInError, match="two minutes"):
        SignIn(tenant.settings("service-account"), busy).finish(form)
    assert page.finish(form)


def test_nobody_signs_in_where_nobody_has_to(tenant):
    with pytest.raises(SignInError, match="not service-account"):
        SignIn(tenant.settings("managed-identity"), unlocked)
    with pytest.raises(SignInError, match="BRIDGE_PUBLIC_URL"):
        SignIn(tenant.settings("service-account", BRIDGE_PUBLIC_URL=""), unlocked)


def test_a_vault_that_fails_before_the_state_is_verified_is_reported_only_in_the_log(tenant, caplog):
    page = tenant.sign_in()
    form = tenant.browser(page.begin())
    tenant.cloud.vault.down = True
    with caplog.at_level(logging.ERROR), pytest.raises(SignInError) as raised:
        page.finish(form)
    assert "vault" not in str(raised.value)
    assert "key vault" in caplog.text


def test_a_vault_that_refuses_says_which_role_is_missing(tenant):
    tenant.cloud.vault.permissions.clear()
    with pytest.raises(AccessRefused, match="Key Vault Secrets Officer"):
        tenant.identity("service-account").token()


@pytest.mark.parametrize("name", ["managed-identity", "agent-user", "service-account"])
def test_a_token_that_expires_in_the_middle_of_a_drain_is_replaced(tenant, name):
    """Graph says so with a 401, whatever this machine's clock says; the post goes out all the same."""
    tenant.signed_in()
    settings = tenant.settings(name)
    with contextlib.closing(GraphClient(settings.graph_base, token_source(settings))) as client:
        channel = GroupThreads(client)
        for number in range(4):
            if number == 2:
                tenant.cloud.fake_graph.tokens.revoke()
                tenant.cloud.entra.identity_tokens.clear()
            channel.start(Post(GROUP, f"Topic {number}", "<p>Post</p>", ""))
    assert len(tenant.cloud.fake_graph.threads(GROUP)) == 4
    statuses = [logged.status for logged in tenant.cloud.fake_graph.log]
    assert statuses == [201, 201, 401, 201, 201]
