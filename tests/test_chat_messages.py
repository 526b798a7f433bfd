"""Messages for Slack, Teams, Discord and connectors, by one table over the formats: what is posted and answered."""

import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from bridge.configuration import Configuration
from bridge.events import Severity, Webhook
from bridge.receiving.receiver import Receiver
from bridge.receiving.refusals import Refusals
from bridge.rendering.renderer import Renderer
from bridge.settings import Settings
from bridge.sources import SOURCES
from bridge.sources.cards import MAX_DEPTH
from tests.chat_senders import SENDERS, adaptive
from tests.look import findings, parse

NOW = datetime(2026, 11, 23, 14, 3, tzinfo=UTC)
GROUP = "3c1d0d4e-0000-4000-8000-000000000000"
RENDERER = Renderer(titles={name: source.title for name, source in SOURCES.items()})
FORMATS = ("messagecard", "teams", "slack", "discord")
ANSWERS = {
    "messagecard": (200, "1", "text/plain"),
    "teams": (202, "", "text/plain"),
    "slack": (200, "ok", "text/plain"),
    "discord": (204, "", "text/plain"),
}


def message(name, title, text, red=True):
    """A message with a title, a text and a colour."""
    if name == "messagecard":
        return {"@type": "MessageCard", "title": title, "text": text, "themeColor": "FF0000" if red else "2DC72D"}
    if name == "teams":
        look = {"weight": "bolder", "size": "large", "color": "attention" if red else "good"}
        return adaptive([{"type": "TextBlock", "text": title, **look}, {"type": "TextBlock", "text": text}])
    if name == "slack":
        return {"attachments": [{"title": title, "text": text, "color": "danger" if red else "good"}]}
    return {"embeds": [{"title": title, "description": text, "color": 0xFF0000 if red else 0x2ECC71}]}


def receiver(config="", secrets=()):
    configuration = Configuration.of(
        Settings(GROUP, config=config, secrets={name: secrets for name in FORMATS if secrets})
    )
    renderer = Renderer(titles=configuration.titles, extended=configuration.extended) if config else RENDERER
    return Receiver(configuration.sources, configuration.authentications, configuration.routes, renderer, lambda: NOW)


def receive(name, payload, headers=None, config="", secrets=(), **query):
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return receiver(config, secrets).receive(name, Webhook(headers or {}, body, query=query))


def event(name, payload, headers=None, **query):
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    (found,) = SOURCES[name].read(Webhook(headers or {}, body, query=query))
    return found


def post(name, payload):
    (entry,) = receive(name, payload).entries
    assert findings(entry.html) == []
    return entry


def card_lines(name, payload):
    return parse(post(name, payload).html).shown


def sent(reply):
    return reply.status, reply.text, reply.content_type


# What clients are answered.


@pytest.mark.parametrize("name", FORMATS)
def test_a_message_is_answered_as_its_clients_expect(name):
    receipt = receive(name, message(name, "Pump", "It runs dry"))
    assert receipt.entries
    assert sent(receipt.reply) == ANSWERS[name]


@pytest.mark.parametrize("name", FORMATS)
def test_a_message_that_a_route_drops_is_answered_alike(name):
    receipt = receive(name, message(name, "Pump", "It runs dry"), config="[[route]]\ngroups = []")
    assert not receipt.entries
    assert sent(receipt.reply) == ANSWERS[name]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    ("answer", "expected"),
    [("ok", (200, "ok", "text/plain")), ("1", (200, "1", "text/plain")), ("empty", (202, "", "text/plain"))],
)
def test_the_url_may_ask_for_another_answer(name, answer, expected):
    assert sent(receive(name, message(name, "Pump", "Dry"), answer=answer).reply) == expected


@pytest.mark.parametrize("name", FORMATS)
def test_the_url_may_ask_for_the_answer_of_the_bridge(name):
    receipt = receive(name, message(name, "Pump", "Dry"), answer="json")
    assert receipt.reply.status == 202
    assert json.loads(receipt.reply.text) == receipt.body


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("query", [{"answer": "maybe"}, {"severity": "purple"}, {"group": "nobody"}])
def test_what_the_url_asks_for_and_is_not_there_is_refused(name, query):
    receipt = receive(name, message(name, "Pump", "Dry"), **query)
    assert (receipt.status, receipt.reply.status, receipt.entries) == (400, 400, ())
    assert "URL" in receipt.body["error"]


