"""The receiving wing: authenticate, read, route, render, answer."""
