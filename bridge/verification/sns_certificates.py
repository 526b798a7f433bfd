"""Certificates with which Amazon SNS signs: valid now, and issued by Amazon to SNS.

SNS publishes its certificate alone, without the intermediate one that issued it. That is fetched from the address in
the certificate (RFC 5280, section 4.2.2.1), if it is in Amazon's repository, and counts if a root of Amazon has signed
it: https://www.amazontrust.com/repository/
"""

import re
import ssl
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import field
from datetime import UTC, datetime

import certifi
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509.oid import AuthorityInformationAccessOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from bridge.errors import AuthenticationError
from bridge.values import dataclass
from bridge.verification.fetching import NotPublished

Certificates = Sequence[x509.Certificate]

_ARN = re.compile(r"arn:(aws[a-z-]*):sns:([a-z0-9-]{3,30}):\d+:[\w.-]+", re.ASCII)
_DOMAINS = {"aws-cn": "amazonaws.com.cn", "aws-eusc": "amazonaws.eu"}
_PATH = r"/SimpleNotificationService-[0-9a-f]{1,64}\.pem"
_REPOSITORY = re.compile(r"http://crt\.[a-z0-9-]{1,32}\.amazontrust\.com/[A-Za-z0-9-]{1,32}\.(?:cer|crt)")
_BEGIN, _END = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"


@dataclass(frozen=True)
class Region:
    """Where SNS has its topics: a region of AWS, and the domain of its hosts."""

    name: str
    domain: str

    @property
    def host(self) -> str:
        """The host that publishes the certificates."""
        return f"sns.{self.name}.{self.domain}"

    @property
    def certificate_names(self) -> frozenset[str]:
        """The names of SNS in them, of which each region has one: the SDKs of AWS have a table of them.

        It is sns.amazonaws.com in the older regions. Only AWS can get a certificate for any of them.
        """
        names = {f"sns-signing.{self.name}.{self.domain}", f"sns-{self.name}.{self.domain}"}
        if self.name.startswith("us-gov-"):
            names.add("sns-us-gov-west-1.amazonaws.com")
        elif self.domain == "amazonaws.com":
            names.add("sns.amazonaws.com")
        return frozenset(names)

    def publishes(self, url: str) -> bool:
        """Whether SNS publishes certificates of this region at such addresses: host and path, and nothing else."""
        return re.fullmatch(rf"https://{re.escape(self.host)}{_PATH}", url) is not None


def region(topic: str) -> Region | None:
    """The region of a topic; None for a text that is not a topic's ARN."""
    match = _ARN.fullmatch(topic)
    return Region(match[2], _DOMAINS.get(match[1], "amazonaws.com")) if match else None


def addresses(regions: Collection[Region]) -> re.Pattern[str]:
    """All addresses that are asked for certificates: those of SNS in these regions, and Amazon's repository."""
    hosts = "|".join(re.escape(name) for name in sorted({each.host for each in regions}))
    return re.compile(rf"https://(?:{hosts}){_PATH}|{_REPOSITORY.pattern}")


def read(content: bytes) -> Certificates:
    """The certificates of an answer that is nothing else, in PEM or one in DER; ValueError otherwise."""
    text = content.strip()
    if not (text.startswith(_BEGIN) and text.endswith(_END)):
        found = [x509.load_der_x509_certificate(content)]
    else:
        found = x509.load_pem_x509_certificates(text)
    for certificate in found:
        _ = certificate.extensions  # Malformed ones are found here
    return found


def amazon_roots() -> Certificates:
    """The root certificates of Amazon that browsers trust, whatever this machine trusts besides."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(certifi.where())
    # Not all of them are well-formed enough for `cryptography`: only those of Amazon are read by it.
    named = zip(context.get_ca_certs(), context.get_ca_certs(binary_form=True), strict=True)
    amazon = (("organizationName", "Amazon"),)
    return [x509.load_der_x509_certificate(content) for names, content in named if amazon in names["subject"]]


@dataclass(frozen=True)
class SigningCertificates:
    """Takes the key of SNS from its published certificate.

    fetch: the certificates at an address; Unavailable when that fails. roots: who may have issued them. clock: seconds
    since 1970.
    """

    fetch: Callable[[str], Certificates] = field(repr=False)
    roots: Certificates = field(default_factory=amazon_roots, repr=False)
    clock: Callable[[], float] = field(default=time.time, repr=False)

    def key(self, url: str, names: frozenset[str]) -> RSAPublicKey:
        """Returns the key in the certificate at the address, if it was issued to one of the names.

        AuthenticationError with the reason otherwise; Unavailable when a certificate cannot be fetched.
        """
        try:
            certificate, *others = self.fetch(url)
        except NotPublished:
            raise AuthenticationError("SNS publishes no certificate at SigningCertURL.") from None
        name = next((name for name in _names(certificate) if name in names), None)
        if not name:
            raise AuthenticationError("The certificate at SigningCertURL was not issued to Amazon SNS.")
        now = datetime.fromtimestamp(self.clock(), UTC)
        policy = PolicyBuilder().store(Store(list(self.roots))).time(now)
        try:
            verifier = policy.build_server_verifier(x509.DNSName(name))
            verifier.verify(certificate, others or self._issuers(certificate))
        except VerificationError as error:
            raise AuthenticationError(
                "The certificate at SigningCertURL was not issued by Amazon, or is not valid now."
            ) from error
        key = certificate.public_key()
        if not isinstance(key, RSAPublicKey):
            raise AuthenticationError("The certificate at SigningCertURL has no RSA key.")
        return key

    def _issuers(self, certificate: x509.Certificate) -> list[x509.Certificate]:
        """What Amazon's repository has at the address that the certificate names, if it names one there."""
        try:
            access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
        except x509.ExtensionNotFound:
            return []
        at = (each.access_location.value for each in access if each.access_method == _ISSUERS)
        url = next((url for url in at if isinstance(url, str) and _REPOSITORY.fullmatch(url)), None)
        return list(self.fetch(url)) if url else []


_ISSUERS = AuthorityInformationAccessOID.CA_ISSUERS


def _names(certificate: x509.Certificate) -> Sequence[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return names.get_values_for_type(x509.DNSName)
