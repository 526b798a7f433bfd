"""Regenerate everything in the repository that repeats the code: `make docs`.

The gallery is not committed; `make docs` builds it with tools.gallery.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from bridge.sources import SOURCES
from tools import (
    cli_page,
    cost_page,
    deployment,
    known_names,
    look_page,
    reference_pages,
    releases,
    scanner_page,
    services_page,
    site,
    template_tables,
    terraform,
)

# The generated files, each with the function that brings its text up to date.
GENERATED: Mapping[str, Callable[[str], str]] = {
    "bridge/sources/known_names.json": known_names.table,
    "README.md": releases.readme,
    "docs/deploy.md": lambda text: cost_page.with_costs(scanner_page.with_findings(releases.guide(text))),
    "docs/services/README.md": services_page.with_services,
    **{f"docs/services/{name}.md": partial(services_page.page, source) for name, source in SOURCES.items()},
    "docs/cli.md": cli_page.with_commands,
    "zensical.toml": site.with_services,
    "docs/templates.md": template_tables.with_tables,
    "docs/settings.md": reference_pages.with_settings,
    "docs/expressions.md": reference_pages.with_names,
    "docs/log.md": reference_pages.with_fields,
    "docs/look.md": look_page.with_posts,
    "azuredeploy.json": deployment.template,
    "createUiDefinition.json": deployment.wizard,
    "infra/main.bicep": deployment.bicep,
    "infra/main.parameters.json": deployment.parameters,
    "infra/terraform/variables.tf": terraform.variables,
    "infra/terraform/parameters.tf": terraform.parameters,
    "infra/terraform/outputs.tf": terraform.outputs,
    "infra/terraform/README.md": terraform.page,
}


def regenerate(root: Path) -> list[str]:
    """Bring the files of the repository at `root` up to date; return the names of those that have changed."""
    changed = []
    for name, current in GENERATED.items():
        path = root / name
        before = path.read_text("utf-8") if path.exists() else ""
        after = current(before)
        if after != before:
            path.write_text(after, "utf-8")
            changed.append(name)
    return changed


def main(arguments: Sequence[str] | None = None) -> None:
    """Regenerate the files of a repository and print the names of those that have changed."""
    parser = argparse.ArgumentParser(prog="docs", description="Regenerate all files that repeat the code.")
    parser.add_argument("root", type=Path, nargs="?", default=Path(), help="the repository (default: this folder)")
    changed = regenerate(parser.parse_args(arguments).root)
    print(f"Changed: {', '.join(changed)}." if changed else "All generated files are up to date.")


if __name__ == "__main__":
    main()
