"""The wizard's other pages: routes, plan, alerts, more settings, and what remains to be done."""

from collections.abc import Mapping, Sequence
from typing import Any

from tools.cost_page import default_memory, waiting
from tools.wizard_elements import ADDRESS, ID, URL, Element, choice, equal, info, lines, number, section, text

Parameters = Mapping[str, Mapping[str, Any]]

_ZONES = [
    "UTC",
    "Europe/London",
    "Europe/Dublin",
    "Europe/Lisbon",
    "Europe/Madrid",
    "Europe/Paris",
    "Europe/Brussels",
    "Europe/Amsterdam",
    "Europe/Berlin",
    "Europe/Zurich",
    "Europe/Vienna",
    "Europe/Rome",
    "Europe/Copenhagen",
    "Europe/Oslo",
    "Europe/Stockholm",
    "Europe/Prague",
    "Europe/Warsaw",
    "Europe/Budapest",
    "Europe/Athens",
    "Europe/Helsinki",
    "Europe/Bucharest",
    "Europe/Kyiv",
    "Europe/Istanbul",
    "Africa/Johannesburg",
    "Africa/Lagos",
    "Africa/Nairobi",
    "Africa/Cairo",
    "Asia/Jerusalem",
    "Asia/Riyadh",
    "Asia/Dubai",
    "Asia/Karachi",
    "Asia/Kolkata",
    "Asia/Dhaka",
    "Asia/Bangkok",
    "Asia/Jakarta",
    "Asia/Singapore",
    "Asia/Hong_Kong",
    "Asia/Shanghai",
    "Asia/Taipei",
    "Asia/Seoul",
    "Asia/Tokyo",
    "Australia/Perth",
    "Australia/Adelaide",
    "Australia/Brisbane",
    "Australia/Sydney",
    "Pacific/Auckland",
    "America/Sao_Paulo",
    "America/Argentina/Buenos_Aires",
    "America/Santiago",
    "America/Bogota",
    "America/Lima",
    "America/Mexico_City",
    "America/Halifax",
    "America/New_York",
    "America/Toronto",
    "America/Chicago",
    "America/Denver",
    "America/Phoenix",
    "America/Los_Angeles",
    "America/Vancouver",
    "America/Anchorage",
    "Pacific/Honolulu",
]
_HOSTS = (r"^[A-Za-z0-9*._:-]+(, *[A-Za-z0-9*._:-]+)*$", "Names of hosts, separated by commas.")
_TAGS = r"^[^=,\"\\]+=[^=,\"\\]*(,[^=,\"\\]+=[^=,\"\\]*)*$"


def routes() -> Sequence[Element]:
    """Routes, templates and times."""
    return [
        lines(
            "config",
            "Groups and routes (TOML)",
            "Which event goes to which group; config.example.toml has examples. Empty: everything goes to the default "
            "group. You can change it later, as the setting BRIDGE_CONFIG.",
            '[groups]\nplatform = "00000000-0000-0000-0000-000000000000"\n\n[[route]]\nwhen = "severity >= \'error\'"\n'
            'groups = ["platform"]',
        ),
        choice("timeZone", "Time zone", "Posts show times in this zone.", {zone: zone for zone in _ZONES}, "UTC"),
        text(
            "templates",
            "Folder of your templates",
            "Folder in your own package, searched before the bridge's templates. Empty: none.",
        ),
    ]


def _bounded(path: str, name: str, label: str, most: int, parameters: Parameters) -> Element:
    """A number with the default and the bounds of its parameter. most: where the parameter has no bound."""
    parameter = parameters[name]
    bounds = parameter["minValue"], parameter.get("maxValue", most)
    return number(path, name, label, parameter["metadata"]["description"], bounds, parameter["defaultValue"])


