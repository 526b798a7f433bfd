"""A stand-in for Microsoft Graph: groups, threads, posts, mail, and the tokens of a managed identity."""
