"""The post of a batch: what it shows, whom it invites, and by what Outlook sorts it."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from bridge.calendar.maintenance import BRIDGE
from bridge.entries import Entry
from bridge.graph.channel import Post
from bridge.limits import MAX_INVITED
from bridge.outbox.rows import DIGEST, ThreadRow
from bridge.publishing.batching import Batch
from bridge.publishing.digests import digest_html, digest_topic
from bridge.publishing.memory import IN_DIGEST, uninvited
from bridge.publishing.occasions import occasion_of
from bridge.publishing.policy import Policy
from bridge.publishing.stories import lead_of, post_html

Threads = Mapping[str, ThreadRow]
_LONGEST = 200  # characters of a header's value


def composed(
    group: str, batch: Batch, target: str, token: str, threads: Threads, policy: Policy, left_out: Sequence[str] = ()
) -> Post:
    """The post of a batch for a group. target: the thread that it replies to; empty: it starts one.

    token: of the attempt. threads: those of the batch's keys, and the digest's. left_out: who is not invited.
    """
    entries = [row.entry for row in batch.rows]
    topic, html = _shown(batch, entries, target, token, threads, policy)
    worst = max(entry.severity for entry in entries)
    # In a storm the most severe events come first.
    invited = [one for one in _uninvited(entries, target, threads) if one not in left_out][:MAX_INVITED]
    return Post(
        group=group,
        topic=topic,
        html=html,
        token=token,
        participants=tuple(invited),
        conversation=entries[0].conversation,
        abandoned=tuple(dict.fromkeys(row.thread for row in batch.rows if row.thread)),
        headers=headers(entries, is_digest=batch.digest),
        is_important=policy.important is not None and worst >= policy.important,
    )


def headers(entries: Sequence[Entry], *, is_digest: bool = False) -> tuple[tuple[str, str], ...]:
    """By what rules of Outlook sort mail; what differs between the entries of a post is `several`.

    https://learn.microsoft.com/graph/api/resources/message: five at the most, whose names begin with `x-`.
    """
    worst = max(entry.severity for entry in entries)
    values = {
        "x-bridge-source": _common(entry.source for entry in entries),
        "x-bridge-severity": worst.value,
        "x-bridge-kind": "digest" if is_digest else _common(entry.kind for entry in entries),
        "x-bridge-key": _common(entry.correlation_key for entry in entries),
    }
    return tuple((name, _plain(value)) for name, value in values.items() if value)


def _common(values: Iterable[str]) -> str:
    found = set(values)
    return found.pop() if len(found) == 1 else "several"


def _plain(value: str) -> str:
    """The value as a header may have it: on one line, in ASCII."""
    return " ".join(value.encode("ascii", "replace").decode().split())[:_LONGEST]


def _shown(
    batch: Batch, entries: Sequence[Entry], target: str, token: str, threads: Threads, policy: Policy
) -> tuple[str, str]:
    """Topic and HTML."""
    titles, zone = policy.titles, policy.zone
    if batch.digest:
        shown, occasion = [one for one in entries if one.source != BRIDGE], occasion_of(entries, policy.hours)
        html = digest_html(shown, titles, zone, token, occasion, pictures=policy.pictures)
        return digest_topic(shown, titles, occasion), html
    known = threads.get(lead_of(entries).key)
    memory = known.memory if known else {}
    # A thread of its own has a topic that names it.
    is_reply = known is not None and known.thread == target != "" and IN_DIGEST not in memory
    html = post_html(entries, is_reply=is_reply, memory=memory, zone=zone, token=token, pictures=policy.pictures)
    return entries[0].topic, html


def _uninvited(entries: Sequence[Entry], target: str, threads: Threads) -> list[str]:
    """Whom these entries invite, and nobody has invited to the thread yet."""
    keys = {DIGEST, *(entry.key for entry in entries)}
    known = [row for key in keys if (row := threads.get(key)) and row.thread == target != ""]
    return uninvited([row.memory for row in known], chain.from_iterable(entry.participants for entry in entries))
