"""The publishing wing: record, wake, lease, batch, post, mark."""