def test_discord_waits_for_a_message():
    receipt = receive("discord", {"content": "Dry", "username": "Pump"}, wait="true")
    content = json.loads(receipt.reply.text)
    assert (receipt.reply.status, receipt.reply.content_type) == (200, "application/json")
    assert content["id"].isdigit()
    assert (content["content"], content["author"]["username"], content["timestamp"]) == ("Dry", "Pump", NOW.isoformat())


ERRORS = {
    # not JSON, nothing to read, no secret, our own fault
    "slack": ["invalid_payload", "no_text", "invalid_token", "service_unavailable"],
    "discord": [50035, 50006, 50027, 0],
    "teams": ["InvalidRequestContent", "InvalidRequestContent", "Unauthorized", "ServiceUnavailable"],
    "messagecard": ["Bad payload received", "Summary or Text is required.", "", "failed on this webhook"],
}


@pytest.mark.parametrize("name", FORMATS)
def test_an_error_is_in_the_words_of_the_protocol_with_an_honest_status(name):
    broken = replace(SOURCES[name], read=lambda _: 1 / 0)
    faulty = Receiver({name: broken}, {}, receiver().routes, RENDERER, lambda: NOW)
    receipts = [
        receive(name, b"{"),
        receive(name, {"sent_by_bridge": "1"}),
        receive(name, message(name, "Pump", "Dry"), secrets=("secret-of-the-pump",)),
        faulty.receive(name, Webhook({}, b"{}")),
    ]
    assert [receipt.reply.status for receipt in receipts] == [400, 400, 401, 503]
    for receipt, expected in zip(receipts, ERRORS[name], strict=True):
        if name in {"slack", "messagecard"}:
            assert receipt.reply.content_type == "text/plain"
            assert expected in receipt.reply.text
        else:
            content = json.loads(receipt.reply.text)
            assert (content["code"] if name == "discord" else content["error"]["code"]) == expected
    assert receipts[0].reply.text == "invalid_payload" or name != "slack"
    assert "not JSON" in receipts[0].headers["X-Error"]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    "headers", [{"Authorization": "Bearer secret-of-the-pump"}, {"X-Webhook-Token": "secret-of-the-pump"}]
)
def test_a_secret_in_a_header_authenticates(name, headers):
    assert receive(name, message(name, "Pump", "Dry"), headers, secrets=("secret-of-the-pump",)).entries


def test_other_sources_answer_in_the_words_of_the_bridge():
    assert receiver().receive("alertmanager", Webhook({}, b"{")).reply is None


# Forms.


def test_slack_takes_a_form():
    payload = {"text": "Dry & *hot*"}
    body = urlencode({"payload": json.dumps(payload)}).encode()
    assert event("slack", body, {"Content-Type": "application/x-www-form-urlencoded"}).title == "Dry & hot"


@pytest.mark.parametrize(
    "fields", [{"content": "The pump runs dry"}, {"payload_json": json.dumps({"content": "The pump runs dry"})}]
)
def test_discord_takes_a_form(fields):
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert event("discord", urlencode(fields).encode(), headers).title == "The pump runs dry"


@pytest.mark.parametrize("file", [b"level 8", b'{"level": 8}'])
def test_discord_takes_a_multipart_form(file):
    body = (
        b'--x\r\nContent-Disposition: form-data; name="payload_json"\r\n\r\n{"content": "The pump runs dry"}\r\n'
        b'--x\r\nContent-Disposition: form-data; name="files[0]"; filename="log"\r\n\r\n' + file + b"\r\n--x--\r\n"
    )
    receipt = receive("discord", body, {"Content-Type": "multipart/form-data; boundary=x"})
    assert [entry.topic for entry in receipt.entries] == ["The pump runs dry"]


# Threads and severities.


