"""Where GitHub shows what has no address of its own in the payload, made from the repository's or organization's.

The paths are those of github.com, which GitHub Enterprise Server has, too.
"""

from collections.abc import Callable, Mapping
from urllib.parse import quote, urlsplit

from bridge.fields import Payload, dig, first
from bridge.rendering.links import safe_url
from bridge.sources import kit

_Page = Callable[[Payload], str]
_CALLBACK = "/deployment_protection_rule"


def page_of(name: str, payload: Payload) -> tuple[str, str]:
    """The address that an event of this kind leads to, with the words of its button; empty where it is not known."""
    text, find = _PAGES.get(name, ("", _nowhere))
    url = safe_url(find(payload))
    return (url, text) if url else ("", "")


def _nowhere(_: Payload) -> str:
    return ""


def _of_repository(path: str) -> _Page:
    def page(payload: Payload) -> str:
        home = dig(payload, "repository.html_url")
        return f"{home}/{path}" if home else ""

    return page


def _queue(payload: Payload) -> str:
    branch = dig(payload, "merge_group.base_ref").removeprefix("refs/heads/")
    return _of_repository(f"queue/{quote(branch)}")(payload) if branch else ""


def _workflow(payload: Payload) -> str:
    folder, _, file = dig(payload, "workflow").rpartition("/")
    is_file = folder == ".github/workflows" and file
    return _of_repository(f"actions/workflows/{quote(file)}" if is_file else "actions")(payload)


def _waiting_run(payload: Payload) -> str:
    """The run that waits, from the address at which the rule's app answers."""
    path = urlsplit(dig(payload, "deployment_callback_url")).path.removesuffix(_CALLBACK)
    run = path.rpartition("/actions/runs/")[2]
    return _of_repository(f"actions/runs/{run}")(payload) if run.isdecimal() else ""


def _site(payload: Payload) -> str:
    """The server, from the address of somebody whom the payload names."""
    found = urlsplit(first(payload, ("organization.html_url", "sender.html_url")))
    return f"{found.scheme}://{found.netloc}" if found.netloc else ""


def _project(payload: Payload) -> str:
    site, owner = _site(payload), dig(payload, "organization.login")
    number = kit.id_at(payload, "projects_v2.number", "changes.field_value.project_number")
    return f"{site}/orgs/{quote(owner)}/projects/{quote(number)}" if site and owner and number else ""


def _token_requests(payload: Payload) -> str:
    site, owner = _site(payload), dig(payload, "organization.login")
    return f"{site}/organizations/{quote(owner)}/settings/personal-access-token-requests" if site and owner else ""


def _global_advisory(payload: Payload) -> str:
    """The database of advisories is one for all, at github.com."""
    known = dig(payload, "security_advisory.ghsa_id")
    return f"https://github.com/advisories/{quote(known)}" if known.startswith("GHSA-") else ""


_PAGES: Mapping[str, tuple[str, _Page]] = {
    "branch_protection_configuration": ("Open the branch settings", _of_repository("settings/branches")),
    "branch_protection_rule": ("Open the branch settings", _of_repository("settings/branches")),
    "deploy_key": ("Open the deploy keys", _of_repository("settings/keys")),
    "deployment_protection_rule": ("Review the deployment", _waiting_run),
    "gollum": ("Open the wiki", _of_repository("wiki")),
    "label": ("Open the labels", _of_repository("labels")),
    "merge_group": ("Open the merge queue", _queue),
    "meta": ("Open the webhooks", _of_repository("settings/hooks")),
    "personal_access_token_request": ("Review the requests", _token_requests),
    "projects_v2": ("Open the project", _project),
    "projects_v2_item": ("Open the project", _project),
    "repository_dispatch": ("Open the workflow runs", _of_repository("actions")),
    "secret_scanning_scan": ("Open the secret scanning alerts", _of_repository("security/secret-scanning")),
    "security_advisory": ("Open the advisory", _global_advisory),
    "security_and_analysis": ("Open the security settings", _of_repository("settings/security_analysis")),
    "workflow_dispatch": ("Open the workflow", _workflow),
}
