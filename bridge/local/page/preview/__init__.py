"""A live preview: the post of a payload, updated whenever the payload or a template is saved."""
