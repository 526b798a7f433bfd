"""The webhook bridge: webhooks in, conversation threads of Microsoft 365 groups out."""

__version__ = "0.1.0"
