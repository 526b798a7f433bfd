"""The template, resolved for several sets of parameters, against Azure's rules for names, roles and dependencies."""

import json
import re
from collections import Counter
from dataclasses import replace
from graphlib import TopologicalSorter
from itertools import combinations

import pytest

from bridge.payloads import PATH
from tests.arm_template import GROUP, Azure, Template
from tests.local_stack import ROOT

pytestmark = pytest.mark.files

DOCUMENT = json.loads((ROOT / "azuredeploy.json").read_text())
SCHEMAS = ROOT.parent / "shared/arm-schemas"
GROUP_ID = "3c1d0d4e-0000-4000-8000-000000000001"
PACKAGE = "https://github.com/contoso/webhook-bridge/releases/download/v1.2.3/released-package.zip"
MINIMAL = {"group": GROUP_ID, "webhookSecrets": {}, "packageUri": PACKAGE}
EVERYTHING = {
    **MINIMAL,
    "name": "webhook-bridge-of-us",
    "webhookSecrets": {"github": "new-secret,old-secret", "gitlab": ""},
    "generatedSecrets": ["", "grafana", "azure_devops"],
    "keptSecrets": ["", "jira", "github"],
    "secretSeed": "seed",
    "identity": "service-account",
    "alwaysReady": 1,
    "alwaysReadyPublish": 1,
    "zoneRedundant": True,
    "updateStrategy": "RollingUpdate",
    "alertEmail": "ops@contoso.com",
    "availabilityTest": True,
    "monthlyBudget": 50,
    "tags": {"owner": "platform"},
}
PRIVATE = {**EVERYTHING, "privateNetwork": True}
SETS = {"minimal": MINIMAL, "everything": EVERYTHING, "private": PRIVATE}
AZURE = Azure()


def data(name):
    return json.loads((ROOT / f"tests/data/azure/{name}.json").read_text())


NAMES, ROLES, FLEX, VERSIONS = data("names"), data("roles"), data("flex_consumption"), data("api_versions")


def deployed(values, azure=AZURE):
    return list(Template(DOCUMENT, values, azure).resources())


def only(resources, kind):
    return [resource for resource in resources if resource.type == kind]


def app(resources):
    (found,) = only(resources, "Microsoft.Web/sites")
    return found


def settings(resources):
    return {one["name"]: one["value"] for one in app(resources).body["properties"]["siteConfig"]["appSettings"]}


def before(resources):
    """What is surely there before each resource: the symbolic names, of its own loop or nested deployment too."""
    direct = {}
    for resource in resources:
        outer = resource.symbol.partition("/")[0]
        direct.setdefault(outer, set()).update(resource.needs)
    all_of = {}
    for symbol in TopologicalSorter(direct).static_order():
        all_of[symbol] = set().union(*({need} | all_of.get(need, set()) for need in direct.get(symbol, ())))
    return all_of


def strings(value):
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
    elif isinstance(value, str):
        yield value


sets = pytest.mark.parametrize("values", SETS.values(), ids=SETS)


@sets
def test_every_name_is_one_that_azure_takes(values):
    for resource in deployed(values):
        assert re.fullmatch(NAMES["rules"][resource.type], resource.name.rpartition("/")[2]), resource.id


@pytest.mark.parametrize("name", ["abc", "a" * 20, "w-b-1"])
def test_names_of_every_length_are_taken(name):
    for resource in deployed({**PRIVATE, "name": name}):
        assert re.fullmatch(NAMES["rules"][resource.type], resource.name.rpartition("/")[2]), resource.id


@sets
def test_no_two_resources_have_one_id(values):
    twice = [id_ for id_, times in Counter(resource.id.lower() for resource in deployed(values)).items() if times > 1]
    assert twice == []


def test_names_that_are_unique_in_the_world_depend_on_subscription_and_group():
    for resource in deployed(EVERYTHING):
        if resource.type in NAMES["globally_unique"]:
            assert Template(DOCUMENT, EVERYTHING).variable("token") in resource.name


@sets
def test_every_resource_waits_for_what_it_names(values):
    resources = deployed(values)
    order = before(resources)
    for resource in resources:
        symbol = resource.symbol.partition("/")[0]
        # The nested deployment gets what its resources name.
        for text in strings(resource.body):
            for other in resources:
                named = text == other.id or text.startswith(f"{other.id}/")
                if named and other is not resource and not other.symbol.startswith(symbol):
                    assert other.symbol in order[symbol], f"{resource.symbol} names {other.symbol}"


