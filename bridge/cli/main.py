"""Read a command line and run its command.

Settings are read as the local host reads them: from the environment, then from the settings file in the working
directory.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from bridge.cli import (
    console,
    dead_letters,
    deliveries,
    doctor,
    find_connectors,
    github_app,
    history,
    learn,
    maintenance,
    resend,
    run,
    sign_in,
    sources,
    waiting,
    webhooks,
)  # fmt: skip
from bridge.cli.parser import Parser
from bridge.errors import BridgeError

# The old names of commands, which still work.
_OLD_NAMES = {"mailbox": "fake-graph", "replay": "requeue"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; return the exit status, which is 2 with one line on stderr if it cannot be carried out."""
    asked = parsed(sys.argv[1:] if arguments is None else arguments)
    try:
        status: int = asked.command(asked)
    except BridgeError as error:
        print(f"bridge: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # `deliveries | head`: nobody reads on, and Python would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return status


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """The arguments of a command line."""
    return _parser().parse_args([_OLD_NAMES.get(name, name) for name in arguments[:1]] + list(arguments[1:]))


def _parser() -> Parser:
    parser = Parser(prog="bridge", description="Turn webhooks into conversation threads of Microsoft 365 groups.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    of_payloads = (run, webhooks, sources, learn, find_connectors)
    of_storage = (console, deliveries, resend, dead_letters, waiting, maintenance, history)
    of_accounts = (doctor, sign_in, github_app)
    for family in (*of_payloads, *of_storage, *of_accounts):
        family.register(commands)
    return parser
