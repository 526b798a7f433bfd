"""azd's hooks, with stand-ins for `az` and `azd`: they warn instead of failing, and can be run again."""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile

import pytest

from bridge.configuration import Configuration
from bridge.settings import Settings
from tests import az_stand_in
from tests.local_stack import ROOT
from tests.test_scripts import POWERSHELL, SCRIPTS, Tenant

pytestmark = pytest.mark.files

ROUTES = """[groups]
ops = "3c1d0d4e-0000-4000-8000-000000000001"

[[route]]
when = "severity >= 'error' and title != \\"x\\""   # quotes, a backslash \\\\ and an umlaut: ü
groups = ["ops"]
"""
OUTPUTS = {
    "AZURE_SUBSCRIPTION_ID": "azds",
    "AZURE_RESOURCE_GROUP": "rg",
    "BRIDGE_APP": "assigned",
    "BRIDGE_URL": "https://bridge.azurewebsites.net",
    "BRIDGE_CLIENT_ID": "assigned-app",
    "BRIDGE_KEY_VAULT": "vault",
    "BRIDGE_GROUP": "group-1",
    "BRIDGE_NEXT_COMMAND": "scripts/the-next-one.sh",
}
AFTER = {
    "mail": {},
    "threads": {"BRIDGE_CHANNEL": "threads"},
    "service-account": {"BRIDGE_IDENTITY": "service-account", "BRIDGE_ACCOUNT": "service@contoso.com"},
    "agent-user": {
        "BRIDGE_IDENTITY": "agent-user",
        "BRIDGE_SPONSOR": "sponsor@contoso.com",
        "BRIDGE_AGENT_USER": "webhook-bridge@contoso.com",
    },
}
# An `azd` that keeps its environment in a file of JSON.
AZD = """#!{python} -IS
import json, os, sys
command, name, value = sys.argv[1:3], *sys.argv[3:5]
if command != ["env", "set"] or os.environ.get("AZD_FAILS"):
    sys.exit("ERROR: azd")
path = os.environ["AZD_FILE"]
known = json.load(open(path)) if os.path.exists(path) else {{}}
json.dump({{**known, name: value}}, open(path, "w"))
"""
identities = pytest.mark.parametrize("identity", AFTER)


@pytest.fixture(autouse=True, scope="module")
def az():
    with az_stand_in.serving() as Tenant.program:
        yield


class Environment:
    """An azd environment, and the hooks in it."""

    def __init__(self, folder, **tenant):
        self.tenant = Tenant(folder, **tenant)
        self._file = folder / "azd.json"
        azd = folder / "bin/azd"
        azd.write_text(AZD.format(python=sys.executable))
        azd.chmod(0o755)

    @property
    def saved(self):
        return json.loads(self._file.read_text()) if self._file.exists() else {}

    def run(self, *arguments, **values):
        """after-provision.sh, with what has been saved before."""
        return self.tenant.run(
            "after-provision.sh", *arguments, AZD_FILE=str(self._file), **{**OUTPUTS, **values, **self.saved}
        )

    def before(self, folder, **values):
        env = {"PATH": f"{self._file.parent / 'bin'}:{os.environ['PATH']}", "AZD_FILE": str(self._file), **values}
        return subprocess.run(
            [shutil.which("bash"), SCRIPTS / "before-provision.sh"],
            cwd=folder, env=env, capture_output=True, text=True, check=False,
        )  # fmt: skip


@identities
def test_a_dry_run_prints_the_changes_for_the_identity(identity, tmp_path):
    environment = Environment(tmp_path)
    before = environment.tenant.now
    run = environment.run("--dry-run", **AFTER[identity])
    assert run.returncode == 0, run.stderr
    assert any(line.startswith("would: ") for line in run.stderr.splitlines())
    assert environment.tenant.now == before
    assert environment.saved == {}


@identities
def test_the_first_run_sets_everything_up_and_the_second_changes_nothing(identity, tmp_path):
    environment = Environment(tmp_path)
    first = environment.run("--yes", **AFTER[identity])
    assert first.returncode == 0, first.stderr
    assert "Warning" not in first.stderr
    now, saved = environment.tenant.now, environment.saved
    # After the first run BRIDGE_AGENT_USER_ID is an object id.
    second = environment.run("--yes", **AFTER[identity])
    assert second.returncode == 0, second.stderr
    assert "Warning" not in second.stderr
    assert (environment.saved, environment.tenant.now["users"]) == (saved, now["users"])
    assert [w for w in environment.tenant.now["writes"] if w != "appsettings set"] == [
        w for w in now["writes"] if w != "appsettings set"
    ]


