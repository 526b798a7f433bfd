"""How much of everything there may be, each limit once."""

# Of a webhook, in bytes: GitHub's own limit, the largest of any source:
# https://docs.github.com/webhooks/webhook-events-and-payloads#payload-cap
MAX_BODY = 25 * 1024 * 1024

MAX_ID = 255  # characters of a correlation key and of a delivery id
MAX_KIND = 200  # characters
MAX_LINE = 255  # characters of a topic and of a summary
MAX_HTML = 40_000  # bytes of an entry's card
MAX_MESSAGE = 48 * 1024  # bytes of a queue message; base64 makes 64 KiB of it, a storage queue's limit

MAX_POST = 200_000  # bytes of a post's HTML
MAX_CARDS = 20  # of a post
MAX_ROWS = 200  # of a digest
