"""Amazon SNS: which messages its signature authenticates, and what they say."""

import base64
import json
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from bridge.app import Bridge
from bridge.configuration import Configuration
from bridge.entries import Target
from bridge.errors import AuthenticationError, CommandError
from bridge.events import Webhook
from bridge.rendering.renderer import Renderer
from bridge.settings import Settings
from bridge.sources.aws_sns import AWS_SNS
from bridge.verification.sns_certificates import SigningCertificates
from bridge.verification.sns_certificates import read as read_certificates
from bridge.verification.sns_signatures import SnsSignature
from tests.amazon import ISSUER, NOW, REPOSITORY, YEAR, certificate, der, key, of_sns, pem
from tests.amazon import ROOT as AUTHORITY
from tests.local_stack import ROOT
from tests.look import parse

GROUP = "00000000-0000-4000-8000-0000000000d0"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:pump-alarms"
KEY, FOREIGN = key("sns.amazonaws.com"), key("evil.example")


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


def verify(message, topics=(TOPIC,), published=None, later=0):
    asked = []

    def clock():
        return NOW.timestamp() + later

    def fetch(url):
        asked.append(url)
        return read_certificates(
            der(ISSUER) if url == REPOSITORY else published or pem(of_sns(valid=(-YEAR, 9 * YEAR)))
        )

    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    SnsSignature(SigningCertificates(fetch, (AUTHORITY,), clock), clock).verify(Webhook({}, body), topics)
    return asked


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("name", ["alarm.alarm", "notification.json", "subscription_confirmation"])
def test_what_sns_signed_for_a_topic_is_authenticated(name, version):
    assert verify(signed(sample(name), version=version)) == [sample(name)["SigningCertURL"], REPOSITORY]


ALARM = sample("alarm.alarm")
ELSEWHERE = "https://sns.eu-west-1.amazonaws.com.contoso.com/key.pem"


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (signed(ALARM, Message="another"), "does not match this message"),
        (signed(ALARM, Subject="another"), "does not match this message"),
        (signed(ALARM, FOREIGN), "does not match this message"),
        (signed(ALARM, Signature=""), "does not match this message"),
        (signed(ALARM, Signature="no base64"), "does not match this message"),
        (signed(ALARM, Message="half a \ud83d"), "does not match this message"),
        ({name: value for name, value in signed(ALARM).items() if name != "SigningCertURL"}, "not where SNS publishes"),
        (signed(ALARM, version="2", SignatureVersion="1"), "does not match this message"),
        (signed(ALARM, SignatureVersion="3"), "neither 1 nor 2"),
        (signed({**ALARM, "TopicArn": f"{TOPIC}2"}), "not in BRIDGE_AWS_SNS_TOPICS"),
        (signed({**ALARM, "SigningCertURL": ELSEWHERE}), "not where SNS publishes"),
        (
            signed({**ALARM, "SigningCertURL": ALARM["SigningCertURL"].replace("https", "http")}),
            "not where SNS publishes",
        ),
        (
            signed({**ALARM, "SigningCertURL": ALARM["SigningCertURL"].replace("sns.", "x@sns.")}),
            "not where SNS publishes",
        ),
        (
            signed({**ALARM, "SigningCertURL": ALARM["SigningCertURL"].replace("west", "east")}),
            "not where SNS publishes",
        ),
        (
            signed({**ALARM, "SigningCertURL": ALARM["SigningCertURL"].replace(".pem", ".txt")}),
            "not where SNS publishes",
        ),
        (b"no JSON", "not a message of SNS"),
        (b"[]", "not a message of SNS"),
        (b"{}", "not in BRIDGE_AWS_SNS_TOPICS"),
    ],
)
def test_anything_else_is_refused_with_the_reason(message, reason):
    with pytest.raises(AuthenticationError, match=reason):
        verify(message)


@pytest.mark.parametrize("later", [0, 3600, -300])
def test_a_message_is_taken_for_as_long_as_sns_tries_to_deliver_it(later):
    assert verify(signed(ALARM), later=later)


