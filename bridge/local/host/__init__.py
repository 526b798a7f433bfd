"""Runs function_app.py on one machine, without Core Tools."""
