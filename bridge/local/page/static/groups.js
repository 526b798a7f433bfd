// Groups: what keeps their posts, what leads to them, and what the doctor finds.
import { element, get, keyed, make, many, setText } from "./dom.js";
import { moment } from "./delivery_parts.js";
import { about, go, isShown, register } from "./views.js";

const VERDICTS = { ok: "OK", warning: "Warning", failed: "Failed" };
let last = "";

async function load() {
  let text = "";
  try {
    text = await (await get("groups", {})).text();
    problem("");
  } catch (error) {
    problem(error.message);
    return;
  }
  if (text === last) return;
  last = text;
  const { groups, identity } = JSON.parse(text);
  if (identity) problem(`The identity needs a person: ${identity.reason}`);
  keyed(element("groups-rows"), groups, (group) => group.id, create, update);
}

function problem(text) {
  element("groups-problem").hidden = !text;
  setText(element("groups-problem"), text);
}

function create(group) {
  const findings = make("div", { className: "findings", role: "status" });
  const actions = make("div", { className: "do" },
    make("button", { type: "button", className: "plain", onclick: () => go("deliveries", "", { group: group.id }) }, "Its deliveries"));
  if (about.doctor) actions.prepend(make("button", { type: "button", onclick: (event) => examine(event.target, group, findings), "aria-label": `Ask the doctor about ${group.name}` }, "Ask the doctor"));
  return make("li", { className: "letter" }, make("h3", {}, group.name), make("p", { className: "meta" }), make("div", { className: "states" }), make("div", { className: "routes" }), actions, findings);
}

function update(item, group) {
  const [, meta, states, routes] = item.children;
  setText(meta, [group.is_configured === false ? "not in the settings" : "", group.id === group.name ? "" : group.id, group.mail].filter(Boolean).join(" · "));
  states.replaceChildren(...state(group));
  routes.replaceChildren(...group.routes.map((route) => make("p", { className: "note" },
    ...(route.number ? [`Route ${route.number}: `, make("code", {}, route.when)] : ["BRIDGE_GROUP: what no route takes"]))));
  if (!group.routes.length && group.is_configured !== null) routes.append(make("p", { className: "note" }, "No route leads to it."));
}

function state(group) {
  const lines = [];
  const line = (kind, name, ...text) => lines.push(make("p", {}, make("span", { className: `pill ${kind}` }, name), " ", ...text));
  if (group.hold) {
    line("on-hold", "on hold", "since ", moment(group.hold.since), `. ${group.hold.reason} `, "It is tried again ", moment(group.hold.until), ": what passes then releases it.");
  }
  if (group.paused) line("paused", "paused", "by the settings: its posts wait until `paused` is removed.");
  if (group.backoff) line("deferred", "backoff", "Graph asked for patience until ", moment(group.backoff), ".");
  if (group.is_overdue) line("refused", "overdue", `${many(group.open, "entry is", "entries are")} waiting, the first since `, moment(group.due), ".");
  else if (group.open) line("pending", "waiting", `${many(group.open, "entry", "entries")}.`);
  if (group.dead) line("dead-letter", "dead letters", make("a", { href: "#dead-letters" }, many(group.dead, "dead letter")));
  if (!lines.length) line("posted", "clear", "Nothing waits.");
  return lines;
}

async function examine(button, group, list) {
  button.disabled = true;
  list.replaceChildren("The doctor looks…");
  try {
    const { findings } = await (await get("groups/doctor", { group: group.id })).json();
    list.replaceChildren(make("ul", {}, ...findings.map((one) => make("li", {}, make("span", { className: `pill ${one.verdict}` }, VERDICTS[one.verdict]), make("span", {}, make("b", {}, one.subject), `: ${one.text}`), make("span", { className: "note" }, one.advice)))));
  } catch (error) {
    list.replaceChildren(make("span", { className: "problem" }, error.message));
  }
  button.disabled = false;
}

let waiting = 0;
document.addEventListener("outbox-changed", () => {
  if (!isShown("groups")) return;
  clearTimeout(waiting);
  waiting = setTimeout(load, 200);
});

register("groups", {
  show: load,
  focus: () => (element("groups-rows").querySelector("button") ?? element("groups-scroll")).focus(),
});
