"""The wizard's page of services: how each authenticates its webhooks."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from bridge.sources import SOURCES
from bridge.sources.secrets import MADE_BY_THE_SERVICE
from tools.wizard_elements import ID, URL, Element, choice, info, password, section, text

# Characters that need no escaping in JSON or in settings. The secrets of all services consist of them.
_ONE = "[0-9A-Za-z+/=_.~-]{16,200}"
_SECRET = (f"^{_ONE}(,{_ONE})?$", "16 to 200 characters: letters, digits and + / = _ . ~ - (or <new>,<old>).")


class Access(NamedTuple):
    """A secret by which the bridge asks a service for something. rule: of its field, with what is said otherwise."""

    label: str
    tip: str
    rule: tuple[str, str]


# By their names among the secrets; each is in the section of its service, before its first underscore.
ACCESS: Mapping[str, Access] = {
    "github_token": Access(
        "GitHub token for requesting failed webhooks again",
        "A fine-grained token with Webhooks (read and write): docs/github-deliveries.md.",
        ("^[0-9A-Za-z_]{20,255}$", "The token as GitHub shows it."),
    ),
    "github_app_key": Access(
        "GitHub App private key, in base64",
        "The command base64 -w0 key.pem prints it; docs/github-deliveries.md says how to make an app.",
        ("^[0-9A-Za-z+/=]{500,10000}$", "The PEM file in base64, on one line."),
    ),
}
# Sections, each with its heading and sources; what is in none is in the last.
_SECTIONS: Mapping[str, tuple[str, Sequence[str]]] = {
    "github": ("GitHub", ("github",)),
    "code": (
        "Code hosts, builds and issues",
        (
            "gitlab",
            "azure_devops",
            "bitbucket",
            "bitbucket_server",
            "jira",
            "linear",
            "circleci",
            "sonarqube",
            "sentry",
            "snyk",
            "argo_cd",
            "flux",
            "terraform_cloud",
            "octopus_deploy",
        ),
    ),
    "azure": ("Azure and clouds", ("event_grid", "azure_container_registry", "gcp_monitoring")),
    "monitoring": (
        "Monitoring and alerts",
        (
            "alertmanager",
            "grafana",
            "datadog",
            "dynatrace",
            "new_relic",
            "zabbix",
            "checkmk",
            "netdata",
            "elastic",
            "falco",
            "uptime_kuma",
            "uptimerobot",
            "healthchecks",
            "better_stack",
        ),
    ),
    "incidents": (
        "Incidents and status",
        ("pagerduty", "opsgenie", "jira_service_management", "incident_io", "rootly", "freshstatus"),
    ),
    "others": ("Others", ()),
}


def elements() -> Sequence[Element]:
    """The page."""
    note = (
        "A secret authenticates a service's webhooks. Type one, or let the deployment make one, which it stores in a "
        "key vault. A service without a secret needs its function's key in the URL (?code=...), which "
        "the portal shows after the deployment. You can add services later."
    )
    return [
        info("servicesInfo", note, "services/README.md"),
        *(section(name, heading, list(_fields(name))) for name, (heading, _) in _SECTIONS.items()),
        text(
            "azureMonitorAudience",
            "Azure Monitor: client id for secure webhooks",
            "The app registration for which Azure Monitor's tokens are issued. Empty: use the function key.",
            rule=ID,
        ),
        text(
            "awsSnsTopics",
            "Amazon SNS: topics that may send",
            "Their ARNs, separated by commas. Empty: messages need the function key.",
            placeholder="arn:aws:sns:eu-west-1:123456789012:alerts",
        ),
        text(
            "githubHooks",
            "GitHub: repositories whose failed webhooks are delivered again",
            "Repositories and organizations; needs the GitHub token above. Empty: all repositories of the token.",
            placeholder="contoso/pump, contoso",
        ),
        text("githubAppId", "GitHub: id of an app whose failed webhooks are delivered again", "Needs its key above."),
        text(
            "githubApiUrl",
            "GitHub: URL of the API",
            "For an Enterprise Server. Empty: github.com.",
            placeholder="https://github.contoso.com/api/v3",
            rule=URL,
        ),
        choice(
            "keptIn",
            "Where secrets are kept",
            "In the key vault you can rotate them without a deployment.",
            {"vault": "In a key vault (recommended)", "settings": "In the settings of the app"},
            "vault",
        ),
    ]


def outputs() -> Mapping[str, str]:
    """The parameters that this page makes."""
    typed, made, kept = [], [], []
    for name, how, secret in _paths():
        value = f"if(equals({how}, 'typed'), coalesce({secret}, ''), '')"
        typed.append(f"""'"{name}":"', {value}, '"'""")
        made.append(f"""if(equals({how}, 'made'), ',"{name}"', '')""")
        kept.append(f"""if(equals({how}, 'kept'), ',"{name}"', '')""")
    return {
        "webhookSecrets": "[parse(concat('{', " + ", ',', ".join(typed) + ", '}'))]",
        # The first, empty one makes the commas right; the template leaves it out.
        "generatedSecrets": "[parse(concat('[\"\"', " + ", ".join(made) + ", ']'))]",
        "keptSecrets": "[parse(concat('[\"\"', " + ", ".join(kept) + ", ']'))]",
        "azureMonitorAudience": "[coalesce(steps('services').azureMonitorAudience, '')]",
        "awsSnsTopics": "[coalesce(steps('services').awsSnsTopics, '')]",
        **{
            name: f"[coalesce(steps('services').{name}, '')]" for name in ("githubHooks", "githubAppId", "githubApiUrl")
        },
        "useKeyVault": "[equals(steps('services').keptIn, 'vault')]",
    }


def sources() -> Mapping[str, Sequence[str]]:
    """The sources of each section that can have a secret."""
    rest = {name for name, source in SOURCES.items() if source.verifier}
    for _, names in _SECTIONS.values():
        rest -= set(names)
    others = sorted(rest, key=lambda name: SOURCES[name].title.lower())
    return {section: names or others for section, (_, names) in _SECTIONS.items()}


def _paths() -> Iterator[tuple[str, str, str]]:
    for part, names in sources().items():
        for name in names:
            path = f"steps('services').{part}.{name}"
            yield name, f"{path}_how", path
        for name in _access(part):
            path = f"steps('services').{part}.{name}"
            yield name, f"{path}_how", path


def _access(part: str) -> Sequence[str]:
    return [name for name in ACCESS if name.partition("_")[0] == part]


def _fields(part: str) -> Iterator[Element]:
    for name in sources()[part]:
        title = SOURCES[name].title
        how = {"none": "Not used, or with a function key", "typed": "Type a secret"}
        if name not in MADE_BY_THE_SERVICE:
            how["made"] = "Let the deployment make a secret"
        how["kept"] = "Keep the secret that is in the key vault"
        page = f"docs/services/{name}.md"
        tip = f"How {title} authenticates its webhooks: {page} says where to enter or find its secret."
        yield choice(f"{name}_how", title, tip, how, "none")
        visible = f"[equals(steps('services').{part}.{name}_how, 'typed')]"
        yield password(
            name,
            f"{title} webhook secret",
            f"Where {title} takes or shows it: {page}. During a rotation: <new>,<old>.",
            _SECRET,
            visible,
        )
    for name in _access(part):
        access = ACCESS[name]
        how = {"none": "Not used", "typed": "Paste it", "kept": "Keep the one that is in the key vault"}
        yield choice(f"{name}_how", access.label, access.tip, how, "none")
        yield password(
            name, access.label, access.tip, access.rule, f"[equals(steps('services').{part}.{name}_how, 'typed')]"
        )
