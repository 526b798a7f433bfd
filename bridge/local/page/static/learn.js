import { element, get, make, post } from "./dom.js";
import { notice } from "./notices.js";
import { framed, indented } from "./reading.js";

const PAUSE = 300; // milliseconds without a key until the posts are made again
const PASTED = "";
const state = notice("learn-state");
let webhooks = [];
let waiting = 0;
let asked = 0;

async function open() {
  const names = await received() ?? [];
  const options = [...names.map((name) => make("option", { value: name }, name)), make("option", { value: PASTED }, "a payload that I paste")];
  element("learn-source").replaceChildren(...options);
  element("learn").showModal();
  choose();
  if (names.length && !element("learn-table").value) await propose();
}

async function received() {
  try {
    return await (await get("received")).json();
  } catch {
    return null;
  }
}

// A pasted payload needs a place to paste it into.
function choose() {
  const isPasted = element("learn-source").value === PASTED;
  element("learn-count-label").hidden = isPasted;
  if (isPasted) {
    element("learn-details").open = true;
    showWebhooks([{ headers: {}, body: "{}" }]);
  }
}

async function propose() {
  const name = element("learn-source").value;
  const content = name === PASTED ? { webhooks: edited() } : { name, count: element("learn-count").valueAsNumber };
  await say("Reading…", async () => {
    const result = await post("learn", content);
    forgetAttempts();
    element("learn-table").value = result.table;
    element("learn-unsure").replaceChildren(...result.unsure.map((text) => make("li", {}, `Not sure: ${text}`)));
    showWebhooks(result.webhooks);
    show(result);
  });
}

async function attempt() {
  if (!element("learn-table").value) return;
  const number = ++asked;
  await say("Rendering…", async () => {
    const result = await post("trial", { table: element("learn-table").value, webhooks: edited() });
    if (number === asked) show(result);
  });
}

// Those under way are of the form before, and would show their outcome beside the new one.
function forgetAttempts() {
  clearTimeout(waiting);
  asked++;
}

async function say(text, work) {
  state.say(text);
  try {
    await work();
    state.say("");
  } catch (error) {
    state.fail(error.message);
  }
}

// Posts that a wrong table no longer makes stay, in grey, until it is right again.
function show({ posts, problems }) {
  element("learn-problems").replaceChildren(...problems.map((text) => make("li", {}, text)));
  element("learn-posts").classList.toggle("stale", posts.length === 0);
  if (posts.length) element("learn-posts").replaceChildren(...posts.map(article));
}

function article(shown) {
  const end = shown.ends_thread ? ", which ends the thread" : "";
  return make("article", {},
    make("h3", {}, shown.topic),
    make("p", { className: "note" }, shown.summary),
    framed({ sender: shown.topic, html: shown.html }).made,
    make("p", { className: "note" }, `Thread: ${shown.key}${end}`));
}

function showWebhooks(shown) {
  webhooks = shown;
  const boxes = shown.map((webhook, number) =>
    make("textarea", { value: indented(webhook.body), rows: 10, spellcheck: false, oninput: later, "aria-label": `Webhook ${number + 1}` }));
  element("learn-webhooks").replaceChildren(...boxes);
}

function edited() {
  const boxes = [...element("learn-webhooks").children];
  return webhooks.map((webhook, number) => ({ headers: webhook.headers, body: boxes[number].value }));
}

function later() {
  clearTimeout(waiting);
  waiting = setTimeout(attempt, PAUSE);
}

async function copy() {
  element("learn-table").select();
  await say("", () => navigator.clipboard.writeText(element("learn-table").value));
}

element("show-learn").onclick = open;
element("learn-source").onchange = choose;
element("learn-table").oninput = later;
element("copy-table").onclick = copy;
element("learning").onsubmit = (event) => {
  event.preventDefault();
  propose();
};
// With `func start` this server receives no webhooks.
document.addEventListener("connected", async () => { element("show-learn").hidden = await received() === null; });