@sets
def test_every_part_waits_for_its_whole(values):
    resources = deployed(values)
    order = before(resources)
    wholes = {resource.id: resource.symbol for resource in resources}
    for resource in resources:
        whole = re.sub(r"(/[^/]+/[^/]+)$", "", resource.id)
        if whole.count("/providers/") == resource.id.count("/providers/") and whole in wholes:
            assert wholes[whole] in order[resource.symbol], resource.id


@sets
def test_nothing_waits_for_what_the_template_does_not_have(values):
    for resource in deployed(values):
        assert resource.needs <= DOCUMENT["resources"].keys()


@sets
def test_what_changes_the_app_is_done_one_after_the_other(values):
    resources = deployed(values)
    order = before(resources)
    parts = [resource.symbol for resource in resources if resource.type.startswith("Microsoft.Web/sites")]
    assert len(parts) == 4
    assert [(a, b) for a, b in combinations(parts, 2) if a not in order[b] and b not in order[a]] == []


@sets
def test_the_app_is_made_last_of_what_it_needs(values):
    resources = deployed(values)
    needed = {
        "storage",
        "container",
        "insights",
        "identity",
        "secrets",
        "roles",
        "network",
        "zoneLinks",
        "endpointNames",
        "plan",
    }
    assert needed & {r.symbol.partition("/")[0] for r in resources} <= before(resources)["app"]


@sets
def test_every_role_is_azures_on_a_scope_that_is_deployed(values):
    resources = deployed(values)
    ids = {resource.id for resource in resources}
    found = {}
    for role in only(resources, "Microsoft.Authorization/roleAssignments"):
        scope = role.body["scope"]
        assert scope in ids
        given = ROLES["roles"][role.body["properties"]["roleDefinitionId"].rpartition("/")[2]]
        holder = "identity" if role.body["properties"]["principalId"] == AZURE.principal else "officer"
        found.setdefault(holder, set()).add((scope.rpartition("/")[2].split("-")[0][:4], given))
    token = Template(DOCUMENT, values).variable("token")
    expected = {
        (f"st{token}"[:4], "Storage Blob Data Owner"),
        (f"st{token}"[:4], "Storage Queue Data Contributor"),
        (f"st{token}"[:4], "Storage Table Data Contributor"),
        ("appi", "Monitoring Metrics Publisher"),
    }
    if values is MINIMAL:
        assert found == {"identity": expected}
    else:
        more = {("kvs", "Key Vault Secrets User"), ("kva", "Key Vault Secrets Officer")}
        assert found == {"identity": expected | more, "officer": {("kvs", "Key Vault Secrets Officer")}}


def test_the_deployer_manages_the_secrets_unless_somebody_else_is_named():
    def officer(values):
        roles = only(deployed(values), "Microsoft.Authorization/roleAssignments")
        return {role.body["properties"]["principalId"] for role in roles} - {AZURE.principal}

    assert officer(EVERYTHING) == {AZURE.deployer}
    assert officer({**EVERYTHING, "secretsOfficer": GROUP_ID}) == {GROUP_ID}


@sets
def test_deploying_again_changes_no_name(values):
    assert [r.id for r in deployed(values)] == [r.id for r in deployed(values)]


def test_a_later_month_changes_no_name_but_that_of_a_budget_without_a_start():
    def ids(values, month):
        return {r.id for r in deployed(values, replace(AZURE, month=month))}

    assert ids(MINIMAL, "2026-11-01") == ids(MINIMAL, "2027-03-01")
    pinned = {**EVERYTHING, "budgetStart": "2026-11-01"}
    assert ids(pinned, "2026-11-01") == ids(pinned, "2027-03-01")
    # Azure refuses another start for a budget that exists: so it is another budget.
    changed = ids(EVERYTHING, "2026-11-01") ^ ids(EVERYTHING, "2027-03-01")
    assert {id_.split("/")[-2] for id_ in changed} == {"budgets"}


def test_a_recreated_identity_gets_assignments_of_its_own():
    """An assignment cannot be changed to another principal: RoleAssignmentUpdateNotPermitted."""
    again = replace(AZURE, principal="aaaaaaaa-0000-4000-8000-000000000002")
    one, other = ({r.id: r for r in deployed(EVERYTHING, azure)} for azure in (AZURE, again))
    changed = {r.type for id_, r in {**one, **other}.items() if (id_ in one) != (id_ in other)}
    assert changed == {"Microsoft.Authorization/roleAssignments"}
    kept = [one[id_] for id_ in one.keys() & other.keys() if one[id_].type.endswith("roleAssignments")]
    assert {role.body["properties"]["principalId"] for role in kept} == {AZURE.deployer}


