"""A GitHub App that sends its webhooks to this bridge, made from a manifest in one visit of a browser.

https://docs.github.com/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

from bridge.fields import dig
from bridge.github_deliveries.client import VERSION, GithubError

GITHUB = "https://github.com"
_TIMEOUT = 30  # seconds
# What an app may read, and the events that it then gets:
# https://docs.github.com/rest/authentication/permissions-required-for-github-apps
_PERMISSIONS: Mapping[str, tuple[str, ...]] = {
    "metadata": ("label", "repository", "star", "public"),
    "contents": ("push", "create", "delete", "commit_comment", "fork", "gollum", "release"),
    "issues": ("issues", "issue_comment", "milestone"),
    "pull_requests": (
        *("pull_request", "pull_request_review", "pull_request_review_comment", "pull_request_review_thread"),
    ),
    "actions": ("workflow_run",),
    "checks": ("check_run", "check_suite"),
    "statuses": ("status",),
    "deployments": ("deployment", "deployment_status"),
    "discussions": ("discussion", "discussion_comment"),
    "security_events": ("code_scanning_alert",),
    "vulnerability_alerts": ("dependabot_alert",),
    "secret_scanning_alerts": ("secret_scanning_alert",),
}


@dataclass(frozen=True)
class GithubApp:
    """An app that was made. page: its address. key: its private key. secret: of its webhooks."""

    id: str
    name: str
    page: str
    key: str = field(repr=False)
    secret: str = field(repr=False)


def manifest(name: str, url: str, redirect: str) -> Mapping[str, Any]:
    """What is asked of GitHub. url: of this bridge. redirect: where GitHub sends the browser back."""
    return {
        "name": name,
        "url": url,
        "description": "Sends what happens to the webhook bridge, which posts it to a Microsoft 365 group.",
        "hook_attributes": {"url": f"{url}/api/webhooks/github", "active": True},
        "redirect_url": redirect,
        "public": False,
        "default_permissions": dict.fromkeys(_PERMISSIONS, "read"),
        "default_events": sorted(event for events in _PERMISSIONS.values() for event in events),
    }


def new_app_page(github: str, organization: str, state: str) -> str:
    """The page of GitHub to which the manifest is sent. organization: that owns the app; empty: the person."""
    owner = f"organizations/{organization}/settings" if organization else "settings"
    return f"{github}/{owner}/apps/new?state={state}"


def convert(api: str, code: str) -> GithubApp:
    """Redeems the code with which GitHub sends the browser back; it is good for an hour, and once."""
    headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": VERSION}
    try:
        answer = requests.post(
            f"{api}/app-manifests/{code}/conversions", headers=headers, timeout=_TIMEOUT, allow_redirects=False
        )
        content = answer.json()
    except (requests.RequestException, ValueError) as error:
        raise GithubError(f"GitHub did not make the app: {type(error).__name__}.") from None
    if answer.status_code != 201:
        raise GithubError(f"GitHub did not make the app: it answered {answer.status_code}.", answer.status_code)
    made = GithubApp(
        id=str(content.get("id", "")),
        name=dig(content, "slug") or dig(content, "name"),
        page=dig(content, "html_url"),
        key=dig(content, "pem"),
        secret=dig(content, "webhook_secret"),
    )
    if not (made.id and made.key and made.secret):
        raise GithubError("GitHub made the app, but its answer lacks the key or the secret: make them in its settings.")
    return made
