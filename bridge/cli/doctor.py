"""The command `doctor`."""

from __future__ import annotations

import json
import logging
import textwrap
from typing import TYPE_CHECKING

import click

from bridge.app import Bridge
from bridge.cli.command import Command
from bridge.cli.common import environment
from bridge.cli.output import print_lines, state
from bridge.configuration import Configuration
from bridge.doctor import as_json as in_json
from bridge.doctor import examine, is_well, of_settings
from bridge.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bridge.doctor import Finding


@click.command("doctor", cls=Command, examples=["doctor", "doctor --post", "doctor --json"], wrong="a check has failed")
@click.option("--post", is_flag=True, help="Post a test thread to the first group, and read it back.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as one JSON array.")
def doctor(post: bool, as_json: bool) -> int:
    """Check everything that a post needs, and say what to do.

    Settings, templates, storage, token, groups and mailbox are checked; each finding is printed as soon as it is known.
    """
    # What it tried in vain is in a finding, too.
    logging.getLogger("azure").setLevel(logging.ERROR)
    env = environment()
    findings: list[Finding] = []
    for finding in _findings(env, post=post):
        findings.append(finding)
        if not as_json:
            print_lines(_lines(finding))
    if as_json:
        click.echo(json.dumps(in_json(findings), indent=2))
    return 0 if is_well(findings) else 1


def _findings(env: Mapping[str, str], *, post: bool) -> Iterator[Finding]:
    try:
        bridge = Bridge(Configuration.from_env(env))
    except SettingsError as error:
        yield from of_settings(error.problems)
        return
    yield from examine(bridge, env, post=post)


def _lines(finding: Finding) -> list[str]:
    wrap = textwrap.TextWrapper(110, subsequent_indent=" " * 9, break_long_words=False, break_on_hyphens=False)
    lines = wrap.wrap(f"{finding.verdict:<9}{finding.subject}: {finding.text}")
    lines[0] = state(finding.verdict, lines[0][:9]) + lines[0][9:]
    wrap.initial_indent = wrap.subsequent_indent
    return [*lines, *wrap.wrap(finding.advice)]
