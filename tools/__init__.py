"""What a release and the documentation need, and the running bridge does not."""
