"""The doctor: looks at everything that a post needs, from the settings to the group, and says what to do about it."""

import base64
import enum
import json
import secrets
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from bridge.app import Bridge
from bridge.errors import BridgeError, GraphError, redacted_line
from bridge.graph.answers import APP_ONLY
from bridge.graph.channel import Post
from bridge.graph.mail import MailToGroups
from bridge.outbox import is_configured
from bridge.outbox.rows import SLOTS, Hold
from bridge.publishing.delivery import Delivery
from bridge.settings import Settings, is_loopback

_COMBINATION = "identity and channel"
_IDENTITY = "docs/identity.md tells which identity is for whom."
_OPEN = "The stand-in for Graph takes these posts; Microsoft does not:"
_SKEW = 300.0  # seconds; Entra takes so much
_CONVERSATIONS = ("Group-Conversation.ReadWrite.All", "Group.ReadWrite.All")
_SEND, _DRAFT = ("Mail.Send", "Mail.Send.Shared"), ("Mail.ReadWrite", "Mail.ReadWrite.Shared")
_PATIENCE = (0, 1, 2, 4, 8)  # seconds; new threads show late


class Verdict(enum.StrEnum):
    """What became of a check. A warning does not keep posts from being told."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True)
class Finding:
    """One line of the checklist. advice: what to do; empty when nothing is."""

    verdict: Verdict
    subject: str
    text: str
    advice: str = ""


_UNPROVEN = Finding(
    Verdict.WARNING,
    _COMBINATION,
    "Microsoft lists replies to posts for applications, but nobody has shown yet that they work.",
    "Try it with `python -m bridge doctor --post`.",
)


def _ok(subject: str, text: str) -> Finding:
    return Finding(Verdict.OK, subject, text)


def _failed(subject: str, error: Exception | str, advice: str = "") -> Finding:
    return Finding(Verdict.FAILED, subject, str(error), advice)


def is_well(findings: Collection[Finding]) -> bool:
    """Whether nothing has failed."""
    return all(finding.verdict is not Verdict.FAILED for finding in findings)


def as_json(findings: Sequence[Finding]) -> Mapping[str, Any]:
    """The checklist for machines."""
    rows = [
        {"verdict": one.verdict, "subject": one.subject, "text": one.text, "advice": one.advice} for one in findings
    ]
    return {"ok": is_well(findings), "findings": rows}


def of_settings(problems: Sequence[str]) -> Iterator[Finding]:
    """The findings where the settings are wrong; nothing else can be looked at then."""
    yield from (_failed("settings", problem, "Correct the setting and restart the app.") for problem in problems)


def examine(bridge: Bridge, env: Mapping[str, str], *, post: bool = False) -> Iterator[Finding]:
    """Looks at one thing after the other, in the order in which a post needs them.

    env: the environment of the process. post: posts a test thread, and reads it back.
    """
    settings, groups = bridge.settings, bridge.routes.all
    yield _ok("settings", f"identity {settings.identity}, channel {settings.channel}, cloud {settings.cloud_name}")
    yield from _sources(bridge)
    yield _ok("routes", f"{len(bridge.routes.routes)} routes, {len(groups)} groups")
    yield from _templates(bridge)
    try:
        delivery = bridge.delivery
        yield from _storage(delivery, env, groups)
    except Exception as error:  # noqa: BLE001  whatever storage raises is the finding
        reason = f"{type(error).__name__}: {redacted_line(str(error))}"
        yield _failed("storage", reason, "Check AzureWebJobsStorage and its access.")
        return
    claims: dict[str, Any] = {}
    yield from _token(delivery, claims)
    if not claims:
        return
    yield _combination(bridge, env, claims)
    if settings.channel == "mail":
        yield from _mailbox(delivery, settings, claims)
    for group in groups:
        yield from _group(bridge, delivery, group)
    if post and groups:
        yield from _test_post(delivery, groups[0])


def _sources(bridge: Bridge) -> Iterator[Finding]:
    """Which webhooks prove themselves; the secret of a source that there is not is a slip of the pen."""
    secrets, proofs = bridge.settings.secrets, bridge.settings.credentials
    signed = [source.title for name, source in bridge.sources.items() if source.verifier and proofs.get(name)]
    if signed:
        yield _ok("sources", f"proved by themselves: {', '.join(signed)}; all others need the function key")
    else:
        text = "No service's secret is set: every webhook needs the function key."
        advice = "Set BRIDGE_<SOURCE>_SECRET for those that can sign, or put ?code=... into the webhooks' URLs."
        yield Finding(Verdict.WARNING, "sources", text, advice)
    for name in sorted(secrets.keys() - {name for name, source in bridge.sources.items() if source.verifier}):
        text = f"BRIDGE_{name.upper()}_SECRET is of no source that takes one."
        advice = "`python -m bridge sources` lists them, with the settings of their secrets."
        yield Finding(Verdict.WARNING, "sources", text, advice)


def _templates(bridge: Bridge) -> Iterator[Finding]:
    problems = bridge.renderer.problems()
    yield from (_failed("templates", problem, "Until then events fall back to event.html.") for problem in problems)
    if not problems:
        yield _ok("templates", "all of them compile")


def _storage(delivery: Delivery, env: Mapping[str, str], groups: Sequence[str]) -> Iterator[Finding]:
    outbox, now = delivery.outbox, time.time()
    outbox.acquire(SLOTS, "doctor", secrets.token_hex(8), now, now)
    for group in groups[:1]:
        # Whom it wakes finds nothing new to do.
        delivery.waker.wake(group)
    counts = outbox.counts()
    where = "the storage account" if is_configured(env) else "a file"
    yield _ok("storage", f"{where} can be read and written; {counts.open} entries wait")
    if counts.dead:
        yield Finding(
            Verdict.WARNING,
            "dead letters",
            f"{counts.dead} events were not delivered",
            "`python -m bridge dead-letters` says why, `requeue` sends them again.",
        )
    for group, wait in outbox.waits().items():
        if isinstance(wait, Hold):
            yield Finding(Verdict.WARNING, f"on hold: {group}", wait.reason)


def _token(delivery: Delivery, claims: dict[str, Any]) -> Iterator[Finding]:
    """What the token says of itself; it is filled into `claims`, and is nowhere shown."""
    try:
        claims |= _claims(delivery.identity.token())
    except GraphError as error:
        yield _failed("token", error)
        return
    now, issued, expires = time.time(), _number(claims.get("iat")), _number(claims.get("exp"))
    who = claims.get("upn") or claims.get("preferred_username") or claims.get("oid") or claims.get("appid") or "unknown"
    kind = "an application's" if is_app_only(claims) else "a user's"
    permissions = ", ".join(sorted(_permissions(claims))) or "none"
    until = datetime.fromtimestamp(expires, UTC).isoformat(timespec="minutes") if expires else "not told"
    yield _ok("token", f"{kind}, of {who}; permissions: {permissions}; good until {until}")
    if issued and abs(now - issued) > _SKEW and not issued < now < expires - _SKEW:
        yield Finding(
            Verdict.WARNING,
            "clock",
            f"this clock and the token issuer's are {abs(now - issued) / 60:.0f} minutes apart",
            "Set the clock of this machine: the bridge goes on, but asks for more tokens than it needs.",
        )


def _claims(token: str) -> dict[str, Any]:
    """The claims of a token, unverified: they are only told, by the one who was given it."""
    try:
        part = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError):
        claims = {}
    return claims if isinstance(claims, dict) and claims else {"opaque": True}


def is_app_only(claims: Mapping[str, Any]) -> bool:
    """Whether a token is an application's own: https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference."""
    return claims.get("idtyp") == "app" or ("scp" not in claims and "opaque" not in claims)