def test_another_deployer_gets_an_assignment_of_their_own():
    other = replace(AZURE, deployer="dddddddd-0000-4000-8000-000000000002")
    changed = {r.id for r in deployed(EVERYTHING)} ^ {r.id for r in deployed(EVERYTHING, other)}
    assert len(changed) == 2


def test_deleted_vaults_can_be_recovered_and_soon_forgotten():
    for recover, mode in ((False, "default"), (True, "recover")):
        vaults = only(deployed({**EVERYTHING, "recoverVaults": recover}), "Microsoft.KeyVault/vaults")
        assert len(vaults) == 2
        for vault in vaults:
            assert vault.body["properties"]["createMode"] == mode
            assert vault.body["properties"]["softDeleteRetentionInDays"] == 7


def test_secrets_are_typed_made_or_kept():
    resources = deployed(EVERYTHING)
    written = {
        r.name.partition("/")[2]: r.body["properties"]["value"]
        for r in only(resources, "Microsoft.KeyVault/vaults/secrets")
    }
    assert written.keys() == {"github", "grafana", "azure-devops"}
    assert written["github"] == "new-secret,old-secret"
    assert re.fullmatch("[0-9a-f]{64}", written["grafana"])
    assert written["grafana"] != written["azure-devops"]
    vault = Template(DOCUMENT, EVERYTHING).variable("secretsVaultName")
    found = {name: value for name, value in settings(resources).items() if name.endswith("_SECRET")}
    assert found == {
        f"BRIDGE_{name.upper()}_SECRET": f"@Microsoft.KeyVault(VaultName={vault};SecretName={name.replace('_', '-')})"
        for name in ("github", "grafana", "azure_devops", "jira")
    }


def test_without_a_vault_secrets_are_settings_and_nothing_is_kept():
    resources = deployed({**EVERYTHING, "useKeyVault": False})
    found = {name: value for name, value in settings(resources).items() if name.endswith("_SECRET")}
    assert found.keys() == {"BRIDGE_GITHUB_SECRET", "BRIDGE_GRAFANA_SECRET", "BRIDGE_AZURE_DEVOPS_SECRET"}
    assert found["BRIDGE_GITHUB_SECRET"] == "new-secret,old-secret"
    assert [r.name[:4] for r in only(resources, "Microsoft.KeyVault/vaults")] == ["kva-"]


def test_an_empty_secret_is_none_and_its_webhooks_need_the_function_key():
    assert "BRIDGE_GITLAB_SECRET" not in settings(deployed(EVERYTHING))


def test_made_secrets_differ_from_deployment_to_deployment():
    values = {**MINIMAL, "generatedSecrets": ["github"]}
    one, other = (only(deployed(values), "Microsoft.KeyVault/vaults/secrets")[0] for _ in range(2))
    assert one.body["properties"]["value"] != other.body["properties"]["value"]


@sets
def test_flex_consumption_accepts_every_property_and_setting(values):
    resources = deployed(values)
    properties = app(resources).body["properties"]
    refused = {name.lower() for name in FLEX["site_properties"]}
    given = {name.lower() for name in (*properties, *properties["siteConfig"])}
    assert given & refused == set()
    assert properties["siteConfig"].keys() <= set(FLEX["accepted_in_site_config"])
    assert settings(resources).keys() & FLEX["app_settings"].keys() == set()


@sets
def test_the_shape_of_a_flex_consumption_app(values):
    resources = deployed(values)
    (plan,) = only(resources, "Microsoft.Web/serverfarms")
    assert plan.body["sku"] == {"tier": "FlexConsumption", "name": "FC1"}
    config = app(resources).body["properties"]["functionAppConfig"]
    assert config["runtime"] == {"name": "python", "version": "3.13"}
    assert config["siteUpdateStrategy"]["type"] in ("Recreate", "RollingUpdate")
    (account,) = only(resources, "Microsoft.Storage/storageAccounts")
    assert config["deployment"]["storage"]["value"] == f"https://{account.name}.blob.core.windows.net/package"
    (code,) = only(resources, "Microsoft.Web/sites/extensions")
    assert code.body["properties"]["remoteBuild"] is False


def test_every_api_version_has_a_schema_or_a_source():
    for resource in deployed(PRIVATE):
        provider = resource.type.split("/")[0]
        schema = any(SCHEMAS.glob(f"{resource.version}/{provider}.*json")) if SCHEMAS.exists() else False
        known = VERSIONS["versions"].get(resource.type, [""])[0] == resource.version
        assert known or schema or not SCHEMAS.exists(), (resource.type, resource.version)


