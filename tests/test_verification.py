"""Proof: signatures that services document or `openssl dgst -hmac` makes, and everything that is not them."""

import base64
from dataclasses import replace

import pytest

from bridge.errors import Unavailable, Unproved
from bridge.events import Webhook
from bridge.verification import AnyOf, Basic, Hmac, Token

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


def at(scheme, now):
    """The scheme with its clock at that time, if it looks at one."""
    return replace(scheme, clock=lambda: now) if isinstance(scheme, Hmac) else scheme


def header_with_the_proof(headers):
    return list(headers)[-1]


@pytest.mark.parametrize("way", WAYS)
def test_what_the_sender_signed_is_proved(way):
    scheme, headers, body, secret = WAYS[way]
    names = {name.upper(): value for name, value in headers.items()}
    for secrets in ((secret,), ("whsec_b3RoZXI=", secret)):
        at(scheme, SIGNED_AT + 300).verify(Webhook(names, body), secrets)


@pytest.mark.parametrize("way", WAYS)
def test_anything_else_is_not(way):
    scheme, headers, body, secret = WAYS[way]
    proof, value = header_with_the_proof(headers), list(headers.values())[-1]
    wrong = [
        (Webhook({}, body), (secret,)),
        (Webhook({**headers, proof: ""}, body), (secret,)),
        (Webhook({**headers, proof: value[:-1]}, body), (secret,)),
        (Webhook({**headers, proof: f"{value}, x"}, body), ("whsec_b3RoZXI=",)),
        (Webhook({**headers, proof: "é\ud800"}, body), (secret,)),
        (Webhook(headers, body), ("whsec_b3RoZXI=",)),
        (Webhook(headers, body), ()),
    ]
    if isinstance(scheme, Hmac):
        wrong.append((Webhook(headers, body + b" "), (secret,)))
        wrong += [(Webhook({**headers, name: "1"}, body), (secret,)) for name in headers]
    for webhook, secrets in wrong:
        with pytest.raises(Unproved, match=r"\.$|\?$"):
            at(scheme, SIGNED_AT).verify(webhook, secrets)


@pytest.mark.parametrize("way", [way for way, (scheme, *_) in WAYS.items() if not getattr(scheme, "separator", "")])
def test_a_header_that_came_twice_is_told_so(way):
    scheme, headers, body, secret = WAYS[way]
    proof = header_with_the_proof(headers)
    with pytest.raises(Unproved, match="more than once"):
        at(scheme, SIGNED_AT).verify(
            Webhook({**headers, proof: f"{headers[proof]}, {headers[proof]}"}, body), (secret,)
        )


@pytest.mark.parametrize("way", [way for way, (scheme, *_) in WAYS.items() if getattr(scheme, "timestamp", "")])
@pytest.mark.parametrize("away", [-301, 301])
def test_an_old_signature_and_one_of_the_future_are_told_so(way, away):
    scheme, headers, body, secret = WAYS[way]
    with pytest.raises(Unproved, match="5 minutes away"):
        at(scheme, SIGNED_AT + away).verify(Webhook(headers, body), (secret,))


def test_two_times_and_a_time_that_is_none_are_told_so():
    scheme, headers, body, secret = WAYS["time in the same header"]
    doubled = {name: f"t=1,{value}" for name, value in headers.items()}
    with pytest.raises(Unproved, match="2 parts t= and not one"):
        at(scheme, SIGNED_AT).verify(Webhook(doubled, body), (secret,))
    odd = Hmac("X-Signature", signed="{X-Time}{body}", timestamp="X-Time")
    # HMAC("s3cret", "x" + body) by openssl; its sender put no number into the header that it signed.
    signature = "af706c11e860ea63add1c809885644f242b865bc7ec55afa2d88f4d2f8a11844"
    with pytest.raises(Unproved, match="no number of seconds"):
        odd.verify(Webhook({"X-Time": "x", "X-Signature": signature}, SMALL), ("s3cret",))


@pytest.mark.parametrize("way", WAYS)
def test_a_sender_can_sign(way):
    scheme, _, body, secret = WAYS[way]
    headers = at(scheme, SIGNED_AT).sign(body, secret)
    at(scheme, SIGNED_AT + 300).verify(Webhook(headers, body), (secret,))
    with pytest.raises(Unproved):
        at(scheme, SIGNED_AT).verify(Webhook(headers, body), ("whsec_b3RoZXI=",))


def test_a_secret_that_is_not_what_the_scheme_needs_is_our_own_fault():
    scheme, headers, body, _ = WAYS["Standard Webhooks"]
    with pytest.raises(Unavailable, match="whsec_"):
        scheme.verify(Webhook(headers, body), ("no base64!",))


def test_a_secret_of_another_kind_is_no_hindrance_to_the_right_one():
    scheme, headers, body, secret = WAYS["Standard Webhooks"]
    either = AnyOf((Token("X-Token"), at(scheme, SIGNED_AT)))
    either.verify(Webhook(headers, body), ("no base64!", secret))
    either.verify(Webhook({"X-Token": "no base64!"}, body), ("no base64!",))
    with pytest.raises(Unproved, match="No secret is whsec_"):
        either.verify(Webhook(headers, body), ("no base64!",))


def test_every_reason_is_told_where_there_are_several_ways():
    with pytest.raises(Unproved, match=r"Authorization is missing.* Or: The header X-Token is missing"):
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
def test_it_says_what_it_is(scheme, words):
    assert scheme.describe() == words
