"""Turn a copy of the repository into a release: `python -m tools.release v1.2.3 owner/repository`.

It writes the version and the address of the package into the files that have them; `python -m tools.docs` then writes
all that follows. `--check` fails if a file still names a placeholder or another version, and prints the button. Only
the standard library is needed: the job that builds a release installs nothing else.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from bridge.errors import CommandError
from tools.releases import Release, of

# The files that name a version, each with the text before it.
_VERSIONS = {
    "bridge/__init__.py": '__version__ = "',
    "pyproject.toml": '\nversion = "',
    "azure.yaml": "template: webhook-bridge@",
}
# What a reader or the portal follows to a release.
_PINNED = ("README.md", "azuredeploy.json", "createUiDefinition.json", "docs/deploy.md", "infra/terraform/README.md")
_PLACEHOLDERS = ("contoso/webhook-bridge", "<owner>", "<repository>", "<version>", "releases/latest", "%2Fmain%2F")


def write(root: Path, release: Release) -> None:
    """Write the release into the files that name a version."""
    number = release.tag.removeprefix("v")
    path = root / "azuredeploy.json"
    template = json.loads(path.read_text("utf-8"))
    template["contentVersion"] = f"{number}.0"
    template["parameters"]["packageUri"]["defaultValue"] = release.package
    path.write_text(json.dumps(template, indent=2, ensure_ascii=False) + "\n", "utf-8")
    for name, before in _VERSIONS.items():
        path = root / name
        text, changes = re.subn(rf"({re.escape(before)})\d+\.\d+\.\d+", rf"\g<1>{number}", path.read_text("utf-8"))
        if changes != 1:
            raise CommandError(f"{name} names its version {changes} times.")
        path.write_text(text, "utf-8")


def problems(root: Path, release: Release) -> Iterator[str]:
    """What keeps the copy from being this release."""
    if of(json.loads((root / "azuredeploy.json").read_text("utf-8"))) != release:
        yield f"azuredeploy.json does not deploy the package of {release.tag}"
    for name, before in _VERSIONS.items():
        if f"{before}{release.tag.removeprefix('v')}" not in (root / name).read_text("utf-8"):
            yield f"{name} has another version"
    for name in _PINNED:
        text = (root / name).read_text("utf-8")
        yield from (f"{name} names {placeholder}" for placeholder in _PLACEHOLDERS if placeholder in text)
    if release.button not in (root / "README.md").read_text("utf-8"):
        yield "README.md has no button for this release"
    if release.docs not in (root / "createUiDefinition.json").read_text("utf-8"):
        yield "the wizard does not lead to the docs of this release"


def main(arguments: Sequence[str] | None = None) -> None:
    """Write or check the release in this folder."""
    parser = argparse.ArgumentParser(prog="release", description="Turn a copy of the repository into a release.")
    parser.add_argument("tag", help="its version, such as v1.2.3")
    parser.add_argument("repository", help="owner/name on GitHub")
    parser.add_argument("--check", action="store_true", help="check what was written, and print the button")
    asked = parser.parse_args(arguments)
    release = Release(asked.repository, asked.tag)
    if of({"parameters": {"packageUri": {"defaultValue": release.package}}}) != release:
        raise CommandError("The version must be like v1.2.3, and the repository like owner/name.")
    if not asked.check:
        write(Path(), release)
        return
    if found := list(problems(Path(), release)):
        raise CommandError("This is no release: " + "; ".join(found) + ".")
    print(f"{release.button}\n")


if __name__ == "__main__":
    try:
        main()
    except CommandError as error:
        sys.exit(str(error))
