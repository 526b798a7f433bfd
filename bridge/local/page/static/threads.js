// The list of threads: its rows, and more of them as one scrolls down.
import { amount, element, keyed, make, many, setText, time } from "./dom.js";
import { isFiltered } from "./filters.js";

const PAGE = 100; // threads that are loaded at once
const NEAR = 600; // pixels from the end of what is loaded
const LOUD = new Set(["warning", "error", "critical"]); // severities that a row shows
let limit = PAGE;
let total = 0;

export const howMany = () => limit;

// The list begins again at its top.
export function restart() {
  limit = PAGE;
  element("threads").scrollTop = 0;
}

// What somebody has scrolled past is not asked for any more.
export function forgetTheRest() {
  if (element("threads").scrollTop < NEAR) limit = PAGE;
}

export function listenToList(choose, loadMore) {
  element("threads").onscroll = () => {
    const { scrollTop, clientHeight, scrollHeight } = element("threads");
    if (scrollTop + clientHeight > scrollHeight - NEAR) more(loadMore);
  };
  element("threads").onclick = (event) => {
    const item = event.target.closest("li");
    if (item) choose(item.dataset.key, event.detail === 0);
  };
}

// Load another page, unless everything is loaded or on its way.
export function more(loadMore) {
  if (limit >= total || limit > element("threads").children.length) return Promise.resolve();
  limit += PAGE;
  return loadMore();
}

export function showThreads(mail, chosen) {
  total = mail.total;
  element("empty").hidden = mail.total > 0 || isFiltered() || mail.groups.length > 0;
  element("nothing-found").hidden = mail.total > 0 || !element("empty").hidden;
  const titles = new Map(mail.sources.map((source) => [source.name, source.title]));
  keyed(element("threads"), mail.threads, (thread) => thread.id, create, (item, thread) => update(item, thread, chosen, mail, titles));
  for (const [place, item] of [...element("threads").children].entries()) {
    item.setAttribute("aria-posinset", place + 1);
    item.setAttribute("aria-setsize", mail.total);
  }
  const left = mail.total - mail.threads.length;
  setText(element("list-rest"), left > 0 ? `${amount(left)} older ones: scroll down` : "");
  makeOneStop();
}

// Tab stops once at the list; the arrow keys move within it.
function makeOneStop() {
  const buttons = [...element("threads").querySelectorAll("button")];
  const stop = buttons.find((button) => button.getAttribute("aria-current") === "true") ?? buttons[0];
  for (const button of buttons) button.tabIndex = button === stop ? 0 : -1;
}

function create() {
  return make("li", {}, make("button", { type: "button" },
    make("span", { className: "dot" }), make("span", { className: "topic" }), make("span", { className: "when" }),
    make("span", { className: "preview" }), make("span", { className: "posts" }), make("span", { className: "origin" })));
}

function update(item, thread, chosen, mail, titles) {
  const button = item.firstChild;
  const [dot, topic, when, preview, posts, origin] = button.children;
  button.classList.toggle("unread", thread.unread);
  setText(dot, thread.unread ? "Unread. " : "");
  setText(topic, thread.topic);
  setText(preview, thread.preview);
  setText(posts, thread.posts > 1 ? `${thread.posts}` : "");
  posts.title = many(thread.posts, "post");
  if (when.dataset.at !== thread.updated) {
    when.dataset.at = thread.updated;
    when.replaceChildren(time(thread.updated));
  }
  showOrigin(origin, thread, mail.group ? "" : thread.group_name, titles);
  button.setAttribute("aria-current", String(thread.id === chosen));
}

function showOrigin(origin, thread, group, titles) {
  const text = [thread.sources.map((name) => titles.get(name) ?? name).join(", "), group].filter(Boolean).join(" · ");
  const severity = LOUD.has(thread.severity) ? thread.severity : "";
  const known = JSON.stringify([severity, text]);
  if (origin.dataset.known === known) return;
  origin.dataset.known = known;
  origin.replaceChildren(...(severity ? [make("span", { className: `pill ${severity}` }, severity), " "] : []), text);
}
