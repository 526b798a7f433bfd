import { element, get, make, many, setText, time } from "./dom.js";
import { darken } from "./dark.js";

// Without allow-scripts no script runs in a frame; allow-same-origin lets this page measure it.
const SANDBOX = "allow-same-origin allow-popups allow-popups-to-escape-sandbox";
const MARGIN = 16; // pixels around a post
const LONGEST_WAIT = 1000; // milliseconds for a thread to load while the previous one is still shown
let shown = { thread: "", posts: [] };
let last = null;

const tools = () => element("tools").elements;
const options = () => JSON.stringify([tools().form.value, tools().width.value, tools().colours.value, tools().webhook.checked]);

// Show the posts of the thread. Posts that are already shown stay untouched, not to disturb the reader.
export function showThread(mail, id) {
  const thread = id && id === mail.selected?.id ? mail.selected : null;
  setText(element("topic"), thread?.topic ?? "No thread is selected");
  setText(element("topic-group"), thread ? [thread.group_name, ...thread.sources.map((name) => mail.sources.find((source) => source.name === name)?.title ?? name)].join(" · ") : "");
  setText(element("toggle-unread"), thread?.unread ? "Mark as read" : "Mark as unread");
  for (const id of ["tools", "toggle-unread"]) element(id).hidden = !thread;
  const posts = thread ? mail.posts : [];
  last = { thread: id, posts };
  if (id === shown.thread && shown.options === options() && shown.posts.length && posts.length >= shown.posts.length) {
    for (const post of posts.slice(shown.posts.length)) shown.pane.append(article(post).made);
  } else if (posts.length || !thread) {
    replace(id, posts);
  }
  shown = { ...shown, thread: id, posts, options: options() };
}

// Show the posts again after the display options have changed.
export function redraw() {
  if (last) replace(last.thread, last.posts);
  shown = { ...shown, options: options() };
}

// The new conversation replaces the old one when it is ready, so nothing jumps.
function replace(thread, posts) {
  const pane = make("div", { className: "conversation waiting" });
  const made = posts.map(article);
  pane.append(...made.map((one) => one.made));
  for (const old of [...element("posts").children]) if (old.classList.contains("waiting")) old.remove();
  element("posts").append(pane);
  const isOther = thread !== shown.thread;
  shown.pane = pane;
  Promise.race([Promise.all(made.map((one) => one.ready)), new Promise((done) => setTimeout(done, LONGEST_WAIT))]).then(() => {
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
    frame.classList.add("not-shown");
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

// The text as a mail program without HTML shows it.
const plain = (text) => text.replace(/[ \t]+/g, " ").replace(/ *\n */g, "\n").replace(/\n{3,}/g, "\n\n").trim();

// The HTML with the pictures that are attached to the post.
const pictured = (post) => Object.entries(post.pictures ?? {})
  .reduce((html, [id, data]) => html.replaceAll(`"cid:${id}"`, `"${data}"`), post.html);

export function framed(post) {
  const made = make("iframe", { title: `Post by ${post.sender}`, className: "frame" });
  made.sandbox = SANDBOX;
  made.srcdoc = `<!doctype html><base target="_blank"><body style="margin:${MARGIN}px;font-family:Calibri,Carlito,sans-serif">${pictured(post)}`;
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

// Scale down a post that is wider than its frame, as phones do; make the frame as high as the post.
function fit(frame) {
  if (!frame.contentDocument?.body) return; // the frame has left the page
  const { documentElement: root, body } = frame.contentDocument;
  if (Number(frame.dataset.width) !== frame.clientWidth) {
    body.style.zoom = 1;
    const wide = root.scrollWidth + MARGIN; // scrollWidth does not include the right margin
    body.style.zoom = root.scrollWidth > frame.clientWidth ? frame.clientWidth / wide : 1;
    frame.dataset.width = frame.clientWidth;
  }
  frame.style.height = `${root.offsetHeight}px`;
}

function webhooks(post) {
  const pane = make("div", { className: "raw" });
  if (!post.webhooks.length) {
    pane.append(make("p", { className: "note" }, "Not available: the webhook came before this process was started, or more than 500 webhooks ago."));
  }
  for (const [number, entry] of post.webhooks.entries()) {
    const details = make("details", { open: number === 0 },
      make("summary", {}, `Webhook ${entry.slice(0, 12)}`), make("pre", { tabIndex: 0, role: "region", "aria-label": `Webhook ${entry.slice(0, 12)}` }, "…"));
    details.ontoggle = () => { if (details.open) fill(details.lastChild, entry); };
    pane.append(details);
  }
  if (post.webhooks.length > 1) pane.prepend(make("p", { className: "note" }, many(post.webhooks.length, "webhook")));
  return pane;
}

async function fill(pre, entry) {
  if (pre.dataset.filled) return;
  pre.dataset.filled = "yes";
  try {
    const raw = await (await get("webhook", { entry })).json();
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

element("tools").addEventListener("change", redraw);
element("tools").addEventListener("submit", (event) => event.preventDefault());
