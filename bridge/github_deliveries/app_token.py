"""The token of a GitHub App: signed with its key, good for ten minutes at most.

https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
"""

import base64
import binascii
import time
from collections.abc import Callable

import jwt

_SKEW, _LIFE = 60, 540  # seconds that its clock may be ahead of GitHub's, and for which the token is good


def app_token(app_id: str, key: str, clock: Callable[[], float] = time.time) -> Callable[[], str]:
    """Makes tokens of the app. key: as `readable` returns it."""

    def make() -> str:
        now = int(clock())
        return jwt.encode({"iat": now - _SKEW, "exp": now + _LIFE, "iss": app_id}, key, algorithm="RS256")

    return make


def readable(text: str) -> str:
    r"""The private key of BRIDGE_GITHUB_APP_KEY as PEM: as it is, with `\n` for its line ends, or in base64.

    ValueError where it is none.
    """
    text = text.replace("\\n", "\n").strip()
    if not text.startswith("-----BEGIN"):
        try:
            text = base64.b64decode("".join(text.split()), validate=True).decode()
        except (binascii.Error, ValueError):
            raise ValueError(_WRONG) from None
    try:
        jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256).prepare_key(text)
    except (jwt.exceptions.InvalidKeyError, ValueError, TypeError):
        raise ValueError(_WRONG) from None
    return text


_WRONG = "is not the private key of a GitHub App: it is a PEM file that begins with -----BEGIN, or that in base64"
