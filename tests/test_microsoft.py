import contextlib
import os
import subprocess
import sys
import time
from urllib.parse import parse_qsl, urlsplit

import jwt
import msal
import pytest
import requests
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError, ServiceRequestError
from azure.identity import CredentialUnavailableError, ManagedIdentityCredential
from azure.keyvault.secrets import SecretClient
from azure.keyvault.secrets._shared import http_challenge_cache

from bridge.clouds import CLOUDS
from bridge.settings import Settings
from tests import local_stack
from tests.entra import IDENTITY_HEADER
from tests.entra_directory import DELEGATED, REDIRECT_URI, TENANT
from tests.entra_parameters import JWT_BEARER, Refusal
from tests.faults import Fault
from tests.key_vault import LARGEST
from tests.microsoft import microsoft

GROUP = "00000000-0000-4000-8000-0000000000d0"
CHALLENGE = '{"access_token": {"nbf": {"essential": true, "value": "1"}, "acrs": {"essential": true, "value": "c1"}}}'


@contextlib.contextmanager
def running(folder, monkeypatch, cloud="global", **options):
    with microsoft(folder, cloud, **options) as ms:
        for name, value in ms.env.items():
            monkeypatch.setenv(name, value)
        yield ms


@pytest.fixture
def ms(tmp_path, monkeypatch):
    with running(tmp_path, monkeypatch) as ms:
        yield ms


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory):
    """For the tests that change nothing in it."""
    with pytest.MonkeyPatch.context() as monkeypatch, running(tmp_path_factory.mktemp("ms"), monkeypatch) as ms:
        yield ms


@pytest.fixture(params=CLOUDS)
def any_cloud(request, tmp_path, monkeypatch):
    with running(tmp_path, monkeypatch, request.param) as ms:
        yield ms


# Azure's own libraries


@contextlib.contextmanager
def identity(ms, client_id=None):
    with ManagedIdentityCredential(client_id=client_id, retry_total=0) as credential:
        yield credential


@contextlib.contextmanager
def application(ms, client, assertion, **options):
    """MSAL as the client, whose client assertion the function gives."""
    options.setdefault("authority", ms.entra.authority)
    app = msal.ConfidentialClientApplication(
        client.client_id, client_credential={"client_assertion": assertion}, **options
    )
    with contextlib.closing(app.http_client):
        yield app


@contextlib.contextmanager
def by_identity(ms, client, **options):
    """MSAL as a client whose credential is the user-assigned managed identity."""
    with identity(ms, ms.settings["BRIDGE_CLIENT_ID"]) as credential:
        exchange = f"{ms.entra.cloud.exchange}/.default"
        with application(ms, client, lambda: credential.get_token(exchange).token, **options) as app:
            yield app


@contextlib.contextmanager
def as_agent(ms, **options):
    exchange = [f"{ms.entra.cloud.exchange}/.default"]
    agent = ms.entra.agent

    def vouched_for():
        return blueprint.acquire_token_for_client(exchange, fmi_path=agent.client_id)["access_token"]

    with by_identity(ms, ms.entra.blueprint) as blueprint, application(ms, agent, vouched_for, **options) as app:
        yield app


def sign_in(ms, app, scopes=(), **options):
    flow = app.initiate_auth_code_flow(
        list(scopes) or [ms.entra.cloud.graph_scope], REDIRECT_URI, response_mode="form_post"
    )
    answer = dict(parse_qsl(urlsplit(ms.entra.sign_in(flow["auth_uri"], **options)).query))
    return app.acquire_token_by_auth_code_flow(flow, answer)


def threads(ms, token):
    return requests.get(
        f"https://{ms.entra.cloud.graph}/v1.0/groups/{GROUP}/threads",
        headers={"Authorization": f"Bearer {token}"},
        timeout=10,
    )


def verified(ms, token, audience):
    """The claims of a token that the published keys are good for."""
    found = requests.get(f"{ms.entra.authority}/v2.0/.well-known/openid-configuration", timeout=10).json()
    keys = {key["kid"]: jwt.PyJWK(key, "RS256") for key in requests.get(found["jwks_uri"], timeout=10).json()["keys"]}
    key = keys[jwt.get_unverified_header(token)["kid"]]
    return jwt.decode(token, key, ["RS256"], audience=audience, issuer=found["issuer"])


def test_the_settings_fit_one_another(any_cloud):
    for identity_name in ("agent-user", "service-account"):
        settings = Settings.from_env(any_cloud.settings | {"BRIDGE_IDENTITY": identity_name})
        assert settings.cloud == any_cloud.entra.cloud


