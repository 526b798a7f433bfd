"""The page over the storage of a deployed app, on one's own machine."""
