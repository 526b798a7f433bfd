"""The docs as a site in build/site: `make site`.

Pages are copied to build/site-source, where links to files that the site does not have lead to the repository, and the
pages of services show their posts. Zensical builds the site, and fails at a link that leads nowhere. Nothing on it
comes from another host.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path

from bridge.files import ROOT
from bridge.sources import SOURCES
from bridge.sources.base import Source
from tools.look_page import entry
from tools.marks import between
from tools.services_page import kinds, shown

SOURCE, SITE = ROOT / "build/site-source", ROOT / "build/site"
_REQUIREMENTS = ROOT / "docs/requirements.txt"
# Pages from elsewhere in the repository, with their names on the site.
_ELSEWHERE: Mapping[str, str] = {
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "infra/terraform/README.md": "terraform.md",
}
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\]|`[^`]*`)*)\]\((?!https?:|mailto:|#)([^)#\s]+)(#[\w-]+)?\)")
_CODE = re.compile(r"(^ *```.*?^ *```)", re.MULTILINE | re.DOTALL)
_ASSET = re.compile(
    r"<(?:script|img|iframe|source|link)\b[^>]*?\b(?:src|href)=[\"']?((?:https?:)?//[^\"'\s>]+)", re.IGNORECASE
)
_LOADED_BY_CSS = re.compile(r"(?:url\(|@import)\s*[\"']?((?:https?:)?//[^\"')\s]+)")


def with_services(text: str) -> str:
    """zensical.toml with the page of each service in its navigation."""
    lines = []
    for kind, sources in kinds():
        pages = "".join(f'      "services/{source.name}.md",\n' for source in sources)
        lines.append(f'    {{ "{kind}" = [\n{pages}    ] }},\n')
    return between(text, "services", f"{''.join(lines)}    # ")


def stage(repository: str = "", ref: str = "main") -> None:
    """Copy the pages and pictures of the docs, with their links, to build/site-source."""
    shutil.rmtree(SOURCE, ignore_errors=True)
    shutil.copytree(ROOT / "docs", SOURCE)
    shutil.copytree(ROOT / "tools/site_assets", SOURCE / "site_assets")
    pages = {path: SOURCE / path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")}
    pages |= {ROOT / name: SOURCE / target for name, target in _ELSEWHERE.items()}
    address = f"https://github.com/{repository}/blob/{ref}" if repository else ""
    for path, target in pages.items():
        parts = _CODE.split(path.read_text("utf-8"))
        parts[::2] = [_linked(part, path.parent, target.parent, pages, address) for part in parts[::2]]
        target.write_text("".join(parts), "utf-8")
    for source in SOURCES.values():
        with (SOURCE / f"services/{source.name}.md").open("a", encoding="utf-8") as file:
            file.write(_posts(source))


def _linked(text: str, before: Path, after: Path, pages: Mapping[Path, Path], address: str) -> str:
    def link(found: re.Match[str]) -> str:
        mark, words, target, anchor = found[1], found[2], (before / found[3]).resolve(), found[4] or ""
        staged = pages.get(target) or (
            SOURCE / target.relative_to(ROOT / "docs")
            if target.is_file() and target.is_relative_to(ROOT / "docs")
            else None
        )
        if staged:
            return f"{mark}[{words}]({Path(os.path.relpath(staged, after)).as_posix()}{anchor})"
        return f"[{words}]({address}/{target.relative_to(ROOT).as_posix()}{anchor})" if address else words

    return _LINK.sub(link, text)


def _posts(source: Source) -> str:
    """The posts of a service as they look. Each is a tree of its own, which no style of the page reaches."""
    figures = "".join(_post(f"{source.name}/{name}") for name in shown(source))
    return f"\n{figures}" if figures else ""


def _post(name: str) -> str:
    made = entry(name)
    html = re.sub(r"\n\s*", "\n", made.html)
    frame = f'<div style="color:#201f1e;font:14px Calibri,Carlito,sans-serif;text-align:left">{html}</div>'
    title = f"<strong>{escape(made.topic)}</strong> · <code>{escape(name.partition('/')[2])}</code>"
    post = f'<div><template shadowrootmode="open">{frame}</template></div>'
    return f'\n<figure class="post" data-search-exclude><figcaption>{title}</figcaption>{post}</figure>\n'


def build() -> None:
    """Build build/site with Zensical, in an environment of its own; CalledProcessError if a link leads nowhere."""
    home = ROOT / ".venv-site"
    ready = home / "ready"
    if not ready.exists() or ready.read_text("utf-8") != _REQUIREMENTS.read_text("utf-8"):
        print("Setting up .venv-site (once)")
        venv.create(home, with_pip=True, clear=True)
        pip = ("-m", "pip", "install", "-qq", "--disable-pip-version-check", "-r", _REQUIREMENTS)
        subprocess.run([home / "bin/python", *pip], check=True)  # noqa: S603  our own list
        ready.write_text(_REQUIREMENTS.read_text("utf-8"), "utf-8")
    shutil.rmtree(SITE, ignore_errors=True)
    subprocess.run([home / "bin/zensical", "build", "--strict", "--clean"], cwd=ROOT, check=True)  # noqa: S603  our own


def foreign(site: Path) -> Iterator[str]:
    """Everything on the site that a browser would load from another host, as `page: address`."""
    for path in sorted(site.rglob("*")):
        if path.suffix in {".html", ".css"}:
            found = (_ASSET if path.suffix == ".html" else _LOADED_BY_CSS).findall(path.read_text("utf-8"))
            yield from (f"{path.relative_to(site)}: {address}" for address in dict.fromkeys(found))


def main(arguments: Sequence[str] | None = None) -> None:
    """Build the site, and fail where something of it comes from another host."""
    parser = argparse.ArgumentParser(prog="site", description="Build the site of the docs in build/site.")
    parser.add_argument("--repository", default=os.environ.get("GITHUB_REPOSITORY", ""), help="owner/name, for links")
    parser.add_argument("--ref", default=os.environ.get("GITHUB_REF_NAME", "main"), help="branch or tag, for links")
    asked = parser.parse_args(arguments)
    stage(asked.repository, asked.ref)
    try:
        build()
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
    if found := list(foreign(SITE)):
        sys.exit("The site loads from other hosts:\n" + "\n".join(found))
    print(f"{SITE.relative_to(ROOT)}/index.html is the start page of {len(list(SITE.rglob('*.html')))} pages.")


if __name__ == "__main__":
    main()
