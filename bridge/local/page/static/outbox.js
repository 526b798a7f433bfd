import { act, element, keyed, make, say } from "./dom.js";

const ORDER = ["queued", "settling", "pending", "sending", "deferred", "sent", "dead"];

export function showOutbox(outbox) {
  element("outbox").hidden = !outbox;
  if (!outbox) return;
  element("outbox-problem").hidden = !outbox.problem;
  say(element("outbox-problem"), outbox.problem ?? "");
  keyed(element("counts"), ORDER.filter((state) => outbox.counts[state]), (state) => state,
    (state) => make("span", { className: `pill ${state}` }), (pill, state) => say(pill, `${outbox.counts[state]} ${state}`));
  element("outbox-empty").hidden = outbox.rows.length > 0 || Boolean(outbox.problem);
  keyed(element("rows"), outbox.rows, (row) => row.id, create, update);
  tick();
}

function create(row) {
  const topic = make("button", { type: "button", className: "topic" });
  return make("li", {}, make("span", { className: "pill" }), make("div", { className: "what" }, topic,
    make("p", { className: "meta" }), make("p", { className: "why" })), make("span", { className: "side" }));
}

function update(item, row) {
  const [pill, what, side] = item.children;
  const [topic, meta, why] = what.children;
  pill.className = `pill ${row.state}`;
  say(pill, row.state);
  say(topic, row.topic);
  topic.disabled = row.state !== "sent";
  topic.onclick = () => document.dispatchEvent(new CustomEvent("open-thread", { detail: row.thread }));
  say(meta, [[row.source, row.kind].filter(Boolean).join(" "), row.group, row.tries ? `tried ${row.tries}×` : ""].filter(Boolean).join(" · "));
  say(why, [row.reason, row.advice].filter(Boolean).join(" "));
  side.dataset.until = row.until;
  if (row.state === "dead" && !side.firstElementChild) side.replaceChildren(replayButton(row));
  else if (row.state !== "dead") side.querySelector("button")?.remove();
}

function replayButton(row) {
  const button = make("button", { type: "button", "aria-label": `Replay: ${row.topic}` }, "Replay");
  button.onclick = async () => {
    button.disabled = true;
    try {
      await act("replay", { id: row.id });
    } catch (error) {
      button.disabled = false;
      say(button.closest("li").querySelector(".why"), error.message);
    }
  };
  return button;
}

// What is left of the waits. This page and its server are on one machine, and so have one clock.
function tick() {
  const now = Date.now() / 1000;
  for (const side of document.querySelectorAll("#rows [data-until]")) {
    if (side.firstElementChild) continue;
    const left = Number(side.dataset.until) - now;
    say(side, left > 0 ? span(left) : "");
  }
}

const span = (seconds) => {
  if (seconds < 100) return `${Math.ceil(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
};

setInterval(tick, 250);