@pytest.mark.parametrize(
    ("changed", "later"),
    [({}, 4000), ({}, 86_400 * 300), ({}, -600), ({"Timestamp": ""}, 0), ({"Timestamp": "soon"}, 0)],
)
def test_a_message_that_is_sent_again_later_is_refused(changed, later):
    with pytest.raises(AuthenticationError, match="longer ago"):
        verify(signed({**ALARM, **changed}), later=later)


def test_a_certificate_of_another_counts_for_nothing_although_sns_publishes_it():
    own = certificate("evil.example", "evil.example", names=("evil.example",), valid=(-9 * YEAR, -8 * YEAR))
    for published in (own, of_sns(issuer="evil.example", own="evil.example"), of_sns(valid=(-YEAR, -YEAR / 2))):
        with pytest.raises(AuthenticationError, match="certificate at SigningCertURL"):
            verify(signed(ALARM, FOREIGN), published=pem(published))


@pytest.mark.parametrize(
    "changed",
    [
        {"SigningCertURL": ELSEWHERE},
        {"SigningCertURL": f"{ALARM['SigningCertURL']}?x"},
        {"SignatureVersion": "3"},
        {"TopicArn": f"{TOPIC}2"},
        {"TopicArn": TOPIC.replace("pump", "Pump")},
        {"TopicArn": f"{TOPIC} "},
        {"Timestamp": "2015-01-01T00:00:00.000Z"},
        {"MessageId": "1\n2"},
    ],
)
def test_nothing_is_requested_for_a_message_that_would_be_refused_anyway(changed):
    asked = []
    with pytest.raises(AuthenticationError):
        SnsSignature(SigningCertificates(asked.append, (AUTHORITY,)), NOW.timestamp).verify(
            Webhook({}, json.dumps({**signed(ALARM), **changed}).encode()), (TOPIC,)
        )
    assert asked == []


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (
            {"Message": "text\nMessageId\nX\nSubject\nURGENT", "MessageId": "m1"},
            {"Message": "text", "MessageId": "X", "Subject": "URGENT\nMessageId\nm1"},
        ),
        (
            {"Message": "text\nMessageId\nm2", "MessageId": "m1"},
            {"Message": "text", "MessageId": "m2\nMessageId\nm1"},
        ),
    ],
)
def test_a_signed_text_is_not_split_in_another_way(said, shown):
    plain = {name: value for name, value in ALARM.items() if name != "Subject"}
    message = {**signed({**plain, **said}), **shown}
    with pytest.raises(AuthenticationError, match="line break"):
        verify(message)


def test_nobody_but_aws_signs():
    verifier = SnsSignature.of_amazon([TOPIC])
    with pytest.raises(CommandError, match=r"^Only AWS"):
        verifier.sign(b"", TOPIC)
    assert verifier.signs_body(Webhook({}, b"{}"))
    assert verifier.describe() == "the signature of SNS in the body"


def test_with_topics_in_the_settings_unsigned_messages_are_refused_and_without_the_function_key_decides():
    body = Webhook({"Content-Type": "text/plain"}, json.dumps({**ALARM, "TopicArn": f"{TOPIC}2"}).encode())
    strict = Bridge(Configuration.of(Settings(group=GROUP, aws_sns_topics=(TOPIC,))))
    assert strict.receiver.receive("aws_sns", body).status == 401
    assert strict.configuration.authentications["aws_sns"].setting == "BRIDGE_AWS_SNS_TOPICS"
    assert Bridge(Configuration.of(Settings(group=GROUP))).receiver.receive("aws_sns", body).status == 202


def read(name, **changed):
    (event,) = AWS_SNS.read(Webhook({}, json.dumps({**sample(name), **changed}).encode()))
    return event


def entry(event):
    return Renderer().entry(event, "0" * 32, Target("g"), datetime(2026, 11, 23, 15, 5, tzinfo=UTC))


def message(content, **changed):
    return read("notification.text", Message=content if isinstance(content, str) else json.dumps(content), **changed)


def alarm(name="alarm.alarm", **changed):
    content = {**json.loads(sample(name)["Message"]), **changed}
    return message({key: value for key, value in content.items() if value is not None})


