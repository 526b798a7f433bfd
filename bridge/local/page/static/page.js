import { amount, element, get, keyed, make, post, setText, showView, store, stored } from "./dom.js";
import { showRates } from "./chart.js";
import { connect } from "./connection.js";
import { showNews } from "./deliveries.js";
import "./dead_letters.js";
import { clearFilters, filter, listenToFilters, showFilters } from "./filters.js";
import "./groups.js";
import "./editing.js";
import "./learn.js";
import { showHeld, showMistakes, showSettings } from "./notices.js";
import { showOutbox } from "./outbox.js";
import { redraw, showThread } from "./reading.js";
import { closeSendPanel, followSent, openSendPanel, showBurst, showFaults, stopFollowing } from "./send_panel.js";
import { forgetTheRest, howMany, listenToList, more, restart, showThreads } from "./threads.js";
import { isShown, showAbout } from "./views.js";

const PERMISSIONS = {
  open: ["All permissions", "The stand-in permits everything. Microsoft would refuse the token of a managed identity: BRIDGE_LOCAL_PERMISSIONS=microsoft shows that."],
  microsoft: ["Microsoft's permissions", "The stand-in permits what Microsoft documents."],
};
const narrow = matchMedia("(max-width: 760px)");
const chosen = { group: "", thread: "" }; // an empty group: all of them
let groups = [];
let mail = null;
let asked = 0;
let keptUnread = ""; // the thread that somebody has marked as unread, until another one is opened

const isReading = () => isShown("conversations") && (!narrow.matches || document.body.dataset.view === "reading");

// ---- what is shown

function showGroups() {
  const sum = (name) => groups.reduce((so, group) => so + group[name], 0);
  const all = { id: "", name: "All groups", threads: sum("threads"), unread: sum("unread") };
  keyed(element("groups"), [all, ...groups], (group) => group.id, (group) => {
    const button = make("button", { type: "button", onclick: () => chooseGroup(group.id) },
      make("span", { className: "name" }), make("span", { className: "count" }), make("span", { className: "visually-hidden" }, "unread"));
    return make("li", {}, button);
  }, (item, group) => {
    const [name, count, unit] = item.firstChild.children;
    setText(name, group.name);
    setText(count, group.unread ? amount(group.unread) : "");
    unit.hidden = !group.unread;
    item.firstChild.title = `${group.name}${group.id && group.id !== group.name ? `, ${group.id}` : ""}: ${amount(group.threads)} threads`;
    item.firstChild.setAttribute("aria-current", String(group.id === chosen.group));
  });
  document.title = all.unread ? `(${all.unread}) Webhook bridge` : "Webhook bridge";
}

function show() {
  setText(element("list-title"), groups.find((group) => group.id === chosen.group)?.name ?? "All groups");
  showFilters(mail);
  showThreads(mail, chosen.thread);
  showGroups();
  showThread(mail, chosen.thread);
}

async function refresh() {
  const number = ++asked;
  let answer = null;
  try {
    answer = await (await get("mail", { ...chosen, ...filter(), limit: howMany() })).json();
  } catch {
    return; // the status line shows that there is no connection
  }
  if (number !== asked) return;
  mail = answer;
  // The open thread stays open, whatever arrives; on a phone no thread is open until one is chosen.
  if (mail.thread !== chosen.thread) chosen.thread = narrow.matches ? "" : mail.thread;
  markRead();
  show();
}

// ---- read and unread

function markRead() {
  const thread = mail.selected;
  if (thread?.id !== chosen.thread || thread.id === keptUnread || !thread.unread || !isReading() || document.hidden) return;
  setUnread(thread.id, false);
  mark({ thread: thread.id });
}

// The list shows it at once; the groups' counts come with the next event.
function setUnread(id, unread) {
  for (const thread of [mail.selected, ...mail.threads]) if (thread?.id === id) thread.unread = unread;
}

const mark = (content) => post("read", content).catch(() => null);

async function toggleUnread() {
  const thread = mail?.selected;
  if (!thread || thread.id !== chosen.thread) return;
  const unread = !thread.unread;
  keptUnread = unread ? thread.id : "";
  setUnread(thread.id, unread);
  show();
  await mark({ thread: thread.id, unread });
}

async function markAllRead() {
  keptUnread = "";
  await mark({ all: { ...filter(), group: chosen.group } });
  await refresh();
}

// ---- what is chosen

function chooseGroup(group) {
  stopFollowing();
  Object.assign(chosen, { group, thread: "" });
  keptUnread = "";
  restart();
  showView("list");
  refresh();
}

function select(thread) {
  if (thread !== keptUnread) keptUnread = "";
  chosen.thread = thread;
}

