"""The command `resend`: a kept webhook once more, as news."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

import click

from bridge.again import resent
from bridge.app import Bridge, open_payloads, open_storage
from bridge.cli.command import Command
from bridge.cli.common import address, environment, route_rows
from bridge.cli.output import plural, print_json, print_table
from bridge.configuration import Configuration
from bridge.deliveries import to_text
from bridge.entries import to_message
from bridge.errors import CommandError
from bridge.events import bounded
from bridge.local import config
from bridge.local.curl import curl_command
from bridge.outbox.delivery_story import find
from bridge.receiving.records import BY_KEY

if TYPE_CHECKING:
    from bridge.again import Resent
    from bridge.deliveries import DeliveryRecord
    from bridge.outbox.base import Outbox
    from bridge.payloads import KeptPayload


@click.command(
    "resend",
    cls=Command,
    examples=["resend 3f2a91c04b7e --dry-run", "resend 3f2a91c04b7e", "resend 3f2a91c04b7e --as-curl"],
)
@click.argument("asked", metavar="ID")
@click.option("--dry-run", is_flag=True, help="Only show what would be queued, and why.")
@click.option("--as-curl", is_flag=True, help="Print a curl command that signs and sends it.")
@click.option("--url", metavar="URL", help="The URL for --as-curl.  [default: that of BRIDGE_PUBLIC_URL, or of `run`]")
@click.option("--json", "as_json", is_flag=True, help="With --dry-run, print what would be queued as JSON.")
def resend(asked: str, dry_run: bool, as_curl: bool, url: str | None, as_json: bool) -> int:
    """Send a kept webhook again, with today's routes and templates.

    It becomes a new entry, whatever happened to the first. ID is the id of a webhook: `deliveries` lists them.
    """
    env = environment()
    bridge = Bridge(Configuration.from_env(env))
    outbox, queue = open_storage(bridge.configuration.settings, env)
    with contextlib.closing(outbox), contextlib.closing(queue):
        record = _chosen(outbox, asked)
        payload = _payload(bridge, record)
        if as_curl:
            click.echo(_as_curl(bridge, record, payload, url))
            return 0
        made = resent(bridge, payload)
        if dry_run:
            _print_plan(made, as_json=as_json)
            return 0
        # The entries first, as receiving has it.
        for message in (*map(to_message, made.receipt.entries), to_message(made.record)):
            queue.put(message)
    count = len(made.receipt.entries)
    queued = f"{plural(count, 'entry is', 'entries are')} queued" if count else f"Not posted: {made.record.reason}"
    click.echo(f"{queued}: `deliveries show {made.record.id}` has the story.")
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


def _print_plan(made: Resent, *, as_json: bool) -> None:
    record, entries = made.record, made.receipt.entries
    if as_json:
        planned = [{"group": entry.group, "topic": entry.topic, "summary": entry.summary} for entry in entries]
        print_json([{**json.loads(to_text(record)), "entries": planned}])
        return
    rows = [("outcome", record.outcome.value), ("reason", record.reason)]
    for event in record.events:
        rows += [("event", event.kind), ("title", event.title), *route_rows(event.trials)]
    for entry in entries:
        rows += [("group", entry.group), ("topic", entry.topic), ("summary", entry.summary)]
    click.echo("Nothing is sent; this is what would be:")
    print_table(row for row in rows if row[1])
