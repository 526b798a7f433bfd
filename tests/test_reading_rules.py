"""What holds for every source: only what a payload says is posted, and nothing that is accepted is lost.

Each rule is a table over all sources and all of their samples. What is rightly read otherwise stands in the rule's
exceptions with its reason: a source, a sample and a path, in which `...` stands for anything.
"""

import functools
import itertools
import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.configuration import Configuration
from bridge.events import Event, Severity
from bridge.receiving.receiver import Receiver
from bridge.rendering.text import in_words
from bridge.settings import Settings
from bridge.sources import SOURCES
from tests.amounts import one_in
from tests.changed_payloads import (
    RENDERER,
    Path,
    entry,
    events,
    is_excepted,
    is_form,
    is_word,
    items,
    kind,
    leaves,
    put,
    renewed,
    samples,
    shown,
    text,
    varied,
    webhook,
    with_another,
    without,
    without_times,
)
from tests.human_texts import PHRASES, PLACE, PLAIN, fill, marked
from tests.outbox_stand_ins import START, refs
from tests.publishing_simulation import Simulation

pytestmark = pytest.mark.wide

every_source = pytest.mark.parametrize("source", SOURCES)


def decided(event: Event) -> tuple[object, ...]:
    """What is said to have happened, and how much that matters."""
    return event.kind, event.severity, event.ends_thread, event.details.get("action")


DECIDING = ("draft", "fork", "conclusion", "firing", "resolved", "action", "state", "status")
OF_A_WORKFLOW = {"linear": 5, "jira": 5, "incident_io": 5}  # whose owners name its states


@every_source
def test_state_words_in_human_texts_decide_nothing(source):
    names, faults = DECIDING[: OF_A_WORKFLOW.get(source)], []
    for name, payload in one_in(5, list(samples(source)), len(source)):
        body = marked(source, name, payload)
        plain, *others = (
            events(source, name, json.loads(PLACE.sub(lambda place, phrase=phrase: fill(place, phrase), body)))
            for phrase in (PLAIN, *PHRASES)
        )
        expected, *found = (
            [(*decided(event), *(event.attributes.get(each) for each in names)) for event in read]
            for read in (plain, *others)
        )
        faults += [(name, phrase, each) for phrase, each in zip(PHRASES, found, strict=True) if each != expected]
        for before, after in zip(plain, others[0], strict=True):
            sentences = [entry(event).summary.lower() for event in (before, after)]
            for place in PLACE.finditer(body):
                sentences[1] = sentences[1].replace(fill(place, PHRASES[0]).lower(), fill(place, PLAIN).lower())
            if sentences[0] != sentences[1]:
                faults.append((name, *sentences))
    assert not faults, "\n".join(map(str, faults))


# What a word of a list looks like, and values that nobody has seen.
WORD = re.compile(r"[A-Za-z][\w.:-]{0,50}(?: [A-Za-z]\w*)?")
UNSEEN = {"AddGadgets": "add(ed)? gadgets", "some_new_state": "some new state"}
# What people name is shown as they write it.
OF_PEOPLE = {
    "alertmanager ...labels.severity": "the rule's author writes it",
    "grafana ...labels.severity": "the rule's author writes it",
    "event_grid ...ServiceComputeType": "the name of a product",
    "azure_monitor ...protectionType": "the name of a product",
    "azure_devops ...WorkItemType": "people name their types",
    "github repository_dispatch... action": "people name what they dispatch",
    "gitlab ...build_stage": "people name their stages",
    "gitlab ...builds.*.stage": "people name their stages",
    "gitlab ...access_level": "people name roles, too",
    "flux ...involvedObject.kind": "the kinds of a cluster's objects are anybody's",
}
# What need not be shown, or need not be neutral.
NOT_SHOWN = {
    "azure_monitor ...conditionType": "an unknown condition is read as a metric's",
    "bitbucket ...issue.priority": "the change of it is shown",
    "bitbucket_server ...comment.severity": "a comment that is no known kind of task is a comment",
    "bitbucket_server ...previousStatus": "whatever the vote was, it was reset",
    "github ... alert.state": "the action says what was done",
    "github ...content_type": "an item of a project is one of whatever type",
    "gitlab ...token... object_kind": "the name of the event is shown",
    "gitlab ...push... object_kind": "the name of the event is shown",
    "gitlab ....reset object_attributes.action": "what GitLab itself did has another word",
    "gitlab ...external_type": "the id itself is shown",
    "linear ...data.state.type": "the state's own name is shown",
    "incident_io ...category": "the status's own name is shown",
    "incident_io ...role_type": "then nobody is its lead",
    "rootly ...severity.severity": "the severity's own name is shown",
    "teams ...body.*.type": "what an element of a card has that is not known here is not either",
    "slack ...accessory.type": "the same",
    **OF_PEOPLE,
}
GRADED = {
    "azure_monitor ...data.alertContext.status": "Azure grades an activity however it ended",
    "azure_monitor ...conditionType": "the rule has a severity of its own",
    "flux ...reason": "Flux grades its events itself",
    "snyk ...severity": "the worst of the others counts",
    "pingdom ...importance_level": "a check that is down is an error, however important it is",
}


