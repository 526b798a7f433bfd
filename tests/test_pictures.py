"""Pictures in posts: what is drawn, where it stands, and that a post is never lost with one."""

import base64
import json
import re
import struct
import zlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.app import Bridge
from bridge.configuration import Configuration
from bridge.entries import Target
from bridge.events import Event, Severity, Webhook
from bridge.graph.mail import MailToGroups
from bridge.graph.threads import GroupThreads
from bridge.local.fake_graph.attachments import inline_pictures
from bridge.local.fake_graph.faults import Fault
from bridge.local.page.mail import Filter, Selection
from bridge.mistakes import mistakes
from bridge.publishing.delivery import Delivery
from bridge.publishing.digests import digest_html
from bridge.publishing.pictures import channel as channels
from bridge.publishing.pictures.channel import IllustratedChannel
from bridge.publishing.pictures.charts import drawn, luminance, visible_colour
from bridge.publishing.pictures.fetching import NoImage
from bridge.publishing.pictures.images import Image, image
from bridge.publishing.stories import post_html
from bridge.rendering import picture_marks
from bridge.rendering.measures import history
from bridge.rendering.renderer import Renderer
from bridge.settings import Settings
from bridge.sources import SOURCES
from tests.graph_contract import problems
from tests.graph_servers import GROUP, fake_graph_at, graph_client
from tests.outbox_stand_ins import Clock, entry
from tests.publishing_simulation import Simulation

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
POINTS = [(NOW + timedelta(minutes=minute), value) for minute, value in enumerate([40, 42.5, 61, 88, 96.4, 93.1])]
SHOT = "https://grafana.contoso.com/render/7.png"
ALARM = Event(
    source="generic", kind="alarm", delivery="1", correlation_key="pump", title="Pump-07 is hot", payload={},
    severity=Severity.ERROR, images=(("Panel of pump-07", SHOT),),
    details={
        "action": "firing", "meter": (93.1, 90.0, "Heat 93.1 °C, limit 90 °C"), "history": history(POINTS, "> 90"),
    },
)  # fmt: skip
PNG = drawn("gauge", {"value": 1, "limit": 2, "colour": "#c4314b"}).png


class Images:
    """A fetcher that has one image for every address, and notes what it was asked for."""

    def __init__(self, content=PNG):
        self.content, self.asked = content, []

    def fetch(self, url, seconds):
        self.asked.append(url)
        if isinstance(self.content, NoImage):
            raise self.content
        return image(self.content)


def rendered(event=ALARM, number=1, **changes):
    made = Renderer().entry(event, f"{number:032x}", Target(GROUP), NOW)
    return entry(number, **{**vars(made), "group": GROUP, **changes})


def attached(fake_graph):
    """The posts of the group, oldest first, each with its pictures by content id."""
    posts = [post for thread in fake_graph.threads(GROUP) for post in fake_graph.posts(GROUP, thread.id)]
    posts.sort(key=lambda post: post.received)
    return [(post.html, {one["contentId"]: one for one in post.attachments}) for post in posts]


@pytest.fixture
def fake_graph(tmp_path):
    simulated = [Clock()]
    with fake_graph_at(tmp_path, lambda: datetime.fromtimestamp(simulated[0](), UTC)) as (fake_graph, address):
        fake_graph.address, fake_graph.simulated = address, simulated
        fake_graph.addresses["pumps@contoso.com"] = GROUP
        yield fake_graph
        assert [problem for request in fake_graph.requests for problem in problems(*request)] == []


@pytest.fixture(params=["threads", "mail"])
def channel(request, fake_graph, monkeypatch):
    with graph_client(monkeypatch, fake_graph.address) as client:
        if request.param == "threads":
            yield GroupThreads(client)
        else:
            yield MailToGroups(client, "bridge@contoso.com", {GROUP: "pumps@contoso.com"}, lambda: 0.0)


def publisher(tmp_path, fake_graph, channel, fetcher):
    simulation = Simulation(tmp_path / "outbox")
    fake_graph.simulated[0] = simulation.clock
    illustrated = IllustratedChannel(channel, fetcher, simulation.clock)
    simulation.publisher = simulation.make(channel=illustrated, pictures=True)
    return simulation