def test_an_agents_user_posts_with_azures_own_libraries(any_cloud):
    ms = any_cloud
    with as_agent(ms) as app:
        t2 = app.acquire_token_for_client([f"{ms.entra.cloud.exchange}/.default"])["access_token"]
        ask = app.acquire_token_by_user_federated_identity_credential
        answer = ask([ms.entra.cloud.graph_scope], t2, user_object_id=ms.settings["BRIDGE_AGENT_USER_ID"])
        claims = verified(ms, answer["access_token"], ms.entra.graph)
        assert (claims["idtyp"], claims["scp"]) == ("user", DELEGATED)
        assert (claims["oid"], claims["appid"]) == (ms.entra.agent_user.object_id, ms.entra.agent.client_id)
        assert threads(ms, answer["access_token"]).status_code == 200
        [account] = app.get_accounts()
        again = app.acquire_token_silent_with_error([ms.entra.cloud.graph_scope], account)
        assert again["access_token"] == answer["access_token"]
        fresh = app.acquire_token_silent_with_error([ms.entra.cloud.graph_scope], account, force_refresh=True)
        assert fresh["access_token"] != answer["access_token"]
        by_name = ask([ms.entra.cloud.graph_scope], t2, username=ms.entra.agent_user.username)
        assert verified(ms, by_name["access_token"], ms.entra.graph)["oid"] == ms.entra.agent_user.object_id
    assert ms.refused_hosts == []


def test_a_service_account_signs_in_once(any_cloud):
    ms = any_cloud
    with by_identity(ms, ms.entra.application) as app:
        answer = sign_in(ms, app, [f"{ms.entra.graph}/{DELEGATED}"])
        assert verified(ms, answer["id_token"], ms.entra.application.client_id)["oid"] == ms.entra.person.object_id
        assert threads(ms, answer["access_token"]).status_code == 200
        assert app.get_accounts()[0]["username"] == ms.entra.person.username
    with by_identity(ms, ms.entra.application) as other:
        refreshed = other.acquire_token_by_refresh_token(answer["refresh_token"], [ms.entra.cloud.graph_scope])
        claims = verified(ms, refreshed["access_token"], ms.entra.graph)
        assert (claims["upn"], claims["scp"]) == (ms.entra.person.username, DELEGATED)
        assert refreshed["refresh_token"] != answer["refresh_token"]
        for token in (answer["refresh_token"], refreshed["refresh_token"]):
            scope = [f"{ms.entra.graph}/{DELEGATED}"]
            assert "access_token" in other.acquire_token_by_refresh_token(token, scope)
    assert ms.refused_hosts == []


def test_a_managed_identity_has_its_own_token(any_cloud):
    ms = any_cloud
    with identity(ms, ms.settings["BRIDGE_CLIENT_ID"]) as credential:
        token = credential.get_token(ms.entra.cloud.graph_scope)
        claims = verified(ms, token.token, ms.entra.graph)
        assert (claims["idtyp"], claims["roles"]) == ("app", [DELEGATED])
        assert claims["sub"] == ms.entra.user_assigned.principal_id
        assert abs(token.expires_on - time.time() - ms.entra.identity_seconds) < 5
        assert threads(ms, token.token).status_code == 200
    with identity(ms) as credential:
        claims = verified(ms, credential.get_token(ms.entra.cloud.graph_scope).token, ms.entra.graph)
        assert claims["sub"] == ms.entra.system_assigned.principal_id


@contextlib.contextmanager
def secret_client(ms, client_id=None, **options):
    options = {"retry_total": 0, **options}
    with (
        identity(ms, client_id or ms.settings["BRIDGE_CLIENT_ID"]) as credential,
        SecretClient(ms.vault.url, credential, **options) as client,
    ):
        yield client


def test_a_key_vault_keeps_the_versions_of_a_secret(any_cloud):
    ms = any_cloud
    http_challenge_cache.clear()
    with secret_client(ms) as client:
        first = client.set_secret("account", "one", content_type="application/json", tags={"for": "bridge"})
        second = client.set_secret("account", "two")
        assert client.get_secret("account").value == ms.vault.value("account") == "two"
        kept = client.get_secret("account", first.properties.version)
        assert (kept.value, kept.properties.content_type, kept.properties.tags) == (
            "one",
            "application/json",
            {"for": "bridge"},
        )
        assert kept.properties.vault_url == ms.vault.url
        assert first.properties.version != second.properties.version
        assert [(logged.method, logged.status) for logged in ms.vault.requests[:2]] == [("PUT", 401), ("PUT", 200)]
        client.begin_delete_secret("account").result()
        with pytest.raises(ResourceNotFoundError, match="SecretNotFound"):
            client.get_secret("account")
        with pytest.raises(ResourceExistsError, match="recoverable"):
            client.set_secret("account", "three")


