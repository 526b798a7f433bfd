import { element, get, keyed, make, many, setText, showView, store, stored, time } from "./dom.js";
import { showRates } from "./chart.js";
import { showNews } from "./deliveries.js";
import { showOutbox } from "./outbox.js";
import "./dead_letters.js";
import "./groups.js";
import "./editing.js";
import "./learn.js";
import { redraw, showThread } from "./reading.js";
import { closeSendPanel, openSendPanel, showFaults } from "./send_panel.js";
import { isShown, showAbout } from "./views.js";

const PERMISSIONS = {
  open: ["All permissions", "The stand-in permits everything. Microsoft would refuse the token of a managed identity: BRIDGE_LOCAL_PERMISSIONS=microsoft shows that."],
  microsoft: ["Microsoft's permissions", "The stand-in permits what Microsoft documents."],
};
const narrow = matchMedia("(max-width: 760px)");
const chosen = { group: "", thread: "" };
const read = stored("read", {}); // the number of posts that have been read, by thread
let groups = [];
let mail = null;
let asked = 0;

const isReading = () => isShown("conversations") && (!narrow.matches || document.body.dataset.view === "reading");
const isUnread = (thread, posts) => posts > (read[thread] ?? 0);

// ---- what is shown

function showGroups() {
  let unread = 0;
  keyed(element("groups"), groups, (group) => group.id, (group) => {
    const button = make("button", { type: "button", onclick: () => chooseGroup(group.id) },
      make("span", { className: "name" }), make("span", { className: "count" }), make("span", { className: "visually-hidden" }, "unread"));
    return make("li", {}, button);
  }, (item, group) => {
    const fresh = Object.entries(group.threads).filter(([thread, posts]) => isUnread(thread, posts)).length;
    unread += fresh;
    const [name, count] = item.firstChild.children;
    setText(name, group.name);
    setText(count, fresh ? `${fresh}` : "");
    item.firstChild.lastChild.hidden = !fresh;
    item.firstChild.title = group.name;
    item.firstChild.setAttribute("aria-current", String(group.id === mail?.group));
  });
  document.title = unread ? `(${unread}) Webhook bridge` : "Webhook bridge";
}

function showThreads() {
  const current = mail.groups.find((group) => group.id === mail.group);
  setText(element("list-title"), current?.name ?? "Threads");
  setText(element("list-count"), mail.threads.length ? many(mail.threads.length, "thread") : "");
  element("empty").hidden = mail.threads.length > 0;
  keyed(element("threads"), mail.threads, (thread) => thread.id, (thread) => {
    const button = make("button", { type: "button", onclick: (event) => chooseThread(thread.id, event.detail === 0) },
      make("span", { className: "dot" }), make("span", { className: "topic" }), make("span", { className: "when" }),
      make("span", { className: "preview" }), make("span", { className: "posts" }));
    return make("li", {}, button);
  }, showRow);
  // Tab stops once at the list; the arrow keys move within it.
  const buttons = [...element("threads").querySelectorAll("button")];
  const stop = buttons.find((button) => button.getAttribute("aria-current") === "true") ?? buttons[0];
  for (const button of buttons) button.tabIndex = button === stop ? 0 : -1;
}

function showRow(item, thread) {
  const button = item.firstChild;
  const [dot, topic, when, preview, posts] = button.children;
  const fresh = isUnread(thread.id, thread.posts);
  button.classList.toggle("unread", fresh);
  setText(dot, fresh ? "Unread. " : "");
  setText(topic, thread.topic);
  setText(preview, thread.preview);
  setText(posts, thread.posts > 1 ? `${thread.posts}` : "");
  posts.title = many(thread.posts, "post");
  if (when.dataset.at !== thread.updated) {
    when.dataset.at = thread.updated;
    when.replaceChildren(time(thread.updated));
  }
  button.setAttribute("aria-current", String(thread.id === chosen.thread));
}

function markRead() {
  const thread = mail?.threads.find((candidate) => candidate.id === chosen.thread);
  if (!thread || !isReading() || document.hidden || !isUnread(thread.id, thread.posts)) return;
  read[thread.id] = thread.posts;
  const known = new Set(groups.flatMap((group) => Object.keys(group.threads)).concat(thread.id));
  store("read", Object.fromEntries(Object.entries(read).filter(([id]) => known.has(id))));
}

