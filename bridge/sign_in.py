"""The sign-in of the service account, in the deployed app: only there is the managed identity that redeems it.

Anyone can call back. Until a state is verified, that costs a hash, and the vault is read once in a while, not for each.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
"""

import hashlib
import hmac
import json
import logging
import re
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import msal

from bridge.errors import GraphError, SignInError, UnknownSignIn
from bridge.graph.entra import application, assertions, granted
from bridge.graph.federation import APP_ADVICE, Account, Vault
from bridge.settings import Settings

_CALLBACK = "sign-in/callback"
_GOOD_FOR = 600.0  # seconds
# Seconds between two looks at the vault on behalf of anyone: no person signs in that fast.
_LOOK_AGAIN = 0.5
_FAILED_AGAIN = 30.0  # after one that failed
_WAIT = 0.5  # for a look that is under way
_STATE = re.compile(r"[0-9]{1,12}\.[\w-]{1,64}\.[0-9a-f]{64}", re.ASCII)
_AGAIN = "Begin again with `python -m bridge sign-in`."
_UNKNOWN = f"This is not the latest sign-in, or it began more than ten minutes ago. {_AGAIN}"

_logger = logging.getLogger(__name__)


class SignIn:
    """Begins and finishes a sign-in; one instance can finish what another one has begun.

    lock: an app lock, held while the account is changed; false when another instance holds it.
    Both methods raise SignInError when the person at the browser has to do something, else NotSent or AccessRefused.
    Keep one of it for the process.
    """

    def __init__(
        self,
        settings: Settings,
        lock: Callable[[], AbstractContextManager[bool]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        if settings.identity != "service-account":
            raise SignInError("BRIDGE_IDENTITY is not service-account: nobody has to sign in.")
        if not settings.public_url:
            raise SignInError("BRIDGE_PUBLIC_URL is missing: the sign-in has to return to the app.")
        self._settings = settings
        self._lock = lock
        self._clock = clock
        self._vault = Vault(settings)
        self._account = Account(settings)
        self._managed = assertions(settings)
        self._pending = f"{settings.key_vault_entry}-pending"
        self._known: Mapping[str, Any] = {}  # what is pending, as far as it is known here
        self._next_look = float("-inf")
        self._looking = threading.Lock()

    def begin(self) -> str:
        """Returns the address at Entra where the person signs in; earlier ones are no longer valid."""
        key = secrets.token_bytes(32)
        with self._application() as app:
            flow = app.initiate_auth_code_flow(
                [self._settings.cloud.graph_scope],
                redirect_uri=f"{self._settings.public_url}/api/{_CALLBACK}",
                state=_signed(f"{int(self._clock() + _GOOD_FOR)}.{secrets.token_urlsafe(16)}", key),
                # Otherwise the browser would sign in the administrator who uses it.
                prompt="select_account",
                # Not in the address, which proxies and logs keep.
                response_mode="form_post",
            )
        pending = {"key": key.hex(), "flow": flow}
        self._vault.write(self._pending, json.dumps(pending))
        self._known = pending
        return str(flow["auth_uri"])

    def finish(self, answer: Mapping[str, str]) -> str:
        """Redeems the code with which Entra sent the browser back, keeps the account, and returns its name.

        UnknownSignIn where the state is not of the sign-in that was begun last: nothing else is done for strangers.
        """
        state = answer.get("state", "")
        self._verify(state)
        with self._lock() as locked:
            if not locked:
                raise SignInError("The account is being changed right now. Try again in two minutes.")
            flow = self._taken(state)
            if "error" in answer:
                raise SignInError(f"Entra did not let the account sign in ({answer['error'][:100]}). {_AGAIN}")
            cache = msal.SerializableTokenCache()
            with self._application(cache) as app:
                redeemed = granted(
                    "token for the account that signed in",
                    lambda: app.acquire_token_by_auth_code_flow(flow, dict(answer)),
                    APP_ADVICE,
                    _AGAIN,
                )
            self._account.keep(cache)
        return str(redeemed.get("id_token_claims", {}).get("preferred_username", "the account"))

    def _verify(self, state: str) -> None:
        """Returns if the state is of a sign-in that was begun; raises UnknownSignIn otherwise."""
        # Nothing is looked up for a text that does not look like one of our states.
        if not _STATE.fullmatch(state):
            raise UnknownSignIn(_UNKNOWN)
        if not _is_good(state, self._known, self._clock()):
            # Another instance may have begun it.
            self._look()
        if not _is_good(state, self._known, self._clock()):
            raise UnknownSignIn(_UNKNOWN)

    def _look(self) -> None:
        """Reads what is pending, unless that was done a moment ago."""
        if not self._looking.acquire(timeout=_WAIT):
            return
        try:
            if time.monotonic() >= self._next_look:
                self._next_look = time.monotonic() + _LOOK_AGAIN
                self._known = self._read_pending()
        except UnknownSignIn:
            self._next_look = time.monotonic() + _FAILED_AGAIN
            raise
        finally:
            self._looking.release()

    def _taken(self, state: str) -> dict[str, object]:
        """The flow that was begun with that state, which is no longer valid then."""
        pending = self._read_pending()
        # Another instance may have taken it since it was read.
        if not _is_good(state, pending, self._clock()):
            raise SignInError(_UNKNOWN)
        self._vault.write(self._pending, "{}")
        self._known = {}
        flow: dict[str, object] = pending["flow"]
        return flow

    def _read_pending(self) -> dict[str, Any]:
        try:
            pending: dict[str, Any] = json.loads(self._vault.read(self._pending) or "{}")
        except GraphError as error:
            _logger.error("A sign-in cannot be finished. %s", error)  # noqa: TRY400  it says it all
            raise UnknownSignIn(f"The sign-in cannot be finished now; the app's log says why. {_AGAIN}") from None
        return pending

    def _application(
        self, cache: msal.TokenCache | None = None
    ) -> AbstractContextManager[msal.ConfidentialClientApplication]:
        return application(self._settings, self._settings.app_id, self._managed.token, cache)


def _signed(text: str, key: bytes) -> str:
    return f"{text}.{hmac.new(key, text.encode(), hashlib.sha256).hexdigest()}"


def _is_good(state: str, pending: Mapping[str, Any], now: float) -> bool:
    """Whether a text that looks like a state is the one of what is pending, and not too old."""
    if not pending:
        return False
    text, _, _ = state.rpartition(".")
    if not hmac.compare_digest(_signed(text, bytes.fromhex(pending["key"])).encode(), state.encode()):
        return False
    return now < float(text.partition(".")[0])