def unseen_values(source: str) -> Iterator[tuple[str, Path, str, str, Any]]:
    """Samples with another value in place of a service's word: sample, path, the word, the new one, and the payload."""
    known, turn = set(), itertools.cycle(UNSEEN)
    for name, payload in samples(source):
        for path, value in leaves(payload):
            place = (kind(source, name), shown(path), value)
            if place not in known and isinstance(value, str) and is_word(path) and WORD.fullmatch(value):
                known.add(place)
                # In turn, but for `make fuzz`: most words stand in several places.
                for unseen in UNSEEN if "FUZZ" in os.environ else [next(turn)]:
                    yield name, path, value, unseen, put(payload, path, unseen)


@every_source
def test_an_unseen_value_is_shown_in_plain_words_and_graded_by_nobody(source):
    bodies = dict(samples(source))

    @functools.cache
    def originals(name):
        return [(each, *drawn(each)) for each in events(source, name, bodies[name])]

    faults = []
    for name, path, value, unseen, payload in one_in(6, list(unseen_values(source)), len(source)):
        found = events(source, name, payload)
        problems = [({}, "not posted")] if len(found) != len(originals(name)) else []
        for (before, old, is_whole), after in zip(originals(name), found, strict=False):
            same = {field: getattr(before, field) for field in ("payload", "delivery", "dedup_key")}
            if not is_whole or replace(after, **same) != before:
                problems += judged(before, old, after, unseen, value)
        faults += [
            (name, shown(path), value, problem)
            for exceptions, problem in problems
            if not is_excepted(exceptions, source, name, path)
        ]
    assert not faults, "\n".join(map(str, faults))


def drawn(event: Event) -> tuple[str, bool]:
    """The event's post, and whether all of it is in what the source has read: some templates look into the payload."""
    return (post := text(event)), text(replace(event, payload={})) == post


def judged(before: Event, old: str, after: Event, unseen: str, value: str) -> Iterator[tuple[dict[str, str], str]]:
    """What is wrong with an event after one of its words became another, and where that may be so.

    old: the post before that.
    """
    new = text(after)
    post = " ".join(new.replace("\u200c", "").split())  # without the padding of the preview
    if unseen.lower() in new.lower():
        yield OF_PEOPLE, f"as it is written, not |in_words: {post}"
    is_lost = in_words(value) in old.lower() and in_words(value) not in new.lower()
    if (is_lost or decided(before) != decided(after)) and not re.search(UNSEEN[unseen], new, re.IGNORECASE):
        yield NOT_SHOWN, f"not shown: {post}"
    is_other = before.details.get("action") != after.details.get("action")
    neutral = {Severity.INFO} if is_other else {Severity.INFO, before.severity}
    # JSON that nobody described has other known words.
    if after.severity not in neutral and after.details.get("action") != "reported":
        yield GRADED, f"{before.severity} becomes {after.severity}: {post}"
    if after.ends_thread and not before.ends_thread:
        yield {}, f"the end: {post}"


