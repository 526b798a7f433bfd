"""The certificates of Amazon SNS: which addresses they come from, who may have issued them, to whom, and when."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID

from bridge.errors import AuthenticationError, Unavailable
from bridge.verification.public_keys import NotPublished
from bridge.verification.sns_certificates import Region, SigningCertificates, addresses, amazon_roots, read, region
from tests.amazon import ISSUER, NOW, REPOSITORY, ROOT, YEAR, certificate, der, key, named, of_sns, pem

IRELAND = Region("eu-west-1", "amazonaws.com")
URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-7506a1e35b36ef5a444dd1a8e7cc3ed8.pem"
DAY = timedelta(days=1)
ISSUED = der(ISSUER)


def taken(published, issuer=ISSUED, roots=(ROOT,), where=IRELAND):
    """The key that is taken from what SNS publishes, and the addresses that were asked for it."""
    asked = []

    def fetch(url):
        asked.append(url)
        content = {URL: published, REPOSITORY: issuer}[url]
        if isinstance(content, Exception):
            raise content
        return read(content)

    return SigningCertificates(fetch, roots, NOW.timestamp).key(URL, where.certificate_names), asked


def number(public):
    return public.public_numbers()


def test_the_certificate_of_sns_is_verified_up_to_a_root_of_amazon_with_the_issuer_from_its_repository():
    taken_key, asked = taken(pem(of_sns()))
    assert number(taken_key) == number(key("sns.amazonaws.com").public_key())
    assert asked == [URL, REPOSITORY]


def test_an_issuer_that_is_published_along_is_not_asked_for():
    assert taken(pem(of_sns(), ISSUER))[1] == [URL]
    assert taken(pem(of_sns(issuer="Amazon Root CA 9")), issuer=der(ROOT))[1] == [URL, REPOSITORY]


@pytest.mark.parametrize(
    ("topic", "name"),
    [
        ("arn:aws:sns:us-east-1:1:t", "sns.amazonaws.com"),
        ("arn:aws:sns:af-south-1:1:t", "sns-signing.af-south-1.amazonaws.com"),
        ("arn:aws-us-gov:sns:us-gov-east-1:1:t", "sns-us-gov-west-1.amazonaws.com"),
        ("arn:aws-cn:sns:cn-north-1:1:t", "sns-cn-north-1.amazonaws.com.cn"),
        ("arn:aws-eusc:sns:eusc-de-east-1:1:t", "sns-signing.eusc-de-east-1.amazonaws.eu"),
    ],
)
def test_each_region_has_its_name_of_sns(topic, name):
    assert taken(pem(of_sns(name)), where=region(topic))
    with pytest.raises(AuthenticationError, match="not issued to Amazon SNS"):
        taken(pem(of_sns(f"{name}.contoso.com")), where=region(topic))


@pytest.mark.parametrize("topic", ["arn:aws-us-gov:sns:us-gov-east-1:1:t", "arn:aws-cn:sns:cn-north-1:1:t"])
def test_the_name_of_the_oldest_regions_is_not_that_of_another_partition(topic):
    with pytest.raises(AuthenticationError, match="not issued to Amazon SNS"):
        taken(pem(of_sns()), where=region(topic))


def unextended():
    """A certificate without any extension, of the right name and issuer."""
    valid = (NOW - YEAR, NOW + YEAR)
    builder = x509.CertificateBuilder(
        named("Amazon RSA 2048 M09"), named("sns.amazonaws.com"), key("sns.amazonaws.com").public_key(), 1, *valid
    )
    return builder.sign(key("Amazon RSA 2048 M09"), hashes.SHA256())


REFUSED = {
    "expired": (of_sns(valid=(-YEAR, -DAY)), "not valid now"),
    "not valid yet": (of_sns(valid=(DAY, YEAR)), "not valid now"),
    "expired years ago, of another name, by itself": (
        certificate("evil.example", "evil.example", names=("evil.example",), valid=(-9 * YEAR, -8 * YEAR)),
        "not issued to Amazon SNS",
    ),
    "by itself": (of_sns(issuer="sns.amazonaws.com"), "not issued by Amazon"),
    "by another authority of the same name": (of_sns(signer="another"), "not issued by Amazon"),
    "to another name": (of_sns("sqs.amazonaws.com"), "not issued to Amazon SNS"),
    "to a name below": (of_sns("x.sns.amazonaws.com"), "not issued to Amazon SNS"),
    "to all names": (of_sns("*.amazonaws.com"), "not issued to Amazon SNS"),
    "to another region": (of_sns("sns-signing.af-south-1.amazonaws.com"), "not issued to Amazon SNS"),
    "to SNS in its subject alone": (of_sns(names=()), "not issued to Amazon SNS"),
    "for mail": (of_sns(usage=ExtendedKeyUsageOID.EMAIL_PROTECTION), "not issued by Amazon"),
    "an authority's": (of_sns(ca=True), "not issued by Amazon"),
    "without the address of its issuer": (of_sns(repository=""), "not issued by Amazon"),
    "without anything": (unextended(), "not issued to Amazon SNS"),
    "without an RSA key": (of_sns(own="elliptic"), "no RSA key"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_any_other_certificate_is_refused_with_the_reason(what):
    published, reason = REFUSED[what]
    with pytest.raises(AuthenticationError, match=reason):
        taken(pem(published))


@pytest.mark.parametrize(
    "repository",
    [
        "http://evil.example/r2m01.cer",
        "http://crt.r2m01.amazontrust.com.evil.example/r2m01.cer",
        "http://crt.r2m01.amazontrust.com:8080/r2m01.cer",
        "http://x@crt.r2m01.amazontrust.com/r2m01.cer",
        "http://crt.r2m01.amazontrust.com/r2m01.cer?x",
        "http://crt.r2m01.amazontrust.com/../r2m01.cer",
        "http://169.254.169.254/r2m01.cer",
        "file:///etc/passwd",
    ],
)
def test_an_issuer_is_asked_for_in_the_repository_of_amazon_alone(repository):
    with pytest.raises(AuthenticationError, match="not issued by Amazon"):
        taken(pem(of_sns(repository=repository)))


@pytest.mark.parametrize(
    "issuer",
    [
        certificate("Amazon RSA 2048 M09", "Amazon Root CA 9", ca=False, repository=""),
        certificate("Amazon RSA 2048 M09", "Amazon Root CA 9", ca=True, repository="", valid=(-YEAR, -DAY)),
        certificate("Amazon RSA 2048 M09", "Amazon RSA 2048 M09", ca=True, repository=""),
        certificate("Amazon RSA 2048 M09", "Amazon Root CA 9", ca=True, repository="", own="another"),
    ],
    ids=["that is none", "that has expired", "by itself", "of another key"],
)
def test_an_issuer_counts_only_with_the_signature_of_a_root(issuer):
    with pytest.raises(AuthenticationError, match="not issued by Amazon"):
        taken(pem(of_sns()), issuer=der(issuer))


def test_only_the_roots_of_amazon_count():
    with pytest.raises(AuthenticationError, match="not issued by Amazon"):
        taken(pem(of_sns()), roots=amazon_roots())
    names = {each.subject.rfc4514_string() for each in amazon_roots()}
    assert {f"CN=Amazon Root CA {number},O=Amazon,C=US" for number in (1, 2, 3, 4)} <= names
    assert all("O=Amazon," in name for name in names)


def test_what_cannot_be_fetched_lets_the_sender_try_again_and_what_is_not_published_is_refused():
    failure, missing = Unavailable("There are no keys now."), NotPublished("There are none.")
    for published, issuer in ((failure, der(ISSUER)), (pem(of_sns()), failure), (pem(of_sns()), missing)):
        with pytest.raises(Unavailable):
            taken(published, issuer=issuer)
    with pytest.raises(AuthenticationError, match="publishes no certificate"):
        taken(missing)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no certificate",
        b"<?xml version='1.0'?><Value>" + pem(of_sns()) + b"</Value>",
        pem(of_sns()) + b"and more",
        b"x" + pem(of_sns()),
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
        pem(of_sns()).replace(b"CERTIFICATE", b"PUBLIC KEY"),
        der(of_sns())[:-1],
        der(of_sns()) + b"\n",
    ],
    ids=[
        "nothing",
        "text",
        "within XML",
        "with a tail",
        "with a head",
        "empty",
        "of another kind",
        "cut",
        "with a line",
    ],
)
def test_an_answer_that_is_not_only_certificates_has_none(content):
    with pytest.raises(ValueError):  # noqa: PT011  of the library, in many words
        read(content)


@pytest.mark.parametrize(
    "url",
    [
        URL.replace("https", "http"),
        URL.replace("https", "HTTPS"),
        URL.replace("west", "east"),
        URL.replace("sns.eu", "SNS.eu"),
        URL.replace("sns.", "x@sns."),
        URL.replace("sns.", "sqs."),
        URL.replace(".com/", ".com:443/"),
        URL.replace(".com/", ".com./"),
        URL.replace(".com/", ".com.evil.example/"),
        URL.replace(".com/", ".com\\@evil.example/"),
        URL.replace(".com/", ".com\t/"),
        URL.replace(".com/", ".com//"),
        URL.replace(".com/", ".com/x/"),
        URL.replace(".com/", ".com/../"),
        URL.replace("/Simple", "/x/../Simple"),
        URL.replace("Simple", "simple"),
        URL.replace("-7506", "-../7506"),
        URL.replace("-7506", "-%2e%2e7506"),
        URL.replace("-7506", "-g506"),
        URL.replace("-7506", f"-{'a' * 65}"),
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-.pem",
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService.pem",
        "https://sns.eu-west-1.amazonaws.com/x.pem?Action=GetTopicAttributes&TopicArn=evil",
        "https://evil.example/sns.eu-west-1.amazonaws.com/SimpleNotificationService-0f.pem",
        "https://[bad/SimpleNotificationService-0f.pem",
        f"{URL}?Action=GetTopicAttributes",
        f"{URL}?",
        f"{URL}#x",
        f"{URL}#",
        f"{URL};x",
        f"{URL}\n",
        f" {URL}",
        URL.replace(".pem", ".pem.txt"),
        URL.replace(".pem", "xpem"),
        "",
    ],
)
def test_no_other_address_is_one_of_sns(url):
    assert IRELAND.publishes(URL)
    assert not IRELAND.publishes(url)
    assert not addresses([IRELAND]).fullmatch(url)


def test_all_addresses_are_of_the_regions_or_of_the_repository():
    known = addresses([IRELAND, Region("cn-north-1", "amazonaws.com.cn")])
    assert all(
        known.fullmatch(url)
        for url in (URL, REPOSITORY, URL.replace("eu-west-1.amazonaws.com", "cn-north-1.amazonaws.com.cn"))
    )
    assert not known.fullmatch(URL.replace("west", "east"))
    assert not known.fullmatch(REPOSITORY.replace("http:", "ftp:"))


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        ("arn:aws:sns:eu-west-1:123456789012:pump-alarms", "sns.eu-west-1.amazonaws.com"),
        ("arn:aws-cn:sns:cn-north-1:1:t", "sns.cn-north-1.amazonaws.com.cn"),
        ("arn:aws-us-gov:sns:us-gov-west-1:1:t", "sns.us-gov-west-1.amazonaws.com"),
        ("arn:aws-eusc:sns:eusc-de-east-1:1:t", "sns.eusc-de-east-1.amazonaws.eu"),
        ("arn:aws:sqs:eu-west-1:1:t", None),
        ("arn:aws:sns:evil.com/x:1:t", None),
    ],
)
def test_a_topic_names_the_host_of_its_certificates(topic, expected):
    found = region(topic)
    assert (found.host if found else None) == expected
