// One delivery: who sent it, what it said, which way it took, what Graph answered, and its post.
import { element, get, make, many, setText, time } from "./dom.js";
import { facts, frame, moment, text, today } from "./delivery_parts.js";
import { showActions } from "./delivery_actions.js";
import { about, go, isShown, place } from "./views.js";

const RETRY = 700; // milliseconds between looks for a delivery that is on its way
const PATIENCE = 20; // of those looks
let shown = { asked: "", text: "" };
let tries = 0;

export function clearDelivery() {
  shown = { asked: "", text: "" };
  setText(element("delivery-title"), "No delivery is selected");
  element("delivery").replaceChildren();
  element("delivery-actions").hidden = true;
  setText(element("delivery-status"), "");
  showProblem("");
}

export function showDelivery(asked) {
  if (asked === shown.asked) return;
  clearDelivery();
  shown.asked = asked;
  tries = 0;
  setText(element("delivery-title"), "Looking…");
  refreshDelivery();
}

// Read it again; what is shown stays untouched unless something has changed.
export async function refreshDelivery() {
  const { asked } = shown;
  if (!asked) return;
  let text = "";
  try {
    text = await (await get("delivery", { id: asked })).text();
  } catch (error) {
    if (asked !== shown.asked || shown.text) return;
    if (++tries < PATIENCE) setTimeout(refreshDelivery, RETRY);
    else showProblem(error.message);
    return;
  }
  if (asked !== shown.asked || text === shown.text) return;
  const isOther = !shown.text;
  shown.text = text;
  showProblem("");
  const found = JSON.parse(text);
  draw(found, isOther);
  // It may have been found by the id of an entry.
  shown.asked = found.row.id;
  if (isShown("deliveries")) go("deliveries", found.row.id, place().query, true);
}

function showProblem(text) {
  element("delivery-problem").hidden = !text;
  setText(element("delivery-problem"), text);
}

function draw(found, isOther) {
  const { row } = found;
  const pane = element("delivery");
  const [top, focused] = [pane.scrollTop, pane.contains(document.activeElement)];
  setText(element("delivery-title"), row.title || row.event || row.kind || `Webhook of ${row.source_title}`);
  showActions(found);
  pane.replaceChildren(make("div", { className: "story" }, outcome(found), ...found.events.map(event), ...others(found)), posts(found), make("div", { className: "story request" }, ...request(found)));
  pane.scrollTop = isOther ? 0 : top;
  if (focused) pane.focus({ preventScroll: true });
}

// ---- the story

function outcome(found) {
  const { row } = found;
  const state = row.outcome === "accepted" && found.state ? found.state : row.outcome;
  return make("section", { className: `outcome ${row.outcome}` },
    make("p", { className: "verdict" }, make("span", { className: `pill ${state.replace(" ", "-")}` }, state), " ", row.reason || "No reason is known."),
    facts([
      ["Came", moment(row.at)],
      ["Source", row.source_title],
      ["Delivery", found.delivery],
      ["Event", row.event],
      ["Authenticated", found.authentication ? `by ${found.authentication}` : "no"],
      ["Answer", `${row.status}${found.took ? ` after ${(found.took * 1000).toFixed(1)} ms` : ""}`],
      ["Stands for", row.count > 1 ? `${row.count} webhooks, which were only counted` : ""],
      ["Events", found.count_events > found.events.length ? `${found.count_events}, here the first ${found.events.length}` : ""],
      ["Id", row.id],
    ]));
}

function event(shownEvent) {
  const end = shownEvent.entries.length ? "" : "none: the event is dropped";
  return make("section", {},
    make("h3", {}, `${shownEvent.kind}${shownEvent.title ? `: ${shownEvent.title}` : ""}`),
    facts([["Severity", shownEvent.severity], ["Key", shownEvent.key], ["Template", shownEvent.template], ["Groups", end]]),
    ...trials(shownEvent), ...shownEvent.entries.map(entry));
}

