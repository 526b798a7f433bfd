"""What happens to code and to the repository that holds it: pushes, releases, packages, its life, its friends."""

from collections.abc import Mapping

from bridge.events import Severity
from bridge.fields import Payload, dig
from bridge.sources.github.kind import Kind
from bridge.sources.github.words import always, by_action, called, named, push_title, ref_title, times


def _commit(payload: Payload) -> str:
    return f"Commit {dig(payload, 'comment.commit_id')[:7]}".strip()


def _forced(payload: Payload) -> Severity:
    """Who rewrites the default branch may take commits from others."""
    default = f"refs/heads/{dig(payload, 'repository.default_branch')}"
    rewritten = dig(payload, "forced", False) and dig(payload, "ref") == default
    return Severity.WARNING if rewritten else Severity.INFO


def _package(thing: str) -> Kind:
    return Kind(
        title=named("Package", f"{thing}.name"),
        urls=(f"{thing}.package_version.html_url", f"{thing}.html_url"),
        times=times(f"{thing}.package_version", thing),
        severity=by_action(published=Severity.SUCCESS),
        labels=(
            ("Version", f"{thing}.package_version.version"),
            ("Type", f"{thing}.package_type"),
            ("Tag", f"{thing}.package_version.container_metadata.tag.name"),
            ("From", f"{thing}.package_version.target_commitish"),
            ("Description", f"{thing}.description"),
        ),
    )


CODE: Mapping[str, Kind] = {
    "push": Kind(
        title=push_title,
        urls=("compare",),
        times=("repository.pushed_at", "head_commit.timestamp"),
        severity=_forced,
    ),
    "create": Kind(title=ref_title, times=("repository.pushed_at",)),
    "delete": Kind(title=ref_title, times=("repository.pushed_at",)),
    "commit_comment": Kind(title=_commit, urls=("comment.html_url",), times=times("comment")),
    "release": Kind(
        title=named("Release", "release.name", "release.tag_name"),
        times=("release.published_at", "release.created_at"),
        urls=("release.html_url",),
        labels=(("Tag", "release.tag_name"), ("From", "release.target_commitish")),
        thing="release",
    ),
    "package": _package("package"),
    "registry_package": _package("registry_package"),
    "repository": Kind(
        title=called("Repository"),
        times=times("repository"),
        severity=by_action(deleted=Severity.WARNING, publicized=Severity.WARNING, transferred=Severity.WARNING),
        labels=(("About", "repository.description"), ("Visibility", "repository.visibility")),
        thing="repository",
    ),
    "public": Kind(title=called("Repository"), severity=always(Severity.WARNING)),
    "repository_import": Kind(title=called("Repository"), labels=(("Result", "status"),)),
    "repository_dispatch": Kind(title=named("Dispatch of", "action"), labels=(("Branch", "branch"),)),
    "custom_property_values": Kind(
        title=called("Repository"),
    ),
    "workflow_dispatch": Kind(
        title=lambda payload: f"Workflow {dig(payload, 'workflow').split('/')[-1] or 'run'} by hand",
    ),
    "star": Kind(title=called("Stars"), times=("starred_at",)),
    "watch": Kind(title=called("Stars")),
    "fork": Kind(title=named("Fork", "forkee.full_name"), urls=("forkee.html_url",), times=("forkee.created_at",)),
    "gollum": Kind(title=called("Wiki")),
}
