"""`python -m bridge`: the command line, or what to do where this Python cannot run it.

Python 3.6 can read this file: an old one says that it is too old.
"""

import os
import shlex
import sys
from pathlib import Path

_NEEDED = (3, 11)


def _main() -> int:
    if sys.version_info < _NEEDED:
        found, needed = (".".join(map(str, version)) for version in (sys.version_info[:2], _NEEDED))
        return _complain(f"This is Python {found}, and the bridge needs {needed} or newer")
    try:
        from bridge.cli.main import main  # noqa: PLC0415  an old Python could not read it

        return main()
    except ModuleNotFoundError as error:
        if not error.name or error.name.partition(".")[0] in ("bridge", "function_app"):
            raise
        return _complain(f"This Python ({sys.executable}) does not have the library {error.name}")


def _complain(problem: str) -> int:
    sys.stderr.write(f"bridge: {problem}. {_advice()}\n")
    return 2


def _advice() -> str:
    """What to write in place of the command line that was given."""
    root = Path(__file__).resolve().parent.parent
    environment = root / ".venv"
    python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if (root / "bridge/installed").is_dir():
        return "Install the bridge again: pip install --force-reinstall webhook-bridge"
    if python.exists() and Path(sys.prefix).resolve() != environment.resolve():
        shown = python.relative_to(root) if Path.cwd() == root else python
        return f"Use that of .venv: {shown} -m bridge {' '.join(map(_quoted, sys.argv[1:]))}".rstrip()
    if os.name == "nt":
        return r"Set up .venv: py -m venv .venv, then .venv\Scripts\python -m pip install -r requirements-local.txt"
    return "`make run` sets up .venv, and starts the bridge"


def _quoted(word: str) -> str:
    if os.name != "nt":
        return shlex.quote(word)
    return f'"{word}"' if " " in word else word


if __name__ == "__main__":
    raise SystemExit(_main())