def test_another_process_finds_it_by_its_environment_alone(ms):
    script = """
import os, requests
from azure.identity import ManagedIdentityCredential
from azure.keyvault.secrets import SecretClient
with (
    ManagedIdentityCredential(client_id=os.environ["BRIDGE_CLIENT_ID"]) as credential,
    SecretClient(os.environ["BRIDGE_KEY_VAULT_URL"], credential) as client,
):
    client.set_secret("from", "a process of its own")
try:
    requests.get("https://example.com/", timeout=10)
except requests.ConnectionError:
    print("refused")
"""
    env = {**os.environ, **ms.env, **ms.settings}
    done = subprocess.run(
        [sys.executable, "-c", script], env=env, capture_output=True, text=True, timeout=60, check=True
    )
    assert (done.stdout, done.stderr) == ("refused\n", "")
    assert ms.vault.value("from") == "a process of its own"
    assert ms.refused_hosts == ["example.com"]


def test_the_bridge_itself_finds_it_by_its_environment_alone(ms, tmp_path):
    env = {**ms.env, **ms.settings, "BRIDGE_GRAPH_URL": f"{ms.entra.graph}/v1.0"}
    with local_stack.running(tmp_path / "bridge", **env) as stack:
        assert stack.send("issues", local_stack.issue("opened")).status_code == 202
        deadline = time.monotonic() + local_stack.PATIENCE
        while not ms.fake_graph.log and time.monotonic() < deadline:
            time.sleep(0.05)
    assert ms.fake_graph.log[0].path.startswith("/v1.0/groups/")
    assert ms.entra.requests[0].form["client_id"] == ms.settings["BRIDGE_CLIENT_ID"]
    assert ms.refused_hosts == []


@pytest.mark.parametrize(
    "url", ["https://example.com/", "http://169.254.169.254/metadata", "https://graph.microsoft.us/v1.0"]
)
def test_other_hosts_are_refused_and_remembered(ms, url):
    if url.startswith("https"):
        with pytest.raises(requests.ConnectionError):
            requests.get(url, timeout=10)
    else:
        assert requests.get(url, timeout=10).status_code == 502
    assert ms.refused_hosts == [urlsplit(url).hostname]


def test_several_run_at_once(tmp_path, monkeypatch):
    (tmp_path / "other").mkdir()
    with running(tmp_path, monkeypatch) as one, microsoft(tmp_path / "other") as other:
        with identity(one) as credential:
            token = credential.get_token(one.entra.cloud.graph_scope).token
        assert threads(one, token).status_code == 200
        assert [len(each.fake_graph.log) for each in (one, other)] == [1, 0]


# Documented requests, one by one


def identity_token(ms, resource=None, client_id=None):
    return requests.get(
        ms.env["IDENTITY_ENDPOINT"],
        params={
            "api-version": "2019-08-01",
            "resource": resource or ms.entra.cloud.exchange,
            "client_id": client_id or ms.entra.user_assigned.client_id,
        },
        headers={"X-IDENTITY-HEADER": IDENTITY_HEADER},
        timeout=10,
    ).json()["access_token"]


def post(ms, form, **options):
    url = options.pop("url", f"{ms.entra.authority}/oauth2/v2.0/token")
    return requests.post(url, form, timeout=10, **options)


def token(ms, form):
    return post(ms, form).json()["access_token"]


def credentials(client, assertion, scope):
    return {
        "client_id": client.client_id,
        "client_assertion_type": JWT_BEARER,
        "client_assertion": assertion,
        "scope": scope,
    }


def blueprint_form(ms):
    form = credentials(ms.entra.blueprint, identity_token(ms), f"{ms.entra.cloud.exchange}/.default")
    return {**form, "grant_type": "client_credentials", "fmi_path": ms.entra.agent.client_id}


def agent_form(ms):
    vouched_for = token(ms, blueprint_form(ms))
    form = credentials(ms.entra.agent, vouched_for, f"{ms.entra.cloud.exchange}/.default")
    return {**form, "grant_type": "client_credentials"}


def agent_user_form(ms):
    form = agent_form(ms)
    return {
        **form,
        "grant_type": "user_fic",
        "scope": ms.entra.cloud.graph_scope,
        "user_federated_identity_credential": token(ms, form),
        "user_id": ms.entra.agent_user.object_id,
    }


