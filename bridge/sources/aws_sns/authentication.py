"""How messages of Amazon SNS are authenticated: by their signatures, for the topics of the settings."""

from bridge.settings import Settings
from bridge.sources.base import Authentication


def by_signature(settings: Settings) -> Authentication | None:
    """The authentication of messages of the topics in BRIDGE_AWS_SNS_TOPICS, if it is set."""
    if not settings.aws_sns_topics:
        return None
    # Imported here: with its libraries it costs a fifth of a second.
    from bridge.verification.sns_signatures import SnsSignature  # noqa: PLC0415

    return Authentication(
        SnsSignature.of_amazon(settings.aws_sns_topics), settings.aws_sns_topics, "BRIDGE_AWS_SNS_TOPICS"
    )