@pytest.mark.parametrize(
    ("name", "sender"), [(name, sender) for name, senders in SENDERS.items() for sender in senders]
)
def test_bad_news_and_good_news_of_a_sender_are_one_thread(name, sender):
    bad, good = (event(name, SENDERS[name][sender](is_bad)) for is_bad in (True, False))
    assert bad.correlation_key == good.correlation_key
    assert bad.severity >= Severity.WARNING > good.severity
    assert not bad.ends_thread
    # Argo CD says that an application is deployed, not that a problem is over.
    assert good.ends_thread is (sender != "Argo CD")
    assert bad.details["state"]
    for one in (bad, good):
        assert findings(RENDERER.entry(one, "0" * 32, receiver().routes.decide(one).targets[0], NOW).html) == []


@pytest.mark.parametrize("name", FORMATS)
def test_the_url_may_name_the_thread(name):
    keys = {event(name, message(name, title, "x"), thread="pumps").correlation_key for title in ("One", "Two")}
    assert len(keys) == 1
    assert event(name, message(name, "One", "x")).correlation_key not in keys


def test_slack_and_discord_name_their_own_threads():
    first, second = ({"text": text, "thread_ts": "1795442580.1", "channel": "#a"} for text in ("One", "Two"))
    assert event("slack", first).correlation_key == event("slack", second).correlation_key
    keys = {event("discord", {"content": text}, thread_id="42").correlation_key for text in ("One", "Two")}
    assert len(keys) == 1


@pytest.mark.parametrize("name", FORMATS)
def test_the_url_makes_a_problem_as_bad_as_it_says_and_never_good_news(name):
    assert event(name, message(name, "[FIRING] Pump", "x"), severity="critical").severity is Severity.CRITICAL
    assert (
        event(name, message(name, "[RESOLVED] Pump", "x", red=False), severity="critical").severity is Severity.SUCCESS
    )


@pytest.mark.parametrize("name", FORMATS)
def test_a_state_of_a_sentence_counts_only_if_the_colour_agrees(name):
    contrary = event(name, message(name, "The customer says that all is down", "x", red=False))
    assert (contrary.details["state"], contrary.severity, contrary.ends_thread) == ("", Severity.SUCCESS, False)


@pytest.mark.parametrize("name", FORMATS)
def test_a_colour_that_contradicts_good_news_does_not_end_the_thread(name):
    found = event(name, message(name, "[RESOLVED] Pump", "x", red=True))
    assert (found.ends_thread, found.severity) == (False, Severity.ERROR)


@pytest.mark.parametrize("name", FORMATS)
def test_an_equal_message_is_news_where_its_state_is_not_known(name):
    assert event(name, message(name, "The pump says beep", "x")).repeat_window == 0.0
    assert event(name, message(name, "[FIRING:1] Pump", "x")).repeat_window is None


@pytest.mark.parametrize("name", FORMATS)
def test_messages_have_what_routes_ask_for(name):
    found = event(name, message(name, "[FIRING:1] Pump", "x")).attributes
    assert found["state"] == "firing"
    assert {"state", "sender", "channel", "thread"} <= set(found)


# What is shown.


@pytest.mark.parametrize("name", FORMATS)
def test_title_text_and_state_are_shown_once(name):
    shown = card_lines(name, message(name, "[FIRING:1] Tank level low", "It has **8 %** left"))
    assert shown[0].startswith("Firing · ")
    assert [line for line in shown if "Tank level low" in line] == ["Tank level low"]
    assert len([line for line in shown if "8 %" in line]) == 1