def authorize_parameters(ms):
    return {
        "client_id": ms.entra.application.client_id,
        "response_type": "code",
        "redirect_uri": REDIRECT_URI,
        "scope": f"openid profile offline_access {ms.entra.cloud.graph_scope}",
        "state": "a state that nobody guesses",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    }


def authorize_url(ms, parameters):
    return requests.Request("GET", f"{ms.entra.authority}/oauth2/v2.0/authorize", params=parameters).prepare().url


def code_form(ms):
    answer = dict(parse_qsl(urlsplit(ms.entra.sign_in(authorize_url(ms, authorize_parameters(ms)))).query))
    form = credentials(ms.entra.application, identity_token(ms), ms.entra.cloud.graph_scope)
    # The pair of https://www.rfc-editor.org/rfc/rfc7636#appendix-B.
    return {
        **form,
        "grant_type": "authorization_code",
        "code": answer["code"],
        "redirect_uri": REDIRECT_URI,
        "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    }


def refresh_form(ms):
    form = credentials(ms.entra.application, identity_token(ms), ms.entra.cloud.graph_scope)
    refresh_token = ms.entra.refresh_token(ms.entra.application, ms.entra.person)
    return {**form, "grant_type": "refresh_token", "refresh_token": refresh_token}


FORMS = [blueprint_form, agent_form, agent_user_form, code_form, refresh_form]


@pytest.mark.parametrize("form", FORMS)
def test_every_parameter_is_needed_and_no_other_is_taken(unchanged, form):
    ms = unchanged
    good = form(ms)
    for name in good:
        answer = post(ms, {other: value for other, value in good.items() if other != name})
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
        assert f"'{name}'" in answer.json()["error_description"]
    for more in ({"resource": "x"}, {"fmi_paths": "x"}, {"client_secret": "x"}, {"client_info": "2"}, {"claims": "x"}):
        answer = post(ms, good | more)
        assert answer.json()["error"] in {"invalid_request", "invalid_client"}
        assert f"'{next(iter(more))}'" in answer.json()["error_description"]
    assert post(ms, [*good.items(), ("scope", good["scope"])]).json()["error_codes"] == [9000411]
    assert post(ms, good, url=f"{ms.entra.authority}/oauth2/v2.0/token?slice=x").json()["error_codes"] == [900561]
    assert post(ms, None, json=good).json()["error_codes"] == [900561]
    elsewhere = ms.entra.authority.replace(TENANT, GROUP) + "/oauth2/v2.0/token"
    assert post(ms, good, url=elsewhere).json()["error_codes"] == [90002]
    assert post(ms, good | {"client_info": "1", "claims": "{}"}).status_code == 200


def own_jwt(ms, **claims):
    """A token as the user-assigned identity has it, but for some claims."""
    claims = {"sub": ms.entra.user_assigned.principal_id, **claims}
    return ms.entra.jwt(claims.pop("aud", ms.entra.cloud.exchange), claims.pop("seconds", 600), **claims)


def forged(ms):
    """A token that somebody else has signed."""
    return identity_token(ms).rpartition(".")[0] + "." + own_jwt(ms).rpartition(".")[2]


@pytest.mark.parametrize(
    ("form", "name", "value", "code"),
    [
        (blueprint_form, "client_id", GROUP, 700016),
        (blueprint_form, "grant_type", "password", 70003),
        (blueprint_form, "client_assertion_type", "urn:ietf:params:oauth:grant-type:jwt-bearer", 9000410),
        (blueprint_form, "scope", "api://AzureADTokenExchangeUSGov/.default", 500011),
        (blueprint_form, "scope", "api://AzureADTokenExchange", 1002012),
        (blueprint_form, "fmi_path", GROUP, 700016),
        (blueprint_form, "client_assertion", "eyJ", 700027),
        (blueprint_form, "client_assertion", forged, 700027),
        (blueprint_form, "client_assertion", lambda ms: own_jwt(ms, seconds=-1), 700024),
        (blueprint_form, "client_assertion", lambda ms: own_jwt(ms, nbf=int(time.time()) + 900), 700024),
        (blueprint_form, "client_assertion", lambda ms: own_jwt(ms, iss="https://sts.windows.net/"), 700027),
        (blueprint_form, "client_assertion", lambda ms: own_jwt(ms, aud="api://AzureADTokenExchangeChina"), 700213),
        (blueprint_form, "client_assertion", lambda ms: own_jwt(ms, sub=GROUP), 700213),
        (blueprint_form, "client_assertion", lambda ms: identity_token(ms, ms.entra.graph), 700213),
        (agent_form, "client_assertion", identity_token, 700213),
        (agent_form, "client_assertion", lambda ms: token(ms, agent_form(ms)), 700213),
        (agent_form, "client_id", lambda ms: ms.entra.blueprint.client_id, 700213),
        (agent_form, "fmi_path", lambda ms: ms.entra.agent.client_id, 9000411),
        (agent_user_form, "user_federated_identity_credential", lambda ms: token(ms, blueprint_form(ms)), 700213),
        (agent_user_form, "user_federated_identity_credential", forged, 700024),
        (agent_user_form, "user_id", GROUP, 50034),
        (agent_user_form, "username", "bridge-agent@contoso.com", 900144),
        (agent_user_form, "scope", "https://graph.microsoft.us/.default", 500011),
        (agent_user_form, "scope", "https://graph.microsoft.com/Mail.Send", 65001),
        (agent_user_form, "scope", "openid", 70011),
        (agent_user_form, "scope", "https://graph.microsoft.com/.default Mail.Send", 70011),
        (agent_user_form, "requested_token_use", "x", 9000410),
        (code_form, "code", "x", 70000),
        (code_form, "redirect_uri", f"{REDIRECT_URI}/", 500112),
        (code_form, "code_verifier", "x" * 43, 501481),
        (code_form, "code_verifier", "x" * 42, 9000410),
        (code_form, "scope", f"https://graph.microsoft.com/{DELEGATED}", 70011),
        (code_form, "client_id", lambda ms: ms.entra.blueprint.client_id, 7000229),
        (refresh_form, "refresh_token", "x", 9002313),
        (refresh_form, "refresh_token", lambda ms: ms.entra.refresh_token(ms.entra.agent, ms.entra.agent_user), 700005),
        (refresh_form, "scope", "https://graph.microsoft.com/Mail.Send", 65001),
    ],
)
def test_every_value_is_checked(unchanged, form, name, value, code):
    ms = unchanged
    answer = post(ms, form(ms) | {name: value(ms) if callable(value) else value})
    assert answer.json()["error_codes"] == [code]
    assert answer.status_code == (401 if answer.json()["error"] == "invalid_client" else 400)


@pytest.mark.parametrize("name", ["blueprint", "agent", "application"])
def test_a_client_is_refused_the_grants_that_it_has_not(ms, name):
    forms = {"blueprint": blueprint_form, "agent": agent_form, "application": refresh_form}
    form = forms[name](ms)
    getattr(ms.entra, name).grants.clear()
    assert post(ms, form).json()["error_codes"] == [7000229]


def test_an_app_registration_may_be_given_an_application_token(ms):
    form = credentials(ms.entra.application, identity_token(ms), ms.entra.cloud.graph_scope)
    form["grant_type"] = "client_credentials"
    assert post(ms, form).json()["error"] == "unauthorized_client"
    ms.entra.application.grants.add("client_credentials")
    ms.entra.application.roles.add("Mail.Send")
    assert verified(ms, token(ms, form), ms.entra.graph)["roles"] == ["Mail.Send"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda entra: setattr(entra.agent_user, "enabled", False), 50057),
        (lambda entra: setattr(entra.agent_user, "agent", GROUP), 50105),
        (lambda entra: entra.agent.scopes.clear(), 65001),
        (lambda entra: entra.agent.federated.clear(), 700213),
    ],
)
def test_an_agents_user_needs_all_that_was_set_up(ms, change, code):
    form = agent_user_form(ms)
    change(ms.entra)
    assert post(ms, form).json()["error_codes"] == [code]


