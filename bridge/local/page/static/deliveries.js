// The list of all webhooks: filters, search, pages, and what comes while it is open.
import { element, get, keyed, make, many, setText, time } from "./dom.js";
import { clearDelivery, refreshDelivery, showDelivery } from "./delivery.js";
import { about, go, isShown, place, register } from "./views.js";

const PAUSE = 250; // milliseconds without a key until the search begins
const MOST_PAGES = 4; // that are read at once
const ENOUGH = 10; // rows without a further look
const AGAIN = 3000; // milliseconds between looks at entries that are not posted yet
const FINAL = new Set(["posted", "repeat", "dead letter", ""]);
const TIMES = { "": "Any time", 900: "Last 15 minutes", 3600: "Last hour", 86400: "Last 24 hours", 604800: "Last 7 days", other: "Other…" };
const OUTCOMES = { "": "All outcomes", accepted: "Accepted", ignored: "Ignored", dropped: "Dropped", refused: "Refused" };

let rows = []; // newest first
let states = {};
let following = "";
let filters = null; // those of the rows
let asked = 0; // rows of an earlier query are too late
let loading = Promise.resolve();
let newest = "";

const form = () => element("deliveries-filter").elements;

// ---- reading

const wanted = (query) => ({
  ...query,
  since: query.time && query.time !== "other" ? `${Date.now() / 1000 - Number(query.time)}` : moment(query.since),
  until: query.time && query.time !== "other" ? "" : moment(query.until),
});

const moment = (text) => (text ? `${new Date(text).getTime() / 1000 || ""}` : "");

const page = async (before = "") => (await get("deliveries", { ...wanted(filters), before })).json();

function load(query) {
  const number = ++asked;
  filters = query;
  setText(element("deliveries-note"), "Looking…");
  loading = attempt(async () => {
    const answer = await page();
    if (number !== asked) return;
    ({ rows, following } = answer);
    element("deliveries-scroll").scrollTop = 0;
    draw();
    await lookFurther(number);
  });
}

// A storage that has to look at many rows to find a few gives them a few at a time.
async function lookFurther(number) {
  for (let count = 0; count < MOST_PAGES && following && rows.length < ENOUGH; count++) {
    const answer = await page(following);
    if (number !== asked) return;
    ({ following } = answer);
    merge(answer.rows);
    draw();
  }
}

async function older() {
  element("deliveries-older").disabled = true;
  await loading; // before that, `following` is of the query before
  const number = asked;
  await attempt(async () => {
    const answer = await page(following);
    if (number !== asked) return;
    const first = answer.rows[0]?.id;
    ({ following } = answer);
    merge(answer.rows);
    draw();
    if (first) buttonOf(first)?.focus();
  });
  element("deliveries-older").disabled = false;
}

// What has come since; the rows that are shown keep their place.
async function update() {
  if (!filters) return;
  await loading;
  const number = asked;
  await attempt(async () => {
    const known = new Set(rows.map((row) => row.id));
    let [fresh, before] = [[], ""];
    for (let count = 0; count < MOST_PAGES; count++) {
      const answer = await page(before);
      if (number !== asked) return;
      fresh.push(...answer.rows);
      if (count === 0 && !rows.length) following = answer.following;
      before = answer.following;
      if (!before || !known.size || answer.rows.some((row) => known.has(row.id))) break;
      if (count === MOST_PAGES - 1) [rows, following] = [[], before];
    }
    merge(fresh);
    draw();
  });
}

