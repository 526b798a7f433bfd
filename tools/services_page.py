"""docs/services: a page for each service, from the docs.md in its folder, and the list of all of them."""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from bridge.files import ROOT
from bridge.sources import SOURCES
from bridge.sources.base import Source
from bridge.verification.verifier import SecretVerifier
from tools.marks import between
from tools.service_kinds import KINDS, SHOWN

FOLDER = Path("docs/services")
_RELATIVE_LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)(#[\w-]+)?\)")
_LISTED = 12  # names of samples at most
# Where there is more to say of it than a verifier does.
_PUBLISHED = {
    "aws_sns": "the signature of SNS, or the function key in the URL",
    "azure_monitor": "a token of Entra, or the function key in the URL",
}


def page(source: Source, _before: str) -> str:
    """The page of a service: its docs.md, with links that lead to the same from docs/services, and its samples."""
    folder = source.samples.parent
    text = moved(folder.joinpath("docs.md").read_text("utf-8"), folder, ROOT / FOLDER).rstrip()
    first, *_ = shown(source)
    others = sorted(path.stem for path in source.samples.glob("*.json") if path.stem != first)
    where = f"../../bridge/sources/{folder.name}/samples"
    listed = ", ".join(f"`{name}`" for name in others)
    more = (
        f"There are [{len(others)} more samples]({where})" if len(others) > _LISTED else f"The other samples: {listed}"
    )
    return (
        f"{text}\n\n## See its posts\n\nYou do not need the service for this. The first command opens a post in the "
        "browser; the second sends the webhook to\n`make run`, signed as the service signs it.\n\n```sh\n"
        f".venv/bin/python -m bridge preview {source.name} {first} --open\n"
        f".venv/bin/python -m bridge send {source.name} {first}\n```\n"
        f"{f'{chr(10)}{more}.{chr(10)}' if others else ''}\n"
        f"<!-- Written by `make docs` from bridge/sources/{folder.name}/docs.md. -->\n"
    )


def shown(source: Source) -> Sequence[str]:
    """The samples that show best what its posts look like."""
    names = sorted(path.stem for path in source.samples.glob("*.json"))
    return SHOWN.get(source.name) or names[:3]


def moved(text: str, before: Path, after: Path) -> str:
    """The text with its links, which are relative to one folder, relative to another one."""

    def link(found: re.Match[str]) -> str:
        target = (before / found[1]).resolve()
        if target.name == "docs.md":
            target = ROOT / FOLDER / f"{target.parent.name}.md"
        return f"]({Path(os.path.relpath(target, after)).as_posix()}{found[2] or ''})"

    return _RELATIVE_LINK.sub(link, text)


def with_services(text: str) -> str:
    """docs/services/README.md with a table for each kind of service."""
    return between(text, "services", "\n".join(_tables()))


def kinds() -> Iterator[tuple[str, Sequence[Source]]]:
    """Each kind with its services, by their titles."""
    known = {name for names in KINDS.values() for name in names}
    for kind, names in KINDS.items():
        named = names or [name for name in SOURCES if name not in known]
        yield kind, sorted((SOURCES[name] for name in named), key=lambda source: source.title.lower())


def _tables() -> Iterator[str]:
    for kind, sources in kinds():
        yield f"\n### {kind}\n\n| service | URL | how its webhooks are authenticated |\n|---|---|---|"
        for source in sources:
            how = _PUBLISHED.get(source.name) or _words(source.verifier)
            yield f"| [{source.title}]({source.name}.md) | `/api/webhooks/{source.path}` | {how} |"
    yield ""


def _words(verifier: SecretVerifier | None) -> str:
    """How a service authenticates, each way once."""
    if verifier is None:
        return "the function key in the URL"
    scheme = verifier.describe().replace("the secret in Authorization after Bearer", "a bearer token")
    *others, last = dict.fromkeys(scheme.split(" or "))
    return f"{', '.join(others)} or {last}" if others else last
