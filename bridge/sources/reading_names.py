"""By which names JSON says what: all in small letters without what parts their words, the most specific first."""

import re
from typing import Any


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


TITLE = _words(
    """
    title headline alertname alerttitle alarmname alertrulename alertrule rulename rule subject checkname monitorname
    incidentname problemtitle issuetitle eventtitle searchname summary
    """
)
NAME = _words(
    """
    name displayname label objectname itemname
    """
)
MESSAGE = _words(
    """
    message msg description output text body details detail content comment note summary reason errormessage error
    statusreason eventmessage statusmessage latestdescription cause
    """
)
SEVERITY = _words(
    """
    severity severitylabel level loglevel priority urgency criticality impact
    """
)
# What people number: a ticket, an incident or a problem.
REFERENCE = _words(
    """
    key reference identifier ticket ticketid problemid incidentid incidentnumber number
    """
)
# Of an object with a name of its own the name means something else: a ticket's priority is no alert's severity.
MEANING = {"priority": "ticketpriority", "urgency": "ticketurgency"}
STATE = _words(
    """
    state status newstatevalue newstate currentstate currentstatus availabilitystate currenthealthstatus
    healthstatus phase outcome conclusion result statuscode
    """
)
BEFORE = _words(
    """
    previousstate oldstatevalue oldstate previousstatus oldstatus previoushealthstatus previousavailabilitystate
    """
)
HAPPENED = _words(
    """
    detailtype eventname eventtype notificationtype webhookevent eventkey event alerttype trigger action objectkind
    type kind
    """
)
RESOURCE = _words(
    """
    targetresourceid resourcename resourceid resource resources autoscalinggroupname instanceid ec2instanceid pod
    podname deployment instance device deviceid devicename hostname host node nodename server machine vm vmname
    container containername service component monitor check target involvedobject entity object asset queue database
    bucket cluster site website endpoint application app job pipeline servicename sourceid bucketname tablename
    queuename functionname
    """
)
# Who sent it, where it does not say what it is about.
ORIGIN = _words("source eventsource origin sender")
SCOPE = _words(
    """
    repository project namespace ns environment env organization workspace cluster region account
    """
)
ACTOR = _words(
    """
    actor triggeredby performedby initiatedby
    """
)
STORY = _words(
    """
    storyid
    fingerprint dedupkey dedupekey deduplicationkey incidentid alertid problemid correlationid groupkey alias
    """
)
# What has a story; where an object of this name has an id, it is that of the story.
STORIES = frozenset(_words("alarm alert incident problem issue"))
OCCURRED = _words(
    """
    time timestamp occurredat occurredtime occurred eventtime eventtimestamp firedat starttime startsat createdat
    datetime date ts updatedat created updated
    """
)

PAGE = _words(
    """
    htmlurl weburl permalink alerturl incidenturl issueurl eventurl detailsurl externalurl url link href homepage
    """
)
# What a button says, and the names of the addresses that it may lead to.
LINKS = {
    "Open the runbook": _words(
        """
        runbook runbookurl runbooklink playbook playbookurl instructions instructionsurl sop sopurl wiki wikiurl
        documentation documentationurl
        """
    ),
    "Open the dashboard": _words(
        """
        dashboard dashboardurl dashboardlink panel panelurl graph graphurl chart charturl grafana grafanaurl
        """
    ),
    "See the logs": _words(
        """
        logs log logsurl logurl logslink loglink trace traceurl traces
        """
    ),
    "Open the console": _words(
        """
        console consoleurl portal portalurl portallink
        """
    ),
    "Silence it": _words(
        """
        silence silenceurl muteurl snoozeurl
        """
    ),
    "Investigate": _words("investigate investigateurl investigatelink investigationlink"),
}

BUTTONS = tuple(LINKS)
_STEMS = tuple(
    re.compile(pattern)
    for pattern in ("runbook|playbook", "dashboard|grafana", r"\blogs?\b", "console|portal", "silence", "investigate")
)

LIMITS = _words("threshold limit thresholdvalue maximum")
VALUES = _words("value current currentvalue actual measured observed observedvalue metricvalue")