def test_a_code_is_good_once_and_for_ten_minutes(ms):
    form = code_form(ms)
    assert post(ms, form).status_code == 200
    assert post(ms, form).json()["error_codes"] == [54005]
    late = code_form(ms)
    ms.entra.clock_offset = 601
    assert post(ms, late).json()["error_codes"] == [70008]


def test_refresh_tokens_end(ms):
    form = refresh_form(ms) | {"scope": f"offline_access {ms.entra.cloud.graph_scope}"}
    newer = post(ms, form).json()["refresh_token"]
    ms.entra.revoke_refresh_tokens()
    for each in (form["refresh_token"], newer):
        answer = post(ms, form | {"refresh_token": each}).json()
        assert (answer["error"], answer["error_codes"], answer["suberror"]) == ("invalid_grant", [50173], "bad_token")
    form = refresh_form(ms)
    ms.entra.clock_offset = 91 * 24 * 3600
    assert post(ms, form | {"client_assertion": identity_token(ms)}).json()["error_codes"] == [700082]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("client_id", GROUP),
        ("client_id", "00000000-0000-4000-8000-0000000000e1"),
        ("response_type", "token"),
        ("response_mode", "fragment"),
        ("redirect_uri", "https://example.com/"),
        ("scope", "openid https://graph.microsoft.com/Mail.Send"),
        ("scope", "https://graph.microsoft.us/.default"),
        ("state", "short"),
        ("code_challenge", "short"),
        ("code_challenge_method", "plain"),
        ("nonce", ""),
        ("client_info", "0"),
        ("prompt", "whatever"),
        ("claims", "{"),
        ("resource", "x"),
        ("client_secret", "x"),
    ],
)
def test_an_authorization_request_is_checked(unchanged, name, value):
    ms = unchanged
    parameters = authorize_parameters(ms)
    with pytest.raises(Refusal, match=name):
        ms.entra.sign_in(authorize_url(ms, parameters | {name: value}))
    if name in parameters:
        del parameters[name]
        with pytest.raises(Refusal, match=f"'{name}'"):
            ms.entra.sign_in(authorize_url(ms, parameters))


