"""An authority like Amazon's: a root, what it issues, and the certificate with which SNS signs."""

from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from tests.rsa_keys import rsa_key

NOW = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)
REPOSITORY = "http://crt.r2m01.amazontrust.com/r2m01.cer"
YEAR = timedelta(days=365)


@cache
def key(name):
    """A key for each name, the same for the whole run."""
    if name == "elliptic":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa_key(name)


def certificate(
    subject,
    issuer,
    *,
    ca=False,
    names=(),
    valid=(-YEAR, YEAR),
    repository=REPOSITORY,
    usage=ExtendedKeyUsageOID.SERVER_AUTH,
    own=None,
    signer=None,
):
    """The certificate of a name, signed with the issuer's key.

    own, signer: whose keys it has and is signed with, if they are not those of the name and the issuer. valid: from and
    to, from now. repository: where the issuer's certificate is.
    """
    public = key(own or subject).public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(named(subject))
        .issuer_name(named(issuer))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + valid[0])
        .not_valid_after(NOW + valid[1])
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(key_usage(ca=ca), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key(issuer).public_key()), critical=False)
    )
    if not ca:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), False)
    if repository:
        at = x509.UniformResourceIdentifier(repository)
        access = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, at)
        builder = builder.add_extension(x509.AuthorityInformationAccess([access]), critical=False)
    return builder.sign(key(signer or issuer), hashes.SHA256())


def named(name):
    """A name of X.509: of Amazon for its authorities, and of nobody else."""
    own = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    amazon = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Amazon")] if name.startswith("Amazon") else []
    return x509.Name([*amazon, *own])


def key_usage(*, ca):
    """What a key is for: certificates if it is an authority's, signatures otherwise."""
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=not ca,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


ROOT = certificate("Amazon Root CA 9", "Amazon Root CA 9", ca=True, repository="")
ISSUER = certificate("Amazon RSA 2048 M09", "Amazon Root CA 9", ca=True, repository="")


def of_sns(name="sns.amazonaws.com", issuer="Amazon RSA 2048 M09", **options):
    """A certificate with which SNS signs."""
    return certificate(name, issuer, **{"names": (name,), **options})


def pem(*certificates):
    """As SNS publishes them."""
    return b"".join(each.public_bytes(Encoding.PEM) for each in certificates)


def der(each):
    """As Amazon's repository has them."""
    return each.public_bytes(Encoding.DER)
