"""How each kind of GitHub's events is read.

https://docs.github.com/webhooks/webhook-events-and-payloads
"""

from collections.abc import Mapping

from bridge.sources.github.kind import Kind
from bridge.sources.github.kinds.code import CODE
from bridge.sources.github.kinds.conversations import CONVERSATIONS
from bridge.sources.github.kinds.deployments import DEPLOYMENTS
from bridge.sources.github.kinds.people import PEOPLE
from bridge.sources.github.kinds.runs import RUNS
from bridge.sources.github.kinds.security import SECURITY
from bridge.sources.github.kinds.work import WORK

KINDS: Mapping[str, Kind] = {**WORK, **CONVERSATIONS, **CODE, **RUNS, **DEPLOYMENTS, **SECURITY, **PEOPLE}