// Ids begin with the time, counted backwards.
function merge(more) {
  const byId = new Map([...rows, ...more].map((row) => [row.id, row]));
  rows = [...byId.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

async function attempt(work) {
  try {
    await work();
    problem("");
  } catch (error) {
    problem(error.message);
  }
}

function problem(text) {
  element("deliveries-problem").hidden = !text;
  setText(element("deliveries-problem"), text);
}

async function readStates() {
  const open = rows.filter((row) => row.entries && !FINAL.has(states[row.id] ?? "?")).slice(0, 60);
  if (!open.length) return;
  try {
    Object.assign(states, await (await get("deliveries/states", { ids: open.map((row) => row.id) })).json());
    draw(false);
  } catch {
    // the next look may find them
  }
}

// ---- what is shown

function draw(readsStates = true) {
  const { id } = place();
  keyed(element("deliveries-rows"), rows, (row) => row.id, create, (item, row) => fill(item, row, id));
  element("deliveries-older").hidden = !following;
  setText(element("deliveries-note"), rows.length ? `${many(rows.length, "delivery", "deliveries")}${following ? ", and older ones" : ""}` : "");
  element("deliveries-empty").hidden = rows.length > 0;
  setText(element("deliveries-empty"), emptiness());
  stopOnce();
  if (readsStates) readStates();
}

function emptiness() {
  if (following) return "Nothing was found among the newest ones.";
  if (Object.values(filters ?? {}).some(Boolean)) return "No webhook matches. What lacks the function key that it needs is refused by the host, and not listed.";
  return "No webhook has come yet.";
}

function create(row) {
  const button = make("button", { type: "button", onclick: (event) => choose(row.id, event.detail === 0) },
    make("span", { className: "pill" }), make("span", { className: "what" }), make("span", { className: "when" }, time(new Date(row.at * 1000).toISOString())),
    make("span", { className: "meta" }), make("span", { className: "why" }));
  return make("li", {}, button);
}

function fill(item, row, id) {
  const [pill, what, , meta, why] = item.firstChild.children;
  const state = states[row.id] || row.outcome;
  pill.className = `pill ${state.replace(" ", "-")}`;
  setText(pill, state);
  setText(what, row.title || row.event || row.kind || "Webhook");
  const groups = row.groups.map((group) => group.name).join(", ");
  setText(meta, [row.count > 1 ? `${row.count} of ${row.source_title}` : row.source_title, row.kind || row.event, groups].filter(Boolean).join(" · "));
  setText(why, row.outcome === "accepted" ? "" : `${row.outcome === "refused" ? `${row.status}: ` : ""}${row.reason}`);
  item.firstChild.classList.toggle("refused", row.outcome === "refused");
  item.firstChild.setAttribute("aria-current", String(row.id === id));
}

const buttons = () => [...element("deliveries-rows").querySelectorAll("button")];
const buttonOf = (id) => element("deliveries-rows").querySelector(`[data-key="${CSS.escape(id)}"] button`);

// Tab stops once at the list; the arrow keys move within it.
function stopOnce() {
  const all = buttons();
  const stop = all.find((button) => button.getAttribute("aria-current") === "true") ?? all[0];
  for (const button of all) button.tabIndex = button === stop ? 0 : -1;
}

function choose(id, moves = false) {
  const { id: before, query } = place();
  go("deliveries", id, query, Boolean(before));
  if (moves || !matchMedia("(min-width: 761px)").matches) element("delivery-title").focus();
}

function step(by) {
  const all = buttons();
  const here = all.indexOf(document.activeElement);
  const from = here < 0 ? all.findIndex((button) => button.getAttribute("aria-current") === "true") : here;
  const next = all[Math.min(Math.max(from + by, 0), all.length - 1)];
  if (!next) return;
  if (matchMedia("(min-width: 761px)").matches) choose(next.parentElement.dataset.key);
  next.focus();
}

function back() {
  const { id, query } = place();
  go("deliveries", "", query, true);
  (id && buttonOf(id) ? buttonOf(id) : buttons()[0])?.focus();
}

// ---- filters

const options = (select, pairs, chosen) => {
  select.replaceChildren(...pairs.map(([value, text]) => make("option", { value }, text)));
  select.value = chosen ?? "";
};

function showFilters(query) {
  const fields = form();
  options(fields.outcome, Object.entries(OUTCOMES), query.outcome);
  options(fields.source, [["", "All sources"], ...about.sources.map((source) => [source.name, source.title])], query.source);
  options(fields.group, [["", "All groups"], ...about.groups.map((group) => [group.id, group.name])], query.group);
  // Numbers as names come first, in ascending order.
  options(fields.time, [["", TIMES[""]], ...Object.entries(TIMES).filter(([value]) => value)], query.time);
  for (const name of ["text", "since", "until"]) if (document.activeElement !== fields[name]) fields[name].value = query[name] ?? "";
  showMoments();
}

function showMoments() {
  for (const label of document.querySelectorAll(".moment")) label.hidden = form().time.value !== "other";
}

function filter() {
  if (!isShown("deliveries")) return; // the page has gone elsewhere since the last key
  showMoments();
  const query = Object.fromEntries(["text", "outcome", "source", "group", "time", "since", "until"].map((name) => [name, form()[name].value.trim()]));
  if (query.time !== "other") Object.assign(query, { since: "", until: "" });
  go("deliveries", place().id, query, true);
}

let typing = 0;
element("deliveries-filter").addEventListener("input", (event) => {
  clearTimeout(typing);
  typing = setTimeout(filter, event.target.name === "text" ? PAUSE : 0);
});
element("deliveries-filter").addEventListener("submit", (event) => {
  event.preventDefault();
  filter();
});
element("deliveries-older").onclick = older;
element("delivery-back").onclick = back;

// ---- the view

const same = (a, b) => JSON.stringify(Object.entries(a).filter(([, value]) => value).sort()) === JSON.stringify(Object.entries(b ?? {}).filter(([, value]) => value).sort());

function show({ id, query }) {
  element("view-deliveries").classList.toggle("opened", Boolean(id));
  if (!filters || !same(query, filters)) {
    showFilters(query);
    load(query);
  } else {
    draw();
  }
  if (id) showDelivery(id);
  else clearDelivery();
}

// The topic `deliveries` of the event stream.
export function showNews(news) {
  setText(element("dead-count"), news.dead ? `${news.dead}` : "");
  setText(element("held-count"), news.held ? `${news.held} on hold` : "");
  document.dispatchEvent(new CustomEvent("outbox-changed"));
  if (news.problem) problem(news.problem);
  const latest = news.newest.join();
  if (latest === newest) return;
  newest = latest;
  if (isShown("deliveries")) update();
  else filters = null; // read again when it is shown
}

setInterval(() => {
  if (!isShown("deliveries") || document.hidden) return;
  readStates();
  refreshDelivery();
}, AGAIN);

register("deliveries", {
  show,
  hide: () => clearTimeout(typing), // or the search would bring the page back
  focus: () => (buttons().find((button) => button.tabIndex === 0) ?? element("deliveries-scroll")).focus(),
  keys: {
    j: () => step(1), k: () => step(-1), u: back,
    Enter: (at) => (buttons().includes(at) ? choose(at.parentElement.dataset.key, true) : false),
    "/": () => { form().text.focus(); form().text.select(); },
    ArrowDown: (at) => (buttons().includes(at) ? step(1) : false),
    ArrowUp: (at) => (buttons().includes(at) ? step(-1) : false),
    Escape: (at) => (element("delivery").closest("section").contains(at) ? back() : false),
  },
});