def test_nothing_is_dear_unless_it_is_asked_for():
    resources = deployed(MINIMAL)
    kinds = {resource.type.split("/")[0] for resource in resources}
    assert not kinds & {"Microsoft.Network", "Microsoft.KeyVault", "Microsoft.Consumption"}
    assert not [r for r in resources if r.type.endswith(("webtests", "scheduledQueryRules", "metricAlerts"))]
    properties = app(resources).body["properties"]
    assert properties["functionAppConfig"]["scaleAndConcurrency"]["alwaysReady"] == []
    assert properties["virtualNetworkSubnetId"] is None
    (account,) = only(resources, "Microsoft.Storage/storageAccounts")
    assert account.body["sku"]["name"] == "Standard_LRS"
    assert account.body["properties"]["publicNetworkAccess"] == "Enabled"


def test_always_ready_instances_are_for_webhooks_and_for_posting():
    def ready(**values):
        config = app(deployed({**MINIMAL, **values})).body["properties"]["functionAppConfig"]
        return {group["name"]: group["instanceCount"] for group in config["scaleAndConcurrency"]["alwaysReady"]}

    assert ready(alwaysReady=3) == {"http": 3}
    assert ready(alwaysReadyPublish=1) == {"function:publish": 1}
    assert ready(zoneRedundant=True) == {"http": 2}
    assert ready(zoneRedundant=True, alwaysReady=3, alwaysReadyPublish=1) == {"http": 3, "function:publish": 2}
    assert "def publish(" in (ROOT / "function_app.py").read_text()


def test_zones_are_for_plan_and_storage():
    resources = deployed({**MINIMAL, "zoneRedundant": True})
    (plan,), (account,) = (
        only(resources, "Microsoft.Web/serverfarms"),
        only(resources, "Microsoft.Storage/storageAccounts"),
    )
    assert plan.body["properties"]["zoneRedundant"] is True
    assert account.body["sku"]["name"] == "Standard_ZRS"


def test_a_private_network_closes_everything_but_the_app():
    resources = deployed(PRIVATE)
    closed = only(resources, "Microsoft.Storage/storageAccounts") + only(resources, "Microsoft.KeyVault/vaults")
    for resource in closed:
        assert resource.body["properties"]["publicNetworkAccess"] == "Disabled"
        assert resource.body["properties"]["networkAcls"]["defaultAction"] == "Deny"
    endpoints = only(resources, "Microsoft.Network/privateEndpoints")
    reached = Counter()
    for endpoint in endpoints:
        (connection,) = endpoint.body["properties"]["privateLinkServiceConnections"]
        reached[connection["properties"]["privateLinkServiceId"], *connection["properties"]["groupIds"]] += 1
    account, *vaults = (resource.id for resource in closed)
    expected = {(account, "blob"), (account, "queue"), (account, "table"), *((vault, "vault") for vault in vaults)}
    assert reached == Counter(expected)
    zones = {zone.name for zone in only(resources, "Microsoft.Network/privateDnsZones")}
    assert zones == {
        "privatelink.blob.core.windows.net", "privatelink.queue.core.windows.net", "privatelink.table.core.windows.net",
        "privatelink.vaultcore.azure.net",
    }  # fmt: skip
    assert "publicNetworkAccess" not in app(resources).body["properties"]


def test_every_private_endpoint_has_its_name_in_the_zone_of_its_service():
    resources = deployed(PRIVATE)
    for group in only(resources, "Microsoft.Network/privateEndpoints/privateDnsZoneGroups"):
        (config,) = group.body["properties"]["privateDnsZoneConfigs"]
        zone = config["properties"]["privateDnsZoneId"].rpartition("/")[2]
        assert zone.startswith(f"privatelink.{config['name']}")
    links = only(resources, "Microsoft.Network/privateDnsZones/virtualNetworkLinks")
    assert len(links) == 4


@pytest.mark.parametrize(
    ("cloud", "vault"),
    [
        ("AzureUSGovernment", "privatelink.vaultcore.usgovcloudapi.net"),
        ("AzureChinaCloud", "privatelink.vaultcore.azure.cn"),
    ],
)
def test_zones_of_national_clouds(cloud, vault):
    resources = deployed(PRIVATE, replace(AZURE, cloud=cloud))
    assert vault in {zone.name for zone in only(resources, "Microsoft.Network/privateDnsZones")}


