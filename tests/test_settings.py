"""Settings: everything from the environment, every problem at once, no value in any text."""

from pathlib import Path

import pytest

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
        "BRIDGE_IDENTITY": "developer",
        "BRIDGE_CLIENT_ID": "an-id",
        "BRIDGE_GRAPH_URL": "https://graph.microsoft.com/beta/",
        "BRIDGE_SETTLE_SECONDS": "0.5",
        "BRIDGE_DIGEST_OVER": "20",
        "BRIDGE_REOPEN_MINUTES": "30",
        "BRIDGE_THREAD_DAYS": "60",
        "BRIDGE_GIVE_UP_HOURS": "2",
        "BRIDGE_HISTORY_DAYS": "7",
        "BRIDGE_OUTBOX": "a.sqlite",
    }
    assert values.keys() == TABLE.keys(), "a new setting needs its row here"
    assert Settings.from_env(values) == Settings(
        group=GROUP,
        config="[groups]",
        templates=tmp_path,
        identity="developer",
        client_id="an-id",
        graph_url="https://graph.microsoft.com/beta",
        settle_seconds=0.5,
        digest_over=20,
        reopen_minutes=30,
        thread_days=60,
        give_up_hours=2,
        history_days=7,
        outbox=Path("a.sqlite"),
    )


def test_several_secrets_stand_side_by_side_for_rotation():
    settings = Settings.from_env({"BRIDGE_GITHUB_SECRET": "new, old,", "BRIDGE_AZURE_MONITOR_SECRET": " "})
    assert settings.secrets == {"github": ("new", "old")}


def test_secrets_are_not_in_the_representation():
    assert "hush" not in repr(Settings.from_env({"BRIDGE_GITHUB_SECRET": "hush"}))


def test_all_problems_are_told_at_once_and_no_value():
    problems = problems_of(
        {
            "BRIDGE_IDENTITY": "wrong-value",
            "BRIDGE_SETTLE_SECONDS": "wrong-value",
            "BRIDGE_HISTORY_DAYS": "0",
            "BRIDGE_TEMPLATES": "/wrong-value",
            "BRIDGE_GRAPH_URL": "http://wrong-value",
            "BRIDGE_CONFIG": "/wrong-value.toml",
        }
    )
    named = {problem.split()[0] for problem in problems}
    assert named == {
        "BRIDGE_IDENTITY",
        "BRIDGE_SETTLE_SECONDS",
        "BRIDGE_HISTORY_DAYS",
        "BRIDGE_TEMPLATES",
        "BRIDGE_GRAPH_URL",
        "BRIDGE_CONFIG",
    }
    assert "wrong-value" not in " ".join(problems)


@pytest.mark.parametrize("name", ["BRIDGE_GROUP", "BRIDGE_GITHUB_SECRET", "BRIDGE_CONFIG"])
def test_a_key_vault_reference_that_azure_left_as_it_is_is_never_a_value(name):
    (problem,) = problems_of({name: "@Microsoft.KeyVault(SecretUri=https://vault.example/secrets/x)"})
    assert problem.startswith(f"{name} is a Key Vault reference")
    assert "vault.example" not in problem


def test_the_configuration_may_be_a_file(tmp_path):
    (tmp_path / "bridge.toml").write_text("[groups]\n")
    assert Settings.from_env({"BRIDGE_CONFIG": str(tmp_path / "bridge.toml")}).config == "[groups]\n"


@pytest.mark.parametrize("url", ["http://127.0.0.1:7071/graph/v1.0", "http://localhost/graph", "http://[::1]:1/graph"])
def test_only_this_machine_is_asked_without_tls(url):
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
def test_a_token_is_given_to_no_other_host_than_graph(url):
    (problem,) = problems_of({"BRIDGE_GRAPH_URL": url})
    assert problem.startswith("BRIDGE_GRAPH_URL must begin with https:// and one of graph.microsoft.com, ")