@every_source
def test_the_order_of_people_decides_nothing(source):
    faults = []
    for name, payload in samples(source):
        one, other = (with_another(payload, is_first=is_first) for is_first in (False, True))
        if one == other:
            continue
        for both in zip(events(source, name, one), events(source, name, other), strict=True):
            # Several who acted may be named in the order of the payload.
            actors, words = [sorted(each.actor.split(", ")) for each in both], [*map(words_of, both)]
            before, after = zip((*map(decided, both),), actors, words, strict=True)
            if before != after:
                faults.append((name, before, after))
    assert not faults, "\n".join(map(str, faults))


def words_of(event: Event) -> list[str]:
    return sorted(re.findall(r"\w+", entry(event).summary))


# Where two events without a part of their key are rightly joined.
JOINED = {
    "github ... organization.id": "ids of GitHub count everywhere",
    "grafana ...orgId": "an instance numbers its rules across its organisations",
    "azure_monitor ...imensions.*...": "not every search and metric has them",
    "azure_monitor prometheus... data.alertContext.labels...": "an alert has the labels that it has",
    "azure_monitor older.budget data.ResourceGroup": "a budget may be that of a subscription",
    "azure_monitor older.log data.SearchQuery": "then it is known by the rule's name and its resource",
    "azure_container_registry ... request.host": "a chart's webhook does not name its registry",
    "event_grid ... *.data.request.host": "the same",
    "aws_sns notification.text ...Subject": "texts without a subject are a conversation about their topic",
    "gitlab vulnerability... object_attributes.project_id": "the project's path names it, too",
    "jira automation ...": "an issue is known by its id, its key or its address, and the Jira by itself",
    "cloud_events pump.alarm specversion": "without its envelope it is JSON that nobody described",
    "cloud_events pump.alarm source": "the same",
    "elastic ...space": "a rule without a space is in the default one",
    "falco ...": "a rule is known by where it matched",
    "home_assistant ...title": "an automation need not have a title",
    "prtg ...site": "without its name it is the one PRTG",
    "argo_cd ...argocd_url": "without its address it is the one Argo CD",
    "checkmk ...servicedesc": "without a service it is the host",
    "slack ...": "a message has no more of it than it shows",
    "discord ...": "the same",
    "graylog event event.key": "a definition need not group its events",
}


def key(event: Event, *, is_delivery: bool) -> str:
    return (event.dedup_key or event.delivery) if is_delivery else event.correlation_key


def parts(source: str, name: str, payload: Any, *, is_delivery: bool) -> Iterator[Path]:
    """The paths of what takes part in the key of a conversation, or of a delivery that has a certain id."""
    whole = events(source, name, payload)
    known = [key(event, is_delivery=is_delivery) for event in whole]

    def search(node: Any, path: Path) -> Iterator[Path]:
        for name_, item in items(node):
            where = (*path, name_)
            rest = events(source, name, without(payload, where))
            if known != [key(event, is_delivery=is_delivery) for event in rest]:
                below = list(search(item, where))
                yield from below or ([] if isinstance(item, bool) or is_form(where) else [where])

    if not (is_delivery and all(event.dedup_key for event in whole)):
        yield from search(payload, ())


def joined(source: str, name: str, payload: Any, *, is_delivery: bool) -> Iterator[tuple[Path, str]]:
    """The parts of a key without which two events are joined that have the others in common, and by what."""
    known = {key(event, is_delivery=is_delivery) for event in events(source, name, payload)}
    found = list(parts(source, name, payload, is_delivery=is_delivery))
    for path in found:
        one = without(payload, path)
        both = (events(source, name, each) for each in (one, varied(one, {*found})))
        for pair in zip(*both, strict=False):
            left, right = (key(event, is_delivery=is_delivery) for event in pair)
            # JSON that nobody described is known by its title and what it is about.
            is_read = "reported" not in {event.details.get("action") for event in pair}
            if left == right and left not in known and is_read and pair[0].payload != pair[1].payload:
                yield path, left