@pytest.mark.parametrize("identity", ["service-account", "agent-user"])
def test_the_settings_are_saved_in_the_app_and_in_azd(identity, tmp_path):
    environment = Environment(tmp_path)
    run = environment.run("--yes", **AFTER[identity])
    assert run.returncode == 0, run.stderr
    saved = {name: value for name, value in environment.saved.items() if name != "BRIDGE_AGENT_USER"}
    assert saved["BRIDGE_IDENTITY"] == identity
    settings = environment.tenant.now["apps"]["assigned"]["settings"]
    assert dict(setting.split("=", 1) for setting in settings) == saved


def test_an_address_in_the_older_setting_is_kept_for_the_next_run(tmp_path):
    environment = Environment(tmp_path)
    values = {**AFTER["agent-user"], "BRIDGE_AGENT_USER_ID": "webhook-bridge@contoso.com"}
    del values["BRIDGE_AGENT_USER"]
    for _ in range(2):
        run = environment.run("--yes", **values)
        assert (run.returncode, "Warning" in run.stderr) == (0, False), run.stderr
    assert environment.saved["BRIDGE_AGENT_USER"] == "webhook-bridge@contoso.com"


@identities
def test_every_call_is_for_the_subscription_of_azd(identity, tmp_path):
    environment = Environment(tmp_path)
    environment.run("--yes", **AFTER[identity])
    assert set(environment.tenant.asked) == {"default", "azds"}
    assert environment.tenant.asked.count("default") <= 1


@pytest.mark.parametrize(
    ("identity", "values", "missing"),
    [
        ("service-account", {"BRIDGE_ACCOUNT": ""}, "BRIDGE_ACCOUNT"),
        ("agent-user", {"BRIDGE_SPONSOR": ""}, "BRIDGE_SPONSOR"),
        ("agent-user", {"BRIDGE_AGENT_USER": ""}, "BRIDGE_AGENT_USER"),
        ("agent-user", {"BRIDGE_AGENT_USER": "", "BRIDGE_AGENT_USER_ID": "an-object-id"}, "BRIDGE_AGENT_USER"),
        ("mail", {"BRIDGE_APP": ""}, "nothing is provisioned"),
    ],
)
def test_a_missing_value_is_a_warning_with_the_command(identity, values, missing, tmp_path):
    run = Environment(tmp_path).run("--yes", **{**AFTER[identity], **values})
    assert run.returncode == 0
    assert "Warning: " in run.stderr
    assert missing in run.stderr
    assert "scripts/the-next-one.sh" in run.stderr


@identities
@pytest.mark.parametrize(
    "tenant",
    [{"account": None}, {"refuse": "post /"}, {"refuse": "get /"}, {"cloud": "AzureChinaCloud"}],
    ids=["nobody", "no privileges", "cannot read", "other cloud"],
)
def test_what_az_refuses_is_a_warning_and_the_code_is_deployed(identity, tenant, tmp_path):
    environment = Environment(tmp_path, **tenant)
    run = environment.run("--yes", **AFTER[identity])
    assert run.returncode == 0
    assert "Warning: " in run.stderr
    assert "Error: " in run.stderr
    if identity == "mail":
        # The role is not needed where the configuration has the addresses.
        assert "mail =" in run.stderr
    else:
        assert "scripts/the-next-one.sh" in run.stderr


def test_without_anybody_to_ask_it_is_a_warning(tmp_path):
    run = Environment(tmp_path).run(**AFTER["service-account"])
    assert run.returncode == 0
    assert "Nothing was changed" in run.stderr


def test_what_azd_cannot_save_is_a_warning(tmp_path):
    run = Environment(tmp_path).run("--yes", AZD_FAILS="1", **AFTER["service-account"])
    assert run.returncode == 0
    assert "set BRIDGE_IDENTITY yourself" in run.stderr


# The routes.


def decoded(environment):
    return base64.b64decode(environment.saved["BRIDGE_CONFIG_BASE64"]).decode()


@pytest.mark.parametrize("place", ["text", "file", "config.toml"])
def test_routes_survive_azd_with_quotes_and_lines(place, tmp_path):
    environment = Environment(tmp_path)
    values = {}
    if place == "text":
        values = {"BRIDGE_CONFIG": ROUTES}
    else:
        name = "config.toml" if place == "config.toml" else "my routes.toml"
        (tmp_path / name).write_text(ROUTES, "utf-8")
        values = {} if place == "config.toml" else {"BRIDGE_CONFIG": name}
    for _ in range(2):
        run = environment.before(tmp_path, **values)
        assert (run.returncode, run.stderr) == (0, "")
    assert decoded(environment).rstrip("\n") == ROUTES.rstrip("\n")
    assert Configuration.of(Settings("3c1d0d4e-0000-4000-8000-000000000001", decoded(environment)))
    # As azd does: the value in the place of its name, in text that is JSON only then.
    parameters = (ROOT / "infra/main.parameters.json").read_text()
    replaced = parameters.replace("${BRIDGE_CONFIG_BASE64=}", environment.saved["BRIDGE_CONFIG_BASE64"])
    assert json.loads(replaced)["parameters"]["configBase64"]["value"]


