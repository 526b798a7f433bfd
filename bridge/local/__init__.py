"""Runs the bridge on one machine, with nothing else installed."""