function trials({ trials: tried, route }) {
  const rows = tried.map((one) => make("tr", { className: one.answer === "does not match" ? "" : "decides" },
    make("td", {}, `${one.number}`), make("td", {}, make("code", {}, one.when)), make("td", {}, one.answer), make("td", {}, one.values)));
  const decided = make("p", { className: "note" }, `Decided: ${route}`);
  if (!rows.length) return route ? [decided] : [];
  const names = ["Route", "When", "Answer", "Values"].map((name) => make("th", { scope: "col" }, name));
  const table = make("table", { className: "trials" }, make("thead", {}, make("tr", {}, ...names)), make("tbody", {}, ...rows));
  return [make("div", { className: "sideways", tabIndex: 0, role: "region", "aria-label": "Routes that were tried" }, table), decided];
}

function entry(one) {
  const state = one.state === "delivered" ? "posted" : one.hold ? "on hold" : one.state;
  const reply = one.state === "dead letter" ? make("button", { type: "button", className: "plain", onclick: () => go("dead-letters", one.id) }, "Go to the dead letter") : "";
  return make("div", { className: "entry" },
    make("p", {}, make("span", { className: `pill ${state.replace(" ", "-")}` }, state), " ", make("strong", {}, one.group.name), " ", reply),
    facts([
      ["Attempts", one.tries ? `${one.tries} not sent` : ""],
      ["Last answer", one.answer],
      ["What helps", one.advice],
      ["On hold", one.hold],
      ["Next try", one.due ? moment(one.due) : ""],
      ["Posted", one.posted ? moment(one.posted) : ""],
      ["Repeat of", one.repeat_of],
      ["Queue", one.state === "queued" ? "on the queue, or forgotten with the history" : ""],
      ["Thread", one.thread],
      ["Last line of the post", one.token],
      ["Entry", one.id],
      ["Group", one.group.id === one.group.name ? "" : one.group.id],
    ]));
}

const others = ({ others: same }) => (same.length ? [make("section", {},
  make("h3", {}, `It came ${many(same.length + 1, "time")}`),
  make("ul", {}, ...same.map((row) => make("li", {}, make("a", { href: `#deliveries/${row.id}` }, `${row.outcome}, `, moment(row.at))))))] : []);

function request(found) {
  const headers = found.headers.map(([name, value]) => `${name}: ${value}`).join("\n");
  const { body } = found;
  const size = found.size ? `, ${found.size.toLocaleString()} bytes` : "";
  return [
    make("section", {}, make("h3", {}, "Headers that are kept"),
      headers ? text(headers, "Headers") : make("p", { className: "note" }, "None of them is on the list of headers without secrets.")),
    make("section", {}, make("h3", {}, `Body${size}`),
      body.text === null ? make("p", { className: "note" }, body.note) : text(body.text, "Body"),
      body.is_cut ? make("p", { className: "note" }, "The rest is not shown.") : ""),
  ];
}

// ---- the post beside it

function posts(found) {
  const pane = make("div", { className: "beside" });
  for (const one of found.posts) {
    pane.append(frame(one.group.name, `Posted ${time(new Date(one.posted * 1000).toISOString()).textContent}`, one.html, about.conversations &&
      make("button", { type: "button", onclick: () => openConversation(one.thread) }, "Open the conversation")));
  }
  if (!found.posts.length && found.today) pane.append(...today(found.today, found.row));
  if (!pane.children.length) {
    pane.append(make("p", { className: "note" }, missing(found)));
  }
  return pane;
}

function missing({ row, body }) {
  if (row.outcome !== "accepted") return "It has no post.";
  return body.text === null ? "Its post is in the group, if it is posted: its body is not kept to render it here."
    : "Its post is in the group, if it is posted: without the settings it cannot be rendered here.";
}

function openConversation(thread) {
  go("conversations");
  document.dispatchEvent(new CustomEvent("open-thread", { detail: thread }));
}

// Posts are drawn again in the colours of the page.
new MutationObserver(() => {
  if (shown.text) draw(JSON.parse(shown.text), false);
}).observe(document.documentElement, { attributeFilter: ["data-theme"] });
