"""Which webhooks of GitHub lead to this bridge: those of the repositories and organizations that the settings name."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from bridge.fields import dig, objects
from bridge.github_deliveries.client import GithubClient, GithubError, Limited, NotThere, TokenRefused
from bridge.github_deliveries.state import Hook

_APP = Hook("/app/hook", "the GitHub App")
_WEBHOOKS = "/api/webhooks/"
_MOST_PAGES = 5  # of the webhooks of one owner
_MOST_REPOSITORIES = 100


@dataclass(frozen=True)
class Found:
    """The webhooks that were found, and what is wrong: a sentence each, with what helps.

    unsure: the owners of whom GitHub could say nothing this time.
    """

    hooks: tuple[Hook, ...] = ()
    problems: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()


def find_hooks(client: GithubClient, owners: Sequence[str], public_url: str) -> Found:
    """The webhooks of owners (`contoso/pump`, `contoso`); without owners those of all repositories of the token.

    public_url: of this bridge; empty: any URL with the bridge's path counts. Raises Limited and TokenRefused, with
    which nothing can be found at all.
    """
    named = tuple(owners)
    hooks: list[Hook] = []
    problems: list[str] = []
    unsure: list[str] = []
    if not named:
        owners, more = _repositories(client)
        problems += more
    for owner in owners:
        try:
            found = list(_of_owner(client, owner, public_url))
        except (Limited, TokenRefused):
            raise
        except NotThere as error:
            problems.append(f"{error} {_advice(owner)}")
            continue
        except GithubError as error:
            problems.append(str(error))
            unsure.append(owner)
            continue
        if named and not found:
            problems.append(f"{owner} has no webhook that leads to this bridge: add one, or remove it from {_SETTING}.")
        hooks += found
    if not (named or hooks or problems):
        problems.append(f"The token sees no webhook that leads to this bridge: {_NAME_THEM}")
    return Found(tuple(hooks), tuple(problems[:_MOST_PROBLEMS]), tuple(unsure))


_MOST_PROBLEMS = 10
_SETTING = "BRIDGE_GITHUB_HOOKS"
_NAME_THEM = (
    f"name the repositories and organizations with webhooks in {_SETTING}, and give the token their *Webhooks*."
)


def app_hook(client: GithubClient, public_url: str) -> Found:
    """The webhook of the app: https://docs.github.com/rest/apps/webhooks#get-a-webhook-configuration-for-an-app."""
    url = dig(client.get("/app/hook/config").content, "url")
    if leads_here(url, public_url):
        return Found((_APP,))
    return Found(
        problems=("The GitHub App's webhook does not lead to this bridge: correct its URL in the app's settings.",)
    )


def leads_here(url: str, public_url: str) -> bool:
    """Whether a webhook with that URL is for this bridge."""
    try:
        parts, here = urlsplit(url), urlsplit(public_url)
        is_same = not here.netloc or (parts.hostname, parts.port) == (here.hostname, here.port)
    except ValueError:
        return False
    return is_same and _WEBHOOKS in f"{parts.path}/"


def _of_owner(client: GithubClient, owner: str, public_url: str) -> Iterator[Hook]:
    kind = "repos" if "/" in owner else "orgs"
    path = f"/{kind}/{quote(owner, safe='/')}/hooks"
    for each in _all(client, f"{path}?per_page=100", _MOST_PAGES):
        number, url = each.get("id"), dig(each, "config.url")
        if isinstance(number, int) and each.get("active") is not False and leads_here(url, public_url):
            yield Hook(f"{path}/{number}", owner)


def _repositories(client: GithubClient) -> tuple[Sequence[str], Sequence[str]]:
    """The repositories of which the token may see the webhooks, and what is wrong."""
    page = client.get("/user/repos?per_page=100&sort=pushed")
    items = [each for each in page.content if isinstance(each, dict)] if isinstance(page.content, list) else []
    names = [dig(each, "full_name") for each in items if dig(each, "permissions.admin", False)]
    more = [f"The token sees more than {_MOST_REPOSITORIES} repositories: name those with webhooks in {_SETTING}."]
    return [name for name in names if name], more if page.following else []


def _all(client: GithubClient, path: str, most: int) -> Iterator[dict[str, Any]]:
    for _ in range(most):
        page = client.get(path)
        yield from (dict(each) for each in objects({"all": page.content}, "all"))
        if not page.following:
            return
        path = page.following


def _advice(owner: str) -> str:
    whose = "repository" if "/" in owner else "organization"
    return (
        f"Either {owner} does not exist, or the token lacks the {whose} permission *Webhooks* (read and write): "
        f"correct {_SETTING} or the token."
    )