def test_without_routes_nothing_is_saved(tmp_path):
    environment = Environment(tmp_path)
    assert environment.before(tmp_path).returncode == 0
    assert environment.saved == {}


def test_a_file_that_is_not_there_is_a_warning(tmp_path):
    environment = Environment(tmp_path)
    run = environment.before(tmp_path, BRIDGE_CONFIG="nowhere.toml")
    assert run.returncode == 0
    assert "Warning: BRIDGE_CONFIG names nowhere.toml" in run.stderr
    assert environment.saved == {}


# The package.


def test_the_package_is_what_azd_deploys(tmp_path):
    """Built by a stand-in, because the real one takes a minute: tests/test_package.py builds it."""
    for name in ("scripts", "tools"):
        (tmp_path / name).mkdir()
    shutil.copy(SCRIPTS / "before-package.sh", tmp_path / "scripts")
    (tmp_path / "tools/package.py").write_text(
        "import sys, zipfile\n"
        "with zipfile.ZipFile(sys.argv[1], 'w') as package:\n"
        "    package.writestr('host.json', '{}')\n"
        "    package.writestr('bridge/__pycache__/app.cpython-313.pyc', 'x')\n"
    )
    (tmp_path / "build/azd").mkdir(parents=True)
    (tmp_path / "build/azd/old").touch()
    for _ in range(2):
        subprocess.run([shutil.which("bash"), tmp_path / "scripts/before-package.sh"], check=True, capture_output=True)
    made = {path.relative_to(tmp_path / "build/azd").as_posix() for path in (tmp_path / "build/azd").rglob("*.*")}
    # Without a .funcignore, azd would leave out __pycache__.
    assert made == {"host.json", "bridge/__pycache__/app.cpython-313.pyc", ".funcignore"}
    assert zipfile.is_zipfile(tmp_path / "build/azd.zip")
    assert (tmp_path / "build/azd/.funcignore").read_text() == ""


# Windows.


def test_windows_does_not_run_the_bash_of_wsl():
    text = (SCRIPTS / "after-provision.ps1").read_text()
    assert "--exec-path" in text
    assert [line for line in text.splitlines() if "Get-Command -Name 'bash'" in line and "$IsWindows" not in line] == []
    assert text.rstrip().endswith("exit 0")


@pytest.mark.parametrize("script", POWERSHELL, ids=lambda path: path.name)
def test_scripts_for_windows_say_what_they_do_and_balance(script):
    text = script.read_text("utf-8")
    head, _, body = text.partition("#>")
    assert ".SYNOPSIS" in head
    bare = re.sub(r"#[^\n]*|'(?:[^']|'')*'|\"(?:`.|[^\"`])*\"", "", body)
    for opening, closing in ("()", "{}", "[]"):
        assert bare.count(opening) == bare.count(closing)


@pytest.mark.parametrize("name", ["before-provision", "before-package", "after-provision"])
def test_both_shells_name_the_same_settings(name):
    def settings(ending):
        return set(re.findall(r"BRIDGE_[A-Z_0-9]+", (SCRIPTS / f"{name}.{ending}").read_text()))

    if name != "after-provision":  # which runs the other
        assert settings("ps1") == settings("sh")


@pytest.mark.skipif(not shutil.which("pwsh"), reason="no pwsh: the hooks of Windows are only read")
@pytest.mark.parametrize("place", ["text", "config.toml"])
def test_powershell_saves_the_same_routes(place, tmp_path):
    environment = Environment(tmp_path)
    values = {"BRIDGE_CONFIG": ROUTES} if place == "text" else {}
    if place != "text":
        (tmp_path / place).write_text(ROUTES, "utf-8")
    env = {
        **os.environ,
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "AZD_FILE": str(tmp_path / "azd.json"),
        **values,
    }
    subprocess.run(["pwsh", "-NoProfile", "-File", SCRIPTS / "before-provision.ps1"], cwd=tmp_path, env=env, check=True)
    assert decoded(environment).rstrip("\n") == ROUTES.rstrip("\n")
