"""Proof: GitHub's own documented example, and everything that is not it."""

import pytest

from bridge.errors import Unproved
from bridge.events import Webhook
from bridge.verification import Hmac

SCHEME = Hmac("X-Hub-Signature-256", prefix="sha256=")
# https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation
SECRET, BODY = "It's a Secret to Everybody", b"Hello, World!"
SIGNATURE = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"


@pytest.mark.parametrize("name", ["X-Hub-Signature-256", "x-hub-signature-256"])
@pytest.mark.parametrize("secrets", [(SECRET,), ("another", SECRET)])
def test_what_the_sender_signed_is_proved(name, secrets):
    SCHEME.verify(Webhook({name: SIGNATURE}, BODY), secrets)


@pytest.mark.parametrize(
    ("headers", "body", "secrets"),
    [
        ({}, BODY, (SECRET,)),
        ({"X-Hub-Signature-256": ""}, BODY, (SECRET,)),
        ({"X-Hub-Signature": SIGNATURE}, BODY, (SECRET,)),
        ({"X-Hub-Signature-256": SIGNATURE}, BODY + b" ", (SECRET,)),
        ({"X-Hub-Signature-256": SIGNATURE}, BODY, ("another",)),
        ({"X-Hub-Signature-256": SIGNATURE}, BODY, ()),
        ({"X-Hub-Signature-256": SIGNATURE[:-1]}, BODY, (SECRET,)),
        ({"X-Hub-Signature-256": SIGNATURE.removeprefix("sha256=")}, BODY, (SECRET,)),
        ({"X-Hub-Signature-256": f"{SIGNATURE}, {SIGNATURE}"}, BODY, (SECRET,)),
        ({"X-Hub-Signature-256": "sha256=é"}, BODY, (SECRET,)),
        ({"X-Hub-Signature-256": "\ud800"}, BODY, (SECRET,)),
    ],
)
def test_anything_else_is_not(headers, body, secrets):
    with pytest.raises(Unproved, match="X-Hub-Signature-256"):
        SCHEME.verify(Webhook(headers, body), secrets)


def test_a_sender_can_sign():
    assert SCHEME.sign(BODY, SECRET) == {"X-Hub-Signature-256": SIGNATURE}


def test_it_says_what_it_is():
    assert SCHEME.describe() == "HMAC-SHA256 in X-Hub-Signature-256"
