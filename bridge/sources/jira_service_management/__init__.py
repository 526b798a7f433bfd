"""Alerts of Jira Service Management, the successor of Opsgenie, with the same payloads.

https://support.atlassian.com/jira-service-management-cloud/docs/alert-action-data-for-jira-edge-connector/
"""

from dataclasses import replace

from bridge.sources import generic
from bridge.sources.form import parse

_NAME, _TITLE = "jira_service_management", "Jira Service Management"

_form, _verifier = parse("opsgenie", generic.preset_table("opsgenie"))
JIRA_SERVICE_MANAGEMENT = generic.source(replace(_form, name=_NAME, title=_TITLE), _verifier)
