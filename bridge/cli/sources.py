"""The command `sources`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from bridge.cli.command import Command
from bridge.cli.common import address, bridge, unknown
from bridge.cli.output import filled, print_json, print_table, state
from bridge.cli.parameters import json_option, sources_of_the_settings
from bridge.errors import CommandError
from bridge.local import config

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bridge.configuration import Configuration
    from bridge.sources.base import Authentication, Source

_KEY = "function key"
_SAMPLES = 4  # that are named


@click.command("sources", cls=Command, examples=["sources", "sources github grafana", "sources --json | jq -r .url"])
@click.argument("names", nargs=-1, metavar="[SOURCE]...", shell_complete=sources_of_the_settings)
@json_option
def sources(names: tuple[str, ...], as_json: bool) -> int:
    """List the services, and how their webhooks are authenticated.

    With SOURCES, it shows all details of these: URL, authentication, settings.
    """
    configuration = bridge().configuration
    base = f"{address(config.port(os.environ))}/api/webhooks/"
    chosen = _chosen(configuration, names)
    if as_json:
        print_json(_fields(source, configuration, base) for source in chosen)
    elif names:
        for source in chosen:
            click.echo(f"{source.title}")
            print_table(filled(_details(source, configuration, base)))
    else:
        click.echo(f"Webhooks are posted to {base}<source>")
        click.echo(f"and those of your own sources to {base}generic/<source>.")
        click.echo("Where no secret is set, the URL must carry the function key: ?code=<key>.\n")
        print_table([("STATUS", "SOURCE", "SECRET"), *(_row(source, configuration) for source in chosen)])
    return 0


def _chosen(configuration: Configuration, names: Sequence[str]) -> Sequence[Source]:
    known = configuration.sources
    for name in names:
        if name not in known:
            raise CommandError(unknown("source", name, known, "`sources` lists them"))
    return [known[name] for name in names] if names else list(known.values())


def _row(source: Source, configuration: Configuration) -> tuple[str, ...]:
    is_set = source.name in configuration.authentications
    return (
        state("set", "secret set") if is_set else _KEY,
        source.name,
        _setting(source, configuration.authentications.get(source.name)),
    )


def _setting(source: Source, authentication: Authentication | None) -> str:
    if authentication:
        return authentication.setting
    return source.secret_setting if source.verifier else "none"


def _details(source: Source, configuration: Configuration, base: str) -> Mapping[str, str]:
    authentication = configuration.authentications.get(source.name)
    setting = _setting(source, authentication)
    return {
        "source": source.name,
        "webhook": f"{base}{source.path}",
        "authentication": authentication.verifier.describe() if authentication else _KEY,
        "with a secret": source.verifier.describe() if source.verifier and not authentication else "",
        "setting": f"{setting} ({'set' if authentication else 'not set'})" if setting != "none" else "none",
        "networks": ", ".join(configuration.settings.networks.get(source.name, ())),
        "samples": _some(sorted(path.stem for path in source.samples.glob("*.json"))),
    }


def _some(names: Sequence[str]) -> str:
    rest = f" and {len(names) - _SAMPLES} more" if len(names) > _SAMPLES else ""
    return ", ".join(names[:_SAMPLES]) + rest


def _fields(source: Source, configuration: Configuration, base: str) -> Mapping[str, object]:
    authentication = configuration.authentications.get(source.name)
    return {
        "source": source.name,
        "title": source.title,
        "url": f"{base}{source.path}",
        "secret_is_set": authentication is not None,
        "authentication": authentication.verifier.describe() if authentication else _KEY,
        "setting": _setting(source, authentication),
    }
