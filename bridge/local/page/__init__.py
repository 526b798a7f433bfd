"""The local page: a mail client for the stand-in's groups, with a panel to send webhooks."""