def test_a_post_and_a_reply_show_their_pictures(tmp_path, fake_graph, channel):
    images = Images()
    simulation = publisher(tmp_path, fake_graph, channel, images)
    for number in (1, 2):
        simulation.put(rendered(number=number))
        simulation.run(60)
    first, second = attached(fake_graph)
    for html, pictures in (first, second):
        assert re.findall(r'src="cid:([^"]+)"', html) == list(pictures)
        assert [one["isInline"] for one in pictures.values()] == [True] * 3
        assert "<!--" not in html
        alts = re.findall(r' alt="([^"]*)"', html)
        assert alts == [
            "Heat 93.1 °C, limit 90 °C",
            "6 values, 40 to 96.4, the last 93.1, limit 90",
            "Panel of pump-07",
        ]
        shown = inline_pictures(list(pictures.values()))
        assert [data[:22] for data in shown.values()] == 3 * ["data:image/png;base64,"]
    assert not first[1].keys() & second[1].keys()
    page = Selection(fake_graph, {}, {}, {}, lambda _: ()).show(Filter())
    assert [list(post["pictures"]) for post in page["posts"]] == [list(first[1]), list(second[1])]
    assert images.asked == [SHOT, SHOT]
    simulation.close()


def test_what_graph_refuses_goes_without_its_pictures_once(tmp_path, fake_graph, channel):
    simulation = publisher(tmp_path, fake_graph, channel, Images())
    fake_graph.faults.add(Fault("400"))
    simulation.put(rendered())
    simulation.run(60)
    ((html, pictures),) = attached(fake_graph)
    assert pictures == {}
    assert "cid:" not in html
    assert "background:#c4314b" in html  # the bars of table cells
    assert simulation.outbox.counts().dead == 0
    simulation.put(rendered(number=2))
    simulation.run(channels.REFUSED)
    simulation.put(rendered(number=3))
    simulation.run(60)
    assert [len(pictures) for _, pictures in attached(fake_graph)] == [0, 0, 3]
    simulation.close()


def test_a_reply_by_mail_whose_picture_is_refused_leaves_no_draft(tmp_path, fake_graph, monkeypatch):
    with graph_client(monkeypatch, fake_graph.address) as client:
        mail = MailToGroups(client, "bridge@contoso.com", {GROUP: "pumps@contoso.com"}, lambda: 0.0)
        simulation = publisher(tmp_path, fake_graph, mail, Images())
        simulation.put(rendered())
        simulation.run(60)
        # createReplyAll passes, and the first picture does not.
        fake_graph.faults.add(Fault("ok"), Fault("400"))
        simulation.put(rendered(number=2))
        simulation.run(60)
        simulation.close()
        drafts = client.request("GET", "/users/bridge@contoso.com/mailFolders/drafts/messages")
    assert [len(pictures) for _, pictures in attached(fake_graph)] == [3, 0]
    assert drafts["value"] == []


def test_an_attempt_with_an_unknown_outcome_is_found_by_its_token(tmp_path, fake_graph, channel):
    simulation = publisher(tmp_path, fake_graph, channel, Images())
    fake_graph.faults.add(*[Fault("ok")] * isinstance(channel, MailToGroups), Fault("created-but-504"))
    simulation.put(rendered())
    simulation.run(7200)
    assert [len(pictures) for _, pictures in attached(fake_graph)] == [3]
    simulation.close()


@pytest.mark.parametrize("reason", [NoImage("gone"), NoImage("slow", is_of_host=True)])
def test_a_failed_image_costs_only_the_image(tmp_path, fake_graph, channel, reason):
    images = Images(reason)
    simulation = publisher(tmp_path, fake_graph, channel, images)
    for number in (1, 2):
        simulation.put(rendered(number=number))
        simulation.run(60)
    assert [len(pictures) for _, pictures in attached(fake_graph)] == [2, 2]
    assert all(f'href="{SHOT}"' in html for html, _ in attached(fake_graph))
    assert len(images.asked) == (1 if reason.is_of_host else 2)
    simulation.close()


class Recording:
    """A channel that keeps the posts which it was to prepare."""

    def __init__(self):
        self.posts = []

    def prepare(self, post, thread):
        self.posts.append(post)
        return post


def illustrated(html, fetcher):
    recording = Recording()
    post = channels.Post(GROUP, "Topic", html, "token")
    IllustratedChannel(recording, fetcher).prepare(post, "")
    return recording.posts[0]