# Objects that hold what the event is about, rather than something beside it.
CONTAINERS = frozenset(
    _words(
        """
        detail details data payload body event message alert alarm incident issue problem finding findings notification
        fields attributes objectattributes properties context result record params info content resourceinfo
        operationalinfo outputfields labels annotations metadata commonlabels commonannotations heartbeat check
        monitor item items records events links urls alerts additionaldetails extra request customproperties
        eventdescription
        """
    )
)
# By what an object is called, and what stands for its key in lists of pairs.
CALLED = _words(
    """
    pathwithnamespace fullname displayname name label title login username value text
    """
)
PAIR_KEYS, PAIR_VALUES = _words("name key title label rel text type"), _words("href url link value val text")
GENERIC = frozenset((*CALLED, "id", "key", "type", "arn", "number"))

_NOISE = frozenset(
    _words(
        """
        self etag partition specversion datacontenttype dataschema contenttype locale timezone object livemode
        sequencenumber sequencer icon avatar color colour format index position visibilitylevel language ciconfigpath
        objectkind eventname webhookevent fingerprint source sourceip
        """
    )
)
_NUMBERS = {"number", "key"}
_NEVER_SHOWN = re.compile(
    r"\b(ids?|uid|uuid|guid|urn|arn|version|url|uri|sha|hash|checksum|etag|token|secret|password|passwd|credentials?"
    r"|signature|api ?key|access ?key|private ?key|authorization|cookie|avatar|icon)$"
)
_NO_PAGE = re.compile(
    r"\b(callback|(web)?hook|avatar|icon|logo|image|photo|thumbnail|schema|self|urls?|links?|href|id)\b"
)
_FOR_MACHINES = re.compile(
    r"//api\.|/api/|/rest/|/_apis/|\.git$|\.pem$|\.(png|jpe?g|gif|svg|ico)([?#]|$)|unsubscribe|subscri(be|ption)url|gravatar",
    re.IGNORECASE,
)
# The order of facts: what, where, how much, since when, who, what to do; anything else stands after how much, or last.
_ORDER = {
    0: re.compile(
        r"^(type|kind|category|issuetype|ticketpriority|severity)$|(rule|reason|cause|error|code|cmdline|command)$"
    ),
    1: re.compile(
        r"(region|zone|cluster|namespace|ns|pod|container|host|hostname|node|environment|env|site|instance|resource|service"
        r"|component|device|location|city|country|ip|address|path|mount|mountpoint|project|server|database|queue)$"
    ),
    2: re.compile(
        r"(value|threshold|limit|count|total|size|duration|percent|rate|score|level|attempts?|amount|usage)$"
    ),
    4: re.compile(
        r"(time|timestamp|date|since|at|seen|expiry|expires|expiration|due|started|ended|created|updated|start|end)$"
    ),
    5: re.compile(r"(user|username|owner|team|assignee|reporter|author|creator|contact|escalation|caller|by|oncall)$"),
    6: re.compile(r"(action|recommendation|remediation|solution|resolution|fix|advice|steps)$"),
}
_OTHER, TIME, _INNER, LIST = 3, 4, 7, 8
_OF_PEOPLE = {5, 6}


def normal(name: str) -> str:
    """A name as the tables here write it: `instanceid` of instance-id, InstanceId and instance_id."""
    return re.sub(r"[\W_]+", "", name.lower())


def is_noise(name: str, label: str, text: str) -> bool:
    """Whether a fact helps no reader, or is nobody's business: its name, the same for people, and its value."""
    label = label.lower()
    is_opaque = label.rpartition(" ")[2] in _NUMBERS and len(text) > 24
    return is_opaque or name in _NOISE or bool(_NEVER_SHOWN.search(label))


def button(label: str) -> str:
    """What a button says that leads to an address of this label; empty for what no person opens."""
    label = re.sub(r" (url|uri|link|href)$", "", label.lower())
    known = (text for text, stem in zip(BUTTONS, _STEMS, strict=True) if stem.search(label))
    if not label or _NO_PAGE.search(label):
        return ""
    return next(known, f"Open the {label}")


def is_for_machines(url: str) -> bool:
    """Whether an address leads to an API, an image, or the end of a subscription, and not to a page."""
    return bool(_FOR_MACHINES.search(url))


def place_of(name: str, value: Any, depth: int = 0) -> int:
    """Where a fact stands among others; what is of no known kind and not of the event itself stands last."""
    found = next((place for place, pattern in _ORDER.items() if pattern.search(name)), _OTHER)
    if found == _OTHER and isinstance(value, int | float) and not isinstance(value, bool):
        return 2
    return _INNER if found == _OTHER and depth else found


def is_of_people(name: str) -> bool:
    """Whether a value of this name says whom to ask, or what to do."""
    return place_of(normal(name), "") in _OF_PEOPLE