// moves: the focus goes to the thread.
function chooseThread(thread, moves = false) {
  stopFollowing();
  return openThread(thread, moves || narrow.matches);
}

function openThread(thread, moves) {
  select(thread);
  if (moves) showView("reading");
  for (const item of element("threads").children) {
    item.firstChild.setAttribute("aria-current", String(item.dataset.key === thread));
  }
  return refresh().then(() => { if (moves) element("topic").focus(); });
}

// Open a thread from elsewhere on the page, whatever the list was narrowed to.
async function openFromElsewhere(thread, moves) {
  clearFilters();
  restart();
  await openThread(thread, moves);
  const found = mail?.selected;
  if (chosen.group && found?.id === thread && found.group !== chosen.group) {
    chosen.group = found.group;
    await refresh();
  }
}

function backToList() {
  showView("list");
  element("threads").querySelector('button[tabindex="0"]')?.focus();
}

function showMail(update) {
  ({ groups } = update);
  const [name, meaning] = PERMISSIONS[update.permissions];
  setText(element("permissions"), name);
  element("permissions").title = meaning;
  forgetTheRest();
  refresh();
}

// ---- the keyboard

async function step(by) {
  const buttons = [...element("threads").querySelectorAll("button")];
  const here = buttons.indexOf(document.activeElement);
  const from = here < 0 ? buttons.findIndex((button) => button.parentElement.dataset.key === chosen.thread) : here;
  const next = buttons[Math.min(Math.max(from + by, 0), buttons.length - 1)];
  if (!next) return;
  stopFollowing();
  showView("list");
  next.focus();
  select(next.parentElement.dataset.key);
  if (next === buttons.at(-1)) await more(refresh);
  refresh();
}

function toSearch() {
  showView("list");
  element("search").focus();
  element("search").select();
}

const LETTERS = {
  j: () => step(1), k: () => step(-1), u: backToList, c: () => openSendPanel(), o: () => openSendPanel("outbox-title"),
  "/": toSearch, m: toggleUnread, "?": () => element("help").showModal(),
};
const IN_LIST = { ArrowDown: () => step(1), ArrowUp: () => step(-1), Home: () => step(-Infinity), End: () => step(Infinity) };

function onKey(event) {
  if (!isShown("conversations")) return;
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const at = document.activeElement;
  const isTyping = at.matches("input:not([type=radio]):not([type=checkbox]), textarea, select");
  let action = null;
  if (event.key === "Escape" && element("reading").contains(at)) action = backToList;
  else if (event.key === "Escape" && element("send-panel").contains(at)) action = closeSendPanel;
  else if (element("threads").contains(at) && IN_LIST[event.key]) action = IN_LIST[event.key];
  else if (!isTyping && element("single-keys").checked) action = LETTERS[event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

// ---- light and dark

const prefersDark = matchMedia("(prefers-color-scheme: dark)");

function paint() {
  const theme = stored("theme", "") || (prefersDark.matches ? "dark" : "light");
  document.documentElement.dataset.theme = theme;
  setText(element("theme"), theme === "dark" ? "Light" : "Dark");
  element("theme").setAttribute("aria-label", theme === "dark" ? "Light colours" : "Dark colours");
  element("tools").elements.colours.value = theme;
  redraw();
}

// ---- events

document.addEventListener("keydown", onKey);
document.addEventListener("frame-key", (event) => onKey(event.detail));
document.addEventListener("open-thread", (event) => openFromElsewhere(event.detail, true));
document.addEventListener("show-thread", (event) => openFromElsewhere(event.detail, false));
document.addEventListener("visibilitychange", () => { if (!document.hidden && mail) refresh(); });
prefersDark.addEventListener("change", paint);
narrow.addEventListener("change", () => { if (mail) refresh(); });
listenToFilters(() => { restart(); refresh(); }, backToList);
listenToList(chooseThread, refresh);
element("clear-filters").onclick = () => { clearFilters(); refresh(); };
element("mark-all-read").onclick = markAllRead;
element("toggle-unread").onclick = toggleUnread;
element("back").onclick = backToList;
element("show-help").onclick = () => element("help").showModal();
element("theme").onclick = () => {
  store("theme", document.documentElement.dataset.theme === "dark" ? "light" : "dark");
  paint();
};
element("single-keys").checked = stored("single-keys", true);
element("single-keys").onchange = (event) => store("single-keys", event.target.checked);
paint();

connect({
  mail: showMail, settings: showSettings, held: showHeld, mistakes: showMistakes, faults: showFaults,
  burst: showBurst, rates: showRates, about: showAbout, deliveries: showNews,
  outbox: (outbox) => {
    showOutbox(outbox);
    followSent(outbox);
  },
});
