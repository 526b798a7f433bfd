import { amount, element, keyed, make, post, setText } from "./dom.js";

const ORDER = ["queued", "settling", "waiting", "pending", "sending", "deferred", "sent", "dead"];

const ACTIONS = { dead: ["Requeue", "requeue"], waiting: ["Release", "release"] };

export function showOutbox(outbox) {
  element("outbox").hidden = !outbox;
  if (!outbox) return;
  element("outbox-problem").hidden = !outbox.problem;
  setText(element("outbox-problem"), outbox.problem ?? "");
  keyed(element("counts"), ORDER.filter((state) => outbox.counts[state]), (state) => state,
    (state) => make("span", { className: `pill ${state}` }), (pill, state) => setText(pill, `${outbox.counts[state]} ${state}`));
  element("outbox-empty").hidden = outbox.rows.length > 0 || Boolean(outbox.problem);
  const all = Object.values(outbox.counts).reduce((sum, count) => sum + count, 0);
  setText(element("outbox-rest"), all > outbox.rows.length && outbox.rows.length ? `The newest ${outbox.rows.length} of ${amount(all)} are shown.` : "");
  keyed(element("rows"), outbox.rows, (row) => row.id, create, update);
  tick();
}

function create(row) {
  const topic = make("button", { type: "button", className: "topic" });
  return make("li", {}, make("span", { className: "pill" }), make("div", { className: "what" }, topic,
    make("p", { className: "meta" }), make("p", { className: "why" }), make("p", { className: "failure", role: "alert" })), make("span", { className: "side" }));
}

function update(item, row) {
  const [pill, what, side] = item.children;
  const [topic, meta, why] = what.children;
  pill.className = `pill ${row.state}`;
  setText(pill, row.state);
  setText(topic, row.topic);
  topic.disabled = row.state !== "sent";
  topic.onclick = () => document.dispatchEvent(new CustomEvent("open-thread", { detail: row.thread }));
  setText(meta, [[row.source, row.kind].filter(Boolean).join(" "), row.group, row.tries ? `tried ${row.tries}×` : ""].filter(Boolean).join(" · "));
  setText(why, [row.reason, row.state === "waiting" ? `Until ${moment(row.until)}.` : "", row.advice].filter(Boolean).join(" "));
  side.dataset.until = row.until;
  const [verb, path] = ACTIONS[row.state] ?? [];
  const button = side.querySelector("button");
  if (verb && button?.textContent !== verb) side.replaceChildren(actionButton(row, verb, path));
  else if (!verb) button?.remove();
}

function actionButton(row, verb, path) {
  const button = make("button", { type: "button", "aria-label": `${verb}: ${row.topic}` }, verb);
  button.onclick = async () => {
    const failure = button.closest("li").querySelector(".failure");
    button.disabled = true;
    setText(failure, "");
    try {
      await post(path, { id: row.id });
    } catch (error) {
      button.disabled = false;
      setText(failure, error.message);
    }
  };
  return button;
}

// Count down the waits. The page and its server share a clock, as they run on one machine.
function tick() {
  const now = Date.now() / 1000;
  for (const side of document.querySelectorAll("#rows [data-until]")) {
    if (side.firstElementChild) continue;
    const left = Number(side.dataset.until) - now;
    setText(side, left > 0 ? span(left) : "");
  }
}

const moment = (seconds) => new Date(seconds * 1000).toLocaleString([], { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

const span = (seconds) => {
  if (seconds < 100) return `${Math.ceil(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
};

setInterval(tick, 250);