BUTTONS = {
    "messagecard": {
        "title": "Release", "summary": "Release",
        "potentialAction": [
            {"@type": "OpenUri", "name": "Open it", "targets": [{"os": "default", "uri": "https://a.example"}]},
            {"@type": "ViewAction", "name": "Older", "target": ["https://b.example"]},
            {"@type": "HttpPOST", "name": "Approve", "target": "https://a.example"},
            {"@type": "InvokeAddInCommand", "name": "Add-in"},
        ],
    },
    "teams": {
        "type": "AdaptiveCard", "body": [{"type": "TextBlock", "text": "Release", "weight": "bolder"}],
        "actions": [
            {"type": "Action.OpenUrl", "title": "Open it", "url": "https://a.example"},
            {"type": "Action.OpenUrl", "title": "Older", "url": "https://b.example"},
            {"type": "Action.Submit", "title": "Approve"}, {"type": "Action.Execute", "title": "Reject"},
        ],
    },
    "slack": {
        "text": "Release",
        "blocks": [{"type": "actions", "elements": [
            {"type": "button", "text": {"type": "plain_text", "text": "Open it"}, "url": "https://a.example"},
            {"type": "button", "text": {"type": "plain_text", "text": "Older"}, "url": "https://b.example"},
            {"type": "button", "text": {"type": "plain_text", "text": "Approve"}, "action_id": "1"},
            {"type": "button", "text": {"type": "plain_text", "text": "Reject"}, "action_id": "2"},
        ]}],
    },
    "discord": {
        "content": "Release",
        "components": [{"type": 1, "components": [
            {"type": 2, "style": 5, "label": "Open it", "url": "https://a.example"},
            {"type": 2, "style": 5, "label": "Older", "url": "https://b.example"},
            {"type": 2, "style": 1, "label": "Approve", "custom_id": "1"},
            {"type": 2, "style": 4, "label": "Reject", "custom_id": "2"},
        ]}],
    },
}  # fmt: skip
APPS = {"messagecard": "Outlook and Teams", "teams": "Teams", "slack": "Slack", "discord": "Discord"}


@pytest.mark.parametrize("name", FORMATS)
def test_buttons_that_lead_somewhere_stay_and_others_are_named_as_left_out(name):
    entry = post(name, BUTTONS[name])
    body = parse(entry.html)
    links = {node.text: node.attributes["href"] for node in body.walk() if node.tag == "a"}
    assert links == {"Open it": "https://a.example", "Older": "https://b.example"}
    assert f"2 buttons that only {APPS[name]} can press are left out" in body.shown


@pytest.mark.parametrize("name", FORMATS)
def test_a_message_that_is_all_buttons_is_posted(name):
    payload = {
        key: value for key, value in BUTTONS[name].items() if key not in {"title", "summary", "text", "content", "body"}
    }
    entry = post(name, payload)
    assert entry.topic == f"Message for {APPS[name]} without a title"
    assert "2 buttons that only" in " ".join(parse(entry.html).shown)


def _facts(name, value, run):
    return [{name: "Level", value: "8 %"}, {name: "Run", value: run}, {name: "Count", value: "3"}]


RUN = "[77](https://a.example/77)"
FACTS = {
    "messagecard": {"summary": "Level", "sections": [{"facts": _facts("name", "value", RUN)}]},
    "teams": adaptive([
        {"type": "TextBlock", "text": "Level"}, {"type": "FactSet", "facts": _facts("title", "value", RUN)}
    ]),
    "slack": {"text": "Level", "attachments": [{"fields": _facts("title", "value", "<https://a.example/77|77>")}]},
    "discord": {"content": "Level", "embeds": [{"fields": _facts("name", "value", RUN)}]},
}  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
def test_facts_are_shown_with_their_links(name):
    html = post(name, FACTS[name]).html
    assert [line for line in parse(html).shown if line.split(" ")[0] in {"Level:", "Run:", "Count:"}] == [
        "Level: 8 %", "Run: 77", "Count: 3",
    ]  # fmt: skip
    assert 'href="https://a.example/77"' in html


def test_columns_of_texts_become_facts_or_a_table():
    def row(*texts):
        return {"type": "ColumnSet", "columns": [{"items": [{"type": "TextBlock", "text": text}]} for text in texts]}

    title = {"type": "TextBlock", "text": "Stages", "weight": "bolder"}
    pairs = card_lines("teams", adaptive([title, row("Build", "passed"), row("Test", "failed")]))
    assert {"Build: passed", "Test: failed"} <= set(pairs)
    table = card_lines("teams", adaptive([title, row("Stage", "Result", "Took"), row("Build", "passed", "2 min")]))
    assert {"Stage Result Took", "Build passed 2 min"} <= set(table)


