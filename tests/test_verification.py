"""Verification: signatures that services document or `openssl dgst -hmac` makes, and everything that is not them."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import standardwebhooks
import stripe
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bridge.errors import AuthenticationError, CommandError, Unavailable
from bridge.events import Webhook
from bridge.limits import MIN_KEY
from bridge.sources import SOURCES
from bridge.verification.combinations import AnyOf, Dated
from bridge.verification.shared_secrets import Basic, Token
from bridge.verification.signatures import Ed25519, Hmac

SCHEME = Hmac("X-Hub-Signature-256", prefix="sha256=")
# https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation
SECRET, BODY = "It's a Secret to Everybody", b"Hello, World!"
SIGNATURE = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

SMALL = b'{"a": 1}'
SMALL_HEX = "1a9fab6cd4b8cdcaad8640f3eca73fa924c62ff24f3833254ef3547232153767"
SIGNED_AT = 1614265330
SVIX = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

# Each way in which services sign: the scheme, what comes, the body, the secret.
WAYS = {
    "prefix": (SCHEME, {"X-Hub-Signature-256": SIGNATURE}, BODY, SECRET),
    "bare": (Hmac("Linear-Signature"), {"Linear-Signature": SMALL_HEX}, SMALL, "s3cret"),
    "sha1": (
        Hmac("X-Hub-Signature", "sha1=", algorithm="sha1"),
        {"X-Hub-Signature": "sha1=9d6022c81b69cabad92db80b40887d3ac4de19a3"},
        SMALL,
        "s3cret",
    ),
    "base64": (
        Hmac("X-Shopify-Hmac-Sha256", encoding="base64"),
        {"X-Shopify-Hmac-Sha256": "Gp+rbNS4zcqthkDz7Kc/qSTGL/JPODMlTvNUcjIVN2c="},
        SMALL,
        "s3cret",
    ),
    # https://developer.pagerduty.com/docs/verifying-webhook-signatures
    "several": (
        Hmac("X-PagerDuty-Signature", "v1=", separator=","),
        {"X-PagerDuty-Signature": f"v1={'0' * 64}, v1={SMALL_HEX}"},
        SMALL,
        "s3cret",
    ),
    # https://docs.stripe.com/webhooks#verify-manually
    "time in the same header": (
        Hmac("Stripe-Signature", "v1=", separator=",", signed="{t=}.{body}", timestamp="t="),
        {"Stripe-Signature": f"t={SIGNED_AT},v0=x,v1=8c2545aba33fad97dbd7167a10f66e915548d50bda8d1bec02a10f6d776623b1"},
        SMALL,
        "s3cret",
    ),
    # https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/
    "time in another header": (
        Hmac("X-Grafana-Alerting-Signature", signed="{X-Time}:{body}", timestamp="X-Time"),
        {
            "X-Time": str(SIGNED_AT),
            "X-Grafana-Alerting-Signature": "1cbc47af2fc540a23781b3acbf3f52962c8ed08c530f0c94dbc5ad3901735c1f",
        },
        SMALL,
        "s3cret",
    ),
    # https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    "Standard Webhooks": (
        Hmac(
            "webhook-signature",
            "v1,",
            separator=" ",
            encoding="base64",
            signed="{webhook-id}.{webhook-timestamp}.{body}",
            timestamp="webhook-timestamp",
            secret_prefix="whsec_",
        ),
        {
            "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "webhook-timestamp": str(SIGNED_AT),
            "webhook-signature": "v1a,x v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        },
        b'{"test": 2432232314}',
        SVIX,
    ),
    "token": (Token("X-Gitlab-Token"), {"X-Gitlab-Token": "s3cret"}, SMALL, "s3cret"),
    "bearer": (Token("Authorization", "Bearer "), {"Authorization": "BEARER s3cret"}, SMALL, "s3cret"),
    "basic": (Basic(), {"Authorization": f"basic {base64.b64encode(b'anyone:s3:cret').decode()}"}, SMALL, "s3:cret"),
    "the second of two": (AnyOf((Basic(), Token("X-Token"))), {"X-Token": "s3cret"}, SMALL, "s3cret"),
}


ASYMMETRIC = Ed25519(
    "webhook-signature",
    "v1a,",
    separator=" ",
    signed="{webhook-id}.{webhook-timestamp}.{body}",
    timestamp="webhook-timestamp",
    clock=lambda: SIGNED_AT,
)
# The first key pair of RFC 8032, section 7.1.
PRIVATE = Ed25519PrivateKey.from_private_bytes(
    bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
)
PUBLIC_HEX = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
PUBLIC = f"whpk_{base64.b64encode(bytes.fromhex(PUBLIC_HEX)).decode()}"


def asymmetric(body=SMALL, time=SIGNED_AT, key=PRIVATE):
    signature = base64.b64encode(key.sign(f"msg_1.{time}.".encode() + body)).decode()
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(time)}
    return {**headers, "webhook-signature": f"v1,eA== v1a,{signature}"}


def at(scheme, now):
    """The scheme with its clock at that time, if it looks at one."""
    return replace(scheme, clock=lambda: now) if isinstance(scheme, Hmac) else scheme


def signing_header(headers):
    return list(headers)[-1]


@pytest.mark.parametrize("way", WAYS)
def test_a_signed_webhook_is_authenticated(way):
    scheme, headers, body, secret = WAYS[way]
    names = {name.upper(): value for name, value in headers.items()}
    for secrets in ((secret,), ("whsec_b3RoZXI=", secret)):
        at(scheme, SIGNED_AT + 300).verify(Webhook(names, body), secrets)


@pytest.mark.parametrize("way", WAYS)
def test_any_other_webhook_is_not_authenticated(way):
    scheme, headers, body, secret = WAYS[way]
    name, value = signing_header(headers), list(headers.values())[-1]
    wrong = [
        (Webhook({}, body), (secret,)),
        (Webhook({**headers, name: ""}, body), (secret,)),
        (Webhook({**headers, name: value[:-1]}, body), (secret,)),
        (Webhook({**headers, name: f"{value}, x"}, body), ("whsec_b3RoZXI=",)),
        (Webhook({**headers, name: "é\ud800"}, body), (secret,)),
        (Webhook(headers, body), ("whsec_b3RoZXI=",)),
        (Webhook(headers, body), ()),
    ]
    kind, space, credentials = value.partition(" ")
    if space and not isinstance(scheme, Hmac):  # another scheme with the same credentials and a name as long
        wrong.append((Webhook({**headers, name: f"{'x' * len(kind)} {credentials}"}, body), (secret,)))
    if isinstance(scheme, Hmac):
        wrong.append((Webhook(headers, body + b" "), (secret,)))
        wrong += [(Webhook({**headers, name: "1"}, body), (secret,)) for name in headers]
    for webhook, secrets in wrong:
        with pytest.raises(AuthenticationError, match=r"\.$|\?$"):
            at(scheme, SIGNED_AT).verify(webhook, secrets)


@pytest.mark.parametrize("way", [way for way, (scheme, *_) in WAYS.items() if not getattr(scheme, "separator", "")])
def test_a_repeated_header_is_refused_with_the_reason(way):
    scheme, headers, body, secret = WAYS[way]
    name = signing_header(headers)
    with pytest.raises(AuthenticationError, match="more than once"):
        at(scheme, SIGNED_AT).verify(Webhook({**headers, name: f"{headers[name]}, {headers[name]}"}, body), (secret,))


@pytest.mark.parametrize("way", [way for way, (scheme, *_) in WAYS.items() if getattr(scheme, "timestamp", "")])
@pytest.mark.parametrize("away", [-301, 301])
def test_old_and_future_signatures_are_refused_with_the_reason(way, away):
    scheme, headers, body, secret = WAYS[way]
    with pytest.raises(AuthenticationError, match="5 minutes ago, or in the future"):
        at(scheme, SIGNED_AT + away).verify(Webhook(headers, body), (secret,))


DATED = Dated(SCHEME, sent="sentAt", oldest=3600, clock=lambda: 1_000_000.0)


@pytest.mark.parametrize("sent", [1_000_000_000, 996_400_000, 1_000_299_999.5, None])
def test_a_body_that_was_sent_lately_is_authenticated_and_so_is_one_that_says_nothing(sent):
    body = json.dumps({"sentAt": sent} if sent else {}).encode()
    DATED.verify(Webhook(DATED.sign(body, SECRET), body), [SECRET])


@pytest.mark.parametrize("sent", [996_399_000, 1_000_301_000, 0, -1])
def test_a_body_that_was_sent_long_ago_or_in_the_future_is_refused_with_the_reason(sent):
    body = json.dumps({"sentAt": sent}).encode()
    with pytest.raises(AuthenticationError, match="sentAt says that the webhook was sent longer ago"):
        DATED.verify(Webhook(DATED.sign(body, SECRET), body), [SECRET])


@pytest.mark.parametrize("body", [b"{", b"[]", b"7", b'{"sentAt": "now"}', b"\xff", b"[" * 100_000])
def test_a_body_without_a_time_is_left_to_those_who_read_it_and_a_wrong_signature_comes_first(body):
    DATED.verify(Webhook(DATED.sign(body, SECRET), body), [SECRET])
    with pytest.raises(AuthenticationError, match="does not match this body"):
        DATED.verify(Webhook(DATED.sign(b"another", SECRET), body), [SECRET])


def test_two_times_and_an_unreadable_time_are_refused_with_the_reason():
    scheme, headers, body, secret = WAYS["time in the same header"]
    doubled = {name: f"t=1,{value}" for name, value in headers.items()}
    with pytest.raises(AuthenticationError, match="2 parts t= instead of one"):
        at(scheme, SIGNED_AT).verify(Webhook(doubled, body), (secret,))
    odd = Hmac("X-Signature", signed="{X-Time}{body}", timestamp="X-Time")
    # HMAC("s3cret", "x" + body) by openssl; its sender put no number into the header that it signed.
    signature = "af706c11e860ea63add1c809885644f242b865bc7ec55afa2d88f4d2f8a11844"
    with pytest.raises(AuthenticationError, match="The time in X-Time is not a number of seconds since 1970"):
        odd.verify(Webhook({"X-Time": "x", "X-Signature": signature}, SMALL), ("s3cret",))


@pytest.mark.parametrize("way", WAYS)
def test_a_sender_can_sign(way):
    scheme, _, body, secret = WAYS[way]
    headers = at(scheme, SIGNED_AT).sign(body, secret)
    at(scheme, SIGNED_AT + 300).verify(Webhook(headers, body), (secret,))
    with pytest.raises(AuthenticationError):
        at(scheme, SIGNED_AT).verify(Webhook(headers, body), ("whsec_b3RoZXI=",))


def test_the_time_in_the_same_header_is_named_without_its_sign():
    scheme, headers, body, secret = WAYS["time in the same header"]
    # HMAC("s3cret", "soon." + body) by openssl.
    signature = "dbbcfc673caff612687481437cd3c1f06d9b2a48b321bf21555dd9a396bb87f7"
    with pytest.raises(AuthenticationError, match="The time in t is not a number"):
        scheme.verify(Webhook({next(iter(headers)): f"t=soon,v1={signature}"}, body), (secret,))


@pytest.mark.parametrize("password", [b"\xff:\xfe", b"anyone:\xff"])
def test_a_password_that_is_no_text_is_not_the_secret(password):
    given = {"Authorization": f"Basic {base64.b64encode(password).decode()}"}
    with pytest.raises(
        AuthenticationError, match="The password of the basic authentication is not the configured secret"
    ):
        Basic().verify(Webhook(given, BODY), (SECRET,))


def test_base64_with_anything_else_in_it_is_none():
    given = base64.b64encode(f"anyone:{SECRET}".encode()).decode()
    Basic().verify(Webhook({"Authorization": f"Basic {given}"}, BODY), (SECRET,))
    with pytest.raises(AuthenticationError):
        Basic().verify(Webhook({"Authorization": f"Basic *{given}*"}, BODY), (SECRET,))


def test_a_header_with_half_a_character_is_signed_as_none():
    scheme, headers, body, secret = WAYS["Standard Webhooks"]
    with pytest.raises(AuthenticationError, match="does not match this body"):
        at(scheme, SIGNED_AT).verify(Webhook({**headers, "webhook-id": "\ud800"}, body), (secret,))


def test_what_it_signs_has_an_id_of_its_body_and_the_time_of_now():
    scheme, _, body, secret = WAYS["Standard Webhooks"]
    first, again, other = (at(scheme, SIGNED_AT).sign(one, secret) for one in (body, body, BODY))
    assert first == again
    assert first["webhook-timestamp"] == str(SIGNED_AT)
    assert len({first["webhook-id"], other["webhook-id"], str(SIGNED_AT)}) == 3


def test_a_public_key_cannot_sign():
    with pytest.raises(CommandError, match="Nobody can sign with a public key"):
        ASYMMETRIC.sign(BODY, PUBLIC)


def test_a_secret_that_is_not_what_the_scheme_needs_is_our_own_fault():
    scheme, headers, body, _ = WAYS["Standard Webhooks"]
    with pytest.raises(Unavailable, match="whsec_"):
        scheme.verify(Webhook(headers, body), ("no base64!",))


def test_a_secret_of_another_kind_is_no_hindrance_to_the_right_one():
    scheme, headers, body, secret = WAYS["Standard Webhooks"]
    either = AnyOf((Token("X-Token"), at(scheme, SIGNED_AT)))
    either.verify(Webhook(headers, body), ("no base64!", secret))
    either.verify(Webhook({"X-Token": "no base64!"}, body), ("no base64!",))
    with pytest.raises(AuthenticationError, match="No secret consists of whsec_"):
        either.verify(Webhook(headers, body), ("no base64!",))


@pytest.mark.parametrize(
    ("scheme", "secret", "size"),
    [
        (SCHEME, SECRET, len(SECRET)),
        (SCHEME, PUBLIC, None),
        (WAYS["Standard Webhooks"][0], SVIX, 24),
        (WAYS["Standard Webhooks"][0], f"whsec_{base64.b64encode(b'short').decode()}", 5),
        (WAYS["Standard Webhooks"][0], "whsec_", 0),
        (WAYS["Standard Webhooks"][0], f"whsec_*{SVIX.removeprefix('whsec_')}*", None),
        (WAYS["Standard Webhooks"][0], base64.b64encode(bytes(MIN_KEY)).decode(), MIN_KEY),
        (WAYS["Standard Webhooks"][0], base64.b64encode(bytes(MIN_KEY - 1)).decode(), None),
        (WAYS["Standard Webhooks"][0], PUBLIC, None),
        (ASYMMETRIC, PUBLIC, 32),
        (ASYMMETRIC, f"whpk_{base64.b64encode(bytes(33)).decode()}", None),
        (ASYMMETRIC, f"whpk_*{PUBLIC.removeprefix('whpk_')}", None),
        (ASYMMETRIC, PUBLIC.removeprefix("whpk_"), None),
        (Token("X-Token"), SECRET, len(SECRET)),
        (Token("X-Token"), PUBLIC, None),
        (Basic(), SECRET, len(SECRET)),
        (Basic(), PUBLIC, None),
        (AnyOf((Token("X-Token"), ASYMMETRIC)), PUBLIC, 32),
        (Dated(Token("X-Token"), "sentAt", 3600), SECRET, len(SECRET)),
        (AnyOf((Token("X-Token"), WAYS["Standard Webhooks"][0])), SVIX, 24),
    ],
)
def test_the_bytes_of_a_key_are_counted_where_the_secret_is_one(scheme, secret, size):
    assert scheme.key_size(secret) == size


def test_signatures_of_other_versions_take_no_place_of_the_right_one():
    headers, size = asymmetric(), len(asymmetric()["webhook-signature"].partition("v1a,")[2])
    others = " ".join(f"v2a,{'A' * size}" for _ in range(50))
    signed = {**headers, "webhook-signature": f"{others} {headers['webhook-signature']}"}
    ASYMMETRIC.verify(Webhook(signed, SMALL), (PUBLIC,))


def test_every_reason_is_given_where_there_are_several_schemes():
    with pytest.raises(AuthenticationError, match=r"Authorization is missing.* Or: The header X-Token is missing"):
        AnyOf((Basic(), Token("X-Token"))).verify(Webhook({}, BODY), (SECRET,))


@pytest.mark.parametrize(
    ("scheme", "words"),
    [
        (SCHEME, "HMAC-SHA256 in X-Hub-Signature-256"),
        (Token("X-Token"), "the secret in X-Token"),
        (
            AnyOf((Basic(), Token("Authorization", "Bearer "))),
            "basic authentication or the secret in Authorization after Bearer",
        ),
    ],
)
def test_each_scheme_describes_itself(scheme, words):
    assert scheme.describe() == words


def test_a_public_key_authenticates_beside_any_secrets():
    ASYMMETRIC.verify(Webhook(asymmetric(), SMALL), (SVIX, PUBLIC))
    both = SOURCES["standard_webhooks"].verifier.schemes
    AnyOf(tuple(replace(one, clock=ASYMMETRIC.clock) for one in both)).verify(Webhook(asymmetric(), SMALL), (PUBLIC,))


def strewn(headers):
    """Its signature with signs in it that are not of base64."""
    return headers["webhook-signature"].replace("v1a,", "v1a,*")


@pytest.mark.parametrize(
    ("headers", "body", "secrets", "reason"),
    [
        (asymmetric(), SMALL + b" ", (PUBLIC,), "does not match this body"),
        (asymmetric(key=Ed25519PrivateKey.generate()), SMALL, (PUBLIC,), "does not match this body"),
        ({**asymmetric(), "webhook-id": "msg_2"}, SMALL, (PUBLIC,), "does not match this body"),
        ({**asymmetric(), "webhook-signature": "v1a,no base64"}, SMALL, (PUBLIC,), "does not match this body"),
        ({**asymmetric(), "webhook-signature": strewn(asymmetric())}, SMALL, (PUBLIC,), "does not match this body"),
        (asymmetric(), SMALL, ("whpk_c2hvcnQ=",), "does not match this body"),
        (asymmetric(time=SIGNED_AT - 301), SMALL, (PUBLIC,), "replay"),
        (asymmetric(), SMALL, (SVIX,), "No public key is configured"),
        ({}, SMALL, (PUBLIC,), "is missing"),
    ],
)
def test_a_public_key_authenticates_nothing_else(headers, body, secrets, reason):
    with pytest.raises(AuthenticationError, match=reason):
        ASYMMETRIC.verify(Webhook(headers, body), secrets)


def test_webhooks_signed_by_other_libraries_are_authenticated():
    """Standard Webhooks' own library, and Stripe's: nothing in these signatures is of our making."""
    now, body = datetime.now(UTC), '{"type": "pump.stopped"}'
    key = base64.b64encode(b"thirty-two bytes, or nearly so...").decode()
    signature = standardwebhooks.Webhook(f"whsec_{key}").sign("msg_1", now, body)
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}
    standard, ours = SOURCES["standard_webhooks"].verifier, SOURCES["stripe"].verifier
    standard.verify(Webhook(headers, body.encode()), (f"whsec_{key}",))
    time = int(now.timestamp())
    signature = stripe.WebhookSignature._compute_signature(f"{time}.{body}", "whsec_test")
    ours.verify(Webhook({"Stripe-Signature": f"t={time},v1={signature}"}, body.encode()), ("whsec_test",))
    # And the other way round: theirs take what ours sign.
    signed = standard.sign(body.encode(), f"whsec_{key}")
    assert standardwebhooks.Webhook(f"whsec_{key}").verify(body, dict(signed)) == {"type": "pump.stopped"}
    header = ours.sign(body.encode(), "whsec_test")["Stripe-Signature"]
    assert stripe.WebhookSignature.verify_header(body, header, "whsec_test")


def _authenticates(verifier, webhook, secret):
    try:
        verifier.verify(webhook, [secret])
    except AuthenticationError:
        return False
    return True


@pytest.mark.parametrize(
    "verifier",
    [
        *(source.verifier for source in SOURCES.values() if source.verifier),
        Dated(SCHEME, "sent", 60.0),
        Dated(Token("X-Token"), "sent", 60.0),
        AnyOf((Token("X-Token"), SCHEME)),
        AnyOf((SCHEME, Token("X-Token"))),
    ],
    ids=lambda verifier: verifier.describe(),
)
def test_a_webhook_is_known_to_be_signed_if_its_body_cannot_be_another(verifier):
    secret = base64.b64encode(b"s" * 32).decode()
    try:
        headers = verifier.sign(SMALL, secret)
    except CommandError:
        pytest.skip("only the service can sign")
    signed, forged = (Webhook(headers, body) for body in (SMALL, b'{"a": 2}'))
    assert _authenticates(verifier, signed, secret)
    assert verifier.signs_body(signed) == (not _authenticates(verifier, forged, secret))
