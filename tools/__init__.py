"""Tools for releases and the documentation, which the running bridge does not need."""