def test_an_authorization_request_goes_to_the_tenants_endpoint(unchanged):
    ms = unchanged
    url = authorize_url(ms, authorize_parameters(ms))
    for wrong in (url.replace(TENANT, GROUP), url.replace(".com/", ".us/", 1), url.replace("/authorize", "/token")):
        with pytest.raises(Refusal, match="authorization endpoint"):
            ms.entra.sign_in(wrong)


def test_a_person_may_decline(unchanged):
    ms = unchanged
    with by_identity(ms, ms.entra.application) as app:
        answer = sign_in(ms, app, error="access_denied")
    assert (answer["error"], answer["error_description"][:11]) == ("access_denied", "AADSTS65004")


def test_somebody_else_may_sign_in(unchanged):
    ms = unchanged
    with by_identity(ms, ms.entra.application) as app:
        assert sign_in(ms, app, user=ms.entra.agent_user)["id_token_claims"]["oid"] == ms.entra.agent_user.object_id


# Managed identities


@pytest.mark.parametrize(
    ("change", "status", "text"),
    [
        ({"api-version": "2017-09-01"}, 400, "api-version"),
        ({"api-version": None}, 400, "api-version"),
        ({"resource": None}, 400, "resource"),
        ({"resource": "https://graph.microsoft.us"}, 400, "resource"),
        ({"resource": "https://graph.microsoft.com/.default"}, 400, "resource"),
        ({"client_id": GROUP}, 400, "client_id"),
        ({"claims": "{}"}, 400, "claims"),
        ({"bypass_cache": "true"}, 400, "bypass_cache"),
    ],
)
def test_a_request_for_an_identitys_token_is_checked(unchanged, change, status, text):
    ms = unchanged
    good = {"api-version": "2019-08-01", "resource": ms.entra.graph, "client_id": ms.settings["BRIDGE_CLIENT_ID"]}
    url, headers = ms.env["IDENTITY_ENDPOINT"], {"X-IDENTITY-HEADER": ms.env["IDENTITY_HEADER"]}
    assert requests.get(url, good, headers=headers, timeout=10).status_code == 200
    assert requests.get(url, good, headers={"X-IDENTITY-HEADER": "x"}, timeout=10).status_code == 401
    assert requests.post(url, good, headers=headers, timeout=10).status_code == 405
    answer = requests.get(url, good | change, headers=headers, timeout=10)
    assert answer.status_code == answer.json()["statusCode"] == status
    assert text in answer.json()["message"]


def test_an_app_without_an_identity_of_its_own(ms):
    ms.entra.system_assigned = None
    with identity(ms) as credential, pytest.raises(CredentialUnavailableError, match="Managed Identity"):
        credential.get_token(ms.entra.cloud.graph_scope)


def test_azure_gives_the_same_token_until_it_is_about_to_end(ms):
    with identity(ms) as credential, identity(ms) as other:
        scope = ms.entra.cloud.graph_scope
        first = credential.get_token(scope).token
        assert other.get_token(scope).token == first
        # A challenge goes past the credential's memory, and not past Azure's.
        assert credential.get_token(scope, claims=CHALLENGE).token == first
        assert [logged.endpoint for logged in ms.entra.requests] == ["identity"] * 3
        ms.entra.clock_offset = ms.entra.identity_seconds - 299
        assert credential.get_token(scope, claims=CHALLENGE).token != first