def _permissions(claims: Mapping[str, Any]) -> set[str]:
    roles = claims.get("roles") if is_app_only(claims) else str(claims.get("scp", "")).split()
    return {str(role) for role in roles} if isinstance(roles, list) else set()


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _combination(bridge: Bridge, env: Mapping[str, str], claims: Mapping[str, Any]) -> Finding:
    """Whether posts can get through at all, by what the token is and the channel."""
    if bridge.settings.identity == "developer" and "WEBSITE_INSTANCE_ID" in env:
        return _failed(_COMBINATION, "`developer` is the person of `az login`: in Azure there is none.", _IDENTITY)
    if bridge.settings.channel == "mail" or not is_app_only(claims):
        return _needs(claims, *_required(bridge.settings.channel, claims))
    if not all(group in bridge.routes.groups and bridge.routes.groups[group].thread for group in bridge.routes.all):
        is_open = is_loopback(bridge.settings.graph_base) and env.get("BRIDGE_LOCAL_PERMISSIONS") != "microsoft"
        if is_open:
            return Finding(Verdict.WARNING, _COMBINATION, f"{_OPEN} {APP_ONLY}", _IDENTITY)
        return _failed(_COMBINATION, APP_ONLY, _IDENTITY)
    finding = _needs(claims, _CONVERSATIONS)
    return finding if finding.verdict is Verdict.FAILED else _UNPROVEN


