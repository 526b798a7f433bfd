"""Webhooks to a wrong address, and without the function key: the log says what helps."""

import pytest
import requests

from tests.local_stack import CONFIG, running, until

PUMPS = '\n[sources.pumps]\ntitle = "Pump station"\n'


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    with running(tmp_path_factory.mktemp("stack"), BRIDGE_CONFIG=CONFIG + PUMPS) as stack:
        yield stack


NO_KEY = "append ?code=local to its URL, or set its secret."


@pytest.mark.parametrize(
    ("path", "status", "line"),
    [
        ("gihtub", 404, "'/api/webhooks/gihtub': there is no such source; did you mean `github`?"),
        ("generic/pump", 404, "'/api/webhooks/generic/pump': there is no such source; did you mean `generic/pumps`?"),
        ("a" * 300, 404, f"'/api/webhooks/{'a' * 80}': there is no such source."),
        ("generic/pumps", 401, f"/api/webhooks/generic/pumps: {NO_KEY}"),
        ("alertmanager", 401, f"/api/webhooks/alertmanager: {NO_KEY}"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_the_log_says_what_helps(stack, path, status, line):
    answer = requests.post(f"{stack.address}/api/webhooks/{path}", json={}, timeout=30)
    assert answer.status_code == status
    # It is logged once the sender has its answer.
    until(lambda: f"{status} for {line}\n" in (stack.folder / "log").read_text())