@pytest.mark.parametrize(
    ("name", "summary", "severity", "ends"),
    [
        ("alarm.alarm", "pump-pressure-low is firing: Pressure (average) < 2 for 5 min", "error", False),
        ("alarm.ok", "pump-pressure-low is resolved", "success", True),
        ("alarm.insufficient_data", "pump-pressure-low has too little data", "warning", False),
    ],
)
def test_an_alarm_has_one_correlation_key_and_its_measure(name, summary, severity, ends):
    event = read(name)
    assert (event.kind, entry(event).summary, event.severity, event.ends_thread) == (name, summary, severity, ends)
    assert event.correlation_key == "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:pump-pressure-low"
    assert dict(event.facts)["Threshold"] == "< 2 for 5 min"
    assert event.url.startswith("https://eu-west-1.console.aws.amazon.com/cloudwatch/")


@pytest.mark.parametrize(
    ("state", "before", "summary", "severity"),
    [
        ("OK", "ALARM", "pump-pressure-low is resolved", "success"),
        ("OK", "INSUFFICIENT_DATA", "pump-pressure-low is OK", "success"),
        ("OK", None, "pump-pressure-low is OK", "success"),
        ("INSUFFICIENT_DATA", "ALARM", "pump-pressure-low has too little data", "warning"),
        ("ALARM", "OK", "pump-pressure-low is firing: Pressure (average) < 2 for 5 min", "error"),
        ("NEARLY_THERE", "OK", "pump-pressure-low is now nearly there", "info"),
        (None, None, "pump-pressure-low has changed", "info"),
    ],
)
def test_the_state_of_an_alarm_is_said_as_it_is(state, before, summary, severity):
    event = alarm(NewStateValue=state, OldStateValue=before, AlarmDescription="ALARM OK critical")
    assert (entry(event).summary, event.severity) == (summary, severity)


def test_the_value_that_cloudwatch_names_is_a_bar_and_prose_elsewhere_is_none():
    reason = "Threshold Crossed: 1 datapoint [1.2 (23/11/26 14:03:00)] was less than the threshold (2.0)."
    assert alarm(NewStateReason=reason).details["meter"] == (1.2, 2.0, "1.2, limit 2")
    assert alarm(NewStateReason=f"He said: {reason}").details["meter"] == ()
    assert alarm("alarm.ok", NewStateReason=reason).details["meter"] == ()


@pytest.mark.parametrize("part", ["AlarmArn", "AWSAccountId", "Region"])
def test_without_a_part_of_its_key_an_alarm_has_still_one_of_its_own(part):
    one, other = ({part: None, "AlarmArn": None, "AlarmName": name} for name in ("a", "b"))
    assert alarm(**one).correlation_key != alarm(**other).correlation_key


def bridged(name, detail, resources=(), source="aws.ec2"):
    return {
        "detail-type": name,
        "source": source,
        "account": "123456789012",
        "time": "2026-11-23T14:03:00Z",
        "region": "eu-west-1",
        "resources": list(resources),
        "detail": detail,
    }


FINDING = {
    "schemaVersion": "2.0",
    "type": "CryptoCurrency:EC2/BitcoinTool.B!DNS",
    "arn": "arn:aws:guardduty:eu-west-1:1:detector/d/finding/b0ba1",
    "severity": 8,
    "title": "EC2 instance i-0abc is querying a domain of a pool.",
    "description": "It asks for it.",
}
INSTANCE = "arn:aws:ec2:eu-west-1:123456789012:instance/i-abcd1111"


