"""What is still to be told, and what has been told."""
