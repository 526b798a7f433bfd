"""The administrator's scripts, run with a stand-in for `az`; make-mailbox.ps1 is only read."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.clouds import CLOUDS
from bridge.settings import TABLE, Settings
from tests import az_stand_in
from tests.az_stand_in import TENANT, new_directory
from tests.local_stack import ROOT

pytestmark = pytest.mark.files

SCRIPTS = ROOT / "scripts"
MAILBOX = (SCRIPTS / "make-mailbox.ps1").read_text("utf-8")
SHELL = sorted(SCRIPTS.glob("*.sh"))
POWERSHELL = sorted(SCRIPTS.glob("*.ps1"))
ROLE = ("grant-graph-role.sh", "--app", "bridge", "--resource-group", "rg")
AGENT = (
    "make-agent-user.sh", "--app", "assigned", "--resource-group", "rg", "--sponsor", "sponsor@contoso.com",
    "--user", "webhook-bridge@contoso.com", "--group", "group-1",
)  # fmt: skip
ACCOUNT = (
    "make-service-account-app.sh", "--url", "https://bridge.azurewebsites.net", "--client-id", "assigned-app",
    "--account", "service@contoso.com", "--vault", "vault", "--group", "group-1",
)  # fmt: skip
HEADERS = ("--headers", "OData-Version=4.0")  # which the stand-in wants in every request that writes
APPLICATION = ["set-up", "servicePrincipal"]
ALL = pytest.mark.parametrize("call", [ROLE, AGENT, ACCOUNT], ids=lambda call: call[0])


@pytest.fixture(autouse=True, scope="module")
def az():
    """An `az` for every tenant."""
    with az_stand_in.serving() as Tenant.program:
        yield


class Tenant:
    """A directory in a file, and the scripts over it."""

    program = ""

    def __init__(self, folder, **changes):
        self._file = folder / "directory.json"
        self._bin = folder / "bin"
        self._bin.mkdir(exist_ok=True)
        az = self._bin / "az"
        az.write_text(self.program)
        az.chmod(0o755)
        self._file.write_text(json.dumps(new_directory(**{"account": APPLICATION, **changes})))

    @property
    def now(self):
        directory = json.loads(self._file.read_text())
        return {name: value for name, value in directory.items() if name != "asked"}

    @property
    def asked(self):
        """The subscriptions that the calls so far were for."""
        return json.loads(self._file.read_text())["asked"]

    def az(self, *arguments):
        """A command of an administrator."""
        env = {"PATH": os.environ["PATH"], "AZ_DIRECTORY": str(self._file)}
        return subprocess.run(
            [self._bin / "az", *arguments, *["--query", "id", "--only-show-errors", "--output", "tsv"], *HEADERS],
            env=env, capture_output=True, text=True, check=False, timeout=30,
        )  # fmt: skip

    def run(self, script, *arguments, path="", **environment):
        env = {
            **environment,
            "PATH": path or f"{self._bin}:{os.environ['PATH']}",
            "AZ_DIRECTORY": str(self._file),
            "PAUSE": "0",
        }
        return subprocess.run(
            [shutil.which("bash"), SCRIPTS / script, *arguments],
            env=env, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=30,
        )  # fmt: skip


def settings_of(run):
    assert run.returncode == 0, run.stderr
    return Settings.from_env(dict(line.split("=", 1) for line in run.stdout.splitlines()))


@pytest.mark.parametrize("script", SHELL, ids=lambda path: path.name)
def test_the_scripts_are_shell(script):
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0
    assert script.name == "common.sh" or os.access(script, os.X_OK)


def test_shellcheck_finds_nothing():
    shellcheck = Path(sys.executable).parent / "shellcheck"
    run = subprocess.run([shellcheck, "-x", *SHELL], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.stdout == ""


def test_the_clouds_are_those_of_the_bridge():
    text = (SCRIPTS / "common.sh").read_text()
    for name, cloud in CLOUDS.items():
        print_it = f'cloud={name}; choose_cloud; echo "$graph_host $login_host $exchange $az_cloud"'
        run = subprocess.run(["bash", "-euc", f"{text}\n{print_it}"], capture_output=True, text=True, check=True)
        assert run.stdout.split()[:3] == [cloud.graph, cloud.login, cloud.exchange]
        assert run.stdout.split()[3] == az_stand_in.CLOUDS[cloud.graph][0]


@ALL
def test_the_first_run_sets_everything_up_and_the_second_changes_nothing(call, tmp_path):
    tenant = Tenant(tmp_path, late=2)
    first = tenant.run(*call, "--yes")
    settings = settings_of(first)
    made = tenant.now
    changes = [line for line in first.stderr.splitlines() if line.startswith("change: ")]
    assert len(changes) == len(made["writes"]) > 0
    assert f"Changes: {len(changes)}." in first.stderr
    assert made["late"] == 0 or len(changes) == 1
    second = tenant.run(*call)
    assert settings_of(second) == settings
    assert "Nothing to change" in second.stderr
    assert tenant.now == made


@ALL
def test_a_dry_run_prints_the_changes_and_writes_nothing(call, tmp_path):
    tenant = Tenant(tmp_path, account=["admin@contoso.com", "user"])
    before = tenant.now
    run = tenant.run(*call, "--dry-run")
    assert (run.returncode, run.stdout) == (0, "")
    assert tenant.now == before
    would = [line.removeprefix("would: ") for line in run.stderr.splitlines() if line.startswith("would: ")]
    real = Tenant(tmp_path).run(*call, "--yes")
    did = [line.removeprefix("change: ") for line in real.stderr.splitlines() if line.startswith("change: ")]
    assert [line.split()[:3] for line in would] == [line.split()[:3] for line in did]
    assert f"there would be {len(did)} changes" in run.stderr


@ALL
def test_help_is_the_comment_at_the_beginning_of_the_script(call, tmp_path):
    run = Tenant(tmp_path).run(call[0], "--help")
    assert run.returncode == 0
    assert run.stdout.splitlines()[2].strip().startswith(call[0])
    parsed = re.search(r"^arguments (.+) -- ", (SCRIPTS / call[0]).read_text(), re.MULTILINE)[1]
    for name in [*re.findall(r"[\w-]+", parsed), "cloud", "hand-out", "dry-run", "yes"]:
        assert re.search(rf"^  .*--{name}\b", run.stdout, re.MULTILINE), name
    assert "set -euo" not in run.stdout


@ALL
@pytest.mark.parametrize(
    ("changes", "more", "message"),
    [
        ({"account": None}, [], "Nobody is signed in to az: run `az login"),
        ({"cloud": "AzureChinaCloud"}, [], "run `az cloud set --name AzureCloud`"),
        ({"refuse": "get /servicePrincipals"}, [], "az failed. ERROR: Forbidden"),
        ({"refuse": "post /"}, ["--yes"], "az failed. ERROR: Forbidden"),
        ({}, [], "Nothing was changed: add --yes"),
        ({}, ["--nonsense", "x"], "--nonsense is not an argument of this script"),
        ({}, ["--cloud"], "--cloud needs a value"),
        ({}, ["--cloud", "moon"], "--cloud must be"),
        ({}, ["--cloud", 'x"'], "must not contain quotes"),
    ],
)
def test_an_error_is_a_sentence_and_changes_nothing(call, changes, more, message, tmp_path):
    tenant = Tenant(tmp_path, **changes)
    run = tenant.run(*call, *more)
    assert (run.returncode, run.stdout) == (1, "")
    assert "Error: " in run.stderr
    assert message in run.stderr
    assert "Traceback" not in run.stderr
    assert tenant.now["writes"] == []


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (("grant-graph-role.sh",), "--app, --client-id or --principal-id is missing"),
        (("grant-graph-role.sh", "--app", "bridge"), "--resource-group is missing"),
        ((*ROLE, "--role", "Mail.Send"), "make-mailbox.ps1, which grants it for one mailbox only"),
        ((*ROLE, "--role", "No.Such"), "no application role No.Such"),
        (("grant-graph-role.sh", "--principal-id", "graph"), "is not a managed identity"),
        (("grant-graph-role.sh", "--app", "bare", "--resource-group", "rg"), "has no managed identity"),
        (AGENT[:-2], "--group is missing"),
        ((*AGENT, "--group", "security"), "is not a Microsoft 365 group"),
        ((*AGENT, "--group", "nowhere"), "does not exist"),
        ((*AGENT, "--user", "name"), "--user must be a user principal name"),
        (ACCOUNT[:-2], "--group is missing"),
        ((*ACCOUNT, "--url", "http://bridge"), "--url must be https://"),
        ((*ACCOUNT, "--vault", "none"), "does not exist"),
        ((*ACCOUNT, "--client-id", "none"), "no identity with the client id none"),
    ],
)
def test_wrong_arguments_are_reported_before_anything_is_changed(call, message, tmp_path):
    tenant = Tenant(tmp_path)
    run = tenant.run(*call, "--yes")
    assert run.returncode == 1
    assert message in run.stderr
    assert tenant.now["writes"] == []


def test_without_az_a_sentence_says_so(tmp_path):
    bare = tmp_path / "bare"
    bare.mkdir()
    for tool in ("mktemp", "rm", "dirname"):
        (bare / tool).symlink_to(shutil.which(tool))
    run = Tenant(tmp_path).run(*ROLE, path=str(bare))
    assert run.returncode == 1
    assert "az was not found" in run.stderr


def test_a_role_is_granted_to_the_identity_of_the_app(tmp_path):
    tenant = Tenant(tmp_path)
    assert settings_of(tenant.run(*ROLE, "--yes")).client_id == ""
    (grant,) = tenant.now["servicePrincipals"]["system"]["appRoleAssignments"]
    assert grant["appRoleId"] == "role-conversation"
    run = tenant.run("grant-graph-role.sh", "--principal-id", "assigned", "--yes")
    assert settings_of(run).client_id == "assigned-app"


def test_an_agents_user_is_created_with_everything_it_needs(tmp_path):
    tenant = Tenant(tmp_path)
    settings = settings_of(tenant.run(*AGENT, "--yes"))
    now = tenant.now
    ((blueprint, row),) = now["applications"].items()
    assert settings.identity == "agent-user"
    assert (settings.tenant_id, settings.blueprint_id, settings.client_id) == (TENANT, row["appId"], "assigned-app")
    assert row["sponsors@odata.bind"] == ["https://graph.microsoft.com/v1.0/users/sponsor"]
    (credential,) = row["federatedIdentityCredentials"]
    assert (credential["subject"], credential["audiences"]) == ("assigned", ["api://AzureADTokenExchange"])
    assert credential["issuer"] == f"https://login.microsoftonline.com/{TENANT}/v2.0"
    assert now["servicePrincipals"][settings.agent_id]["agentIdentityBlueprintId"] == settings.blueprint_id
    user = now["users"][settings.agent_user_id]
    assert (user["identityParentId"], user["mailNickname"]) == (settings.agent_id, "webhook-bridge")
    (consent,) = now["oauth2PermissionGrants"].values()
    assert consent["scope"] == "Group-Conversation.ReadWrite.All"
    assert (consent["clientId"], consent["principalId"]) == (settings.agent_id, settings.agent_user_id)
    assert now["groups"]["group-1"]["members"] == [settings.agent_user_id]
    assert blueprint not in (settings.blueprint_id, settings.agent_id)


def test_a_person_learns_why_graph_would_refuse_an_agents_user(tmp_path):
    tenant = Tenant(tmp_path, account=["admin@contoso.com", "user"])
    run = tenant.run(*AGENT, "--yes")
    assert run.returncode == 1
    assert "signed in as a person" in run.stderr
    assert tenant.now["writes"] == []
    assert settings_of(tenant.run(*AGENT, "--yes", "--as-person")).identity == "agent-user"


def test_the_user_of_another_agent_is_left_unchanged(tmp_path):
    other = {"@type": "microsoft.graph.agentUser", "userPrincipalName": AGENT[8], "identityParentId": "other"}
    run = Tenant(tmp_path, users={**new_directory()["users"], "theirs": other}).run(*AGENT, "--yes")
    assert run.returncode == 1
    assert "is the user of another agent identity (other)" in run.stderr


def test_a_service_accounts_app_is_created_with_everything_it_needs(tmp_path):
    tenant = Tenant(tmp_path)
    settings = settings_of(tenant.run(*ACCOUNT, "--yes"))
    now = tenant.now
    ((_, row),) = now["applications"].items()
    assert (settings.identity, settings.app_id, settings.client_id) == ("service-account", row["appId"], "assigned-app")
    assert (settings.key_vault_url, settings.public_url) == (
        "https://vault.vault.azure.net",
        "https://bridge.azurewebsites.net",
    )
    assert row["signInAudience"] == "AzureADMyOrg"
    assert row["web"] == {"redirectUris": ["https://bridge.azurewebsites.net/api/sign-in/callback"]}
    wanted = ["Group-Conversation.ReadWrite.All", "offline_access", "openid", "profile"]
    (resource,) = row["requiredResourceAccess"]
    assert sorted(one["id"] for one in resource["resourceAccess"]) == [f"scope-{scope}" for scope in wanted]
    (consent,) = now["oauth2PermissionGrants"].values()
    assert sorted(consent["scope"].split()) == wanted
    assert (consent["consentType"], consent["principalId"]) == ("Principal", "service")
    assert now["roles"] == [["assigned", "Key Vault Secrets Officer", "/vault"]]
    assert now["groups"]["group-1"]["members"] == ["service"]


def test_only_missing_parts_are_changed(tmp_path):
    tenant = Tenant(tmp_path)
    settings_of(tenant.run(*ACCOUNT, "--yes"))
    now = tenant.now
    (row,) = now["applications"].values()
    row["web"] = {"redirectUris": ["https://other.example/"]}
    (consent,) = now["oauth2PermissionGrants"].values()
    consent["scope"] = " openid Group.ReadWrite.All"
    tenant = Tenant(tmp_path, **{**now, "writes": []})
    run = tenant.run(*ACCOUNT, "--yes")
    assert settings_of(run).app_id == row["appId"]
    assert [write.split("/")[1] for write in tenant.now["writes"]] == ["applications", "oauth2PermissionGrants"]
    (row,) = tenant.now["applications"].values()
    assert sorted(row["web"]["redirectUris"]) == [
        "https://bridge.azurewebsites.net/api/sign-in/callback",
        "https://other.example/",
    ]
    (consent,) = tenant.now["oauth2PermissionGrants"].values()
    assert "Group.ReadWrite.All" not in consent["scope"]


def handed_over(tenant, *call):
    """The command for the administrator, as words."""
    run = tenant.run(*call, "--hand-out")
    assert run.returncode == 0, run.stderr
    page = re.search(r"docs/grants/[\w-]+\.md", run.stderr)[0]
    assert (ROOT / page).is_file()
    (line,) = run.stdout.splitlines()
    return shlex.split(line)


@ALL
def test_a_hand_out_is_one_command_and_changes_nothing(call, tmp_path):
    tenant = Tenant(tmp_path, account=["admin@contoso.com", "user"])
    before = tenant.now
    command = handed_over(tenant, *call)
    assert tenant.now == before
    assert command[0] in ("az", f"scripts/{call[0]}")
    assert not {"--hand-out", "--app", "--resource-group"} & set(command)  # the administrator may not see the app


def test_the_command_of_a_hand_out_grants_the_role_without_a_script(tmp_path):
    tenant = Tenant(tmp_path)
    command = handed_over(tenant, *ROLE)
    assert tenant.az(*command[1:]).returncode == 0
    second = tenant.run(*ROLE, "--yes")
    assert "Nothing to change" in second.stderr
    assert len(tenant.now["writes"]) == 1


@pytest.mark.parametrize("call", [AGENT, ACCOUNT], ids=lambda call: call[0])
def test_the_command_of_a_hand_out_does_the_same_as_the_script(call, tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    one, two = Tenant(tmp_path / "one"), Tenant(tmp_path / "two")
    command = handed_over(two, *call)
    settings = one.run(*call, "--yes").stdout
    assert two.run(Path(command[0]).name, *command[1:], "--yes").stdout == settings
    assert two.now == one.now


@ALL
def test_who_is_refused_gets_the_command_for_an_administrator(call, tmp_path):
    tenant = Tenant(tmp_path, refuse="post /")
    run = tenant.run(*call, "--yes")
    assert run.returncode == 1
    assert "An administrator can run this" in run.stderr
    command = shlex.join(handed_over(Tenant(tmp_path), *call))
    assert [line for line in run.stderr.splitlines() if line.strip() and shlex_equal(line, command)]


def shlex_equal(line, command):
    try:
        return shlex.join(shlex.split(line)) == command
    except ValueError:
        return False


GRANTS = sorted((ROOT / "docs/grants").glob("*.md"))


@pytest.mark.parametrize("page", GRANTS, ids=lambda path: path.stem)
def test_a_hand_out_says_what_is_allowed_why_and_how_to_take_it_back(page):
    text = page.read_text()
    titles = ["What this permission allows", "Why it is needed", "Grant it", "Take it back"]
    assert re.findall(r"^## (.*)", text, re.MULTILINE) == titles
    assert len(text.split()) < 450  # one page
    back = text[text.index("## Take it back") :]
    assert "```" in back
    assert "if you stop the app" in back


def test_the_hand_outs_name_what_the_scripts_grant():
    texts = {page.stem: page.read_text() for page in GRANTS}
    assert texts.keys() == {"mail", "graph-role", "service-account", "agent-user"}
    scopes = re.search(r"^scopes='(.*)'", (SCRIPTS / ACCOUNT[0]).read_text(), re.MULTILINE)[1].split()
    assert [scope for scope in scopes if f"`{scope}`" not in texts["service-account"]] == []
    assert "Key Vault Secrets Officer" in texts["service-account"]
    assert "`Group-Conversation.ReadWrite.All`" in texts["agent-user"]
    for role in ("GroupMember.Read.All", "Group-Conversation.ReadWrite.All"):
        assert f"`{role}`" in texts["graph-role"]
        assert f"'{role}'" in (ROOT / "infra/grant.bicep").read_text()
    name = re.search(r"\$Name = '(.*)'", MAILBOX)[1]
    for role in re.findall(r"Application (Mail\.\w+)", MAILBOX):
        assert f"Application {role}" in texts["mail"]
        assert f'"{name} {role}"' in texts["mail"]


def test_the_grant_in_bicep_is_that_of_the_script():
    """The extension of Microsoft Graph: https://learn.microsoft.com/graph/templates/reference/approleassignedto"""
    text = (ROOT / "infra/grant.bicep").read_text()
    grant = re.search(r"resource grant 'Microsoft\.Graph/appRoleAssignedTo@v1\.0' = \{\n(.*?)\n\}", text, re.DOTALL)[1]
    assert set(re.findall(r"^  (\w+):", grant, re.MULTILINE)) == {"principalId", "resourceId", "appRoleId"}
    assert f"appId: '{az_stand_in.GRAPH}'" in text
    assert re.search(
        r"^extension 'br:mcr\.microsoft\.com/bicep/extensions/microsoftgraph/v1\.0:\d+\.\d+\.\d+'$", text, re.MULTILINE
    )
    pycep = pytest.importorskip("pycep", reason="no parser of Bicep")
    # The parser knows neither extensions nor functions of its own.
    known = re.sub(r"^extension .*\n", "", text, flags=re.MULTILINE)
    known = re.sub(r"filter\(.*", "graph.id", known)
    parsed = pycep.BicepParser().parse(text=known)
    assert set(parsed["parameters"]) == {"principalId", "role"}
    assert set(parsed["resources"]) == {"graph", "grant"}