@pytest.mark.parametrize(
    ("content", "topic", "summary", "severity"),
    [
        (
            bridged("GuardDuty Finding", FINDING, source="aws.guardduty"),
            "EC2 instance i-0abc is querying a domain of a pool · eu-west-1",
            "GuardDuty Finding: EC2 instance i-0abc is querying a domain of a pool: It asks for it.",
            "error",
        ),
        (
            bridged(
                "EC2 Instance State-change Notification", {"instance-id": "i-abcd1111", "state": "stopped"}, [INSTANCE]
            ),
            "EC2 Instance State-change Notification: i-abcd1111 · eu-west-1",
            "EC2 Instance State-change Notification: i-abcd1111 is now stopped",
            "info",
        ),
        (
            bridged(
                "CloudWatch Alarm State Change",
                {
                    "alarmName": "queue-age",
                    "state": {"value": "OK", "reason": "Fine", "timestamp": "2026-11-23T14:03:00.123+0000"},
                    "previousState": {"value": "ALARM"},
                },
                ["arn:aws:cloudwatch:eu-west-1:123456789012:alarm:queue-age"],
            ),
            "queue-age · eu-west-1",
            "queue-age is resolved",
            "success",
        ),
        (
            bridged(
                "Security Hub Findings - Imported",
                {
                    "findings": [
                        {"Title": "S3 bucket is public", "Severity": {"Label": "HIGH"}, "Resources": [{"Id": "x"}]}
                    ]
                },
            ),
            "S3 bucket is public: x · eu-west-1",
            "Security Hub Findings - Imported: S3 bucket is public: x",
            "error",
        ),
        (
            {
                "Records": [
                    {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "b"}, "object": {"key": "a/c.csv"}}}
                ]
            },
            "Object created: a/c.csv · pump-alarms",
            "Object created: a/c.csv",
            "info",
        ),
        (
            {"Event Source": "db-instance", "Source ID": "orders-db", "Event Message": "The instance was restarted."},
            "orders-db: The instance was restarted · pump-alarms",
            "orders-db: The instance was restarted",
            "info",
        ),
        (
            {"source": "contoso.backup", "detail": {"state": "failed"}},
            "contoso.backup · pump-alarms",
            "contoso.backup is now failed",
            "error",
        ),
        (["a", "b"], "a, b · pump-alarms", "a, b", "info"),
    ],
)
def test_json_in_a_message_says_what_happened_to_what(content, topic, summary, severity):
    event = message(content)
    made = entry(event)
    assert (made.topic, made.summary, event.severity) == (topic, summary, severity)
    assert ("detail-type" in content or "CloudWatch" in summary) or ("Subject", "Backup done") in event.facts
    assert "schemaVersion" not in made.html
    assert "{" not in "".join(parse(made.html).shown)


@pytest.mark.parametrize(
    ("number", "severity"),
    [(9.5, "critical"), (8, "error"), (5.0, "warning"), (2, "info"), ("x", "info"), (None, "info")],
)
def test_the_severities_of_guardduty(number, severity):
    assert (
        message(bridged("GuardDuty Finding", {**FINDING, "severity": number}, source="aws.guardduty")).severity
        == severity
    )


def test_two_findings_have_two_correlation_keys_and_two_instances_too():
    other = {**FINDING, "arn": "arn:aws:guardduty:eu-west-1:1:detector/d/finding/b0ba2"}
    findings = [bridged("GuardDuty Finding", finding, source="aws.guardduty") for finding in (FINDING, other)]
    changes = [bridged("EC2", {"state": "stopped"}, [INSTANCE + end]) for end in ("", "2")]
    assert len({message(content).correlation_key for content in [*findings, *changes]}) == 4


def test_with_raw_message_delivery_the_body_is_the_message():
    raw = sample("alarm.alarm")["Message"].encode()
    (event,) = AWS_SNS.read(Webhook({"x-amz-sns-topic-arn": TOPIC}, raw))
    assert (event.kind, event.title, event.attributes["topic"]) == ("alarm.alarm", "pump-pressure-low", "pump-alarms")
    (event,) = AWS_SNS.read(Webhook({}, b'{"message": "Pump 07 runs dry"}'))
    assert entry(event).summary == "Pump 07 runs dry"


def test_the_link_of_a_confirmation_is_posted_for_a_person_and_only_when_it_is_of_aws():
    assert read("subscription_confirmation").url == sample("subscription_confirmation")["SubscribeURL"]
    assert "asks to confirm the subscription to the topic" in entry(read("subscription_confirmation")).summary
    assert read("subscription_confirmation", SubscribeURL=ELSEWHERE).url == ""
    assert read("subscription_confirmation", Type="UnsubscribeConfirmation").kind == "unsubscribe_confirmation"


def test_text_is_shown_as_it_is_and_claims_nothing():
    event = message("CRITICAL: everything is resolved, nothing failed", Subject="ALARM")
    assert event.text.startswith("CRITICAL")
    assert (event.severity, event.ends_thread) == ("info", False)
    assert entry(event).summary == "ALARM: CRITICAL: everything is resolved, nothing failed"
    assert entry(message("Hello", Subject="")).summary == "Topic pump-alarms: Hello"
