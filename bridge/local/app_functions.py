"""The bridge's functions on this machine, and the queue between those that receive and those that deliver."""

import importlib.util
import os
import sys
from typing import Any

from bridge.files import beside
from bridge.local.config import made_on_page, outbox_file
from bridge.local.host.host_queue import HostQueue
from bridge.outbox import is_configured
from bridge.outbox.sqlite_queue import SqliteQueue


def load() -> Any:
    """The module of the functions. It reads the settings when it is imported, so it is imported again each time."""
    spec = importlib.util.spec_from_file_location("function_app", beside() / "function_app.py")
    if spec is None or spec.loader is None:
        raise ImportError("function_app.py")
    module = sys.modules["function_app"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def reload() -> Any:
    """The module again, with the settings and files as they are now."""
    os.environ.update(made_on_page(os.environ))
    return load()


def open_queue(name: str) -> HostQueue:
    """The queue in the storage account that the environment names, else in the outbox's file."""
    if not is_configured(os.environ):
        return SqliteQueue(outbox_file(os.environ), name)
    # Importing the storage libraries takes a third of a second.
    from bridge.outbox.azure_queue import AzureQueue  # noqa: PLC0415
    from bridge.outbox.azure_storage import Account  # noqa: PLC0415

    return AzureQueue(Account.from_env(os.environ), name)
