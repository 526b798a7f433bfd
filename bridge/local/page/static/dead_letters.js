// Dead letters: why each was not delivered, what helps, and requeueing one or all of them.
import { element, get, keyed, make, many, post, setText } from "./dom.js";
import { frame, moment } from "./delivery_parts.js";
import { about, go, isShown, place, register } from "./views.js";

let rows = [];
let total = 0;
let sources = [];
let isRequeueing = false;
// What came of requeueing. It stays while the list changes by itself, until another list is asked for.
let outcome = { note: "", failure: "" };

const form = () => element("dead-letters-filter").elements;

async function load(skip = 0) {
  try {
    const answer = await (await get("dead-letters", { source: form().source.value, skip })).json();
    rows = skip ? [...rows, ...answer.rows] : answer.rows;
    ({ total, sources } = answer);
    if (!isRequeueing) problem(outcome.failure);
  } catch (error) {
    problem(error.message);
    return;
  }
  draw();
}

function problem(text) {
  element("dead-letters-problem").hidden = !text;
  setText(element("dead-letters-problem"), text);
}

function draw() {
  keyed(element("dead-letters-rows"), rows, (row) => row.id, create, () => {});
  element("dead-letters-empty").hidden = rows.length > 0;
  element("dead-letters-more").hidden = rows.length >= total;
  setText(element("dead-letters-note"), outcome.note || (total ? many(total, "dead letter") : ""));
  const { value } = form().source;
  const all = sources.reduce((sum, source) => sum + source.count, 0);
  form().source.replaceChildren(make("option", { value: "" }, `All sources (${all})`),
    ...sources.filter((source) => source.name).map((source) => make("option", { value: source.name }, `${source.title} (${source.count})`)));
  form().source.value = sources.some((source) => source.name === value) ? value : "";
  element("requeue-all").hidden = !about.write || !total;
  setText(element("requeue-all"), form().source.value ? `Requeue all of ${form().source.selectedOptions[0].textContent}` : "Requeue all");
  const { id } = place();
  const chosen = id && element("dead-letters-rows").querySelector(`[data-key="${CSS.escape(id)}"] details`);
  if (chosen && !chosen.dataset.opened) {
    Object.assign(chosen.dataset, { opened: "yes" });
    chosen.open = true;
    chosen.scrollIntoView({ block: "nearest" });
  }
}

function create(row) {
  const details = make("details", {}, make("summary", {}, "Details"));
  details.ontoggle = () => { if (details.open) fill(details, row); };
  const actions = make("div", { className: "do" });
  if (about.write) actions.append(requeueButton(row));
  if (row.is_entry) actions.append(make("button", { type: "button", className: "plain", onclick: () => go("deliveries", row.id) }, "Its delivery"));
  return make("li", { className: "letter" },
    make("p", { className: "what" }, row.topic),
    make("p", { className: "meta" }, [row.source_title, row.kind, row.group.name].filter(Boolean).join(" · "), " · ", moment(row.at), row.tries ? ` · tried ${row.tries}×` : ""),
    make("p", { className: "why" }, row.cause),
    make("p", { className: "helps" }, row.advice ? `What helps: ${row.advice}` : ""),
    actions, details);
}

async function fill(details, row) {
  if (details.children.length > 1) return;
  details.append(make("p", {}, row.reason), make("p", { className: "note" }, `Delivery ${row.delivery || "unknown"} · entry ${row.id} · group ${row.group.id || "none"}`));
  if (!row.is_entry) return;
  try {
    const { html, topic } = await (await get("dead-letter", { id: row.id })).json();
    details.append(frame(topic, "As it was rendered", html));
  } catch (error) {
    details.append(make("p", { className: "problem" }, error.message));
  }
}

function requeueButton(row) {
  const button = make("button", { type: "button", "aria-label": `Requeue: ${row.topic}` }, "Requeue");
  button.onclick = async () => {
    button.disabled = true;
    try {
      const { how } = await post("requeue", { id: row.id });
      outcome = { note: `${row.topic}: ${how}.`, failure: "" };
      draw();
    } catch (error) {
      button.disabled = false;
      setText(button.closest("li").querySelector(".why"), error.message);
    }
  };
  return button;
}

// The server requeues some at a time; those that fail again are from later than now.
async function requeueAll() {
  const [until, source, failed] = [Date.now() / 1000, form().source.value, []];
  let done = 0;
  const bar = element("requeue-progress");
  const all = total;
  isRequeueing = true;
  Object.assign(bar, { hidden: false, max: all, value: 0 });
  element("requeue-all").disabled = true;
  problem("");
  try {
    for (let left = 1; left > 0;) {
      const answer = await post("requeue-some", { source, until, skip: failed.map((one) => one.id) });
      done += answer.requeued;
      failed.push(...answer.failed);
      ({ left } = answer);
      bar.value = done + failed.length;
      setText(element("dead-letters-note"), `${done} of ${all} requeued…`);
    }
  } catch (error) {
    problem(error.message);
  }
  isRequeueing = false;
  bar.hidden = true;
  element("requeue-all").disabled = false;
  const reasons = [...new Set(failed.map((one) => one.error))].slice(0, 3).join(" ");
  const failure = failed.length ? `${many(failed.length, "dead letter")} cannot be requeued: ${reasons}` : "";
  outcome = { note: `${done} of ${all} requeued.`, failure };
  await load();
}

function loadAgain() {
  outcome = { note: "", failure: "" };
  return load();
}

let waiting = 0;
document.addEventListener("outbox-changed", () => {
  if (!isShown("dead-letters") || isRequeueing) return;
  clearTimeout(waiting);
  waiting = setTimeout(() => load(), 200);
});
element("dead-letters-filter").addEventListener("submit", (event) => {
  event.preventDefault();
  requeueAll();
});
element("dead-letters-filter").addEventListener("change", loadAgain);
element("dead-letters-more").onclick = () => load(rows.length);

register("dead-letters", {
  show: loadAgain,
  focus: () => (element("dead-letters-rows").querySelector("button, summary") ?? element("dead-letters-scroll")).focus(),
});
