"""Issues, incidents, tasks and other work items of GitLab."""

from collections.abc import Mapping
from dataclasses import replace

from bridge.events import Event, Severity
from bridge.fields import Payload, dig, part
from bridge.rendering.text import in_words, one_line
from bridge.sources import kit
from bridge.sources.gitlab import changes
from bridge.sources.gitlab.merge_requests import STATES, author, description, opened_facts
from bridge.sources.gitlab.places import home, iid, iid_or_id, labels, moment, people, usernames

_ACTIONS: Mapping[str, str] = {"open": "opened", "close": "closed", "reopen": "reopened"}
# The severities of incidents and vulnerabilities; `unknown` is one that nobody has set.
SEVERITIES: Mapping[str, Severity] = {
    "critical": Severity.CRITICAL,
    "high": Severity.ERROR,
    "medium": Severity.WARNING,
    "low": Severity.INFO,
    "info": Severity.INFO,
}


def issue(event: Event) -> Event:
    """An issue, an incident, a task or another work item that was opened, changed or closed."""
    payload, item = event.payload, part(event.payload, "object_attributes")
    name = dig(item, "action") or STATES.get(dig(item, "state"), "")
    details = changes.update(payload) if name == "update" else {"action": _ACTIONS.get(name, name or "changed")}
    about = _weighed(about_issue(event, item), item, details["action"])
    if details["action"] == "made_confidential":  # the sentence says that it is so
        about = kit.with_details(about, noun=about.attributes["type"], confidential=False)
    facts = changes.facts(payload, details["action"]) if name == "update" else opened_facts(payload, name)
    return kit.with_details(replace(about, facts=facts), **details, text=description(payload, name))


def _weighed(event: Event, item: Payload, action: str) -> Event:
    """An incident is as severe as GitLab says, and good news when it is closed."""
    if action == "made_confidential":
        return replace(event, severity=Severity.WARNING)
    if dig(item, "type") != "Incident" or action not in _ACTIONS.values():
        return event
    bad = max(SEVERITIES.get(dig(item, "severity"), Severity.WARNING), Severity.WARNING)
    severity = Severity.SUCCESS if action == "closed" else bad
    return kit.with_details(replace(event, severity=severity), tone=f"{severity}")


def about_issue(event: Event, item: Payload) -> Event:
    """The event as one about an issue."""
    payload, number = event.payload, iid(item)
    kind = in_words(dig(item, "type")) or "issue"
    # The body of an older GitLab does not say so, the header of an issue's own event does.
    of_issue = dig(payload, "object_kind") == "issue" and event.attributes["confidential"]
    hidden = dig(item, "confidential", False) or dig(payload, "event_type") == "confidential_issue" or of_issue
    name, reference = one_line(dig(item, "title"), 180), f"#{number}" if number else ""
    return replace(
        event,
        correlation_key=kit.key(home(payload), "issue", iid_or_id(item)),
        title=kit.title(name or kind.capitalize(), reference),
        url=dig(item, "url") or event.url,
        occurred=moment(payload, "object_attributes.updated_at"),
        attributes=kit.with_attributes(
            event,
            labels=labels(payload, item),
            confidential=hidden,
            state=dig(item, "state"),
            type=kind,
            author=author(event, item),
            assignees=usernames(people(payload, "assignees", "assignee")),
        ),
        details={
            **event.details,
            "noun": f"confidential {kind}" if hidden else kind,
            "name": name,
            "reference": reference,
            "confidential": hidden,
        },
    )