def plan(parameters: Parameters) -> Sequence[Element]:
    """Scale, updates, zones and the network."""

    def yes_no(name: str, label: str, yes: str) -> Element:
        tip = parameters[name]["metadata"]["description"]
        return choice(name, label, tip, {"no": "No", "yes": yes}, "no")

    return [
        section(
            "scale",
            "Scale",
            [
                choice(
                    "alwaysReady",
                    "Always-ready instances for webhooks",
                    parameters["alwaysReady"]["metadata"]["description"],
                    {
                        "0": "None: the first webhook after a quiet time waits for seconds",
                        "1": f"One ({waiting(1)}): for Sentry and PagerDuty, which do not wait",
                        "2": f"Two ({waiting(2)})",
                    },
                    "0",
                ),
                choice(
                    "alwaysReadyPublish",
                    "Always-ready instances for posting",
                    parameters["alwaysReadyPublish"]["metadata"]["description"],
                    {"0": "None", "1": f"One ({waiting(1)})", "2": f"Two ({waiting(2)})"},
                    "0",
                ),
                choice(
                    "instanceMemory",
                    "Memory of an instance",
                    parameters["instanceMemory"]["metadata"]["description"],
                    {
                        "512": "512 MB, a quarter of a processor",
                        "2048": "2048 MB, one processor: four times the price",
                        "4096": "4096 MB, two processors: eight times the price",
                    },
                    str(default_memory()),
                ),
                _bounded("steps('plan').scale", "maximumInstances", "Maximum instances", 1000, parameters),
                _bounded(
                    "steps('plan').scale",
                    "requestsPerInstance",
                    "Webhooks per instance at the same time",
                    1000,
                    parameters,
                ),
            ],
        ),
        choice(
            "updateStrategy",
            "Updates",
            parameters["updateStrategy"]["metadata"]["description"],
            {
                "Recreate": "Restart all instances at once: seconds without an answer",
                "RollingUpdate": "Replace instances in turn (preview)",
            },
            "Recreate",
        ),
        yes_no("zoneRedundant", "Zone redundancy", f"Yes ({waiting(2)} more)"),
        yes_no("privateNetwork", "Private network for storage and key vaults", "Yes (about $31 a month)"),
        text(
            "networkAddresses",
            "Addresses of the virtual network",
            parameters["networkAddresses"]["metadata"]["description"],
            default=parameters["networkAddresses"]["defaultValue"],
            rule=(r"^([0-9]{1,3}\.){3}0/24$", "A /24 like 10.60.0.0/24."),
            required=equal("plan", "privateNetwork", "yes"),
            visible=equal("plan", "privateNetwork", "yes"),
        ),
    ]


def alerts(parameters: Parameters) -> Sequence[Element]:
    """Alerts, the availability test and the budget."""
    budget = "[not(equals(steps('alerts').monthlyBudget, '0'))]"
    return [
        text(
            "alertEmail",
            "Address for alerts",
            parameters["alertEmail"]["metadata"]["description"],
            placeholder="platform@contoso.com",
            rule=ADDRESS,
        ),
        choice(
            "availabilityTest",
            "Availability test",
            parameters["availabilityTest"]["metadata"]["description"],
            {"no": "No", "yes": "Yes (about $4.50 a month)"},
            "no",
        ),
        _bounded("steps('alerts')", "monthlyBudget", "Monthly budget (0: none)", 100_000, parameters),
        text(
            "budgetStart",
            "First month of the budget",
            parameters["budgetStart"]["metadata"]["description"],
            default="[concat(substring(utcNow(), 0, 7), '-01')]",
            rule=(r"^20[0-9]{2}-(0[1-9]|1[0-2])-01$", "The first day of a month, like 2026-12-01."),
            required=budget,
            visible=budget,
        ),
        _bounded("steps('alerts')", "retentionDays", "Keep the log (days)", 730, parameters),
    ]


