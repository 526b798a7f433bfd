"""Editing routes and templates, with the effect that a change would have on the last webhooks."""
