"""Mistakes that stop nothing and that nothing else reports: names that no event, source or setting has.

Each is a sentence with the name that was meant, for doctor, explain, preview and the local page.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import chain

from bridge.app import Bridge
from bridge.configuration import Configuration
from bridge.receiving import route_mistakes
from bridge.rendering.renderer import Renderer
from bridge.rendering.template_names import Fields
from bridge.settings import TABLE
from bridge.settings.conversions import file_of
from bridge.sources.known_names import Names, names_of, paths_of
from bridge.spelling import hint
from bridge.values import dataclass

_PREFIX = "BRIDGE_"
_OF_SOURCE = re.compile(r"BRIDGE_([A-Z0-9_]+)_(SECRET|NETWORKS)")
# Settings of the local host, and of the deployment, which a shell may have beside those of the app.
LOCAL = frozenset({"BRIDGE_LOCAL_PERMISSIONS", "BRIDGE_LOCAL_PROCESSES", "BRIDGE_LOCAL_TUNNEL"})
DEPLOYMENT = frozenset(
    f"BRIDGE_{name}"
    for name in [
        "ACCOUNT",
        "ADMIN_KEY",
        "AGENT_USER",
        "ALERT_EMAIL",
        "ALWAYS_READY",
        "ALWAYS_READY_PUBLISH",
        "APP",
        "AVAILABILITY_TEST",
        "BUDGET_START",
        "CONFIG_BASE64",
        "INSTANCE_MEMORY",
        "KEY_VAULT",
        "MONTHLY_BUDGET",
        "NETWORK_ADDRESSES",
        "NEXT_COMMAND",
        "PRINCIPAL_ID",
        "PRIVATE_NETWORK",
        "RECOVER_VAULTS",
        "REQUESTS_PER_INSTANCE",
        "SECRETS_OFFICER",
        "SECRETS_VAULT",
        "SPONSOR",
        "UPDATE_STRATEGY",
        "URL",
        "WEBHOOKS",
        "ZONE_REDUNDANT",
    ]
)


@dataclass(frozen=True)
class Mistake:
    """subject: `settings`, `routes`, `expectations`, `summaries` or `templates`. text: without its full stop."""

    subject: str
    text: str


def mistakes(bridge: Bridge, env: Mapping[str, str]) -> list[Mistake]:
    """Everything of the kind. env: the environment that the settings were read from."""
    settings = (*unknown_settings(bridge.configuration, env), *_without_effect(bridge.configuration))
    return [*(Mistake("settings", text) for text in settings), *in_files(bridge.configuration, bridge.renderer)]


def in_files(configuration: Configuration, renderer: Renderer) -> list[Mistake]:
    """Those in routes, expectations, summaries and templates."""
    return [
        *(Mistake("routes", text) for text in _of_routes(configuration)),
        *(Mistake("expectations", text) for text in _of_expectations(configuration)),
        *(Mistake("summaries", text) for text in _of_summaries(configuration)),
        *(Mistake("templates", text) for text in renderer.unknown_names(_Fields(configuration).of)),
    ]


def _without_effect(configuration: Configuration) -> Iterator[str]:
    """Settings that another one makes useless."""
    settings = configuration.settings
    if settings.image_hosts and not settings.has_pictures:
        yield "BRIDGE_IMAGE_HOSTS has no effect: BRIDGE_PICTURES shows no pictures in this channel (`all` does)"


def unknown_settings(configuration: Configuration, env: Mapping[str, str]) -> Iterator[str]:
    """Settings that the bridge does not have, and secrets of sources that have none."""
    sources = configuration.sources
    secrets = {f"BRIDGE_{name.upper()}_SECRET": name for name in sources}
    others = {*TABLE, *LOCAL, *(f"BRIDGE_{name.upper()}_NETWORKS" for name in sources)}

    def is_known(name: str) -> bool:
        return name in others or (name in secrets and sources[secrets[name]].verifier is not None)

    unknown = [name for name in sorted(env) if name.startswith(_PREFIX) and env[name].strip()]
    unknown = [name for name in unknown if name not in DEPLOYMENT and not is_known(name)]
    # Only a hint needs every source, and importing them takes longer than all else at the start.
    ends = {name.removeprefix(_PREFIX) for name in (*others, *filter(is_known, secrets))} if unknown else ()
    for name in unknown:
        match = _OF_SOURCE.fullmatch(name)
        what = "belongs to no source that has a secret" if match else "is no setting of the bridge"
        yield f"{name} {what}{hint(name.removeprefix(_PREFIX), ends, _PREFIX)}"


def _of_routes(configuration: Configuration) -> Iterator[str]:
    for number, route in enumerate(configuration.routes.routes, 1):
        yield from _of_expression(configuration, f"route {number}", route.when, route.line)


def _of_expectations(configuration: Configuration) -> Iterator[str]:
    for each in configuration.expectations:
        yield from _of_expression(configuration, f"the expectation {each.name}", each.when, each.line)


def _of_summaries(configuration: Configuration) -> Iterator[str]:
    for each in configuration.summaries:
        find = route_mistakes.summary_mistakes
        yield from _of_expression(configuration, f"the summary {each.name}", each.when, each.line, find)


def _of_expression(
    configuration: Configuration,
    whose: str,
    when: str,
    line: int,
    find: Callable[[str, Mapping[str, Names]], list[str]] = route_mistakes.mistakes,
) -> Iterator[str]:
    known = {name: names_of(source) for name, source in configuration.sources.items()}
    where = f" (line {line} of {file_of(configuration.settings.config) or 'BRIDGE_CONFIG'})" if line else ""
    yield from (f"{whose}{where}: `{when}`: {text}" for text in find(when, known))


class _Fields:
    """The names that the events of each source have, read when the first template asks for them."""

    def __init__(self, configuration: Configuration) -> None:
        self._sources = configuration.sources
        self._known: dict[str, Fields] = {}

    def of(self, template: str) -> Fields:
        """Those of the source in whose folder the template is; without a folder, those of all sources."""
        name = template.partition("/")[0] if "/" in template else ""
        if name not in self._known:
            self._known[name] = self._of_source(name) if name in self._sources else self._of_all()
        return self._known[name]

    def _of_source(self, name: str) -> Fields:
        source = self._sources[name]
        names = names_of(source)
        return Fields(names.attributes, names.details, paths_of(source), names.actions)

    def _of_all(self) -> Fields:
        names = [names_of(source) for source in self._sources.values()]
        return Fields(
            frozenset(chain.from_iterable(one.attributes for one in names)),
            frozenset(chain.from_iterable(one.details for one in names)),
            actions=frozenset(chain.from_iterable(one.actions for one in names)),
        )
