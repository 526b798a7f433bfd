"""The doctor: checks everything that a post needs, from the settings to the group, and says what to do."""

import enum
import secrets
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from bridge.app import Bridge
from bridge.configuration import Configuration
from bridge.errors import BridgeError, GraphError, redacted_line
from bridge.graph.answers import APP_ONLY
from bridge.graph.channel import Post
from bridge.graph.claims import Claims, claims_of, holder, is_app_only, is_opaque, permissions, time_in
from bridge.graph.mail import MailToGroups
from bridge.mistakes import Mistake, mistakes
from bridge.outbox import is_configured
from bridge.outbox.rows import SLOTS, Hold
from bridge.outbox.unknown_people import LATEST, listed, unknown_people
from bridge.people import ROLE
from bridge.program import start_command
from bridge.publishing.delivery import Delivery
from bridge.publishing.publisher import new_token
from bridge.publishing.stories import signed
from bridge.rendering.filters import plural
from bridge.settings import Group, Settings, is_loopback

_COMBINATION = "identity and channel"
_START = (
    "These settings are for this machine: start the bridge with `{}`, and ask in a second terminal with the same PORT."
)
_IDENTITY = "docs/identity.md compares the identities."
_OPEN = "The stand-in for Graph accepts these posts; Microsoft does not:"
_SKEW = 300.0  # seconds that Entra tolerates
_CONVERSATIONS = ("Group-Conversation.ReadWrite.All", "Group.ReadWrite.All")
_SEND, _DRAFT = ("Mail.Send", "Mail.Send.Shared"), ("Mail.ReadWrite", "Mail.ReadWrite.Shared")
_PATIENCE = (0, 1, 2, 4, 8)  # seconds between looks for a new thread, which Graph shows late


