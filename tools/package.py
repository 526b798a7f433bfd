"""Build released-package.zip, which a Flex Consumption plan runs as it is: the app with its libraries.

https://learn.microsoft.com/azure/azure-functions/run-functions-from-deployment-package
The same input gives the same bytes, whenever it is built: requirements.lock has the versions and hashes of all
libraries, names are sorted, times and permissions are fixed, and bytecode has no time stamps. Only Python and pip are
needed.
"""

import fnmatch
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from bridge.errors import CommandError

PYTHON = (3, 13)
LIBRARIES = ".python_packages/lib/site-packages"
OURS = ("bridge", "templates", "function_app.py", "host.json", "requirements.txt", "LICENSE")
# Wheels of any of these run on the Linux of Azure Functions, Debian 12 with glibc 2.36.
_PLATFORMS = ("manylinux_2_34_x86_64", "manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
# Files for local use only, files with traces of the machine that built the package, and files that nothing imports.
_LEFT_OUT = (
    "bridge/__main__.py",
    "bridge/cli/*",
    "bridge/local/*",
    "bridge/sources/*/samples/*",
    "bridge/sources/*/docs.md",
    "bridge/sources/*/body.json",
    "*/__pycache__/*",
    f"{LIBRARIES}/bin/*",
    "*/RECORD",
    "*/INSTALLER",
    "*/REQUESTED",
    "*.pyi",
)
_ROOT = Path(__file__).parents[1]
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time of the ZIP format


def build(root: Path, target: Path, pythons: Iterable[str] = ()) -> str:
    """Build the package of the repository at `root`; return a line with its size. CommandError if pip fails.

    pythons: candidates for Azure's version of Python, without which the package has no bytecode.
    """
    found = (shutil.which(python) for python in (sys.executable, *pythons))
    python = next((str(Path(path).absolute()) for path in found if path and _runs(path)), "")
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        for name in OURS:
            copy = shutil.copytree if (root / name).is_dir() else shutil.copy
            copy(root / name, tree / name)
        _install(root / "requirements.lock", tree / LIBRARIES)
        with_templates = bool(python) and compile_templates(tree, python, [tree / LIBRARIES])
        for path in list(_left_out(tree)):
            path.unlink()
        compiled = _compile(tree, python)
        _zip(tree, target)
    size = target.stat().st_size / 1024**2
    missing = [part for part, exists in (("code", compiled), ("templates", with_templates)) if not exists]
    without = f"without bytecode of its {' and '.join(missing)} (needs Python 3.13 on Linux), so it starts more slowly"
    return f"{target}: {size:.1f} MB, {without if missing else 'with bytecode'}"


def _runs(python: str) -> bool:
    """Whether it is the version that Azure runs. The path may have launchers for versions that are not installed."""
    check = f"import sys, pip; sys.exit(sys.version_info[:2] != {PYTHON})"
    return _ran(python, "-c", check).returncode == 0


def _install(lock: Path, target: Path) -> None:
    """Install the wheels in the lock for Azure's Python on Linux, whatever this machine runs."""
    version = ".".join(map(str, PYTHON))
    # The lock has every library, for Azure's Python. Pip would check what each requires for this machine's.
    options = ["--require-hashes", "--no-deps", "--ignore-requires-python", "--no-compile"]
    options += ["--only-binary=:all:", "--implementation=cp", f"--python-version={version}"]
    options += [f"--platform={platform}" for platform in _PLATFORMS]
    options += [f"--target={target}", f"--requirement={lock}", "--quiet", "--disable-pip-version-check"]
    run = _ran(sys.executable, "-m", "pip", "install", *options)
    if run.returncode:
        raise CommandError(f"The libraries could not be fetched: {run.stderr.strip()}")


def _left_out(tree: Path) -> Iterator[Path]:
    for path in _files(tree):
        name = path.relative_to(tree).as_posix()
        if any(fnmatch.fnmatch(name, pattern) for pattern in _LEFT_OUT):
            yield path


def _files(tree: Path) -> Sequence[Path]:
    return sorted(path for path in tree.rglob("*") if path.is_file())


def _compile(tree: Path, python: str) -> bool:
    """Compile without time stamps or hash checks, as the source in the package never changes."""
    if not python:
        return False
    # -s removes the folder of this machine, whose path tracebacks would show.
    folder = ["-s", str(tree), str(tree)]
    run = _ran(python, "-m", "compileall", "-q", "-j1", "--invalidation-mode=unchecked-hash", *folder)
    if run.returncode:
        raise CommandError(f"Python 3.13 cannot compile the package: {run.stdout.strip()}")
    return True


def compile_templates(tree: Path, python: str, libraries: Sequence[Path] = ()) -> bool:
    """Add bytecode of the templates to the package; False if the libraries do not run on this machine."""
    path = os.pathsep.join(map(str, [tree, *libraries, _ROOT]))
    return _ran(python, "-m", "tools.compile_templates", cwd=tree, PYTHONPATH=path).returncode == 0


def _ran(*command: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    # Bytecode contains sets as constants, whose order depends on the hash seed.
    env = {**os.environ, "PYTHONHASHSEED": "0", **env}
    return subprocess.run(  # noqa: S603  no input of a user
        command, cwd=cwd, env=env, capture_output=True, text=True, check=False
    )


def _zip(tree: Path, target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
        for path in _files(tree):
            entry = zipfile.ZipInfo(path.relative_to(tree).as_posix(), _EPOCH)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            package.writestr(entry, path.read_bytes())


if __name__ == "__main__":
    try:
        print(build(_ROOT, Path(sys.argv[1]), sys.argv[2:]))
    except CommandError as error:
        sys.exit(str(error))