def more(parameters: Parameters) -> Sequence[Element]:
    """Settings that are seldom changed."""

    def described(name: str, label: str, **more: Any) -> Element:
        return text(name, label, parameters[name]["metadata"]["description"], **more)

    numbers = (
        ("settleSeconds", "Settle window (seconds)", 600),
        ("digestOver", "Digest threshold: new threads per batch", 1000),
        ("reopenMinutes", "Reopen window after a thread ends (minutes)", 10_080),
        ("threadDays", "Lifetime of an inactive thread (days)", 3650),
        ("giveUpHours", "Retry period for a refused identity or group (hours)", 720),
        ("historyDays", "Delivery history (days)", 3650),
        ("keepPayloadsHours", "Keep bodies of webhooks (hours; 0: never)", 8760),
        ("watchdogMinutes", "Watchdog (minutes; 0: never)", 1440),
    )
    clouds = {
        "global": "Global, and GCC",
        "us-gov": "US Government (GCC High)",
        "us-dod": "US Department of Defense",
        "china": "China (21Vianet)",
    }
    pictures = {"mail": "In mail only", "all": "In threads, too (not tried in every tenant)", "none": "No"}
    return [
        section("posts", "Posts", [_bounded("steps('more').posts", *row, parameters) for row in numbers]),
        choice("pictures", "Charts as pictures", parameters["pictures"]["metadata"]["description"], pictures, "mail"),
        described("imageHosts", "Hosts of images", placeholder="grafana.contoso.com", rule=_HOSTS),
        described("tenantId", "Tenant id", default="[subscription().tenantId]", rule=ID, required=True),
        choice("cloud", "Cloud of the tenant", parameters["cloud"]["metadata"]["description"], clouds, "global"),
        choice(
            "mailImportance",
            "Mail of high importance",
            parameters["mailImportance"]["metadata"]["description"],
            {
                "never": "Never",
                "warning": "Warnings and worse",
                "error": "Errors and worse",
                "critical": "Critical only",
            },
            "never",
        ),
        described("graphUrl", "Base URL of Microsoft Graph", placeholder="https://graph.microsoft.com/beta", rule=URL),
        described("publicUrl", "URL of the app", placeholder="https://bridge.contoso.com", rule=URL),
        described(
            "keyVaultEntry",
            "Name of the sign-in in its key vault",
            default=parameters["keyVaultEntry"]["defaultValue"],
            rule=("^[0-9A-Za-z-]{1,100}$", "Letters, digits and dashes."),
            required=True,
        ),
        described("secretsOfficer", "Who manages the secrets (object id)", rule=ID),
        choice(
            "recoverVaults",
            "Recover deleted key vaults",
            parameters["recoverVaults"]["metadata"]["description"],
            {"no": "No", "yes": "Yes: I deleted this bridge less than 7 days ago"},
            "no",
        ),
        described("packageUri", "URL of the package", default=parameters["packageUri"]["defaultValue"], rule=URL),
        text(
            "tags",
            "Tags",
            parameters["tags"]["metadata"]["description"],
            placeholder="owner=platform,costs=4711",
            rule=(_TAGS, "Names and values like owner=platform,costs=4711."),
        ),
    ]


def afterwards() -> Sequence[Element]:
    """What remains to be done, with the commands."""
    run = "Afterwards, open Outputs of the deployment, copy the ids, and run this in a clone of the repository: "
    mail = (
        f"[concat('{run}./scripts/make-mailbox.ps1 -Mailbox ', coalesce(steps('posting').mailFrom, '<address>'), "
        "' -ClientId <identityClientId> -PrincipalId <identityPrincipalId>. An Exchange administrator must do this.')]"
    )
    account = (
        f"{run}scripts/make-service-account-app.sh --url <appUrl> --client-id <identityClientId> --account <user> "
        "--vault <accountVaultName> --group <group>. Then sign in as the user: python -m bridge sign-in <appUrl>. "
        "The output nextCommand has the whole command."
    )
    agent = (
        f"{run}scripts/make-agent-user.sh --app <appName> --resource-group <resource group> --sponsor <you> "
        "--user <user> --group <group>. The output nextCommand has the whole command."
    )
    return [
        info("nothingYet", "Nothing is posted until these steps are done.", "deploy.md#the-portal", icon="Warning"),
        *(
            info(f"{name}Next", f"1. {words}" if words[0] != "[" else words.replace("'", "'1. ", 1), visible=visible)
            for name, words, visible in (
                ("mail", mail, equal("posting", "way", "mail")),
                ("account", account, equal("posting", "way", "service-account")),
                ("agent", agent, equal("posting", "way", "agent-user")),
            )
        ),
        info(
            "secretsNext",
            "2. If the deployment makes secrets, the output secretCommands has a command that prints each of them. "
            "Paste URL (output webhookUrls) and secret into the service.",
            "services/README.md",
        ),
        info(
            "doctorNext",
            "3. Ask the doctor, who posts a test thread and says what is missing: curl -X POST -H 'x-functions-key: "
            "<master key>' <appUrl>/api/doctor. The key is under Functions, App keys.",
            "operate.md",
        ),
    ]
