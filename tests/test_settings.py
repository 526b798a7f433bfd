"""Settings: everything from the environment, every problem at once, no value in any text."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bridge.configuration import Configuration
from bridge.errors import SettingsError
from bridge.settings import TABLE, Settings

GROUP = "3c1d0d4e-0000-4000-8000-000000000001"


def problems_of(env: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as raised:
        Settings.from_env(env)
    return raised.value.problems


def test_nothing_but_defaults_is_needed():
    assert Settings.from_env({}) == Settings()


def test_every_setting_arrives(tmp_path):
    values = {
        "BRIDGE_GROUP": GROUP,
        "BRIDGE_CONFIG": "[groups]",
        "BRIDGE_TEMPLATES": str(tmp_path),
        "BRIDGE_TIME_ZONE": "Europe/Berlin",
        "BRIDGE_IDENTITY": "developer",
        "BRIDGE_CLIENT_ID": "an-id",
        "BRIDGE_TENANT_ID": "00000000-0000-4000-8000-0000000000a0",
        "BRIDGE_AZURE_MONITOR_AUDIENCE": "an-audience, api://another",
        "BRIDGE_AWS_SNS_TOPICS": "arn:aws:sns:eu-west-1:1:a, arn:aws:sns:eu-west-1:1:b",
        "BRIDGE_BLUEPRINT_ID": "a-blueprint",
        "BRIDGE_AGENT_ID": "an-agent",
        "BRIDGE_AGENT_USER_ID": "agent@contoso.com",
        "BRIDGE_APP_ID": "an-app",
        "BRIDGE_KEY_VAULT_URL": "https://bridge.vault.usgovcloudapi.net/",
        "BRIDGE_KEY_VAULT_ENTRY": "entry-1",
        "BRIDGE_PUBLIC_URL": "https://bridge.contoso.com/",
        "BRIDGE_CHANNEL": "mail",
        "BRIDGE_MAIL_FROM": "bridge@contoso.com",
        "BRIDGE_MAIL_IMPORTANCE": "error",
        "BRIDGE_CLOUD": "us-gov",
        "BRIDGE_GRAPH_URL": "https://graph.microsoft.us/beta/",
        "BRIDGE_SETTLE_SECONDS": "0.5",
        "BRIDGE_DIGEST_OVER": "20",
        "BRIDGE_REOPEN_MINUTES": "30",
        "BRIDGE_THREAD_DAYS": "60",
        "BRIDGE_GIVE_UP_HOURS": "2",
        "BRIDGE_HISTORY_DAYS": "7",
        "BRIDGE_KEEP_PAYLOADS_HOURS": "12",
        "BRIDGE_WATCHDOG_MINUTES": "30",
        "BRIDGE_GITHUB_TOKEN": "github_pat_0123456789",
        "BRIDGE_GITHUB_HOOKS": "contoso/pump, contoso/",
        "BRIDGE_GITHUB_APP_ID": "4711",
        "BRIDGE_GITHUB_APP_KEY": r"-----BEGIN PRIVATE KEY-----\nabc",
        "BRIDGE_GITHUB_API_URL": "https://github.contoso.com/api/v3/",
        "BRIDGE_PICTURES": "all",
        "BRIDGE_IMAGE_HOSTS": "Grafana.contoso.com, *.contoso.net:8443",
        "BRIDGE_OUTBOX": "a.sqlite",
    }
    assert values.keys() == TABLE.keys(), "a new setting needs its row here"
    assert Settings.from_env(values) == Settings(
        group=GROUP,
        config="[groups]",
        templates=tmp_path,
        time_zone=ZoneInfo("Europe/Berlin"),
        identity="developer",
        client_id="an-id",
        tenant_id="00000000-0000-4000-8000-0000000000a0",
        azure_monitor_audience=("an-audience", "api://another"),
        aws_sns_topics=("arn:aws:sns:eu-west-1:1:a", "arn:aws:sns:eu-west-1:1:b"),
        blueprint_id="a-blueprint",
        agent_id="an-agent",
        agent_user_id="agent@contoso.com",
        app_id="an-app",
        key_vault_url="https://bridge.vault.usgovcloudapi.net",
        key_vault_entry="entry-1",
        public_url="https://bridge.contoso.com",
        channel="mail",
        mail_from="bridge@contoso.com",
        mail_importance="error",
        cloud_name="us-gov",
        graph_url="https://graph.microsoft.us/beta",
        settle_seconds=0.5,
        digest_over=20,
        reopen_minutes=30,
        thread_days=60,
        give_up_hours=2,
        history_days=7,
        keep_payloads_hours=12,
        watchdog_minutes=30,
        github_token="github_pat_0123456789",
        github_hooks=("contoso/pump", "contoso"),
        github_app_id="4711",
        github_app_key="-----BEGIN PRIVATE KEY-----\nabc",
        github_api_url="https://github.contoso.com/api/v3",
        pictures="all",
        image_hosts=("grafana.contoso.com", "*.contoso.net:8443"),
        outbox=Path("a.sqlite"),
    )


def test_a_source_can_have_several_secrets_for_rotation():
    settings = Settings.from_env({"BRIDGE_GITHUB_SECRET": "new, old,", "BRIDGE_AZURE_MONITOR_SECRET": " "})
    assert settings.secrets == {"github": ("new", "old")}


def test_azure_monitor_is_authenticated_by_the_audience_of_its_tokens():
    audience = {"BRIDGE_AZURE_MONITOR_AUDIENCE": "new, api://old"}
    env = audience | {"BRIDGE_GROUP": GROUP, "BRIDGE_TENANT_ID": GROUP, "BRIDGE_GITHUB_SECRET": "hush"}
    found = Configuration.from_env(env).authentications
    assert {name: one.credentials for name, one in found.items()} == {
        "github": ("hush",),
        "azure_monitor": ("new", "api://old"),
    }
    assert Configuration.from_env({"BRIDGE_GROUP": GROUP}).authentications == {}
    for tenant in ({}, {"BRIDGE_TENANT_ID": "contoso.onmicrosoft.com"}):
        (problem,) = problems_of(audience | tenant)
        assert problem.startswith("BRIDGE_AZURE_MONITOR_AUDIENCE needs BRIDGE_TENANT_ID")
    for wrong in (",", "a b", "<client id>"):
        assert problems_of({"BRIDGE_AZURE_MONITOR_AUDIENCE": wrong, "BRIDGE_TENANT_ID": GROUP})


def test_hosts_of_images_are_names():
    for wrong in (
        "https://grafana.contoso.com",
        "*",
        "*.com*",
        "10.0.0.7",
        "[::1]",
        "localhost",
        "a b.example",
        "x.example/a",
    ):
        (problem,) = problems_of({"BRIDGE_IMAGE_HOSTS": wrong})
        assert problem.startswith("BRIDGE_IMAGE_HOSTS must be names of hosts, such as grafana.contoso.com")


def test_secrets_are_not_in_the_representation():
    assert "hush" not in repr(Settings.from_env({"BRIDGE_GITHUB_SECRET": "hush"}))


def test_all_problems_are_reported_together_and_no_value():
    problems = problems_of(
        {
            "BRIDGE_IDENTITY": "wrong-value",
            "BRIDGE_SETTLE_SECONDS": "wrong-value",
            "BRIDGE_TIME_ZONE": "../wrong-value",
            "BRIDGE_HISTORY_DAYS": "0",
            "BRIDGE_TEMPLATES": f"/wrong-value{'x' * 5000}",
            "BRIDGE_GRAPH_URL": "http://wrong-value",
            "BRIDGE_CONFIG": "/wrong-value",
        }
    )
    named = {problem.split()[0] for problem in problems}
    assert named == {
        "BRIDGE_IDENTITY",
        "BRIDGE_SETTLE_SECONDS",
        "BRIDGE_TIME_ZONE",
        "BRIDGE_HISTORY_DAYS",
        "BRIDGE_TEMPLATES",
        "BRIDGE_GRAPH_URL",
        "BRIDGE_CONFIG",
    }
    assert "wrong-value" not in " ".join(problems)


def configuration_problems_of(env: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as raised:
        Configuration.from_env(env)
    return raised.value.problems


def test_problems_of_the_environment_groups_routes_and_sources_are_reported_together():
    config = """
        colour = "red"
        [groups]
        ops = "wrong-value"
        [[route]]
        when = "sevrity"
        groups = ["nobody"]
        participants = [1]
        [sources.pump]
        body = "wrong-value"
        event.title = "item."
        facts.Floor = "floor"
        verifier = { kind = "wrong-value" }
        [sources.github]
    """
    problems = configuration_problems_of(
        {"BRIDGE_GROUP": "wrong-value", "BRIDGE_CHANNEL": "wrong-value", "BRIDGE_CONFIG": config}
    )
    starts = (problem.partition(" is ")[0].partition(" must ")[0].partition(" has ")[0] for problem in problems)
    assert {start.partition(" (line ")[0] for start in starts} == {
        "BRIDGE_CHANNEL",
        "BRIDGE_CONFIG",
        "BRIDGE_CONFIG: the group ops",
        "BRIDGE_CONFIG: route 1: `when`",
        "BRIDGE_CONFIG: route 1: 'nobody'",
        "BRIDGE_CONFIG: route 1: `participants`",
        "BRIDGE_GROUP",
        "BRIDGE_CONFIG: the source pump: `body`",
        "BRIDGE_CONFIG: the source pump: `event`: `title`",
        "BRIDGE_CONFIG: the source pump: `facts`: `Floor`",
        "BRIDGE_CONFIG: the source pump: `verifier` needs a `kind`, one of hmac, ed25519, token, basic",
        "BRIDGE_CONFIG: the source github",
    }
    assert "wrong-value" not in " ".join(problems)


@pytest.mark.parametrize(
    "env",
    [
        {"BRIDGE_GROUP": "@Microsoft.KeyVault(SecretUri=https://vault.example/secrets/x)"},
        {"BRIDGE_CONFIG": "/no/such/file.toml"},
        {"BRIDGE_CONFIG": "= broken"},
    ],
)
def test_what_cannot_be_read_is_not_also_reported_as_missing(env):
    (problem,) = configuration_problems_of(env)
    assert problem.startswith(next(iter(env)))


@pytest.mark.parametrize("name", ["BRIDGE_GROUP", "BRIDGE_GITHUB_SECRET", "BRIDGE_CONFIG"])
def test_an_unresolved_key_vault_reference_is_never_a_value(name):
    (problem,) = problems_of({name: "@Microsoft.KeyVault(SecretUri=https://vault.example/secrets/x)"})
    assert problem.startswith(f"{name} is a Key Vault reference")
    assert "vault.example" not in problem


def test_the_configuration_may_be_a_file(tmp_path):
    (tmp_path / "bridge.toml").write_text("[groups]\n")
    assert Settings.from_env({"BRIDGE_CONFIG": str(tmp_path / "bridge.toml")}).config == "[groups]\n"


@pytest.mark.parametrize("url", ["http://127.0.0.1:7071/graph/v1.0", "http://localhost/graph", "http://[::1]:1/graph"])
def test_only_this_machine_is_reached_without_tls(url):
    assert Settings.from_env({"BRIDGE_GRAPH_URL": url}).graph_url == url


@pytest.mark.parametrize(
    "url",
    [
        "http://graph.microsoft.com/v1.0",
        "https://graph.example.com/v1.0",
        "https://graph.microsoft.com.evil.test/v1.0",
        "https://graph.microsoft.com@evil.test/v1.0",
        "http://127.0.0.1.evil.test/v1.0",
        "nonsense",
    ],
)
def test_a_token_goes_to_no_other_host_than_graph(url):
    (problem,) = problems_of({"BRIDGE_GRAPH_URL": url})
    assert problem.startswith("BRIDGE_GRAPH_URL must begin with https:// and one of graph.microsoft.com, ")


def test_the_cloud_determines_the_url_of_graph():
    assert Settings.from_env({"BRIDGE_CLOUD": "china"}).graph_base == "https://microsoftgraph.chinacloudapi.cn/v1.0"


def test_azure_names_the_host_of_the_app_unless_a_person_does():
    azure = {"WEBSITE_HOSTNAME": "bridge.azurewebsites.net"}
    assert Settings.from_env(azure).public_url == "https://bridge.azurewebsites.net"
    own = azure | {"BRIDGE_PUBLIC_URL": "https://bridge.contoso.com"}
    assert Settings.from_env(own).public_url == "https://bridge.contoso.com"


@pytest.mark.parametrize(
    ("env", "missing"),
    [
        ({"BRIDGE_IDENTITY": "agent-user"}, {"TENANT_ID", "BLUEPRINT_ID", "AGENT_ID", "AGENT_USER_ID"}),
        ({"BRIDGE_IDENTITY": "service-account"}, {"TENANT_ID", "APP_ID", "CLIENT_ID", "KEY_VAULT_URL"}),
        ({"BRIDGE_CHANNEL": "mail"}, {"MAIL_FROM"}),
    ],
)
def test_a_choice_names_every_setting_that_it_needs(env, missing):
    problems = problems_of(env)
    assert {problem.split()[0] for problem in problems} == {f"BRIDGE_{name}" for name in missing}
    assert all(f"{name}={value}" in problem for problem in problems for name, value in env.items())


@pytest.mark.parametrize(
    "env",
    [
        {"BRIDGE_CLOUD": "china", "BRIDGE_GRAPH_URL": "https://graph.microsoft.com/v1.0"},
        {"BRIDGE_CLOUD": "us-gov", "BRIDGE_KEY_VAULT_URL": "https://bridge.vault.azure.net"},
        {"BRIDGE_KEY_VAULT_URL": "https://vault.azure.net.evil.test"},
    ],
)
def test_hosts_of_another_cloud_are_a_problem(env):
    (problem,) = problems_of(env)
    assert "is not in the cloud that BRIDGE_CLOUD names" in problem


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BRIDGE_TENANT_ID", "contoso.com/../other"),
        ("BRIDGE_KEY_VAULT_URL", "http://bridge.vault.azure.net"),
        ("BRIDGE_KEY_VAULT_URL", "https://bridge.vault.azure.net/secrets/x"),
        ("BRIDGE_KEY_VAULT_ENTRY", "a/b"),
        ("BRIDGE_PUBLIC_URL", "https://bridge.contoso.com/api?x=1"),
        ("BRIDGE_MAIL_FROM", "Bridge <bridge@contoso.com>"),
        ("BRIDGE_CHANNEL", "pigeon"),
        ("BRIDGE_CLOUD", "moon"),
    ],
)
def test_what_would_become_another_address_is_refused(name, value):
    (problem,) = problems_of({name: value})
    assert problem.startswith(name)
    assert value not in problem
