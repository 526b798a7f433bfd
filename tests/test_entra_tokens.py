"""Tokens of Entra, signed with a tenant's keys and with others: which of them authenticate a secure webhook."""

import contextlib
import json
import time
import uuid

import jwt
import pytest

from bridge.clouds import CLOUDS
from bridge.errors import AuthenticationError, CommandError, Unavailable
from bridge.events import Webhook
from bridge.sources.azure_monitor.authentication import ACTION_GROUPS as CALLER
from bridge.sources.azure_monitor.authentication import ACTION_GROUPS_ROLE as ROLE
from bridge.verification.entra_tokens import EntraToken, read
from tests.entra import signing_key
from tests.rsa_keys import rsa_key

TENANT = "00000000-0000-4000-8000-0000000000a0"
AUDIENCE = "3c1d0d4e-0000-4000-8000-0000000000f9"
FOREIGN = rsa_key("foreign")


class Keys:
    """The tenant's published keys, and what was asked for."""

    def __init__(self, **published):
        self.published = published or {"now": signing_key()}
        self.coming = {}
        self.asked = []

    def __call__(self, url, *, fresh=False):
        self.asked.append((url, fresh))
        if fresh:
            self.published |= self.coming
        keys = [
            jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": key_id, "use": "sig"}
            for key_id, key in self.published.items()
        ]
        return read(json.dumps({"keys": keys}).encode())


def claims(**changed):
    """Those of a token of version 2.0, as an action group sends it; what is None is left out."""
    now = int(time.time())
    own = {
        "aud": AUDIENCE,
        "iss": f"https://login.microsoftonline.com/{TENANT}/v2.0",
        "iat": now - 60,
        "nbf": now - 60,
        "exp": now + 3600,
        "azp": CALLER,
        "azpacr": "2",
        "oid": str(uuid.UUID(int=5)),
        "roles": [ROLE],
        "tid": TENANT,
        "ver": "2.0",
    }
    return {name: value for name, value in (own | changed).items() if value is not None}


def old_claims(**changed):
    """Those of version 1.0, which an app registration gets that says nothing of versions."""
    own = {
        "aud": f"api://{AUDIENCE}",
        "iss": f"https://sts.windows.net/{TENANT}/",
        "appid": CALLER,
        "azp": None,
        "ver": "1.0",
    }
    return claims(**(own | changed))


def token(content, key=None, algorithm="RS256", **headers):
    key = signing_key() if key is None and algorithm == "RS256" else key
    return jwt.encode(content, key, algorithm, {"kid": "now", **headers})


def scheme(keys=None, cloud="global", tenant=TENANT):
    return EntraToken(CLOUDS[cloud], tenant, CALLER, ROLE, keys or Keys())


def verify(bearer, audiences=(AUDIENCE,), **options):
    scheme(**options).verify(Webhook({"Authorization": bearer}, b"{}"), audiences)


@pytest.mark.parametrize(
    "content",
    [
        claims(),
        old_claims(),
        claims(roles=["Reader", ROLE]),
        old_claims(aud=AUDIENCE),
    ],
    ids=["version 2.0", "version 1.0", "of several roles", "by the client id"],
)
@pytest.mark.parametrize("audience", [AUDIENCE, f"api://{AUDIENCE}", f"api://{AUDIENCE}/"])
def test_a_token_of_the_tenant_for_the_bridge_authenticates_the_webhook(content, audience):
    verify(f"Bearer {token(content)}", ("api://another", audience))
    verify(f"bearer  {token(content)} ", (audience,))


@pytest.mark.parametrize(
    ("configured", "aud", "counts"),
    [
        ("api://contoso.com/bridge", "api://contoso.com/bridge", True),
        ("api://contoso.com/bridge", "contoso.com/bridge", False),
        ("contoso.com/bridge", "api://contoso.com/bridge", False),
    ],
)
def test_only_an_id_has_two_spellings_as_an_audience(configured, aud, counts):
    with contextlib.nullcontext() if counts else pytest.raises(AuthenticationError, match="audience"):
        verify(f"Bearer {token(claims(aud=aud))}", (configured,))


def test_a_clock_that_is_a_minute_off_refuses_nothing():
    verify(f"Bearer {token(claims(exp=int(time.time()) - 60))}")


def test_an_application_may_have_a_uri_of_its_own():
    verify(f"Bearer {token(old_claims(aud='https://contoso.com/bridge'))}", ("https://contoso.com/bridge",))


@pytest.mark.parametrize(
    ("cloud", "issuer"),
    [
        ("us-gov", f"https://login.microsoftonline.us/{TENANT}/v2.0"),
        ("us-gov", f"https://sts.windows.net/{TENANT}/"),
        ("china", f"https://login.partner.microsoftonline.cn/{TENANT}/v2.0"),
        ("china", f"https://sts.chinacloudapi.cn/{TENANT}/"),
    ],
)
def test_each_cloud_has_its_own_issuers_and_its_keys(cloud, issuer):
    keys = Keys()
    verify(f"Bearer {token(claims(iss=issuer))}", cloud=cloud, keys=keys)
    assert keys.asked == [(f"https://{CLOUDS[cloud].login}/{TENANT}/discovery/v2.0/keys", False)]