def test_an_ambiguous_name_is_an_error(tmp_path):
    twin = {"displayName": "Webhook bridge", "appId": "a", "web": {"redirectUris": []}}
    run = Tenant(tmp_path, applications={"one": twin, "two": twin}).run(*ACCOUNT, "--yes")
    assert run.returncode == 1
    assert "there are several" in run.stderr


def test_a_vault_with_access_policies_is_refused(tmp_path):
    vaults = {"vault": {"id": "/vault", "uri": "https://vault.vault.azure.net/", "roles": None}}
    run = Tenant(tmp_path, vaults=vaults).run(*ACCOUNT, "--yes")
    assert run.returncode == 1
    assert "Azure role-based access control" in run.stderr


def test_another_cloud_has_its_own_hosts_audience_and_issuer(tmp_path):
    vaults = {"vault": {"id": "/vault", "uri": "https://vault.vault.azure.cn/", "roles": True}}
    tenant = Tenant(tmp_path, cloud="AzureChinaCloud", vaults=vaults)
    settings = settings_of(tenant.run(*ACCOUNT, "--yes", "--cloud", "china"))
    assert settings.cloud_name == "china"
    (row,) = tenant.now["applications"].values()
    (credential,) = row["federatedIdentityCredentials"]
    assert credential["audiences"] == ["api://AzureADTokenExchangeChina"]
    assert credential["issuer"] == f"https://login.partner.microsoftonline.cn/{TENANT}/v2.0"


