"""The command line, `python -m bridge`: one module for each family of commands."""
