"""How this program was started, which is how people start it again."""

import os
import sys
from pathlib import PurePath

_INSTALLED = "webhook-bridge"


def program() -> str:
    """What people write to start this program, as they have just done: in a clone, with the Python of its `.venv`."""
    if PurePath(sys.argv[0]).name.startswith(_INSTALLED):
        return _INSTALLED
    environment = PurePath(sys.prefix).name
    if not environment.startswith(".venv"):
        return "python -m bridge"
    return str(PurePath(environment, "Scripts" if os.name == "nt" else "bin", "python")) + " -m bridge"


def start_command() -> str:
    """What people write to start the bridge on this machine."""
    return f"{_INSTALLED} run" if program() == _INSTALLED else "make run"
