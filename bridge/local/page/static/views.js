// The views of the page, of which one is shown: the address names it, `#deliveries/ID?outcome=refused`.
import { element, setText } from "./dom.js";

const CONVERSATIONS = "conversations";
// What the server must have for a tab; for the others, deliveries.
const NEEDS = { [CONVERSATIONS]: "conversations", editing: "editing" };
const views = {}; // by name: { show(place), hide(), keys, focus() }
export let about = { title: "Webhook bridge", start: "make run", program: "", conversations: true, deliveries: false, write: false, edit: false, editing: false, doctor: false, sources: [], groups: [] };
let shown = CONVERSATIONS;
let isAnswered = false; // whether the server has said what it has

export const isShown = (name) => shown === name;

// show: is given the place whenever the address names this view. keys: what single letters do in it.
// focus: goes to its list, for those who skip to it.
export function register(name, view) {
  views[name] = view;
}

// What the address says: the view, what is selected in it, and its filters.
export function place() {
  const [path, query = ""] = location.hash.slice(1).split("?");
  const [name, ...rest] = path.split("/");
  const known = Object.hasOwn(views, name) && has(name) ? name : fallback();
  return { view: known, id: decoded(rest.join("/")), query: Object.fromEntries(new URLSearchParams(query)) };
}

// While the settings are wrong there are no deliveries, whatever the address says.
const has = (name) => !isAnswered || about[NEEDS[name] ?? "deliveries"];

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const fallback = () => (about.conversations ? CONVERSATIONS : "deliveries");

// Go to a view. replaces: Back does not return to where the page was.
export function go(view, id = "", query = {}, replaces = false) {
  const filters = new URLSearchParams(Object.entries(query).filter(([, value]) => value));
  const address = `#${view}${id ? `/${encodeURIComponent(id)}` : ""}${filters.size ? `?${filters}` : ""}`;
  if (address === location.hash) return;
  if (replaces) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
  arrive();
}

function arrive() {
  const here = place();
  if (here.view !== shown) views[shown]?.hide?.();
  shown = here.view;
  for (const main of document.querySelectorAll("main")) main.hidden = main.id !== `view-${shown}`;
  for (const tab of element("tabs").children) {
    if (tab.dataset.tab !== shown) tab.removeAttribute("aria-current");
    else if (!tab.hasAttribute("aria-current")) {
      tab.setAttribute("aria-current", "page");
      tab.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
  }
  setText(element("skip"), shown === CONVERSATIONS ? "Skip to the threads" : "Skip to the list");
  views[shown]?.show?.(here);
}

// What the server has: a deployed app's page has no conversations, and without --write no actions.
export function showAbout(latest) {
  about = { ...about, ...latest };
  isAnswered = true;
  for (const tab of element("tabs").children) tab.hidden = !has(tab.dataset.tab);
  element("tabs").hidden = tabs().length < 2;
  setText(element("title"), about.title);
  showCommands();
  if (!about.conversations) {
    document.title = about.title;
    setText(element("permissions"), about.write ? "Read and write" : "Read-only");
  }
  arrive();
}

/** How this bridge is started, and reached from a terminal: it may be installed, and have another port. */
function showCommands() {
  for (const command of document.querySelectorAll(".start")) setText(command, about.start);
  const port = ["", "7071"].includes(location.port) ? "" : `PORT=${location.port} `;
  if (about.program) setText(element("send-command"), `${port}${about.program} send github pull_request.opened`);
}

// ---- the keyboard

const tabs = () => [...element("tabs").children].filter((tab) => !tab.hidden);

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const at = document.activeElement;
  const isTyping = at.matches("input:not([type=radio]):not([type=checkbox]), textarea, select");
  const keys = views[shown]?.keys ?? {};
  let action = null;
  if (event.key === "Escape" || event.key.startsWith("Arrow")) action = keys[event.key];
  else if (!isTyping && element("single-keys").checked) action = keys[event.key] ?? letter(event.key);
  if (action && action(at) !== false) event.preventDefault();
}

function letter(key) {
  if (key === "?" && shown !== CONVERSATIONS) return () => element("help").showModal();
  const tab = !element("tabs").hidden && tabs()[Number(key) - 1];
  return tab ? () => { go(tab.dataset.tab); tab.focus(); } : null;
}

document.addEventListener("keydown", onKey);
document.addEventListener("frame-key", (event) => onKey(event.detail));
addEventListener("popstate", arrive);
addEventListener("hashchange", arrive);
element("skip").addEventListener("click", (event) => {
  if (shown === CONVERSATIONS) return;
  event.preventDefault();
  views[shown].focus?.();
});
register(CONVERSATIONS, {});
