"""How messages of Amazon SNS are authenticated: by their signatures, for the topics of the settings."""

from bridge.settings import Settings
from bridge.sources.base import Authentication


def by_signature(settings: Settings) -> Authentication | None:
    """The authentication of messages of the topics in BRIDGE_AWS_SNS_TOPICS, if it is set."""
    if not settings.aws_sns_topics:
        return None
    # Imported here: with their libraries they cost a fifth of a second.
    from bridge.verification.public_keys import PublishedKeys  # noqa: PLC0415
    from bridge.verification.sns_signatures import SnsSignature, host  # noqa: PLC0415

    verifier = SnsSignature(PublishedKeys({host(topic) for topic in settings.aws_sns_topics}))
    return Authentication(verifier, settings.aws_sns_topics, "BRIDGE_AWS_SNS_TOPICS")