def test_a_post_has_few_images_and_a_request_of_bounded_size():
    mark = f"{picture_marks.image(SHOT, 'Panel')}<!--/picture-->"
    images = Images()
    assert len(illustrated(mark * 30, images).pictures) == len(images.asked) == channels.MOST_IMAGES
    large = Image(PNG + bytes(900_000), "image/png", 600, 24)
    images.fetch = lambda url, seconds: large
    post = illustrated(mark * 30, images)
    assert len(post.pictures) == 2
    assert sum(4 * len(one.content) / 3 for one in post.pictures) + 200_000 < 3 << 20


def test_a_mark_that_cannot_be_read_leaves_what_stands_there():
    texts = ["{}", "[]", "7", '{"kind":"series","alt":""}', '{"kind":"rocket","alt":""}', "not JSON"]
    marks = [base64.b64encode(text.encode()).decode() for text in texts]
    html = "".join(f"<!--picture {mark}--><b>cells</b><!--/picture-->" for mark in ["A", *marks])
    post = illustrated(html, Images())
    assert (post.html, post.pictures) == ("<b>cells</b>" * 7, ())


def test_no_payload_can_write_a_mark():
    mark = f"{picture_marks.image('https://evil.example/x.png', 'x')}<!--/picture-->"
    event = Event(
        "generic", "note", "1", "k", f"A {mark}", {}, text=f"Some\n\n{mark}\n\n`{mark}`", facts=(("F", mark),)
    )
    assert illustrated(rendered(event).html, images := Images()).pictures == ()
    assert images.asked == []


def test_without_pictures_a_post_is_as_it_was():
    found = [rendered(), rendered(number=2, correlation_key="other", occurred=NOW + timedelta(minutes=9))]
    for html in (post_html(found[:1], token="t"), digest_html(found)):
        assert "<!--" not in html
        assert "<img" not in html
    assert "<!--picture " in post_html(found[:1], token="t", pictures=True)
    assert "<!--picture " in digest_html(found, pictures=True)


def test_a_digest_shows_its_chart():
    found = [rendered(number=n, correlation_key=f"k{n}", occurred=NOW + timedelta(minutes=n)) for n in range(30)]
    post = illustrated(digest_html(found, pictures=True), Images())
    (picture,) = post.pictures
    assert image(picture.content).width == 1080
    assert 'alt="Events per minute, 1 at most"' in post.html


@pytest.mark.parametrize(
    ("chosen", "in_threads", "in_mail"), [("mail", False, True), ("all", True, True), ("none", False, False)]
)
def test_the_setting_says_in_which_channel_pictures_are_shown(tmp_path, chosen, in_threads, in_mail):
    for name, expected in (("threads", in_threads), ("mail", in_mail)):
        delivery = Delivery(Settings(pictures=chosen, channel=name, mail_from="b@contoso.com"), {}, {}, None, None)
        assert isinstance(delivery.publisher._channel, IllustratedChannel) == expected


def read(source, sample, change):
    payload = json.loads((SOURCES[source].samples / f"{sample}.json").read_text())
    change(payload)
    webhook = Webhook(SOURCES[source].headers(sample, sample), json.dumps(payload).encode())
    (event,) = SOURCES[source].read(webhook)
    return event


@pytest.mark.parametrize(
    ("source", "sample", "change", "images"),
    [
        ("grafana", "group.firing", lambda sent: sent["alerts"][0].update(imageURL=SHOT), [SHOT]),
        ("grafana", "group.firing", lambda sent: sent["alerts"][0].update(imageURL="file:///etc/passwd"), []),
        ("grafana", "group.several", lambda sent: [one.update(imageURL=SHOT) for one in sent["alerts"]], [SHOT]),
        ("grafana", "rule.alerting", lambda sent: sent.update(imageUrl=SHOT), [SHOT]),
        (
            "better_stack",
            "incident.started",
            lambda _: None,
            ["https://uptime.betterstack.com/screenshots/704131206.png"],
        ),
        ("datadog", "monitor.triggered", lambda sent: sent.update(snapshot=SHOT), [SHOT]),
        ("datadog", "monitor.triggered", lambda sent: sent.update(snapshot="$SNAPSHOT"), []),
        ("ntfy", "message.high", lambda _: None, ["https://scada.contoso.com/tanks/4/chart.png"]),
        ("ntfy", "message.high", lambda sent: sent.update(attach="https://x.example/log.txt"), []),
        ("slack", "blocks", lambda _: None, ["https://pump.contoso.example/charts/level.png"]),
        ("discord", "embed.release", lambda _: None, ["https://pump.contoso.example/charts/level.png"]),
        ("messagecard", "build.failed", lambda _: None, ["https://jenkins.contoso.example/job/pump/118/trend.png"]),
        ("teams", "card.approval", lambda _: None, ["https://pump.contoso.example/charts/level.png"]),
    ],
)
def test_the_images_of_every_service_are_at_one_place_and_in_the_post(source, sample, change, images):
    event = read(source, sample, change)
    assert [url for _, url in event.images] == images
    illustrated(rendered(event).html, fetcher := Images())
    assert fetcher.asked == images