async function refresh() {
  const number = ++asked;
  try {
    const answer = await (await get("mail", chosen)).json();
    if (number !== asked) return;
    mail = answer;
  } catch {
    return; // the status line shows that there is no connection
  }
  chosen.group = mail.group;
  // The open thread stays open, whatever arrives; on a phone no thread is open until one is chosen.
  if (!mail.threads.some((thread) => thread.id === chosen.thread)) chosen.thread = narrow.matches ? "" : mail.thread;
  markRead();
  showThreads();
  showGroups();
  showThread(mail, chosen.thread);
}

function chooseGroup(group) {
  Object.assign(chosen, { group, thread: "" });
  showView("list");
  refresh();
}

function chooseThread(thread, moves = false) {
  chosen.thread = thread;
  if (moves || narrow.matches) showView("reading");
  for (const item of element("threads").children) {
    item.firstChild.setAttribute("aria-current", String(item.dataset.key === thread));
  }
  return refresh().then(() => {
    if (moves || narrow.matches) element("topic").focus();
  });
}

async function openThread(thread) {
  const group = groups.find((candidate) => thread in candidate.threads);
  if (!group) return;
  chosen.group = group.id;
  await chooseThread(thread, true);
}

function backToList() {
  showView("list");
  element("threads").querySelector('button[tabindex="0"]')?.focus();
}

function showHeld(held) {
  element("held").hidden = held.length === 0;
  element("held").firstChild.replaceChildren(...held.map((group) =>
    make("li", {}, make("strong", {}, `${group.group} is on hold`), " since ", time(group.since), `. ${group.reason}`)));
}

function showMistakes(mistakes) {
  element("mistakes").hidden = mistakes.length === 0;
  element("mistakes").firstChild.replaceChildren(...mistakes.map((text) => make("li", {}, text)));
}

function showMail(update) {
  ({ groups } = update);
  const [name, meaning] = PERMISSIONS[update.permissions];
  setText(element("permissions"), name);
  element("permissions").title = meaning;
  refresh();
}

// ---- the keyboard

const step = (by) => {
  const buttons = [...element("threads").querySelectorAll("button")];
  const here = buttons.indexOf(document.activeElement);
  const from = here < 0 ? buttons.findIndex((button) => button.parentElement.dataset.key === chosen.thread) : here;
  const next = buttons[Math.min(Math.max(from + by, 0), buttons.length - 1)];
  if (!next) return;
  showView("list");
  next.focus();
  chosen.thread = next.parentElement.dataset.key;
  refresh();
};

const LETTERS = {
  j: () => step(1), k: () => step(-1), u: backToList, c: () => openSendPanel("source"), o: () => openSendPanel("outbox-title"),
  "?": () => element("help").showModal(),
};
const IN_LIST = { ArrowDown: () => step(1), ArrowUp: () => step(-1), Home: () => step(-Infinity), End: () => step(Infinity) };

function onKey(event) {
  if (!isShown("conversations")) return;
  if (event.ctrlKey || event.metaKey || event.altKey || element("help").open) return;
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
document.addEventListener("open-thread", (event) => openThread(event.detail));
document.addEventListener("visibilitychange", () => { if (!document.hidden && mail) refresh(); });
prefersDark.addEventListener("change", paint);
narrow.addEventListener("change", () => { if (mail) refresh(); });
element("back").onclick = backToList;
element("show-help").onclick = () => element("help").showModal();
element("theme").onclick = () => {
  store("theme", document.documentElement.dataset.theme === "dark" ? "light" : "dark");
  paint();
};
element("single-keys").checked = stored("single-keys", true);
element("single-keys").onchange = (event) => store("single-keys", event.target.checked);
paint();

const TOPICS = {
  mail: showMail, held: showHeld, mistakes: showMistakes, outbox: showOutbox, faults: showFaults, rates: showRates,
  about: showAbout, deliveries: showNews,
};
const events = new EventSource("/page/events");
for (const [topic, show] of Object.entries(TOPICS)) {
  events.addEventListener(topic, (event) => show(JSON.parse(event.data)));
}
events.onopen = () => {
  setText(element("state"), "Live");
  element("state").dataset.is = "live";
};
events.onerror = () => {
  setText(element("state"), "No connection. Start the bridge with make run.");
  element("state").dataset.is = "lost";
};
