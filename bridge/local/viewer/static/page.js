"use strict";

const POLL = 2000; // milliseconds
const chosen = { group: "", thread: "" };
let shown = "";

const element = (id) => document.getElementById(id);

const make = (tag, properties, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};

const time = (iso) => {
  const date = new Date(iso);
  const today = date.toDateString() === new Date().toDateString();
  const format = today ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" };
  return make("time", { className: "time", dateTime: iso, title: date.toString() },
    new Intl.DateTimeFormat(undefined, format).format(date));
};

const count = (posts) => (posts === 1 ? "1 post" : `${posts} posts`);

function choose(change) {
  Object.assign(chosen, change);
  refresh();
}

function showGroups(mail) {
  const options = mail.groups.map((group) => make("option", { value: group.id }, group.name));
  element("group").replaceChildren(...options);
  element("group").value = mail.group;
  element("group-label").hidden = mail.groups.length < 2;
}

function showThreads(mail) {
  const focused = document.activeElement?.dataset.thread;
  element("threads").replaceChildren(...mail.threads.map((thread) => {
    const button = make("button", { type: "button", onclick: () => choose({ thread: thread.id }) },
      make("span", { className: "topic", title: thread.topic }, thread.topic), time(thread.updated),
      make("span", { className: "preview" }, thread.preview),
      make("span", { className: "count" }, count(thread.posts)));
    button.dataset.thread = thread.id;
    button.setAttribute("aria-current", String(thread.id === mail.thread));
    return make("li", {}, button);
  }));
  document.querySelector(`[data-thread="${CSS.escape(focused ?? "")}"]`)?.focus();
}

// As Outlook would show it. The same origin lets this page measure its height; without allow-scripts nothing in it runs.
function frame(post) {
  const made = make("iframe", {
    title: `Post of ${post.sender}`,
    srcdoc: `<!doctype html><base target="_blank"><body style="margin:16px;font-family:Calibri,Carlito,sans-serif">${post.html}`,
  });
  made.sandbox = "allow-same-origin allow-popups allow-popups-to-escape-sandbox";
  made.onload = () => { made.style.height = `${made.contentDocument.documentElement.scrollHeight}px`; };
  return made;
}

function showPosts(mail) {
  const thread = mail.threads.find((candidate) => candidate.id === mail.thread);
  element("topic").textContent = thread?.topic ?? "";
  const pane = element("posts");
  // Frames that stay as they are keep their place: reading is not disturbed by what arrives.
  if (pane.dataset.thread !== mail.thread) pane.replaceChildren();
  pane.dataset.thread = mail.thread;
  for (const post of mail.posts.slice(pane.children.length)) {
    pane.append(make("article", {},
      make("header", {}, make("span", { className: "sender" }, post.sender), time(post.received)), frame(post)));
  }
}

const PERMISSIONS = {
  open: "Open: Microsoft would refuse a managed identity's own token. BRIDGE_LOCAL_PERMISSIONS=microsoft shows that.",
  microsoft: "Permissions as Microsoft documents them.",
};

function showHeld(mail) {
  element("permissions").textContent = PERMISSIONS[mail.permissions];
  element("held").hidden = mail.held.length === 0;
  element("held").replaceChildren(...mail.held.map((held) =>
    make("li", {}, make("strong", {}, `${held.group} is on hold`), ` since `, time(held.since), `. ${held.reason}`)));
}

function show(mail) {
  const empty = mail.threads.length === 0;
  element("empty").hidden = !empty;
  element("reading").hidden = empty;
  document.querySelector("nav").hidden = empty;
  showHeld(mail);
  showGroups(mail);
  showThreads(mail);
  showPosts(mail);
}

async function refresh() {
  try {
    const answer = await fetch(`/viewer/mail?${new URLSearchParams(chosen)}`);
    const text = await answer.text();
    if (!answer.ok) throw new Error(text);
    element("state").textContent = "";
    if (text === shown) return;
    shown = text;
    show(JSON.parse(text));
  } catch {
    element("state").textContent = "The bridge does not answer; start it with make run.";
  }
}

element("group").onchange = (event) => choose({ group: event.target.value, thread: "" });
element("threads").onkeydown = (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const buttons = [...element("threads").querySelectorAll("button")];
  buttons[buttons.indexOf(document.activeElement) + step]?.focus();
};
refresh();
setInterval(refresh, POLL);
