"""Amazon SNS: which messages its signature proves, and what CloudWatch's alarms say."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from bridge.app import Bridge
from bridge.configuration import Configuration
from bridge.errors import AuthenticationError, CommandError, Unavailable
from bridge.events import Webhook
from bridge.settings import Settings
from bridge.sources.aws_sns import AWS_SNS
from bridge.verification.sns_signatures import SnsSignature, host
from tests.local_stack import ROOT

GROUP = "00000000-0000-4000-8000-0000000000d0"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:pump-alarms"
KEY, FOREIGN = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))


def certificate(key):
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, *_days())
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def _days():
    now = datetime.now(UTC)
    return now - timedelta(1), now + timedelta(1)


def sample(name):
    return json.loads((ROOT / f"bridge/sources/aws_sns/samples/{name}.json").read_text())


def signed(message, key=KEY, version="2", **changed):
    """The message as SNS signs it: names and values by the order of names, each on a line."""
    message = {**message, "SignatureVersion": version}
    names = ["Message", "MessageId", "SubscribeURL", "Subject", "Timestamp", "Token", "TopicArn", "Type"]
    text = "".join(f"{name}\n{message[name]}\n" for name in names if name in message)
    algorithm = hashes.SHA256() if version == "2" else hashes.SHA1()
    signature = base64.b64encode(key.sign(text.encode(), padding.PKCS1v15(), algorithm)).decode()
    return {**message, "Signature": signature, **changed}


def verify(message, topics=(TOPIC,), published=None):
    asked = []

    def keys(url):
        asked.append(url)
        return certificate(KEY) if published is None else published

    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    SnsSignature(keys).verify(Webhook({}, body), topics)
    return asked


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("name", ["alarm.alarm", "notification.json", "subscription_confirmation"])
def test_what_sns_signed_for_a_topic_is_proved(name, version):
    assert verify(signed(sample(name), version=version)) == [sample(name)["SigningCertURL"]]


ALARM = sample("alarm.alarm")
ELSEWHERE = "https://sns.eu-west-1.amazonaws.com.contoso.com/key.pem"


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (signed(ALARM, Message="another"), "not of this message"),
        (signed(ALARM, Subject="another"), "not of this message"),
        (signed(ALARM, FOREIGN), "not of this message"),
        (signed(ALARM, Signature=""), "not of this message"),
        (signed(ALARM, Signature="no base64"), "not of this message"),
        (signed(ALARM, version="2", SignatureVersion="1"), "not of this message"),
        (signed(ALARM, SignatureVersion="3"), "neither 1 nor 2"),
        (signed({**ALARM, "TopicArn": f"{TOPIC}2"}), "none of BRIDGE_AWS_SNS_TOPICS"),
        (signed({**ALARM, "SigningCertURL": ELSEWHERE}), "not of the host"),
        (signed({**ALARM, "SigningCertURL": ALARM["SigningCertURL"].replace("https", "http")}), "not of the host"),
        (signed({**ALARM, "SigningCertURL": ALARM["SigningCertURL"].replace("sns.", "x@sns.")}), "not of the host"),
        (signed({**ALARM, "SigningCertURL": ALARM["SigningCertURL"].replace("west", "east")}), "not of the host"),
        (signed({**ALARM, "SigningCertURL": ALARM["SigningCertURL"].replace(".pem", ".txt")}), "not of the host"),
        (b"no JSON", "no message of SNS"),
        (b"[]", "no message of SNS"),
        (b"{}", "none of BRIDGE_AWS_SNS_TOPICS"),
    ],
)
def test_anything_else_is_refused_with_the_reason(message, reason):
    with pytest.raises(AuthenticationError, match=reason):
        verify(message)


@pytest.mark.parametrize("published", [b"", b"no certificate", certificate(ec.generate_private_key(ec.SECP256R1()))])
def test_a_certificate_that_is_none_lets_the_sender_try_again(published):
    with pytest.raises(Unavailable, match="certificate"):
        verify(signed(ALARM), published=published)


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        (TOPIC, "sns.eu-west-1.amazonaws.com"),
        ("arn:aws-cn:sns:cn-north-1:1:t", "sns.cn-north-1.amazonaws.com.cn"),
        ("arn:aws-us-gov:sns:us-gov-west-1:1:t", "sns.us-gov-west-1.amazonaws.com"),
        ("arn:aws:sqs:eu-west-1:1:t", ""),
        ("arn:aws:sns:evil.com/x:1:t", ""),
    ],
)
def test_a_topic_names_the_host_of_its_certificates(topic, expected):
    assert host(topic) == expected


def test_nobody_but_aws_signs():
    with pytest.raises(CommandError, match="Only AWS"):
        SnsSignature(lambda _: b"").sign(b"", TOPIC)


def test_with_topics_in_the_settings_unsigned_messages_are_refused_and_without_the_function_key_decides():
    body = Webhook({"Content-Type": "text/plain"}, json.dumps({**ALARM, "TopicArn": f"{TOPIC}2"}).encode())
    strict = Bridge(Configuration.of(Settings(group=GROUP, aws_sns_topics=(TOPIC,))))
    assert strict.receiver.receive("aws_sns", body).status == 401
    assert strict.configuration.authentications["aws_sns"].setting == "BRIDGE_AWS_SNS_TOPICS"
    assert Bridge(Configuration.of(Settings(group=GROUP))).receiver.receive("aws_sns", body).status == 202


def read(name, **changed):
    (event,) = AWS_SNS.read(Webhook({}, json.dumps({**sample(name), **changed}).encode()))
    return event


@pytest.mark.parametrize(
    ("name", "summary", "severity", "ends"),
    [
        ("alarm.alarm", "pump-pressure-low fires", "error", False),
        ("alarm.ok", "pump-pressure-low is OK again", "success", True),
        ("alarm.insufficient_data", "pump-pressure-low has too little data", "warning", False),
    ],
)
def test_an_alarm_is_one_thread_with_its_measure(name, summary, severity, ends):
    event = read(name)
    assert (event.kind, event.summary, event.severity, event.ends_thread) == (name, summary, severity, ends)
    assert event.correlation_key == "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:pump-pressure-low"
    assert dict(event.facts)["fires at"] == "< 2 for 5 min"
    assert event.url.startswith("https://eu-west-1.console.aws.amazon.com/cloudwatch/")


def test_the_link_of_a_confirmation_is_posted_for_a_person_and_only_when_it_is_of_aws():
    assert read("subscription_confirmation").url == sample("subscription_confirmation")["SubscribeURL"]
    assert read("subscription_confirmation", SubscribeURL=ELSEWHERE).url == ""
    assert read("subscription_confirmation", Type="UnsubscribeConfirmation").kind == "unsubscribe_confirmation"


def test_json_is_shown_as_code_and_text_as_it_is():
    assert read("notification.json").text.startswith("```json")
    assert read("notification.text").text.startswith("The nightly backup")
