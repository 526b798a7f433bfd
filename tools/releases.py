"""What names the release: the addresses of its files, and the texts that depend on whether there is one.

The template says which release a copy of the repository is: the default of its `packageUri` is the package of that
release. On a branch it is empty.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TEMPLATE = Path(__file__).parents[1] / "azuredeploy.json"
MARKS = "<!-- release -->\n", "<!-- end of release -->\n"
_PACKAGE = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+)/releases/download/(v\d+\.\d+\.\d+)/released-package\.zip")
_PORTAL = "https://portal.azure.com/#create/Microsoft.Template/uri/{}/createUIDefinitionUri/{}"
_PICTURE = "https://aka.ms/deploytoazurebutton"


@dataclass(frozen=True)
class Release:
    """A release of a repository on GitHub (owner/name), by its tag."""

    repository: str
    tag: str

    @property
    def package(self) -> str:
        """The address of its package."""
        return f"https://github.com/{self.repository}/releases/download/{self.tag}/released-package.zip"

    @property
    def docs(self) -> str:
        """The folder of its docs on GitHub."""
        return f"https://github.com/{self.repository}/blob/{self.tag}/docs"

    @property
    def button(self) -> str:
        """The button that opens its wizard in the portal, in Markdown."""
        files = f"https://raw.githubusercontent.com/{self.repository}/{self.tag}"
        escaped = (
            f"{files}/{name}".replace(":", "%3A").replace("/", "%2F")
            for name in ("azuredeploy.json", "createUiDefinition.json")
        )
        return f"[![Deploy to Azure]({_PICTURE})]({_PORTAL.format(*escaped)})"

    @property
    def codespace(self) -> str:
        """The badge that opens the running bridge in a browser, in Markdown."""
        badge = "https://github.com/codespaces/badge.svg"
        return f"[![Open in GitHub Codespaces]({badge})](https://codespaces.new/{self.repository})"


def current() -> Release | None:
    """The release that this copy of the repository is; None on a branch."""
    return of(json.loads(TEMPLATE.read_text("utf-8")))


def of(template: Mapping[str, Any]) -> Release | None:
    """The release that a template deploys."""
    match = _PACKAGE.fullmatch(template["parameters"]["packageUri"]["defaultValue"])
    return Release(match[1], match[2]) if match else None


def readme(text: str) -> str:
    """README.md with the button of the release, or with the way to the first one."""
    release = current()
    if release:
        words = (
            f"{release.button} {release.codespace}\n\nThe first button deploys the release {release.tag} of "
            f"{release.repository}; the second one tries it in a browser.\n"
        )
    else:
        words = (
            "The button is on the page of [this repository's latest release](../../releases/latest), and deploys "
            "exactly that release.\n**A new fork has no release.** To make one: *Actions, Release, Run workflow*, "
            "version `v1.0.0`. [What that does](docs/deploy.md#make-a-release).\n"
        )
    return _between(text, words)


def guide(text: str) -> str:
    """docs/deploy.md with the repository and the version that its commands use."""
    release = current() or Release("<owner>/<repository>", "<version>")
    return _between(text, f"```sh\nrepository={release.repository}\nversion={release.tag}\n```\n")


def _between(text: str, words: str) -> str:
    before, _, rest = text.partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    return f"{before}{MARKS[0]}{words}{MARKS[1]}{after}"