def _required(channel: str, claims: Mapping[str, Any]) -> Sequence[Sequence[str]]:
    """Of which permissions a token has one each, if it may post. What Exchange grants is not in the token."""
    if channel == "mail":
        return () if is_app_only(claims) else (_SEND, _DRAFT)
    return (_CONVERSATIONS,)


def _needs(claims: Mapping[str, Any], *alternatives: Sequence[str]) -> Finding:
    """Whether the token has one of each."""
    missing = [needed[0] for needed in alternatives if not _permissions(claims) & set(needed)]
    if missing and "opaque" not in claims:
        return _failed(_COMBINATION, f"The token lacks {' and '.join(missing)}.", "Consent to it: docs/identity.md.")
    return _ok(_COMBINATION, "this token may post through this channel")


def _mailbox(delivery: Delivery, settings: Settings, claims: Mapping[str, Any]) -> Iterator[Finding]:
    path = f"/users/{quote(settings.mail_from, safe='@')}/mailFolders/drafts/messages"
    try:
        delivery.client.request("GET", path, params={"$top": 1, "$select": "id"})
    except GraphError as error:
        yield _failed("mailbox", error)
        return
    yield _ok("mailbox", f"{settings.mail_from} can be read")
    if not is_app_only(claims):
        return
    # What Exchange grants is not in the token; what is in the token is good for every mailbox of the tenant.
    wide = sorted(role for role in _permissions(claims) if role.startswith("Mail."))
    if wide:
        yield Finding(
            Verdict.WARNING,
            "confinement",
            f"{' and '.join(wide)} is good for every mailbox of the tenant, unless an access policy forbids it",
            "Take the role away in Entra, and grant it for this mailbox alone: scripts/make-mailbox.ps1.",
        )
    else:
        yield _ok("confinement", "mail permissions come from Exchange alone, which confines them to its scope")


def _group(bridge: Bridge, delivery: Delivery, group: str) -> Iterator[Finding]:
    name = next((name for name, known in bridge.routes.names.items() if known == group), "")
    subject = f"group {name or group}"
    try:
        yield _ok(subject, _reached(bridge, delivery, group))
    except GraphError as error:
        yield _failed(subject, error)
    known = bridge.routes.groups.get(group)
    if known and known.paused:
        yield Finding(Verdict.WARNING, subject, "it is paused: its posts wait", "Take `paused` away to go on.")


def _reached(bridge: Bridge, delivery: Delivery, group: str) -> str:
    if isinstance(delivery.channel, MailToGroups):
        return f"gets its posts at {delivery.channel.address(group)}"
    path = f"/groups/{quote(group, safe='')}/threads"
    known = bridge.routes.groups.get(group)
    if known and known.thread:
        delivery.client.request("GET", f"{path}/{quote(known.thread, safe='')}", params={"$select": "id,topic"})
        return "its one thread is there"
    delivery.client.request("GET", path, params={"$top": 1, "$select": "id"})
    return "its threads can be read"


def _test_post(delivery: Delivery, group: str, wait: Callable[[float], None] = time.sleep) -> Iterator[Finding]:
    reference, started = secrets.token_hex(6), datetime.now(UTC)
    html = f"<p>The webhook bridge can post into this group.</p><p>{reference}</p>"
    try:
        post = delivery.channel.prepare(Post(group, "Test of the webhook bridge", html, (reference,)), "")
        thread = delivery.channel.start(post)
    except BridgeError as error:
        yield _failed("test post", error)
        return
    for seconds in _PATIENCE:
        wait(seconds)
        try:
            if delivery.channel.find(group, [reference], started - timedelta(minutes=1), post.draft or thread):
                yield _ok("test post", f"posted into {group} and read back: {reference}")
                return
        except GraphError as error:
            yield Finding(Verdict.WARNING, "test post", f"posted, but it cannot be read back: {error}")
            return
    yield Finding(Verdict.WARNING, "test post", f"posted, but not seen yet: look for {reference} in the group")
