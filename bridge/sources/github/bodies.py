"""Which bodies an event can have: X-GitHub-Event chooses how a body is read, and no signature covers it.

A body that was signed for one event and comes as another must not say what never happened: it is read as an event that
the bridge does not know.
"""

from collections.abc import Mapping

from bridge.fields import Payload, dig
from bridge.sources.github.keys import COMMON

# https://docs.github.com/webhooks/webhook-events-and-payloads: what the body of an event has, where that is not an
# object of the event's own name, and after a minus what only bodies of other events have.
_TABLE = """
branch_protection_rule rule
code_scanning_alert alert -alert.dependency -alert.secret_type -alert.affected_range
commit_comment comment -issue -discussion -pull_request -reviewers
create ref_type master_branch
custom_property definition
custom_property_values new_property_values
delete ref_type -master_branch
dependabot_alert alert -alert.rule -alert.secret_type -alert.affected_range
deploy_key key
deployment deployment -deployment_status -workflow_job -deployment_callback_url
deployment_protection_rule deployment_callback_url
deployment_review reviewers
discussion discussion -comment
discussion_comment discussion comment
fork forkee
gollum pages
installation installation -repository_selection -client_payload
installation_repositories repository_selection
installation_target account target_type
issue_comment issue comment
issue_dependencies blocked_issue
issues issue -comment
label label -issue -pull_request -discussion
member member -team
membership member team
meta hook_id
milestone milestone -issue -pull_request
org_block blocked_user
page_build build
pull_request pull_request -review -comment -thread
pull_request_review review
pull_request_review_comment pull_request comment
pull_request_review_thread thread
public -changes
push ref -ref_type -workflow -alert
repository_dispatch client_payload
repository_import status
repository_vulnerability_alert alert -alert.rule -alert.dependency -alert.secret_type
secret_scanning_alert alert -alert.rule -alert.dependency -alert.affected_range -location
secret_scanning_alert_location alert location
secret_scanning_scan started_at source
security_and_analysis changes
star starred_at
status context
sub_issues sub_issue
team team -member
team_add team
workflow_dispatch workflow inputs
workflow_run workflow_run -reviewers -deployment
"""
_BODIES: Mapping[str, str] = {
    name: keys for name, _, keys in (line.partition(" ") for line in _TABLE.strip().split("\n"))
}
_WITHOUT_ACTION = (
    *("create", "delete", "fork", "gollum", "page_build", "public", "push", "repository_import"),
    *("security_and_analysis", "status", "team_add", "workflow_dispatch"),
)
# Events without an object of their own: what their bodies have beside what all have, and the actions of those that
# would say something else of a body of another one's.
_WITHOUT_OBJECT = {
    "branch_protection_configuration": {"repository"},
    "github_app_authorization": set[str](),
    "organization": {"organization", "membership", "user", "invitation"},
    "public": {"repository"},
    "repository": {"repository"},
    "security_and_analysis": {"repository"},
    "watch": {"repository"},
}
_ACTIONS = {
    "branch_protection_configuration": {"enabled", "disabled"},
    "github_app_authorization": {"revoked"},
    "watch": {"started"},
    **{name: {""} for name in _WITHOUT_ACTION},
}
# What distinguishes events.
_MARKS = {key.split(".")[0].removeprefix("-") for keys in _BODIES.values() for key in keys.split()} - COMMON
_MARKS |= {"repository"}


def is_of_another(name: str, payload: Payload) -> bool:
    """Whether a body is not of the event by whose name it came."""
    if not payload.keys() - {"action", "sender"}:
        return False  # it says nothing that could be another event's
    if name in _ACTIONS and dig(payload, "action") not in _ACTIONS[name]:
        return True
    own = _WITHOUT_OBJECT.get(name)
    if own is not None and payload.keys() & (_MARKS | _objects(payload)) - own:
        return True
    keys = _BODIES.get(name, "" if own is not None else name).split()
    return any(_has(payload, key.removeprefix("-")) == key.startswith("-") for key in keys)


def _objects(payload: Payload) -> set[str]:
    return {key for key, value in payload.items() if isinstance(value, Mapping) and key not in COMMON}


def _has(payload: Payload, path: str) -> bool:
    *outer, last = path.split(".")
    value: object = payload
    for name in outer:
        value = value.get(name) if isinstance(value, Mapping) else None
    return isinstance(value, Mapping) and last in value
