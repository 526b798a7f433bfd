"""Where the secrets of webhooks come from."""

MADE_BY_THE_SERVICE = frozenset(
    {"incident_io", "linear", "pagerduty", "rootly", "sentry", "standard_webhooks", "stripe"}
)
"""These services make the secret themselves, and show it where their webhook is set up."""
