"""The publishing wing as the settings build it; the service account's sign-in is renewed, or health says why not."""

import contextlib
import itertools
import random

import pytest

from bridge.errors import UnknownSignIn
from bridge.graph.mail import MailToGroups
from bridge.graph.threads import GroupThreads
from bridge.outbox.sqlite import SqliteOutbox
from bridge.outbox.sqlite_queue import SqliteQueue
from bridge.publishing.delivery import IDENTITY, Delivery
from bridge.publishing.leases import app_lock
from bridge.settings import Settings
from tests.faults import Fault
from tests.microsoft import microsoft
from tests.outbox_stand_ins import Clock
from tests.test_accounts import Tenant


@pytest.fixture
def tenant(tmp_path, monkeypatch):
    with microsoft(tmp_path) as cloud:
        yield Tenant(cloud, monkeypatch)


@pytest.fixture
def delivery(tenant, tmp_path):
    with storage(tmp_path) as (outbox, queue):
        yield Delivery(tenant.settings("service-account"), {}, {}, outbox, queue, Clock())


@contextlib.contextmanager
def storage(folder):
    path = folder / "outbox.sqlite"
    with contextlib.closing(SqliteOutbox(path)) as outbox, contextlib.closing(SqliteQueue(path)) as queue:
        yield outbox, queue


def kept(tenant):
    return tenant.cloud.vault.value("webhook-bridge-account")


def test_the_sign_in_is_renewed_once_a_day(tenant, delivery):
    tenant.signed_in()
    versions = [kept(tenant)]
    for hours in (0, 1, 22, 2, 23, 2):
        delivery._clock.now += hours * 3600
        delivery.sweep()
        versions.append(kept(tenant))
    changes = "".join("." if old == new else "x" for old, new in itertools.pairwise(versions))
    assert changes == "x..x.x"  # at once, and whenever a day is over
    assert delivery.publisher.health()["held"] == {}


def test_health_reports_a_revoked_sign_in_until_somebody_signs_in(tenant, delivery):
    tenant.signed_in()
    tenant.cloud.entra.revoke_refresh_tokens()
    delivery.sweep()
    assert "python -m bridge sign-in" in delivery.publisher.health()["held"][IDENTITY]["reason"]
    assert delivery.finish_sign_in(tenant.browser(delivery.begin_sign_in()))
    assert delivery.publisher.health()["held"] == {}
    delivery._clock.now += 300
    delivery.sweep()
    assert delivery.publisher.health()["held"] == {}


def test_the_hold_of_a_former_account_ends(tenant, delivery, tmp_path):
    delivery.sweep()
    assert IDENTITY in delivery.publisher.health()["held"]
    with storage(tmp_path) as (outbox, queue):
        other = Delivery(tenant.settings("agent-user"), {}, {}, outbox, queue)
        other.sweep()
        assert other.publisher.health()["held"] == {}


def test_a_renewal_that_fails_is_tried_again_by_the_next_sweep(tenant, delivery):
    tenant.signed_in()
    before = kept(tenant)
    tenant.cloud.entra.faults.append(Fault(endpoint="token"))
    delivery.sweep()
    assert (kept(tenant), delivery.publisher.health()["held"]) == (before, {})
    delivery._clock.now += 300
    delivery.sweep()
    assert kept(tenant) != before


@pytest.mark.parametrize(("channel", "kind"), [("threads", GroupThreads), ("mail", MailToGroups)])
def test_the_settings_choose_the_channel(tmp_path, channel, kind):
    settings = Settings(channel=channel, mail_from="bridge@contoso.com")
    with storage(tmp_path) as (outbox, queue):
        assert isinstance(Delivery(settings, {}, {}, outbox, queue).channel, kind)


def test_a_renewal_that_meets_the_lock_is_tried_again_by_the_next_sweep(tenant, delivery):
    tenant.signed_in()
    before = kept(tenant)
    with app_lock(delivery.outbox, "account", delivery._clock, random.SystemRandom()) as locked:
        assert locked
        delivery.sweep()
    assert kept(tenant) == before
    delivery._clock.now += 300
    delivery.sweep()
    assert kept(tenant) != before


def test_strangers_never_hold_the_lock_of_the_sign_in(tenant, delivery, monkeypatch):
    form = tenant.browser(delivery.begin_sign_in())

    def taken(*_):
        raise AssertionError("The lock was taken")

    with monkeypatch.context() as patched:
        patched.setattr("bridge.publishing.delivery.app_lock", taken)
        for state in ("", "nonsense", f"9999999999.{'a' * 22}.{'0' * 64}", form["state"][:-1] + "x"):
            for _ in range(50):
                with pytest.raises(UnknownSignIn):
                    delivery.finish_sign_in({**form, "state": state})
    assert delivery.finish_sign_in(form)
