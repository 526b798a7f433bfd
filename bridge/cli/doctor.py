"""The command `doctor`."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING

from bridge.app import Bridge
from bridge.cli.common import environment
from bridge.configuration import Configuration
from bridge.errors import SettingsError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping

    from bridge.cli.parser import Commands
    from bridge.doctor import Finding


def register(commands: Commands) -> None:
    """Add the command."""
    doctor = commands.add_parser("doctor", help="check everything that a post needs, and say what to do")
    doctor.add_argument("--post", action="store_true", help="post a test thread to the first group, and read it back")
    doctor.add_argument("--json", action="store_true", help="print the findings as JSON")
    doctor.set_defaults(command=_doctor)


def _doctor(asked: argparse.Namespace) -> int:
    """Exit status 1 if anything has failed. Each finding is printed as soon as it is known."""
    from bridge.doctor import as_json, is_well  # noqa: PLC0415  the other commands start faster without it

    env = environment()
    findings: list[Finding] = []
    for finding in _findings(env, post=asked.post):
        findings.append(finding)
        if not asked.json:
            print("\n".join(_lines(finding)), flush=True)
    if asked.json:
        print(json.dumps(as_json(findings), indent=2))
    return 0 if is_well(findings) else 1


def _findings(env: Mapping[str, str], *, post: bool) -> Iterator[Finding]:
    from bridge.doctor import examine, of_settings  # noqa: PLC0415

    try:
        bridge = Bridge(Configuration.from_env(env))
    except SettingsError as error:
        yield from of_settings(error.problems)
        return
    yield from examine(bridge, env, post=post)


def _lines(finding: Finding) -> list[str]:
    wrap = textwrap.TextWrapper(110, subsequent_indent=" " * 9, break_long_words=False, break_on_hyphens=False)
    lines = wrap.wrap(f"{finding.verdict:<9}{finding.subject}: {finding.text}")
    wrap.initial_indent = wrap.subsequent_indent
    return [*lines, *wrap.wrap(finding.advice)]