# What goes wrong


def test_access_tokens_end(ms):
    ms.entra.token_seconds = 1
    answer = post(ms, refresh_form(ms)).json()
    assert answer["expires_in"] == 1
    assert threads(ms, answer["access_token"]).status_code == 200
    deadline = time.monotonic() + 10
    while threads(ms, answer["access_token"]).status_code == 200 and time.monotonic() < deadline:
        time.sleep(0.05)
    refused = threads(ms, answer["access_token"])
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "InvalidAuthenticationToken")


@pytest.mark.parametrize("offset", [-1800, 1800])
def test_microsofts_clock_may_be_another(ms, offset):
    ms.entra.clock_offset = offset
    with as_agent(ms) as app:
        t2 = app.acquire_token_for_client([f"{ms.entra.cloud.exchange}/.default"])["access_token"]
        answer = app.acquire_token_by_user_federated_identity_credential(
            [ms.entra.cloud.graph_scope], t2, user_object_id=ms.entra.agent_user.object_id
        )
    assert answer["expires_in"] == 3600
    claims = jwt.decode(answer["access_token"], options={"verify_signature": False})
    assert abs(claims["exp"] - (time.time() + offset + 3600)) < 5
    assert threads(ms, answer["access_token"]).status_code == 200
    with identity(ms) as credential:
        expires = credential.get_token(ms.entra.cloud.graph_scope).expires_on
    assert abs(expires - (time.time() + offset + ms.entra.identity_seconds)) < 5


def test_a_claims_challenge_gives_another_token(ms):
    with by_identity(ms, ms.entra.application) as app:
        first = sign_in(ms, app)["access_token"]
        [account] = app.get_accounts()
        ask = app.acquire_token_silent_with_error
        assert ask([ms.entra.cloud.graph_scope], account)["access_token"] == first
        fresh = ask([ms.entra.cloud.graph_scope], account, claims_challenge=CHALLENGE)["access_token"]
    assert fresh != first
    claims = verified(ms, fresh, ms.entra.graph)
    assert claims["acrs"] == "c1"
    assert claims["nbf"] > 1


def test_entra_fails_as_it_is_told(ms):
    exchange = [f"{ms.entra.cloud.exchange}/.default"]
    agent = ms.entra.agent.client_id
    with by_identity(ms, ms.entra.blueprint, instance_discovery=False) as app:
        ms.entra.faults.append(Fault(429, "temporarily_unavailable", 90055, retry_after=0, endpoint="token"))
        answer = app.acquire_token_for_client(exchange, fmi_path=agent)
        assert (answer["error"], answer["error_codes"]) == ("temporarily_unavailable", [90055])
        ms.entra.faults.append(Fault(503, retry_after=0, endpoint="token"))
        with pytest.raises(msal.exceptions.MsalServiceError, match="503"):
            app.acquire_token_for_client(exchange, fmi_path=agent)
        ms.entra.faults += [Fault(0, endpoint="token")] * 2  # MSAL tries twice
        with pytest.raises(requests.ConnectionError):
            app.acquire_token_for_client(exchange, fmi_path=agent)
        assert "access_token" in app.acquire_token_for_client(exchange, fmi_path=agent)
    assert [logged.status for logged in ms.entra.requests if logged.endpoint == "token"] == [429, 503, 0, 0, 200]
    with by_identity(ms, ms.entra.blueprint, instance_discovery=False, timeout=0.2) as app:
        ms.entra.faults.append(Fault(200, delay=60, endpoint="token"))
        with pytest.raises(requests.ReadTimeout):
            app.acquire_token_for_client(exchange, fmi_path=agent)
    form = refresh_form(ms)
    ms.entra.faults += [
        Fault(400, "invalid_grant", 50076, "Multi-factor authentication is needed.", "basic_action", "{}"),
        Fault(200, delay=0.01),
    ]
    refused = post(ms, form).json()
    assert (refused["error"], refused["suberror"], refused["claims"]) == ("invalid_grant", "basic_action", "{}")
    assert ms.entra.requests[-1].outcome == "invalid_grant AADSTS50076: Multi-factor authentication is needed."
    assert post(ms, form).status_code == 200
    assert ms.entra.faults == []


def test_discovery_fails_as_it_is_told(ms):
    ms.entra.faults.append(Fault(endpoint="openid-configuration"))
    with pytest.raises(msal.exceptions.MsalServiceError), by_identity(ms, ms.entra.blueprint):
        pass
    with (
        pytest.raises(ValueError, match="authority"),
        by_identity(ms, ms.entra.blueprint, authority=f"https://{ms.entra.cloud.login}/{GROUP}"),
    ):
        pass