def test_make_mailbox_documents_every_parameter():
    head, _, body = MAILBOX.partition("#>")
    parameters = body[body.index("param(") : body.index("\n)")]
    names = re.findall(r"\$(\w+)(?: =|,|\n|$)", parameters)
    assert names == ["Mailbox", "ClientId", "PrincipalId", "DisplayName", "Name", "Cloud", "DryRun"]
    assert re.findall(r"^\.PARAMETER (\w+)$", head, re.MULTILINE) == names


def test_make_mailbox_announces_every_change():
    _, _, body = MAILBOX.partition("#>")
    changing = re.findall(r"^(.*)\b((?:New|Set|Add|Remove|Enable|Disable)-[A-Z]\w+)", body, re.MULTILINE)
    cmdlets = {cmdlet for before, cmdlet in changing}
    assert cmdlets == {
        "New-Mailbox",
        "New-ServicePrincipal",
        "Enable-OrganizationCustomization",
        "New-ManagementScope",
        "New-ManagementRoleAssignment",
    }
    blocks = re.findall(r"Invoke-Change [\"'][^\n]+[\"'] \{\n(.+?)\n +\}\n", body, re.DOTALL)
    assert {block.split()[0] for block in blocks} == cmdlets
    assert len(blocks) == len([one for one in changing if one[1] in cmdlets])


