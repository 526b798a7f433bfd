"""The parameters of requests to Entra, and its errors: https://learn.microsoft.com/entra/identity-platform/reference-error-codes."""

import json
import re
from collections.abc import Callable, Mapping

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Refusal(Exception):
    """An error of Entra's: `code` is the number after AADSTS."""

    def __init__(self, error: str, code: int, text: str, suberror: str = "", claims: str = "", status: int = 0) -> None:
        super().__init__(f"{error} AADSTS{code}: {text}")
        self.error, self.code, self.text, self.suberror, self.claims = error, code, text, suberror, claims
        self.status = status or (401 if error == "invalid_client" else 400)


def _is_json_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


_FORMATS: Mapping[str, Callable[[str], object]] = {
    name: re.compile(pattern, re.DOTALL).fullmatch
    for name, pattern in {
        "client_assertion_type": re.escape(JWT_BEARER),
        "client_info": "1",
        "code_challenge": r"[\w-]{43}",
        "code_challenge_method": "S256",
        "code_verifier": r"[\w.~-]{43,128}",
        "max_age": r"\d+",
        "nonce": r".{8,}",
        "prompt": "login|none|consent|select_account",
        "requested_token_use": "on_behalf_of",
        "response_mode": "query|form_post",
        "response_type": "code",
        "state": r".{8,}",
    }.items()
} | {"claims": _is_json_object}


def check(sent: list[tuple[str, str]], required: set[str], optional: set[str]) -> dict[str, str]:
    """The parameters of a request, which are all of those that it must have, and none that nobody documents."""
    names = [name for name, _ in sent]
    values = dict(sent)
    if "client_secret" in values:
        raise Refusal("invalid_client", 7000215, "Invalid client secret provided: 'client_secret' has no place here.")
    if missing := sorted(name for name in required if not values.get(name)):
        text = f"The request body must contain the following parameter: '{missing[0]}'."
        raise Refusal("invalid_request", 900144, text)
    if unknown := sorted(set(names) - required - optional):
        raise Refusal("invalid_request", 9000411, f"The parameter '{unknown[0]}' is not one of this request.")
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise Refusal("invalid_request", 9000411, f"The parameter '{repeated[0]}' is duplicated.")
    for name, value in values.items():
        if name in _FORMATS and not _FORMATS[name](value):
            raise Refusal("invalid_request", 9000410, f"The parameter '{name}' is malformed: '{value}'.")
    return values