def test_a_card_that_a_button_would_open_is_shown():
    inner = {"type": "AdaptiveCard", "body": [{"type": "TextBlock", "text": "The whole story"}]}
    card = adaptive([{"type": "TextBlock", "text": "Release"}])
    card["attachments"][0]["content"]["actions"] = [{"type": "Action.ShowCard", "title": "Details", "card": inner}]
    assert card_lines("teams", card)[2:4] == ["Details", "The whole story"]


def test_what_is_hidden_is_shown_only_if_a_button_would_show_it():
    hidden = {"type": "TextBlock", "text": "Behind the scenes", "isVisible": False, "id": "more"}
    card = adaptive([{"type": "TextBlock", "text": "Release"}, hidden])
    assert "Behind the scenes" not in card_lines("teams", card)
    toggle = {"type": "Action.ToggleVisibility", "title": "More", "targetElements": ["more"]}
    card["attachments"][0]["content"]["actions"] = [toggle]
    assert "Behind the scenes" in card_lines("teams", card)


def test_rich_text_of_slack_is_shown():
    def text(words, **style):
        return {"type": "text", "text": words, "style": style}

    items = [{"type": "rich_text_section", "elements": [text(words)]} for words in ("one *", "two")]
    elements = [
        {"type": "rich_text_section", "elements": [text("bold", bold=True), text(" and "), text("a_b", code=True)]},
        {"type": "rich_text_list", "style": "bullet", "elements": items},
        {"type": "rich_text_quote", "elements": [text("said")]},
        {"type": "rich_text_preformatted", "elements": [text("make run")]},
    ]
    html = post("slack", {"blocks": [{"type": "rich_text", "elements": elements}]}).html
    for expected in ("<li>one *</li>", ">make run</pre>", "<blockquote"):
        assert expected in html


@pytest.mark.parametrize("name", FORMATS)
def test_a_message_without_a_title_has_its_first_line_as_one(name):
    payload = {
        "messagecard": {"text": "The pump runs dry\n\nSince noon"},
        "teams": adaptive([{"type": "TextBlock", "text": "The pump runs dry\n\nSince noon"}]),
        "slack": {"text": "The pump runs dry\nSince noon"},
        "discord": {"content": "The pump runs dry\nSince noon"},
    }[name]
    entry = post(name, payload)
    assert entry.topic == "The pump runs dry"
    assert "Since noon" in parse(entry.html).shown


# Bad input.


@pytest.mark.parametrize("name", FORMATS)
def test_html_does_not_act(name):
    entry = post(
        name, message(name, "<script>alert(1)</script>", "<img src=x onerror=alert(1)> <iframe></iframe> text")
    )
    assert not {"script", "img", "iframe"} & {node.tag for node in parse(entry.html).walk()}


@pytest.mark.parametrize("name", FORMATS)
def test_links_that_act_lead_nowhere(name):
    text = "<javascript:alert(1)|here>" if name == "slack" else "[here](javascript:alert(1))"
    assert 'javascript:alert(1)"' not in post(name, message(name, "Pump", text)).html


def nested(name, depth):
    if name == "teams":
        inner = {"type": "TextBlock", "text": "deep"}
        for _ in range(depth):
            inner = {"type": "Container", "items": [inner]}
        return adaptive([{"type": "TextBlock", "text": "Deep"}, inner])
    inner = {"type": "text", "content": "deep"}
    for _ in range(depth):
        inner = {"type": 17, "components": [inner]} if name == "discord" else {"type": "future", "elements": [inner]}
    return {"text": "Deep", "content": "Deep", "blocks": [inner], "components": [inner]}


@pytest.mark.parametrize("name", ["teams", "slack", "discord"])  # sections of a MessageCard do not nest
def test_what_is_nested_too_deep_is_left_out_and_said_so(name):
    entry = post(name, nested(name, MAX_DEPTH + 3))
    assert "more block" in " ".join(parse(entry.html).shown)