def test_make_mailbox_signs_in_with_a_code_where_there_is_no_browser():
    assert "cloud-shell*" in MAILBOX
    assert re.search(r"Connect-ExchangeOnline [^\n]* @device\n", MAILBOX)


def test_make_mailbox_makes_scopes_possible_in_a_new_tenant():
    """New-ManagementScope fails while the organization is dehydrated."""
    before, _, _ = MAILBOX.partition("New-ManagementScope -Name")
    assert "if ((Get-OrganizationConfig).IsDehydrated)" in before
    assert "Enable-OrganizationCustomization" in before


def test_make_mailbox_grants_nothing_in_entra():
    granting = r"AppRoleAssignment\b|OAuth2PermissionGrant|Connect-MgGraph|--method (?!get)|ApplicationAccessPolicy"
    assert re.findall(granting, MAILBOX) == []
    assert "-CustomResourceScope $Name" in MAILBOX
    assert "-RecipientRestrictionFilter $filter" in MAILBOX


@pytest.mark.parametrize("script", POWERSHELL, ids=lambda path: path.name)
def test_powershell_can_parse_the_scripts(script):
    if not (pwsh := shutil.which("pwsh")):
        pytest.skip(f"no pwsh: {script.name} is not parsed")
    parse = (
        "$e = $null; [void][Management.Automation.Language.Parser]::ParseFile("
        f"'{script}', [ref]$null, [ref]$e); $e; exit $e.Count"
    )
    run = subprocess.run([pwsh, "-NoProfile", "-Command", parse], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (0, "")


def test_the_guide_names_scripts_arguments_and_settings_that_exist():
    guide = (ROOT / "docs" / "identity.md").read_text("utf-8")
    assert [
        path for path in re.findall(r"\]\((?!https?:)([^)#]+)\)", guide) if not (ROOT / "docs" / path).exists()
    ] == []
    scripts = set(re.findall(r"[\w-]+\.(?:sh|ps1)\b", guide))
    scripts |= set(re.findall(r"[\w-]+\.(?:sh|ps1)\b", (ROOT / "docs/deploy.md").read_text("utf-8")))
    assert scripts == {path.name for path in SCRIPTS.iterdir()} - {"common.sh"}
    arguments = set(re.findall(r"(?<![\w-])--([a-z][a-z-]+)", guide)) - {"post", "service-principal", "method", "help"}
    arguments -= {"use-device-code"}
    known = "".join(path.read_text("utf-8") for path in SHELL)
    assert {name for name in arguments if f"--{name} " not in known} == set()
    assert {name for name in re.findall(r" -([A-Z]\w+)", guide) if f"${name}" not in MAILBOX} == set()
    assert set(re.findall(r"BRIDGE_[A-Z_]*[A-Z]", guide)) <= set(TABLE)
    for cloud, values in CLOUDS.items():
        assert re.search(rf"^\| `{cloud}`.*`{values.graph}` \| `{values.exchange}` \|$", guide, re.MULTILINE)


def test_the_credential_of_a_blueprint_has_the_path_of_blueprints(tmp_path):
    """https://learn.microsoft.com/graph/api/agentidentityblueprint-post-federatedidentitycredentials."""
    tenant = Tenant(tmp_path)
    settings_of(tenant.run(*AGENT, "--yes"))
    writes = [write for write in tenant.now["writes"] if write.endswith("/federatedIdentityCredentials")]
    assert writes == [
        "post /applications/applications-0/microsoft.graph.agentIdentityBlueprint/federatedIdentityCredentials"
    ]


def test_the_cloud_shell_as_it_is_cannot_create_an_app(tmp_path):
    tenant = Tenant(tmp_path, account=["admin@contoso.com", "user"], cloud_shell=True)
    run = tenant.run(*ACCOUNT, "--yes")
    assert run.returncode == 1
    assert "az login --use-device-code" in run.stderr
    assert tenant.now["writes"] == []
    assert tenant.run(*ACCOUNT, "--dry-run").returncode == 0


@ALL
def test_every_call_is_for_the_subscription_of_azd(call, tmp_path):
    tenant = Tenant(tmp_path)
    settings_of(tenant.run(*call, "--yes", AZURE_SUBSCRIPTION_ID="azds"))
    # The first asks who is signed in.
    assert tenant.asked[0] == "default"
    assert set(tenant.asked[1:]) == {"azds"}


def test_a_subscription_of_another_tenant_is_an_error(tmp_path):
    tenant = Tenant(tmp_path)
    run = tenant.run(*ROLE, "--yes", "--subscription", "elsewhere")
    assert run.returncode == 1
    assert "az account set --subscription elsewhere" in run.stderr
    assert tenant.now["writes"] == []


@ALL
def test_lines_may_end_as_on_windows(call, tmp_path):
    made = []
    for number, line_end in enumerate(("\n", "\r\n")):
        (tmp_path / str(number)).mkdir()
        tenant = Tenant(tmp_path / str(number), line_end=line_end)
        settings = settings_of(tenant.run(*call, "--yes"))
        made.append((settings, {name: value for name, value in tenant.now.items() if name != "line_end"}))
    assert made[0] == made[1]


def test_ids_are_not_taken_for_paths_on_windows():
    assert "export MSYS_NO_PATHCONV=1" in (SCRIPTS / "common.sh").read_text()
