"""Where host.json, function_app.py, the shared templates and the example settings are found."""

from pathlib import Path

ROOT = Path(__file__).parents[1]


def beside(root: Path = ROOT) -> Path:
    """Their folder: `root` in the repository and in Azure, a folder of the package where pip installed it."""
    installed = root / "bridge/installed"
    return installed if installed.is_dir() else root
