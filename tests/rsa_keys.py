"""RSA keys that are made once for all processes of a test run: making one takes longer than most tests."""

import functools
import os
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.forked import FOLDER


@functools.cache
def rsa_key(name: str) -> rsa.RSAPrivateKey:
    """A key for each name, the same for the whole process and mostly for the whole run."""
    path = Path(os.environ[FOLDER]) / f"{name.replace('/', ' ')}.key"
    try:
        return serialization.load_pem_private_key(path.read_bytes(), None, unsafe_skip_rsa_key_validation=True)
    except FileNotFoundError:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    new = path.with_suffix(f".{os.getpid()}")
    new.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    new.replace(path)
    return key