def large(name, kind):
    """200 KB of it."""
    if kind == "deep":
        return b'{"text": "x", "body": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    if kind == "wide":
        block = {"teams": {"type": "TextBlock", "text": "**a** [b](https://c.example)"}}.get(
            name, {"type": "section", "text": {"type": "mrkdwn", "text": "*a* <https://c.example|b>"}}
        )
        many = [block] * (200_000 // len(json.dumps(block)))
        return {
            "text": "x",
            "content": "x",
            "body": many,
            "blocks": many,
            "sections": many,
            "embeds": many,
            "components": many,
        }
    if kind == "facts":
        fact = {"name": "a_b", "title": "*a*", "value": "**b**"}
        many = [fact] * (200_000 // len(json.dumps(fact)))
        body = [{"type": "FactSet", "facts": many}]
        return {"text": "x", "content": "x", "attachments": [{"fields": many}], "embeds": [{"fields": many}],
                "sections": [{"facts": many}], "body": body}  # fmt: skip
    return {"text": "*_~`<" * 40_000, "content": "*_~`<" * 40_000}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("kind", ["deep", "wide", "facts", "text"])
def test_200_kb_take_bounded_time(name, kind):
    payload = large(name, kind)
    start = time.process_time()
    receipt = receive(name, payload)
    assert time.process_time() - start < 3
    assert receipt.status in {202, 400}


@pytest.mark.parametrize("name", FORMATS)
def test_many_parts_are_cut_with_a_word(name):
    many = {
        "messagecard": {"summary": "x", "sections": [{"title": f"Part {number}", "text": "y"} for number in range(90)]},
        "teams": adaptive([{"type": "TextBlock", "size": "large", "text": f"Part {number}"} for number in range(90)]),
        "slack": {"text": "x", "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": f"Part {number}"}} for number in range(90)]},
        "discord": {"content": "x", "embeds": [{"title": f"Part {number}"} for number in range(90)]},
    }[name]  # fmt: skip
    shown = card_lines(name, many)
    assert any("more blocks, for which there is no room" in line for line in shown)


def test_files_of_discord_are_named_as_left_out():
    shown = card_lines("discord", {"content": "The log", "attachments": [{"id": 0, "filename": "pump_7.log"}]})
    assert "Files that are left out: pump_7.log" in shown


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("place", ["text", "button"])
def test_a_link_that_pretends_to_lead_elsewhere_says_where_it_leads(name, place):
    shown, real = "https://bank.example", "https://evil.example/login"
    if place == "text":
        payload = message(name, "Pump", f"<{real}|{shown}>" if name == "slack" else f"[{shown}]({real})")
    else:
        payload = json.loads(json.dumps(BUTTONS[name]).replace("Open it", shown).replace("https://a.example", real))
    body = parse(post(name, payload).html)
    (link,) = (node for node in body.walk() if node.tag == "a" and node.attributes["href"] == real)
    assert "evil.example" in " ".join([link.text, *body.shown])


@pytest.mark.parametrize("name", FORMATS)
def test_a_flood_and_a_body_that_is_too_long_are_answered_in_the_words_of_the_protocol(name):
    limited = replace(receiver(secrets=("secret-of-the-pump",)), refusals=Refusals(most=1))
    flood = [limited.receive(name, Webhook({}, b"{}")) for _ in range(2)]
    long = receive(name, b"{" + b" " * SOURCES[name].max_body + b"}")
    assert [receipt.reply.status for receipt in (*flood, long)] == [401, 429, 413]
    assert int(flood[1].headers["Retry-After"]) > 0
    if name == "slack":
        assert [receipt.reply.text for receipt in (*flood, long)] == [
            "invalid_token", "rate_limited", "payload_too_large",
        ]  # fmt: skip


def test_a_source_of_the_users_that_extends_one_has_its_answers():
    config = '[sources.shop]\nextends = "slack"\n[sources.shop.event]\nscope = "\'Shop\'"'
    receipt = receive("shop", {"text": "The pump runs dry"}, config=config)
    assert sent(receipt.reply) == ANSWERS["slack"]
    assert [entry.topic for entry in receipt.entries] == ["The pump runs dry · Shop"]
