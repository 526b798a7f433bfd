"""The token of a GitHub App: signed with its key, good for ten minutes at most.

https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
"""

import time
from collections.abc import Callable

import jwt

from bridge.github_deliveries.client import TokenRefused

_SKEW, _LIFE = 60, 540  # seconds that its clock may be ahead of GitHub's, and for which the token is good


def app_token(app_id: str, key: str, clock: Callable[[], float] = time.time) -> Callable[[], str]:
    """Makes tokens of the app. key: its private key as PEM."""

    def make() -> str:
        now = int(clock())
        try:
            return jwt.encode({"iat": now - _SKEW, "exp": now + _LIFE, "iss": app_id}, key, algorithm="RS256")
        except (ValueError, TypeError, jwt.exceptions.PyJWTError):
            raise TokenRefused("BRIDGE_GITHUB_APP_KEY cannot sign: it is not the app's private key.") from None

    return make