def test_the_app_is_in_a_subnet_of_its_own_that_is_delegated():
    resources = deployed(PRIVATE)
    (network,) = only(resources, "Microsoft.Network/virtualNetworks")
    subnets = {subnet["name"]: subnet["properties"] for subnet in network.body["properties"]["subnets"]}
    subnet = app(resources).body["properties"]["virtualNetworkSubnetId"]
    assert subnet == f"{network.id}/subnets/app"
    assert [one["properties"]["serviceName"] for one in subnets["app"]["delegations"]] == ["Microsoft.App/environments"]
    assert "delegations" not in subnets["endpoints"]
    assert {one["addressPrefix"] for one in subnets.values()} == {"10.60.0.0/26", "10.60.0.64/26"}
    # https://learn.microsoft.com/azure/azure-functions/flex-consumption-how-to: no underscore in its name
    assert "_" not in "".join(subnets)


def test_alerts_reach_somebody_and_so_does_the_budget():
    resources = deployed(EVERYTHING)
    (people,) = only(resources, "Microsoft.Insights/actionGroups")
    assert len(people.body["properties"]["groupShortName"]) <= 12
    for alert in only(resources, "Microsoft.Insights/scheduledQueryRules"):
        assert alert.body["properties"]["actions"]["actionGroups"] == [people.id]
    (unavailable,) = only(resources, "Microsoft.Insights/metricAlerts")
    assert unavailable.body["properties"]["actions"] == [{"actionGroupId": people.id}]
    (budget,) = only(resources, "Microsoft.Consumption/budgets")
    for notification in budget.body["properties"]["notifications"].values():
        assert notification["contactEmails"] == ["ops@contoso.com"]


def test_the_availability_test_asks_the_app_for_its_health():
    (test,) = only(deployed(EVERYTHING), "Microsoft.Insights/webtests")
    assert test.body["properties"]["Request"]["RequestUrl"] == "https://app.azurewebsites.net/api/health"
    assert test.body["properties"]["Frequency"] in (300, 600, 900)
    insights = f"{GROUP}/providers/Microsoft.Insights/components/"
    assert [name for name in test.body["tags"] if name.startswith(f"hidden-link:{insights}")]


def test_outputs_name_what_to_do_next_and_no_secret():
    outputs = Template(DOCUMENT, EVERYTHING, AZURE).outputs()
    assert outputs["nextCommand"].startswith("scripts/make-service-account-app.sh --url https://app.azurewebsites.net")
    vault = outputs["secretsVaultName"]
    assert outputs["secretCommands"] == [
        f"az keyvault secret show --vault-name {vault} --name {name} --query value --output tsv"
        for name in ("grafana", "azure-devops")
    ]
    assert "new-secret" not in json.dumps(outputs)
    assert Template(DOCUMENT, MINIMAL, AZURE).outputs()["secretCommands"] == []


CHECKOV = data("checkov")["findings"]


def test_what_a_scanner_finds_has_a_reason_and_switches_do_what_the_reasons_say():
    """`make checkov` compares the findings with this file."""
    assert all(len(finding["why"]) > 20 and set(finding["in"]) <= {*SETS, "template"} for finding in CHECKOV.values())
    guide = (ROOT / "docs/deploy.md").read_text()
    assert [check for check, finding in CHECKOV.items() if f"| {check} | {finding['says']} |" not in guide] == []
    # Public access to storage and vaults, and a single zone, are switches: found without them, and not with them.
    for check in ("CKV_AZURE_35", "CKV_AZURE_59", "CKV_AZURE_109", "CKV_AZURE_189"):
        assert "private" not in CHECKOV[check]["in"]
    assert CHECKOV["CKV_AZURE_225"]["in"] == ["minimal"]
    for kind in ("Microsoft.Storage/storageAccounts", "Microsoft.KeyVault/vaults"):
        for resource in only(deployed(PRIVATE), kind):
            assert resource.body["properties"]["publicNetworkAccess"] == "Disabled"


@pytest.mark.parametrize(("hours", "days"), [(0, None), (1, 1), (24, 1), (25, 2)])
def test_kept_payloads_have_a_container_of_their_own_whose_blobs_are_deleted(hours, days):
    resources = deployed({**MINIMAL, "keepPayloadsHours": hours})
    containers = {one.name for one in only(resources, "Microsoft.Storage/storageAccounts/blobServices/containers")}
    policies = only(resources, "Microsoft.Storage/storageAccounts/managementPolicies")
    assert settings(resources)["BRIDGE_KEEP_PAYLOADS_HOURS"] == str(hours)
    assert any(name.endswith("/payloads") for name in containers) == bool(hours)
    found = [rule["definition"] for policy in policies for rule in policy.body["properties"]["policy"]["rules"]]
    assert [
        (one["filters"]["prefixMatch"], one["actions"]["baseBlob"]["delete"]["daysAfterCreationGreaterThan"])
        for one in found
    ] == ([(["payloads/"], days)] if days else [])
    assert PATH.startswith("payloads/")
