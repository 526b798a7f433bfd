"""By what Outlook sorts a post: headers of its events, and its importance."""

import pytest

from bridge.events import Severity
from bridge.outbox.rows import OpenEntry
from bridge.publishing.batching import Batch
from bridge.publishing.composing import composed, headers
from bridge.publishing.policy import Policy
from tests.outbox_stand_ins import START, entry


def test_one_event_is_named_in_the_headers():
    assert headers([entry(1, "repo 1#2", kind="issues.opened", severity=Severity.ERROR)]) == (
        ("x-bridge-source", "github"),
        ("x-bridge-severity", "error"),
        ("x-bridge-kind", "issues.opened"),
        ("x-bridge-key", "repo 1#2"),
    )


def test_of_several_events_the_headers_have_what_they_share_and_the_worst_severity():
    entries = [entry(1, "one", kind="a"), entry(2, "two", kind="b", severity=Severity.CRITICAL)]
    assert dict(headers(entries)) == {
        "x-bridge-source": "github",
        "x-bridge-severity": "critical",
        "x-bridge-kind": "several",
        "x-bridge-key": "several",
    }
    assert dict(headers(entries, is_digest=True))["x-bridge-kind"] == "digest"


def test_a_header_is_one_line_of_ascii():
    found = dict(headers([entry(1, "Stra\u00dfe\r\nx-evil: 1 " + "x" * 300, source="")]))
    assert found["x-bridge-key"].startswith("Stra?e x-evil: 1 x")
    assert len(found["x-bridge-key"]) == 200
    assert "x-bridge-source" not in found


@pytest.mark.parametrize(
    ("important", "severity", "is_important"),
    [
        (None, Severity.CRITICAL, False),
        (Severity.ERROR, Severity.CRITICAL, True),
        (Severity.ERROR, Severity.ERROR, True),
        (Severity.ERROR, Severity.WARNING, False),
    ],
)
def test_mail_is_important_from_a_severity_on(important, severity, is_important):
    rows = tuple(OpenEntry(entry(number, severity=one), START, START) for number, one in enumerate((severity, "info")))
    post = composed("g", Batch(rows, ""), "", "0" * 16, {}, Policy(important=important))
    assert post.is_important is is_important