@every_source
@pytest.mark.parametrize("is_delivery", [False, True], ids=["conversation", "delivery"])
def test_a_key_with_a_part_missing_joins_nothing(source, is_delivery):
    # Payloads of the same form have the same parts.
    forms = {
        (kind(source, name), *sorted(str(each) for each, _ in items(payload))): (name, payload)
        for name, payload in reversed(list(samples(source)))
    }
    faults = [
        (name, shown(path), by)
        for name, payload in one_in(3, list(forms.values()), len(source))
        for path, by in joined(source, name, payload, is_delivery=is_delivery)
        if not is_excepted(JOINED, source, name, path)
    ]
    assert not faults, "\n".join(map(str, faults))


# What a new event has another one of, as the service documents: only the same webhook has it twice.
IDS = {
    "aws_sns": r"MessageId",
    "azure_container_registry": r"id",
    "azure_devops": r"id",
    "circleci": r"id",
    "cloud_events": r"(?:\*\.)?id",
    "event_grid": r"(?:\*\.)?id",
    "gcp_monitoring": r"incident\.incident_id",
    "pagerduty": r"event\.id",
    "sonarqube": r"taskId",
    "statuspage": r"incident\.incident_updates\.\*\.id|component_update\.id",
    "octopus_deploy": r"Payload\.Event\.Id",
    "rootly": r"event\.id",
    "stripe": r"id",
    "updown": r"\*\.downtime\.id",
}
# Words with which an alert is another one.
OTHERS = {
    "alertmanager ...labels.severity": "the fingerprint is that of all labels",
    "grafana ...labels.severity": "the same",
}


def stories(source: str) -> Iterator[tuple[str, Any, Any]]:
    """Samples with a state, each with a payload of another state, one for each kind of event and place of the state."""
    places: dict[tuple[str, str], list[tuple[str, Any, Path]]] = {}
    for name, payload in samples(source):
        for path, value in leaves(payload):
            if isinstance(value, str) and is_word(path) and not is_excepted(OTHERS, source, name, path):
                places.setdefault((kind(source, name), shown(path)), []).append((name, payload, path))
    for place in one_in(7, list(places), len(source)):
        for name, payload, path in places[place]:
            other = put(payload, path, "some_new_state")
            before, after = events(source, name, payload), events(source, name, other)
            # Another event of another conversation is no state of this one.
            is_same = [event.correlation_key for event in before] == [event.correlation_key for event in after]
            is_known = all(
                event.repeat_window != 0 and event.dedup_key not in event.correlation_key for event in before
            )
            if [*map(decided, after)] != [*map(decided, before)] and (is_same or not is_known):
                yield name, payload, other
                yield name, without_times(payload), without_times(other)
                break


@every_source
def test_the_same_body_after_a_change_of_state_is_news(source, tmp_path):
    simulation, arrivals, faults = Simulation(tmp_path), itertools.count(), []

    def receive(story: int, name: str, payload: Any) -> list[str]:
        """Receives the payload a minute after the one before it, in the story's group, and posts what it becomes."""
        arrival = next(arrivals)
        now = datetime.fromtimestamp(START + 60 * arrival, UTC)
        routes = Configuration.of(Settings(f"3c1d0d4e-0000-4000-8000-{story:012}")).routes
        receiver = Receiver(SOURCES, {}, routes, RENDERER, lambda: now)
        entries = receiver.receive(source, webhook(source, name, payload, f"d-{arrival}")).entries
        marks = refs(*range(100 * arrival, 100 * arrival + len(entries)))
        simulation.clock.now = max(simulation.clock.now, now.timestamp())
        simulation.put(*(replace(each, summary=mark, html=mark) for each, mark in zip(entries, marks, strict=True)))
        simulation.run(59)
        return marks

    for story, (name, down, up) in enumerate(stories(source)):
        bodies = (renewed(body, IDS.get(source, "(?!)"), number) for number, body in enumerate((down, up, down)))
        expected = [mark for body in bodies for mark in receive(story, name, body)]
        faults += [(name, each) for each in expected if each not in simulation.channel.delivered()]
    simulation.close()
    assert not faults, "\n".join(map(str, faults))
