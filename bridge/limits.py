"""How much of everything there may be, each limit once."""

_KIB, _MIB = 1024, 1024**2

# Bytes of a webhook, for the sources whose services send the most: GitHub and GitLab.
# https://docs.github.com/webhooks/webhook-events-and-payloads#payload-cap
# https://gitlab.com/gitlab-org/gitlab/-/merge_requests/38687
MAX_BODY = 25 * _MIB
# For sources whose services document no bound: thousands of alerts, or an issue with all its fields, are less.
DEFAULT_BODY = 5 * _MIB
MAX_CALLBACK = 16 * _KIB  # bytes with which Entra sends the browser back: a code and a state
MAX_FIELDS = 1000  # of a form

MAX_DEPTH = 100  # levels of nested JSON: a deep document of Jira has thirty, and every reader takes two hundred
MAX_SIGNATURES = 4  # of one header that are looked at: a service sends two while a secret is rotated
MIN_KEY = 16  # bytes of a secret: a key of 128 bits
MAX_REFUSALS = 60  # a minute, of one source on one instance, each answered and logged by itself

MAX_ID = 255  # characters of a correlation key and of a delivery id
MAX_KIND = 200  # characters
MAX_LINE = 255  # characters of a topic and of a summary, as UTF-16 counts them
MAX_TOPIC = 120  # characters of a topic that a template of ours makes: what a list of mail shows
MAX_URL = 2000  # characters: what every browser and Outlook take
MAX_PARTICIPANTS = 20  # of a thread
MAX_INVITED = 100  # participants of a post of several entries; Exchange takes 500 recipients of a message
MAX_PARTICIPANT = 320  # characters of a name with its address
MAX_HTML = 40_000  # bytes of an entry's card
MAX_MESSAGE = 48 * 1024  # bytes of a queue message; base64 makes 64 KiB of it, a storage queue's limit

MAX_RECORD = 32 * 1024  # bytes of what is kept about a webhook; it travels as a queue message, too

MAX_POST = 200_000  # bytes of a post's HTML
MAX_CARDS = 20  # of a post
MAX_ROWS = 200  # of a digest


def in_units(size: int) -> str:
    """A number of bytes for people: `25 MiB`, `16 KiB`."""
    return f"{size // _MIB} MiB" if size % _MIB == 0 else f"{size // _KIB} KiB"
