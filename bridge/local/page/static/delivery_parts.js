// What the views of deliveries and dead letters are made of.
import { make } from "./dom.js";
import { framed } from "./reading.js";
import { about } from "./views.js";

export const facts = (pairs) => make("dl", { className: "facts" }, ...pairs.filter(([, value]) => value).flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));

export const moment = (at) => make("time", { dateTime: new Date(at * 1000).toISOString() },
  new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" }).format(new Date(at * 1000)));

export const text = (content, label) => make("pre", { className: "text", tabIndex: 0, role: "region", "aria-label": label }, content);

// What today's routes and templates make of a kept payload.
export function today(made, row) {
  const names = (groups) => groups.map((id) => about.groups.find((group) => group.id === id)?.name ?? id).join(", ");
  const first = make("p", { className: "note" });
  if (made.outcome === row?.outcome && made.outcome === "dropped") first.append("If it were posted:");
  else if (made.outcome !== "accepted") first.append(`Today it would be ${made.outcome}${made.reason ? `: ${made.reason}` : ""}`);
  else if (row?.outcome === "accepted") first.append("As today's templates render it:");
  else first.append("Today it would be posted:");
  return [first, ...made.events.map((event) => frame(event.topic, event.groups.length ? `To ${names(event.groups)}: ${event.route}` : `Not posted: ${event.route}`, event.html)),
    made.count > made.events.length ? make("p", { className: "note" }, `Of ${made.count} events, these are the first ${made.events.length}.`) : ""];
}

export const frame = (title, note, html, ...more) => make("article", {},
  make("header", {}, make("div", {}, make("h3", {}, title), make("p", { className: "note" }, note)), ...more.filter(Boolean)),
  framed({ sender: title, html }).made);
