"""The stand-in for Microsoft Graph: groups, threads, posts, mail and tokens."""