class Verdict(enum.StrEnum):
    """The result of a check. A warning does not keep posts from being delivered."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True)
class Finding:
    """One line of the checklist. advice: what to do, or empty."""

    verdict: Verdict
    subject: str
    text: str
    advice: str = ""


_UNTESTED = Finding(
    Verdict.WARNING,
    _COMBINATION,
    "Microsoft documents replies to posts for applications, but nobody has reported yet that they work.",
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
    """The findings where the settings are wrong; nothing else can be checked then."""
    yield from (_failed("settings", problem, "Correct the setting and restart the app.") for problem in problems)


def examine(bridge: Bridge, env: Mapping[str, str], *, post: bool = False) -> Iterator[Finding]:
    """Checks everything in the order in which a post needs it.

    env: the environment of the process. post: posts a test thread, and reads it back.
    """
    configuration = bridge.configuration
    settings, groups = configuration.settings, configuration.groups
    wrong = mistakes(bridge, env)
    yield _ok("settings", f"identity {settings.identity}, channel {settings.channel}, cloud {settings.cloud_name}")
    yield from _mistakes(wrong, "settings", "Correct its name, or remove it: nothing reads it.")
    yield from _sources(configuration)
    yield _ok("routes", f"{plural(len(configuration.routes.routes), 'route')}, {plural(len(groups), 'group')}")
    advice = "Change it when you can: the next major version may know only the new name."
    yield from (Finding(Verdict.WARNING, "deprecated", text, advice) for text in configuration.deprecated)
    yield from _mistakes(wrong, "routes", "Correct the route: because of this part, it never matches.")
    yield from _mistakes(wrong, "expectations", "Correct the expectation: as it is, no event ever meets it.")
    yield from _mistakes(wrong, "summaries", "Correct the summary: this part of it chooses no row.")
    yield from _templates(bridge)
    yield from _mistakes(wrong, "templates", "Correct the name: posts show nothing for it.")
    try:
        delivery = bridge.delivery
        yield from _storage(delivery, env, list(groups))
        yield from _maintenance(delivery)
        yield from _people(delivery, configuration)
    except Exception as error:  # noqa: BLE001  whatever storage raises is the finding
        reason = f"{type(error).__name__}: {redacted_line(str(error))}"
        yield _failed("storage", reason, "Check AzureWebJobsStorage and its access.")
        return
    try:
        claims = claims_of(delivery.identity.token())
    except GraphError as error:
        is_local = is_loopback(env.get("IDENTITY_ENDPOINT", ""))
        yield _failed("token", error, _START.format(start_command()) if is_local else "")
        return
    yield from _token(claims)
    yield _combination(configuration, env, claims)
    if settings.channel == "mail":
        yield from _mailbox(delivery, settings, claims)
    for group in groups.values():
        yield from _group(delivery, group)
    if post and groups:
        yield from _test_post(delivery, next(iter(groups)))


def _sources(configuration: Configuration) -> Iterator[Finding]:
    """Which webhooks the bridge authenticates."""
    titles = [configuration.titles[name] for name in configuration.authentications]
    if titles:
        yield _ok("sources", f"authenticated by the bridge: {', '.join(titles)}; all others need the function key")
    else:
        text = "No service's secret is set: every webhook needs the function key."
        advice = "Set BRIDGE_<SOURCE>_SECRET for those that can sign, or put ?code=... into the webhooks' URLs."
        yield Finding(Verdict.WARNING, "sources", text, advice)
    for problem in configuration.problems:
        yield _failed("sources", problem, "Until then the source answers 503; all others work.")


def _mistakes(found: Sequence[Mistake], subject: str, advice: str) -> Iterator[Finding]:
    """What stops nothing, and that nothing else reports."""
    yield from (Finding(Verdict.WARNING, subject, one.text, advice) for one in found if one.subject == subject)


def _templates(bridge: Bridge) -> Iterator[Finding]:
    problems = bridge.renderer.problems()
    yield from (_failed("templates", problem, "Until then events fall back to event.html.") for problem in problems)
    if not problems:
        yield _ok("templates", "all of them compile")


def _storage(delivery: Delivery, env: Mapping[str, str], groups: Sequence[str]) -> Iterator[Finding]:
    outbox, now = delivery.outbox, time.time()
    outbox.acquire(SLOTS, "doctor", secrets.token_hex(8), now, now)
    for group in groups[:1]:
        # The drain that it wakes finds nothing new to do.
        delivery.waker.wake(group)
    counts = outbox.counts()
    where = "the storage account" if is_configured(env) else "a file"
    yield _ok("storage", f"{where} can be read and written; {plural(counts.open, 'entry is', 'entries are')} waiting")
    if counts.dead:
        yield Finding(
            Verdict.WARNING,
            "dead letters",
            f"{plural(counts.dead, 'event was', 'events were')} not delivered",
            "`python -m bridge dead-letters` says why, `requeue` sends them again.",
        )
    for group, wait in outbox.waits().items():
        if isinstance(wait, Hold):
            yield Finding(Verdict.WARNING, f"on hold: {group}", wait.reason)


def _people(delivery: Delivery, configuration: Configuration) -> Iterator[Finding]:
    """The people whom routes could not invite, if any route invites people by their roles."""
    if not any(one.startswith(ROLE) for route in configuration.routes.routes for one in route.participants):
        return
    if unknown := unknown_people(delivery.outbox):
        advice = 'Add them to [people] in BRIDGE_CONFIG; with the value "" for those who are not to be invited.'
        yield Finding(Verdict.WARNING, "people", f"[people] does not name {listed(unknown)}", advice)
    else:
        yield _ok("people", f"[people] names everybody whom routes wanted to invite in the last {LATEST} webhooks")


def _maintenance(delivery: Delivery) -> Iterator[Finding]:
    """Which events are not posted now, and until when."""
    for window in delivery.publisher.windows():
        until = datetime.fromtimestamp(window.end, UTC).isoformat(timespec="minutes")
        text = f"until {until}, what matches `{window.match}` is collected"
        yield Finding(Verdict.WARNING, "maintenance", text, "`python -m bridge maintenance end` ends it.")


def _token(claims: Claims) -> Iterator[Finding]:
    """What the token says about itself; the token is shown nowhere."""
    now, issued, expires = time.time(), time_in(claims, "iat"), time_in(claims, "exp")
    kind = "an application's" if is_app_only(claims) else "a user's"
    granted = ", ".join(sorted(permissions(claims))) or "none"
    until = datetime.fromtimestamp(expires, UTC).isoformat(timespec="minutes") if expires else "an unknown time"
    yield _ok("token", f"{kind}, of {holder(claims)}; permissions: {granted}; good until {until}")
    if issued and abs(now - issued) > _SKEW and not issued < now < expires - _SKEW:
        yield Finding(
            Verdict.WARNING,
            "clock",
            f"this clock and the token issuer's are {abs(now - issued) / 60:.0f} minutes apart",
            "Set the clock of this machine: the bridge keeps working, but asks for more tokens than it needs.",
        )


def _combination(configuration: Configuration, env: Mapping[str, str], claims: Claims) -> Finding:
    """Whether posts can be delivered at all, by the kind of the token and the channel."""
    settings = configuration.settings
    if settings.identity == "developer" and "WEBSITE_INSTANCE_ID" in env:
        return _failed(_COMBINATION, "`developer` is the person of `az login`: in Azure there is none.", _IDENTITY)
    if settings.channel == "mail" or not is_app_only(claims):
        return _needs(claims, *_required(settings.channel, claims))
    if not all(group.thread for group in configuration.groups.values()):
        is_open = is_loopback(settings.graph_base) and env.get("BRIDGE_LOCAL_PERMISSIONS") != "microsoft"
        if is_open:
            return Finding(Verdict.WARNING, _COMBINATION, f"{_OPEN} {APP_ONLY}", _IDENTITY)
        return _failed(_COMBINATION, APP_ONLY, _IDENTITY)
    finding = _needs(claims, _CONVERSATIONS)
    return finding if finding.verdict is Verdict.FAILED else _UNTESTED


def _required(channel: str, claims: Claims) -> Sequence[Sequence[str]]:
    """The alternatives of which a token must have one each. What Exchange grants is not in the token."""
    if channel == "mail":
        return () if is_app_only(claims) else (_SEND, _DRAFT)
    return (_CONVERSATIONS,)


def _needs(claims: Claims, *alternatives: Sequence[str]) -> Finding:
    """Whether the token has one of each."""
    missing = [needed[0] for needed in alternatives if not permissions(claims) & set(needed)]
    if missing and not is_opaque(claims):
        return _failed(_COMBINATION, f"The token lacks {' and '.join(missing)}.", "Consent to it: docs/identity.md.")
    return _ok(_COMBINATION, "this token may post through this channel")


def _mailbox(delivery: Delivery, settings: Settings, claims: Claims) -> Iterator[Finding]:
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
    wide = sorted(role for role in permissions(claims) if role.startswith("Mail."))
    if wide:
        yield Finding(
            Verdict.WARNING,
            "confinement",
            f"{' and '.join(wide)} is good for every mailbox of the tenant, unless an access policy forbids it",
            "Remove the role in Entra, and grant it for this mailbox only: scripts/make-mailbox.ps1.",
        )
    else:
        yield _ok("confinement", "mail permissions come from Exchange only, which confines them to its scope")


def _group(delivery: Delivery, group: Group) -> Iterator[Finding]:
    subject = f"group {group.name or group.id}"
    try:
        yield _ok(subject, _reached(delivery, group))
    except GraphError as error:
        yield _failed(subject, error)
    if group.paused:
        yield Finding(Verdict.WARNING, subject, "it is paused: its posts wait", "Remove `paused` to deliver them.")


def _reached(delivery: Delivery, group: Group) -> str:
    if isinstance(delivery.channel, MailToGroups):
        return f"receives its posts at {delivery.channel.address(group.id)}"
    path = f"/groups/{quote(group.id, safe='')}/threads"
    if group.thread:
        delivery.client.request("GET", f"{path}/{quote(group.thread, safe='')}", params={"$select": "id,topic"})
        return "its one thread is there"
    delivery.client.request("GET", path, params={"$top": 1, "$select": "id"})
    return "its threads can be read"


def _test_post(delivery: Delivery, group: str, wait: Callable[[float], None] = time.sleep) -> Iterator[Finding]:
    token, started = new_token(), datetime.now(UTC)
    html = signed("<p>The webhook bridge can post into this group.</p>", [token])
    try:
        post = delivery.channel.prepare(Post(group, "Test of the webhook bridge", html, token), "")
        thread = delivery.channel.start(post)
    except BridgeError as error:
        yield _failed("test post", error)
        return
    for pause in _PATIENCE:
        wait(pause)
        try:
            if delivery.channel.find(group, [token], started - timedelta(minutes=1), post.draft or thread):
                yield _ok("test post", f"posted into {group} and read back: {token}")
                return
        except GraphError as error:
            yield Finding(Verdict.WARNING, "test post", f"posted, but it cannot be read back: {error}")
            return
    yield Finding(
        Verdict.WARNING, "test post", f"posted, but Graph does not show it yet: look for {token} in the group"
    )
