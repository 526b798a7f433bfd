"""How senders are authenticated: signatures, tokens and published keys."""