def test_doctor_says_when_hosts_of_images_have_no_effect():
    env = {"BRIDGE_GROUP": GROUP, "BRIDGE_IMAGE_HOSTS": "grafana.contoso.com"}
    found = mistakes(Bridge(Configuration.from_env(env)), env)
    assert [(one.subject, one.text.split(":")[0]) for one in found] == [
        ("settings", "BRIDGE_IMAGE_HOSTS has no effect")
    ]
    assert mistakes(Bridge(Configuration.from_env({**env, "BRIDGE_PICTURES": "all"})), env) == []


# Drawing.


def pixels(png):
    """Width, height and the pixels of a picture, each as its colour."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    chunks, place = {}, 8
    while place < len(png):
        size, kind = struct.unpack(">I4s", png[place : place + 8])
        data = png[place + 8 : place + 8 + size]
        assert struct.unpack(">I", png[place + 8 + size : place + 12 + size])[0] == zlib.crc32(kind + data)
        chunks[kind], place = data, place + 12 + size
    width, height, depth, colour_type = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    assert (depth, colour_type) == (8, 3)
    rows, clear = zlib.decompress(chunks[b"IDAT"]), chunks[b"tRNS"]
    assert len(rows) == height * (width + 1)
    assert len(chunks[b"PLTE"]) == 3 * len(clear)
    colours = [(*chunks[b"PLTE"][3 * at : 3 * at + 3], opaque) for at, opaque in enumerate(clear)]
    return [[colours[at] for at in rows[y * (width + 1) + 1 : (y + 1) * (width + 1)]] for y in range(height)]


def test_a_series_crosses_its_limit_where_it_does():
    found = drawn("series", {"points": [(0, 0), (10, 100)], "limit": 50, "above": True, "colour": "#c4314b"})
    rows = pixels(found.png)
    red = visible_colour("#c4314b")
    assert (found.width, found.height, len(rows[0]), len(rows)) == (540, 96, 1080, 192)
    for x in range(100, 1000, 50):
        column = [row[x] for row in rows]
        line = [colour for colour in column if colour[3] == 255]
        assert (red in line) == (x > 540) or abs(x - 540) < 20 or line.count(red) <= 2  # the dashes of the limit
    assert rows[0][0][3] == 0


numbers = st.floats(allow_nan=True, allow_infinity=True) | st.integers() | st.text(max_size=3) | st.none()
colours = st.from_regex(r"\A#[0-9a-f]{6}\Z") | st.text(max_size=8)


@settings(max_examples=15, deadline=None)
@given(
    kind=st.sampled_from([*picture_marks.KINDS, ""]),
    points=st.lists(st.tuples(numbers, numbers), max_size=40),
    value=numbers, limit=numbers, above=st.booleans(), colour=colours, width=numbers,
    columns=st.lists(st.lists(st.tuples(colours, numbers), max_size=4), max_size=40),
)  # fmt: skip
def test_any_values_are_drawn_within_bounds_or_not_at_all(kind, **values):
    found = drawn(kind, values)
    if found:
        rows = pixels(found.png)
        assert len(found.png) < 10_000
        assert (len(rows[0]), len(rows)) == (2 * found.width, 2 * found.height)
        assert found.width <= 540
        assert found.height <= 96


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=30), st.floats(-1e300, 1e300))
def test_any_series_is_drawn(series, limit):
    found = drawn("series", {"points": list(enumerate(series)), "limit": limit, "colour": "#8c1a2b"})
    assert found
    assert len(found.png) < 10_000


@pytest.mark.parametrize(
    "colour",
    ["#1a7f37", "#0f6cbd", "#bc4b09", "#c4314b", "#8c1a2b", "#8250df", "#8a8886", "#ffffff", "#000000", "#ffff00"],
)
@pytest.mark.parametrize("background", [(255, 255, 255), (0x29, 0x29, 0x29), (0, 0, 0)])
def test_every_colour_is_seen_on_white_and_on_black(colour, background):
    light, dark = sorted((luminance(visible_colour(colour)), luminance(background)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 3
