import { ask, element, make, many, say, time } from "./dom.js";
import { darken } from "./dark.js";

// Without allow-scripts nothing in a frame runs; the same origin lets this page measure it.
const SANDBOX = "allow-same-origin allow-popups allow-popups-to-escape-sandbox";
const MARGIN = 16; // pixels around a post
const PATIENCE = 1000; // milliseconds that a thread which is on its way may keep the one before on the screen
let shown = { thread: "", posts: [] };
let last = null;

const tools = () => element("tools").elements;
const look = () => JSON.stringify([tools().form.value, tools().width.value, tools().colours.value, tools().webhook.checked]);

// Shows the posts of the thread; what is there already stays as it is, so that reading is not disturbed.
export function showThread(mail, ident) {
  const thread = mail.threads.find((candidate) => candidate.id === ident);
  say(element("topic"), thread?.topic ?? "Nothing is selected");
  element("tools").hidden = !thread;
  const posts = thread && ident === mail.thread ? mail.posts : [];
  last = { thread: ident, posts };
  if (ident === shown.thread && shown.look === look() && shown.posts.length && posts.length >= shown.posts.length) {
    for (const post of posts.slice(shown.posts.length)) shown.pane.append(article(post).made);
  } else if (posts.length || !thread) {
    replace(ident, posts);
  }
  shown = { ...shown, thread: ident, posts, look: look() };
}

// Once more, because they are to look otherwise now.
export function newer() {
  if (last) replace(last.thread, last.posts);
  shown = { ...shown, look: look() };
}

// The new conversation takes the place of the old one when it is ready, so that nothing jumps.
function replace(thread, posts) {
  const pane = make("div", { className: "conversation waiting" });
  const made = posts.map(article);
  pane.append(...made.map((one) => one.made));
  for (const old of [...element("posts").children]) if (old.classList.contains("waiting")) old.remove();
  element("posts").append(pane);
  const isOther = thread !== shown.thread;
  shown.pane = pane;
  Promise.race([Promise.all(made.map((one) => one.ready)), new Promise((done) => setTimeout(done, PATIENCE))]).then(() => {
    if (!pane.isConnected) return;
    for (const old of [...element("posts").children]) if (old !== pane) old.remove();
    pane.classList.remove("waiting");
    if (isOther) element("posts").scrollTop = 0;
  });
}

function article(post) {
  const form = tools().form.value;
  const { made: frame, ready } = framed(post);
  const body = make("div", { className: "body" }, frame);
  body.classList.toggle("phone", form === "post" && tools().width.value === "phone");
  if (form !== "post") {
    frame.classList.add("unshown");
    frame.tabIndex = -1;
    frame.setAttribute("aria-hidden", "true");
    const text = make("pre", { className: "text", tabIndex: 0, role: "region", "aria-label": form === "text" ? "Plain text" : "HTML source" });
    body.append(text);
    if (form === "source") text.textContent = post.html;
    else ready.then(() => { text.textContent = plain(frame.contentDocument.body.innerText); });
  }
  const initials = post.sender.split(/\s+/).map((word) => word[0]).slice(0, 2).join("").toUpperCase();
  const made = make("article", {},
    make("header", {}, make("span", { className: "avatar", "aria-hidden": "true" }, initials),
      make("span", { className: "sender" }, post.sender), time(post.received)),
    make("div", { className: "sides" }, body));
  if (tools().webhook.checked) made.lastChild.append(webhooks(post));
  return { made, ready };
}

// The text as a program shows it that knows no HTML.
const plain = (text) => text.replace(/[ \t]+/g, " ").replace(/ *\n */g, "\n").replace(/\n{3,}/g, "\n\n").trim();

function framed(post) {
  const made = make("iframe", { title: `Post of ${post.sender}`, className: "frame" });
  made.sandbox = SANDBOX;
  made.srcdoc = `<!doctype html><base target="_blank"><body style="margin:${MARGIN}px;font-family:Calibri,Carlito,sans-serif">${post.html}`;
  const ready = new Promise((done) => {
    made.onload = () => {
      const { contentDocument: inside } = made;
      if (tools().colours.value === "dark") darken(inside);
      inside.addEventListener("keydown", (event) => document.dispatchEvent(new CustomEvent("frame-key", { detail: event })));
      const watch = new ResizeObserver(() => fit(made));
      watch.observe(made);
      watch.observe(inside.body);
      fit(made);
      done();
    };
  });
  return { made, ready };
}

// What is wider than its frame is made smaller, as phones do; the frame is as high as what is in it.
function fit(frame) {
  if (!frame.contentDocument?.body) return; // it has left the page
  const { documentElement: root, body } = frame.contentDocument;
  if (Number(frame.dataset.width) !== frame.clientWidth) {
    body.style.zoom = 1;
    const wide = root.scrollWidth + MARGIN; // which leaves out the margin on the right
    body.style.zoom = root.scrollWidth > frame.clientWidth ? frame.clientWidth / wide : 1;
    frame.dataset.width = frame.clientWidth;
  }
  frame.style.height = `${root.offsetHeight}px`;
}

function webhooks(post) {
  const pane = make("div", { className: "raw" });
  if (!post.webhooks.length) {
    pane.append(make("p", { className: "note" }, "Its webhook came before this process was started, or too long ago."));
  }
  for (const [number, reference] of post.webhooks.entries()) {
    const details = make("details", { open: number === 0 },
      make("summary", {}, `Webhook ${reference}`), make("pre", { tabIndex: 0, role: "region", "aria-label": `Webhook ${reference}` }, "…"));
    details.ontoggle = () => { if (details.open) fill(details.lastChild, reference); };
    pane.append(details);
  }
  if (post.webhooks.length > 1) pane.prepend(make("p", { className: "note" }, many(post.webhooks.length, "webhook")));
  return pane;
}

async function fill(pre, reference) {
  if (pre.dataset.filled) return;
  pre.dataset.filled = "yes";
  try {
    const raw = await (await ask("webhook", { reference })).json();
    const headers = Object.entries(raw.headers).map(([name, value]) => `${name}: ${value}`);
    pre.textContent = [raw.line, ...headers, "", indented(raw.body) + (raw.is_cut ? "\n…" : ""), "",
      `Answered ${raw.status}: ${raw.answer}`].join("\n");
  } catch (error) {
    pre.textContent = error.message;
  }
}

export function indented(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

element("tools").addEventListener("change", newer);
element("tools").addEventListener("submit", (event) => event.preventDefault());
