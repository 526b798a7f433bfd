"""How action groups with secure webhooks are authenticated: by tokens of Entra for the audience of the settings."""

from bridge.settings import Settings
from bridge.sources.base import Authentication

# The application that calls for the action groups of Azure Monitor, and the role that it is given:
# https://learn.microsoft.com/azure/azure-monitor/alerts/action-groups#configure-authentication-for-secure-webhook
ACTION_GROUPS = "461e8683-5575-4561-ac7f-899cc907d62a"
ACTION_GROUPS_ROLE = "ActionGroupsSecureWebhook"


def by_entra_tokens(settings: Settings) -> Authentication | None:
    """The authentication by the tokens for BRIDGE_AZURE_MONITOR_AUDIENCE, if it is set."""
    if not settings.azure_monitor_audience:
        return None
    # Imported here: with its libraries it costs a fifth of a second.
    from bridge.verification.entra_tokens import EntraToken  # noqa: PLC0415

    verifier = EntraToken.of_tenant(settings.cloud, settings.tenant_id, ACTION_GROUPS, ACTION_GROUPS_ROLE)
    return Authentication(verifier, settings.azure_monitor_audience, "BRIDGE_AZURE_MONITOR_AUDIENCE")
