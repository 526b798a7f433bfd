"""The configuration of the bridge on one machine: the settings file, host.json and the port."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.errors import CommandError
from bridge.files import beside
from bridge.settings import Settings

PORT = 7071
FUNCTION_KEY = "local"
DEMO_GROUP, DEMO_NAME = "00000000-0000-4000-8000-0000000000d0", "Demo group"  # of the example settings
_FILES = ("local.settings.json", "local.settings.example.json")
_LOOPBACK = "http://127.0.0.1:{}/"
# The file has it for `func start`, which requires it.
_FOR_CORE_TOOLS = "AzureWebJobsStorage"
# On one's own machine payloads are kept for a day, unless the settings say otherwise.
_KEEP_PAYLOADS = "BRIDGE_KEEP_PAYLOADS_HOURS"


def port(env: Mapping[str, str]) -> int:
    """The port that PORT names, or 7071."""
    text = env.get("PORT", "").strip() or str(PORT)
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise CommandError("PORT must be a number between 1 and 65535.")
    return int(text)


def environment(env: Mapping[str, str], folder: Path, listens: int) -> dict[str, str]:
    """The environment for the functions: the values of the settings file in `folder`, overridden by `env`.

    listens: the port of the local server. URLs in the file that point to port 7071 of this machine are changed to it.
    """
    values = _file_values(settings_file(folder, env))
    values.pop(_FOR_CORE_TOOLS, None)
    moved = {name: value.replace(_LOOPBACK.format(PORT), _LOOPBACK.format(listens)) for name, value in values.items()}
    # Requests to this machine must not go through a company's proxy.
    direct = ",".join(filter(None, (env.get("no_proxy") or env.get("NO_PROXY"), "127.0.0.1")))
    found = {_KEEP_PAYLOADS: "24", **moved, **env, "no_proxy": direct, "NO_PROXY": direct}
    return found | made_on_page(found)


def made_on_page(env: Mapping[str, str]) -> dict[str, str]:
    """The configuration file and the templates folder that the page has made, where the settings name none."""
    made = {"BRIDGE_CONFIG": new_config(env), "BRIDGE_TEMPLATES": new_templates(env)}
    return {name: str(path) for name, path in made.items() if not env.get(name, "").strip() and path.exists()}


def new_config(env: Mapping[str, str]) -> Path:
    """Where the page makes a configuration file, beside the outbox."""
    return outbox_file(env).with_name("config.toml")


def new_templates(env: Mapping[str, str]) -> Path:
    """Where the page makes a folder with templates, beside the outbox."""
    return outbox_file(env).with_name("templates")


def settings_file(folder: Path, env: Mapping[str, str]) -> Path | None:
    """The settings file in `folder`: local.settings.json, else the example.

    Without either it is the bridge's own example, or None if the environment names where posts go.
    """
    if found := next((folder / name for name in _FILES if (folder / name).is_file()), None):
        return found
    is_complete = any(env.get(name, "").strip() for name in ("BRIDGE_GROUP", "BRIDGE_CONFIG"))
    return None if is_complete else beside() / _FILES[-1]


def _file_values(path: Path | None) -> dict[str, str]:
    values = _read_json(path).get("Values", {}) if path else {}
    if not isinstance(values, dict):
        raise CommandError(f'{path}: "Values" must be an object of strings.')
    if wrong := [f'"{name}"' for name, value in values.items() if not isinstance(value, str)]:
        raise CommandError(f'{path}: {", ".join(wrong)} in "Values" must be a text in quotes.')
    return values


def _read_json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
    except json.JSONDecodeError as error:
        comma = " (a comma after the last value is not allowed)" if _ends_in_comma(error) else ""
        raise CommandError(f"{path} is not JSON: {error}{comma}.") from error
    except ValueError as error:
        raise CommandError(f"{path} is not JSON: {error}.") from error
    if not isinstance(document, dict):
        raise CommandError(f"{path} must be a JSON object.")
    return document


def _ends_in_comma(error: json.JSONDecodeError) -> bool:
    """Whether a comma stands before the closing bracket, of which Python says so only from 3.13 on."""
    return error.doc[error.pos :].lstrip()[:1] in ("}", "]") and error.doc[: error.pos].rstrip().endswith(",")


def outbox_file(env: Mapping[str, str]) -> Path:
    """The SQLite file with the outbox and the queue."""
    return Path(env.get("BRIDGE_OUTBOX", "").strip() or Settings().outbox)


def fake_graph_file(env: Mapping[str, str]) -> Path:
    """The SQLite file of the stand-in Graph, beside the outbox."""
    return outbox_file(env).with_name("graph.sqlite")


def received_folder(env: Mapping[str, str]) -> Path:
    """The folder with the last webhooks of each source, beside the outbox."""
    return outbox_file(env).with_name("received")


def permissions(env: Mapping[str, str]) -> str:
    """What the stand-in Graph permits: everything (`open`), or only what Microsoft does (`microsoft`)."""
    chosen = env.get("BRIDGE_LOCAL_PERMISSIONS", "").strip() or "open"
    if chosen not in ("open", "microsoft"):
        raise CommandError("BRIDGE_LOCAL_PERMISSIONS must be open or microsoft.")
    return chosen


def tunnel(env: Mapping[str, str]) -> str:
    """The host name under which a tunnel forwards webhooks to this machine, or empty."""
    name = env.get("BRIDGE_LOCAL_TUNNEL", "").strip().lower()
    if name and not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+(:\d{1,5})?", name):
        raise CommandError("BRIDGE_LOCAL_TUNNEL must be the host name of the tunnel, such as pump.ngrok.app.")
    return name


def codespace(env: Mapping[str, str], port: int) -> str:
    """The host name under which GitHub forwards the port of a codespace to its owner; empty elsewhere.

    https://docs.github.com/codespaces/developing-in-a-codespace/default-environment-variables-for-your-codespace
    """
    name, domain = env.get("CODESPACE_NAME", ""), env.get("GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN", "")
    return f"{name}-{port}.{domain}".lower() if name and domain else ""


def has_two_processes(env: Mapping[str, str]) -> bool:
    """Whether a process receives and another one delivers; otherwise one does both."""
    chosen = env.get("BRIDGE_LOCAL_PROCESSES", "").strip() or "2"
    if chosen not in ("1", "2"):
        raise CommandError("BRIDGE_LOCAL_PROCESSES must be 1 or 2.")
    return chosen == "2"


@dataclass(frozen=True)
class QueueOptions:
    """The queue options of host.json, with the defaults of the Functions host. Times are in seconds.

    https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue#host-json
    """

    batch_size: int = 16
    max_dequeue_count: int = 5
    visibility_timeout: float = 0.0
    max_polling_interval: float = 60.0


def queue_options(path: Path) -> QueueOptions:
    """Read the queue options from host.json."""
    queues = _read_json(path).get("extensions", {}).get("queues", {})
    default = QueueOptions()
    return QueueOptions(
        batch_size=queues.get("batchSize", default.batch_size),
        max_dequeue_count=queues.get("maxDequeueCount", default.max_dequeue_count),
        visibility_timeout=_seconds(queues.get("visibilityTimeout", "00:00:00")),
        max_polling_interval=_seconds(queues.get("maxPollingInterval", "00:01:00")),
    )


def _seconds(span: str) -> float:
    """Convert `hh:mm:ss` to seconds."""
    hours, minutes, seconds = span.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
