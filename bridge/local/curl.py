"""A kept webhook as a curl command that signs it, with the secret as a variable of the shell."""

from __future__ import annotations

import base64
import re
import shlex
from typing import TYPE_CHECKING

from bridge.errors import CommandError
from bridge.verification.combinations import AnyOf, Dated
from bridge.verification.shared_secrets import Basic, Token
from bridge.verification.signatures import Hmac

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bridge.payloads import KeptPayload
    from bridge.sources.base import Source
    from bridge.verification.verifier import Verifier

FUNCTION_KEY = "BRIDGE_FUNCTION_KEY"
_DELIVERY = "{delivery}"
# As shell: the time and an id of this very request.
_NOW, _NEW_ID = "$NOW", "resent-$NOW"


def curl_command(source: Source, payload: KeptPayload, url: str, *, by_key: bool) -> str:
    """The lines of a shell script. by_key: the function key authenticates the sender.

    CommandError where only the service itself can sign.
    """
    lines = [f"body() {{ {_body(payload.body)}; }}", "NOW=$(date +%s)"]
    if by_key:
        variable, signed = FUNCTION_KEY, [f'-H "x-functions-key: ${FUNCTION_KEY}"']
    elif source.verifier is None:
        raise CommandError(f"Only {source.title} can sign its webhooks: `resend {payload.id}` needs no signature.")
    else:
        variable = source.secret_setting
        scheme = _simple(source.verifier)
        if isinstance(scheme, Hmac):
            lines.append(f"SIGNATURE=$({_signing(scheme, variable)})")
        signed = list(_authenticating(scheme, variable, source))
    options = [f"-X {payload.method}" if payload.method != "POST" else "", *_headers(source, payload), *signed]
    command = ["body | curl -sS --data-binary @-", *filter(None, options), shlex.quote(url)]
    need = f': "${{{variable}:?set it to the secret of {source.title}, or to the key of the function}}"'
    return "\n".join([need, *lines, " \\\n  ".join(command)])


def _simple(scheme: Verifier) -> Verifier:
    """The scheme itself, of several the one that `send` takes."""
    if isinstance(scheme, Dated):
        return _simple(scheme.scheme)
    return _simple(scheme.schemes[0]) if isinstance(scheme, AnyOf) else scheme


def _body(body: bytes) -> str:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        return f"printf %s {shlex.quote(base64.b64encode(body).decode())} | base64 -d"
    return f"printf %s {shlex.quote(text)}"


def _headers(source: Source, payload: KeptPayload) -> Iterator[str]:
    """The headers that came with it, but for the id of the delivery: with the old one it would be a repeat."""
    own = {name.lower() for name, value in source.headers("", _DELIVERY).items() if value == _DELIVERY}
    for name, value in payload.headers.items():
        if name in own:
            yield f'-H "{name}: {_NEW_ID}"'
        elif name not in {"content-length", "webhook-id", "webhook-timestamp"}:
            yield f"-H {shlex.quote(f'{name}: {value}')}"


def _signing(scheme: Hmac, variable: str) -> str:
    """The commands that make the signature of a keyed hash."""
    parts = []
    for place, piece in enumerate(re.split(r"[{}]", scheme.signed)):
        value = piece if place % 2 == 0 else "" if piece == "body" else _value(scheme, piece)
        parts += [f'printf %s "{value}"'] if value else ["body"] if piece == "body" else []
    key = f'-hmac "${variable}"'
    if scheme.secret_prefix:
        # The key is what the base64 stands for.
        digits = f"$(printf %s \"${{{variable}#{scheme.secret_prefix}}}\" | base64 -d | od -An -vtx1 | tr -d ' \\n')"
        key = f'-mac HMAC -macopt "hexkey:{digits}"'
    made = f"{{ {'; '.join(parts)}; }} | openssl dgst -{scheme.algorithm} {key}"
    return f"{made} -r | cut -d' ' -f1" if scheme.encoding == "hex" else f"{made} -binary | base64 | tr -d '\\n'"


def _value(scheme: Hmac, name: str) -> str:
    return _NOW if name == scheme.timestamp else _NEW_ID


def _authenticating(scheme: Verifier, variable: str, source: Source) -> Iterator[str]:
    """The options of curl that authenticate the sender."""
    if isinstance(scheme, Token):
        yield f'-H "{scheme.header}: {scheme.prefix}${variable}"'
    elif isinstance(scheme, Basic):
        yield f'-u "bridge:${variable}"'
    elif isinstance(scheme, Hmac):
        names = [name for name in re.findall(r"{(.*?)}", scheme.signed) if name != "body"]
        for name in names:
            if not name.endswith("="):
                yield f'-H "{name}: {_value(scheme, name)}"'
        inside = [f"{name}{_value(scheme, name)}" for name in names if name.endswith("=")]
        yield f'-H "{scheme.header}: {scheme.separator.join([*inside, f"{scheme.prefix}$SIGNATURE"])}"'
    else:
        raise CommandError(f"Only {source.title} can sign its webhooks.")
