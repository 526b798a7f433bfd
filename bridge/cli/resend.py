"""The command `resend`: a kept webhook once more, as news."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from bridge.again import resent
from bridge.app import Bridge, open_payloads, open_storage
from bridge.cli.common import address, environment, route_rows, table
from bridge.configuration import Configuration
from bridge.entries import to_message
from bridge.errors import CommandError
from bridge.events import bounded
from bridge.local import config
from bridge.local.curl import curl_command
from bridge.outbox.delivery_story import find
from bridge.receiving.records import BY_KEY

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from bridge.again import Resent
    from bridge.cli.parser import Commands
    from bridge.deliveries import DeliveryRecord
    from bridge.outbox.base import Outbox
    from bridge.payloads import KeptPayload


def register(commands: Commands) -> None:
    """Add the command."""
    resend = commands.add_parser("resend", help="send a kept webhook again, as news, with today's routes and templates")
    resend.add_argument("asked", metavar="ID", help="the id of a webhook: `deliveries` lists them")
    resend.add_argument("--dry-run", action="store_true", help="only show what would be queued, and why")
    resend.add_argument("--as-curl", action="store_true", help="print a curl command that signs and sends it")
    resend.add_argument("--url", help="the URL for --as-curl (default: that of BRIDGE_PUBLIC_URL, or of `run`)")
    resend.set_defaults(command=_resend)


def _resend(asked: argparse.Namespace) -> int:
    env = environment()
    bridge = Bridge(Configuration.from_env(env))
    outbox, queue = open_storage(bridge.configuration.settings, env)
    with contextlib.closing(outbox), contextlib.closing(queue):
        record = _chosen(outbox, asked.asked)
        payload = _payload(bridge, record)
        if asked.as_curl:
            print(_as_curl(bridge, record, payload, asked.url))
            return 0
        made = resent(bridge, payload)
        if asked.dry_run:
            print("\n".join(_plan(made)))
            return 0
        # The entries first, as receiving has it.
        for message in (*map(to_message, made.receipt.entries), to_message(made.record)):
            queue.put(message)
    count = len(made.receipt.entries)
    queued = (
        f"{count} {'entry is' if count == 1 else 'entries are'} queued"
        if count
        else f"Not posted: {made.record.reason}"
    )
    print(f"{queued}: `deliveries show {made.record.id}` has the story.")
    return 0


def _chosen(outbox: Outbox, asked: str) -> DeliveryRecord:
    found = find(outbox, bounded(asked.strip()))
    if not found:
        raise CommandError(f"There is no record of {asked}: `deliveries` lists them.")
    kept = [story.record for story in found if story.record.payload]
    # Of a webhook that came several times, the last one.
    return (kept or [story.record for story in found])[-1]


def _payload(bridge: Bridge, record: DeliveryRecord) -> KeptPayload:
    payload = open_payloads(bridge.configuration.settings, environment()).find(record)
    if payload is None:
        reason = "is not kept any more" if record.payload else "was not kept"
        raise CommandError(f"The payload of {record.id} {reason}: BRIDGE_KEEP_PAYLOADS_HOURS says how long they are.")
    return payload


def _as_curl(bridge: Bridge, record: DeliveryRecord, payload: KeptPayload, url: str | None) -> str:
    source = bridge.configuration.sources.get(payload.source)
    if source is None:
        raise CommandError(f"The settings have no source {payload.source} any more.")
    env = environment()
    base = bridge.configuration.settings.public_url or address(config.port(env))
    target = url or f"{base}/api/webhooks/{source.path}"
    return curl_command(source, payload, target, by_key=record.authentication == BY_KEY)


def _plan(made: Resent) -> Sequence[str]:
    record, entries = made.record, made.receipt.entries
    rows = [("outcome", record.outcome.value), ("reason", record.reason)]
    for event in record.events:
        rows += [("event", event.kind), ("title", event.title), *route_rows(event.trials)]
    for entry in entries:
        rows += [("group", entry.group), ("topic", entry.topic), ("summary", entry.summary)]
    return ["Nothing is sent; this is what would be:", *table([row for row in rows if row[1]])]