def test_an_error_makes_msal_ask_for_other_names_of_the_host(any_cloud):
    ms = any_cloud
    ms.entra.agent.federated.clear()
    with as_agent(ms) as app:
        answer = app.acquire_token_for_client([f"{ms.entra.cloud.exchange}/.default"])
    assert answer["error_codes"] == [700213]
    assert answer["correlation_id"]
    assert ms.entra.requests[-1].endpoint == "instance"
    assert ms.refused_hosts == []


# Key Vault


def test_a_key_vault_refuses_whoever_has_no_access(ms):
    with secret_client(ms, ms.entra.system_assigned.client_id) as client, pytest.raises(CredentialUnavailableError):
        client.get_secret("account")
    ms.vault.put("account", "one")
    ms.vault.permissions[ms.entra.user_assigned.principal_id] = {"get"}
    with secret_client(ms) as client:
        assert client.get_secret("account").value == "one"
        with pytest.raises(HttpResponseError, match="Forbidden") as refused:
            client.set_secret("account", "two")
        assert (refused.value.status_code, refused.value.error.code) == (403, "Forbidden")


@pytest.mark.parametrize(
    ("header", "text"),
    [
        (lambda ms: {}, "missing a Bearer"),
        (lambda ms: {"Authorization": "Bearer x"}, "Invalid token"),
        (lambda ms: {"Authorization": f"Bearer {identity_token(ms)}"}, "Invalid audience"),
        (
            lambda ms: {"Authorization": f"Bearer {own_jwt(ms, aud='https://vault.azure.net', seconds=-1)}"},
            "time range",
        ),
    ],
)
def test_a_key_vault_challenges(unchanged, header, text):
    ms = unchanged
    url = f"{ms.vault.url}/secrets/account?api-version=7.4"
    answer = requests.get(url, headers=header(ms), timeout=10)
    assert answer.status_code == 401
    assert text in answer.json()["error"]["message"]
    assert answer.headers["WWW-Authenticate"] == (
        f'Bearer authorization="{ms.entra.authority}", resource="https://vault.azure.net"'
    )


def test_a_key_vault_checks_what_it_is_given(ms):
    headers = {"Authorization": f"Bearer {identity_token(ms, 'https://vault.azure.net')}"}

    def put(content, path="/secrets/account", query="?api-version=7.4"):
        return requests.put(ms.vault.url + path + query, json=content, headers=headers, timeout=10)

    assert put({"value": "x" * LARGEST}).status_code == 200
    for wrong in (
        {},
        [],
        {"value": 1},
        {"value": "x" * (LARGEST + 1)},
        {"value": "x", "more": "y"},
        {"value": "x", "contentType": "x" * 256},
        {"value": "x", "tags": {"a": 1}},
        {"value": "x", "tags": {str(number): "x" for number in range(16)}},
        {"value": "x", "attributes": {"enabled": "true"}},
    ):
        answer = put(wrong)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadParameter")
    assert put({"value": "x"}, query="").status_code == 400
    assert put({"value": "x"}, query="?api-version=1").status_code == 400
    assert put({"value": "x"}, path="/secrets/a_b").status_code == 400
    text = {**headers, "Content-Type": "text/plain"}
    url = f"{ms.vault.url}/secrets/account?api-version=7.4"
    assert requests.put(url, b'{"value": "x"}', headers=text, timeout=10).status_code == 415
    assert put({"value": "x", "attributes": {"enabled": False}}).status_code == 200
    assert requests.get(url, headers=headers, timeout=10).json()["error"]["innererror"]["code"] == "SecretDisabled"
    assert requests.delete(url.replace("account", "other"), headers=headers, timeout=10).status_code == 404


def test_a_key_vault_fails_as_it_is_told(ms):
    ms.vault.put("account", "one")
    with secret_client(ms) as client:
        ms.vault.down = True
        for _ in range(2):
            with pytest.raises(HttpResponseError) as refused:
                client.get_secret("account")
            assert refused.value.status_code == 503
        ms.vault.down = False
        ms.vault.faults += [Fault(429, "Throttled", retry_after=0), Fault(0)]
        with pytest.raises(HttpResponseError, match="Throttled"):
            client.get_secret("account")
        with pytest.raises(ServiceRequestError):
            client.get_secret("account")
        assert client.get_secret("account").value == "one"
