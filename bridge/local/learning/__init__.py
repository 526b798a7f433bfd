"""From recorded webhooks to a source: a form is proposed, with reasons, and tried on the same webhooks."""
