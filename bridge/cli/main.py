"""Read a command line and run its command: `python -m bridge`, or `webhook-bridge` where it is installed.

Settings are read as the local host reads them: from the environment, then from the settings file in the working
directory.
"""

import io
import os
import sys
from collections.abc import Mapping, Sequence

import click

from bridge import __version__
from bridge.cli.command import Program, problem
from bridge.cli.output import complain, wants_colours
from bridge.errors import BridgeError
from bridge.program import program

# The former names of commands, which still work.
_OLD_NAMES = {"mailbox": "fake-graph", "replay": "requeue"}
# By the titles of the help, each command with its module and the first line of its own help.
SECTIONS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "On this machine": {
        "init": ("bridge.cli.init", "Write settings, routes and the deployment's parameters for what you have."),
        "run": ("bridge.cli.run", "Run the bridge with a stand-in for Graph, and the page that shows its groups."),
        "fake-graph": ("bridge.cli.run", "Run only the stand-in for Graph and the page, for use with `func start`."),
        "send": ("bridge.cli.webhooks", "Sign a payload and post it as its service does."),
        "explain": ("bridge.cli.explain", "Show what the bridge does with a payload, and why."),
        "preview": ("bridge.cli.webhooks", "Write the post of a payload as HTML."),
        "sources": ("bridge.cli.sources", "List the services, and how their webhooks are authenticated."),
        "learn": ("bridge.cli.learn", "Propose a source of your own for recorded webhooks, and show its post."),
        "find-connectors": ("bridge.cli.find_connectors", "Find webhook addresses that the bridge can replace."),
    },
    "What happened, here or in Azure": {
        "deliveries": ("bridge.cli.deliveries", "List webhooks: accepted, ignored, dropped and refused, and why."),
        "history": ("bridge.cli.history", "Show what happened to a delivery, or what a post is about."),
        "resend": ("bridge.cli.resend", "Send a kept webhook again, with today's routes and templates."),
        "dead-letters": ("bridge.cli.dead_letters", "List what was not delivered, why, and what to do."),
        "requeue": ("bridge.cli.dead_letters", "Queue dead letters again."),
        "waiting": (
            "bridge.cli.waiting",
            "List entries that wait for the hours of their route or the end of a maintenance.",
        ),
        "release": ("bridge.cli.waiting", "Post the entries that `waiting` lists at once."),
        "maintenance": ("bridge.cli.maintenance", "Collect events during maintenance, and post them at the end."),
        "console": ("bridge.cli.console", "Open the page over a deployed app's storage, with `az login`."),
    },
    "Setting up": {
        "doctor": ("bridge.cli.doctor", "Check everything that a post needs, and say what to do."),
        "sign-in": ("bridge.cli.sign_in", "Sign the service account in to a deployed app, in a browser."),
        "github-app": ("bridge.cli.github_app", "Make a GitHub App whose webhooks come here, in a browser."),
        "completion": (
            "bridge.cli.completion",
            "Print a script that completes commands, options, services and groups in a shell.",
        ),
    },
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; return the exit status, which is 2 with one line on stderr if it cannot be carried out."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A title may have signs that a terminal or a file of Windows cannot show.
            stream.reconfigure(errors="replace")
    try:
        status = _run(words)
        sys.stdout.flush()
    except click.ClickException as error:
        complain(problem(error))
        return 2
    except BridgeError as error:
        complain(str(error))
        return 2
    except (KeyboardInterrupt, click.Abort):
        return 130
    except BrokenPipeError:
        # `deliveries | head`: nobody reads on, and Python would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return status


def _run(words: list[str]) -> int:
    if asked := os.environ.get("_WEBHOOK_BRIDGE_COMPLETE"):
        from bridge.cli.completion import answer  # noqa: PLC0415  only a shell that completes needs it

        return answer(root(), asked)
    try:
        with root().make_context(program(), words) as context:
            status: int | None = context.command.invoke(context)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    return status or 0


def root() -> Program:
    """The program with all its commands."""
    return Program(
        SECTIONS,
        _OLD_NAMES,
        help="Turn webhooks into conversation threads of Microsoft 365 groups.",
        subcommand_metavar="COMMAND ...",
        params=[
            click.Option(["--no-color"], is_flag=True, help="Print no colours; NO_COLOR does the same."),
            click.Option(
                ["--version"], is_flag=True, is_eager=True, expose_value=False, callback=_version,
                help="Print the version, and end.",
            ),
        ],
        callback=_colours,
        examples=["run", "send github pull_request.opened", "deliveries --since 2h", "doctor"],
    )  # fmt: skip


def _colours(*, no_color: bool) -> None:
    click.get_current_context().color = False if no_color else wants_colours(os.environ)


def _version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        click.echo(f"webhook-bridge {__version__}")
        context.exit()