NOW = int(time.time())
OTHER_TENANT = "00000000-0000-4000-8000-0000000000b1"
REFUSED = {
    "expired": (token(claims(exp=NOW - 400)), "expired"),
    "not valid yet": (token(claims(nbf=NOW + 86400)), "not valid yet"),
    "for another audience": (token(claims(aud="https://graph.microsoft.com")), "audience"),
    "for nobody": (token(claims(aud=None)), "malformed"),
    "without an end": (token(claims(exp=None)), "malformed"),
    "of another tenant": (
        token(claims(iss=f"https://login.microsoftonline.com/{OTHER_TENANT}/v2.0", tid=OTHER_TENANT)),
        "issuer",
    ),
    "of a tenant that its issuer is not": (token(claims(tid=OTHER_TENANT)), "tenant"),
    "of an issuer that only looks like it": (
        token(claims(iss=f"https://sts.windows.net.contoso.com/{TENANT}/")),
        "issuer",
    ),
    "of another cloud": (token(claims(iss=f"https://sts.chinacloudapi.cn/{TENANT}/")), "issuer"),
    "to another application": (token(claims(azp=str(uuid.UUID(int=7)))), CALLER),
    "to the right one in the other version's claim": (token(claims(azp=None, appid=CALLER)), CALLER),
    "to nobody": (token(claims(azp=None)), CALLER),
    "without a role": (token(claims(roles=None)), ROLE),
    "with another role": (token(claims(roles=["Reader"])), ROLE),
    "with a role that is a text": (token(claims(roles=f"x{ROLE}x")), ROLE),
    "signed by another": (token(claims(), FOREIGN), "signature"),
    "by a key that is not published": (token(claims(), FOREIGN, kid="later"), "not published"),
    "without a key": (jwt.encode(claims(), signing_key(), "RS256"), "not published"),
    "unsigned": (token(claims(), None, "none"), "RS256"),
    "signed with a shared secret": (token(claims(), "0" * 64, "HS256"), "RS256"),
    "with a key of its own": (
        token(
            claims(), FOREIGN, kid="mine", jwk=jwt.algorithms.RSAAlgorithm.to_jwk(FOREIGN.public_key(), as_dict=True)
        ),
        "not published",
    ),
    "with an address of keys": (token(claims(), FOREIGN, kid="mine", jku="https://contoso.com/keys"), "not published"),
    "cut": (token(claims())[:-20], "signature|malformed"),
    "no token": ("a.b.c", "malformed"),
    "not even ASCII": ("é\u2028", "malformed"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_any_other_token_is_refused_with_its_reason_and_without_itself(what):
    given, reason = REFUSED[what]
    keys = Keys()
    with pytest.raises(AuthenticationError, match=reason) as refused:
        verify(f"Bearer {given}", keys=keys)
    assert given not in str(refused.value)
    assert str(refused.value).endswith((".", "?"))
    assert {url for url, _ in keys.asked} <= {f"https://login.microsoftonline.com/{TENANT}/discovery/v2.0/keys"}


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic dTpw", f"Token {token(claims())}", token(claims())])
def test_a_header_without_a_bearer_token_is_refused_with_the_reason(header):
    with pytest.raises(AuthenticationError, match="Secure Webhook"):
        verify(header)


def test_a_repeated_token_is_refused():
    with pytest.raises(AuthenticationError):
        verify(f"Bearer {token(claims())}, Bearer {token(claims())}")


def test_keys_that_are_not_known_are_fetched_again():
    keys = Keys()
    keys.coming = {"next": FOREIGN}
    verify(f"Bearer {token(claims(), FOREIGN, kid='next')}", keys=keys)
    assert [fresh for _, fresh in keys.asked] == [False, True]


@pytest.mark.parametrize("published", [b"", b"{}", b"[]", b"null", b'{"keys": []}', b'{"keys": [7]}', b"\xff"])
def test_an_answer_without_keys_is_an_error_of_the_host(published):
    with pytest.raises((ValueError, TypeError, AttributeError, jwt.PyJWTError)):
        read(published)


def test_keys_for_other_uses_and_without_an_id_sign_nothing():
    key = jwt.algorithms.RSAAlgorithm.to_jwk(FOREIGN.public_key(), as_dict=True)
    own = jwt.algorithms.RSAAlgorithm.to_jwk(signing_key().public_key(), as_dict=True)
    published = {"keys": [{**key, "kid": "enc", "use": "enc"}, {**key, "use": "sig"}, {**own, "kid": "now"}]}
    assert set(read(json.dumps(published).encode())) == {"now"}


def test_keys_that_cannot_be_fetched_are_no_fault_of_the_sender():
    def keys(url, *, fresh=False):
        raise Unavailable("There are no keys now.")

    with pytest.raises(Unavailable):
        verify(f"Bearer {token(claims())}", keys=keys)


def test_nobody_but_entra_can_sign():
    with pytest.raises(CommandError, match="Only Entra"):
        scheme().sign(b"{}", AUDIENCE)
    assert scheme().describe() == "a token of Entra in Authorization"
    assert not scheme().signs_body(Webhook({"Authorization": "Bearer x"}, b"{}"))
