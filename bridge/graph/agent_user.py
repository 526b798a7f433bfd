"""The user of an agent identity: the managed identity's assertion is exchanged three times, and no secret is anywhere.

https://learn.microsoft.com/entra/agent-id/identity-platform/autonomous-agent-request-agent-user-tokens
"""

from bridge.graph.entra import Assertion, application, asserted, assertions, demanded, granted, token_of
from bridge.graph.identities import Identity, Remembered, Token
from bridge.settings import Settings

_ADVICE = (
    "Check BRIDGE_TENANT_ID, BRIDGE_BLUEPRINT_ID, BRIDGE_AGENT_ID and BRIDGE_AGENT_USER_ID, that the blueprint trusts "
    "the managed identity, and the consent for the agent's user: scripts/make-agent-user.sh sets all of it."
)


def agent_user(settings: Settings) -> Identity:
    """The user of BRIDGE_AGENT_USER_ID, as whom the agent identity of BRIDGE_AGENT_ID acts."""
    managed = assertions(settings)
    return Remembered(
        lambda claims: asserted(managed, claims, lambda assertion: _exchange(settings, claims, assertion))
    )


def _exchange(settings: Settings, claims: str, assertion: Assertion) -> Token:
    exchange = [f"{settings.cloud.exchange}/.default"]
    with application(settings, settings.blueprint_id, assertion) as blueprint:
        trust = granted(
            "token to the blueprint",
            lambda: blueprint.acquire_token_for_client(exchange, fmi_path=settings.agent_id),
            _ADVICE,
        )
    with application(settings, settings.agent_id, lambda: str(trust["access_token"])) as agent:
        instance = granted("token to the agent identity", lambda: agent.acquire_token_for_client(exchange), _ADVICE)
        user = "username" if "@" in settings.agent_user_id else "user_object_id"
        answer = granted(
            "token for the agent's user",
            lambda: agent.acquire_token_by_user_federated_identity_credential(
                [settings.cloud.graph_scope],
                instance["access_token"],
                claims_challenge=demanded(claims),
                **{user: settings.agent_user_id},
            ),
            _ADVICE,
        )
    return token_of(answer)
