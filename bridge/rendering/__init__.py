"""How an event becomes a post: templates, their filters, and the text rules they share."""
