import { element, get, make, many, post, setText, time } from "./dom.js";
import { framed } from "./reading.js";
import { isShown, register } from "./views.js";

const PAUSE = 300; // milliseconds without a key until the text is checked
const drafts = new Map(); // the files that were opened, by name: { text, opened, version, saved, place, note, canBeSaved }
let files = { config: "", templates: [], originals: [], has_config: false };
let name = "";
let selected = "";
let waiting = 0;
let isChecking = false;
let isStale = false; // whether there is more to check than what is being checked
let turns = 0;

// ---- the view

function build() {
  element("view-editing").append(
    make("nav", { className: "files", "aria-label": "Files" },
      make("ul", { id: "edit-files" }),
      make("label", {}, "The bridge’s templates: open one to make your own version of it",
        make("input", { id: "edit-find", type: "search", placeholder: "github/push", autocomplete: "off", oninput: listOriginals })),
      make("ul", { id: "edit-originals" })),
    make("section", { className: "editor", "aria-labelledby": "edit-name" },
      make("header", {}, make("h2", { id: "edit-name" }, "Routes and templates"),
        make("button", { id: "edit-reload", type: "button", className: "plain", onclick: reload }, "Reload"),
        make("button", { id: "edit-save", type: "button", className: "primary", onclick: save }, "Save")),
      make("p", { id: "edit-note", className: "note" }),
      make("p", { id: "edit-state", className: "note", role: "status" }),
      make("div", { className: "code" },
        make("pre", { id: "edit-lines", "aria-hidden": "true" }),
        make("textarea", { id: "edit-text", spellcheck: false, autocomplete: "off", wrap: "off", disabled: true, "aria-label": "Text", "aria-describedby": "edit-problems",
          oninput: typed, onscroll: follow, onkeydown: onKey })),
      make("ul", { id: "edit-problems", "aria-label": "Problems" })),
    make("section", { className: "effects", "aria-labelledby": "effects-title" },
      make("header", {}, make("h2", { id: "effects-title" }, "Effect on the last webhooks"), make("p", { id: "effects-count", className: "note", role: "status" })),
      make("ol", { id: "effects", "aria-labelledby": "effects-title" }),
      make("div", { id: "effect", role: "region", "aria-label": "Before and after", tabIndex: 0 })));
}

async function showEditing() {
  await list();
  if (name) await check();
  else await choose(files.config);
}

async function list() {
  files = await (await get("files")).json();
  const config = files.has_config ? "Configuration" : "Configuration (new)";
  element("edit-files").replaceChildren(item(files.config, config), ...files.templates.map((template) => item(template, template)));
  listOriginals();
}

function listOriginals() {
  const sought = element("edit-find").value.trim().toLowerCase();
  const found = files.originals.filter((template) => template.includes(sought));
  element("edit-originals").replaceChildren(...found.map((template) => item(template, template)));
}

function item(file, title) {
  const button = make("button", { type: "button", onclick: () => choose(file) }, title, isChanged(file) ? " •" : "");
  button.setAttribute("aria-current", String(file === name));
  if (isChanged(file)) button.append(make("span", { className: "visually-hidden" }, "not saved"));
  return make("li", {}, button);
}

const isChanged = (file) => drafts.has(file) && drafts.get(file).text !== drafts.get(file).saved;
const isTyped = (file) => drafts.has(file) && drafts.get(file).text !== drafts.get(file).opened;

// ---- one file

async function choose(file) {
  await say("", async () => {
    const opened = drafts.get(file) ?? draft(await post("open", { name: file }));
    // It may have been opened, and edited, while this waited.
    if (!drafts.has(file)) drafts.set(file, opened);
    if (name !== file) {
      name = file;
      showFile();
    }
    await list();
    await check();
  });
}

const draft = (opened) => ({
  text: opened.text, opened: opened.text, saved: opened.version || !opened.can_be_saved ? opened.text : "", version: opened.version,
  place: opened.place, note: opened.note, canBeSaved: opened.can_be_saved,
});

function showFile() {
  const file = drafts.get(name);
  setText(element("edit-name"), name === files.config ? "Configuration" : name);
  setText(element("edit-note"), [file.place, file.note].filter(Boolean).join(". "));
  element("edit-text").value = file.text;
  element("edit-text").disabled = false;
  element("edit-text").scrollTop = 0;
  element("edit-text").setAttribute("aria-label", `Text of ${element("edit-name").textContent}`);
  showButtons();
  number([]);
}

function showButtons() {
  const file = drafts.get(name);
  element("edit-save").disabled = !file.canBeSaved || !isChanged(name);
  element("edit-reload").hidden = !file.version;
}

function typed() {
  drafts.get(name).text = element("edit-text").value;
  showButtons();
  number([]);
  setText(element("effects-count"), "Checking…");
  clearTimeout(waiting);
  waiting = setTimeout(check, PAUSE);
}

async function reload() {
  const file = name;
  drafts.delete(file);
  name = "";
  element("edit-text").disabled = true;
  await choose(file);
}

async function save() {
  if (element("edit-save").disabled) return;
  const { text, version } = drafts.get(name);
  await say("Saving…", async () => {
    const result = await post("save", { name, text, version });
    if (result.conflict) throw new Error(`Not saved: ${result.conflict} Reload it to see what is there; your text is then lost.`);
    const written = draft(result);
    // Somebody may have typed on meanwhile.
    drafts.set(name, { ...written, text: drafts.get(name).text === text ? written.text : drafts.get(name).text });
    setText(element("edit-note"), written.place);
    showButtons();
    list();
    check();
    if (result.wrong.length) throw new Error(`Saved, but the bridge accepts no webhook: ${result.wrong.join("; ")}`);
    return "Saved. The bridge uses it from now on.";
  });
}

// Say what is being done, and then what came of it, unless something else has been begun meanwhile.
async function say(text, work) {
  const turn = ++turns;
  const report = (message, isProblem) => {
    if (turn !== turns) return;
    setText(element("edit-state"), message);
    element("edit-state").classList.toggle("problem", isProblem);
  };
  report(text, false);
  try {
    report((await work()) ?? "", false);
  } catch (error) {
    report(error.message, true);
  }
}

function onKey(event) {
  if ((event.ctrlKey || event.metaKey) && event.key === "s") {
    event.preventDefault();
    save();
  }
}

// ---- what is wrong, and the effect

// One check at a time; what was typed meanwhile is checked next.
async function check() {
  if (!name) return;
  if (isChecking) {
    isStale = true;
    return;
  }
  isChecking = true;
  isStale = false;
  let showResult;
  try {
    const result = await post("check", { name, text: element("edit-text").value, selected });
    showResult = () => show(result);
  } catch (error) {
    showResult = () => showProblems([{ text: error.message, line: 0, is_error: true }]);
  }
  isChecking = false;
  if (isStale) await check();
  else showResult();
}

function show({ problems, deliveries, shown, note }) {
  showProblems(problems);
  // The effect of a text that was right stays, in grey, until it is right again.
  document.querySelector("#view-editing .effects").classList.toggle("stale", deliveries === null);
  if (deliveries === null) {
    setText(element("effects-count"), "It is shown when the problems are corrected.");
    return;
  }
  const changed = deliveries.filter((delivery) => delivery.changes.length).length;
  const none = isTyped(name) ? `No change to ${many(deliveries.length, "webhook")}` : "Edit the text: what that would change is shown here before you save.";
  setText(element("effects-count"), note || (changed ? `${changed} of ${many(deliveries.length, "webhook")} would change` : none));
  element("effects").replaceChildren(...deliveries.map((delivery) => row(delivery, shown)));
  showRow(element("effects"), element("effects").querySelector("[aria-current=true]"));
  const changes = deliveries.find((delivery) => delivery.id === shown?.id)?.changes;
  element("effect").replaceChildren(...(shown ? sides(shown, changes) : []));
}

function showProblems(problems) {
  element("edit-problems").replaceChildren(...problems.map(({ text, line, is_error: isError }) => {
    const made = make("li", { className: isError ? "problem" : "warning" });
    made.append(line ? make("button", { type: "button", className: "plain", onclick: () => goTo(line) }, text) : text);
    return made;
  }));
  number(problems.map((problem) => problem.line));
}

function row(delivery, shown) {
  const { before, after, changes } = delivery;
  const moves = changes.includes("groups") || before.reason !== after.reason;
  const groups = moves ? [make("del", {}, where(before)), " → ", make("ins", {}, where(after))] : [where(after)];
  const button = make("button", { type: "button", onclick: () => { selected = delivery.id; check(); } },
    make("span", { className: "topic" }, delivery.title), time(new Date(delivery.at * 1000).toISOString()),
    make("span", { className: "groups" }, `${delivery.source}: `, ...groups));
  const others = ["people", "post"].filter((part) => changes.includes(part));
  if (others.length) button.append(make("span", { className: "pill pending" }, `${others.join(" and ")} ${others.length > 1 || others[0] === "people" ? "change" : "changes"}`));
  button.setAttribute("aria-current", String(delivery.id === shown?.id));
  const made = make("li", {}, button);
  made.classList.toggle("changed", changes.length > 0);
  return made;
}

// Scroll the list, and nothing around it, to a row that is out of sight.
function showRow(list, row) {
  if (!row) return;
  const [outer, inner] = [list, row].map((node) => node.getBoundingClientRect());
  if (inner.top < outer.top || inner.bottom > outer.bottom) list.scrollTop += inner.top - outer.top;
}

const where = ({ groups, reason }) => reason || groups.join(", ") || "dropped";

// A post that stays as it is, is shown once.
function sides({ before, after }, changes) {
  if (JSON.stringify(before) === JSON.stringify(after)) return [side("Before and after", after)];
  return [side("Before", before, changes.includes("post")), side("After", after)];
}

function side(title, outcome, hasPost = true) {
  const made = make("div", { className: "side" }, make("h3", {}, title));
  if (outcome.reason) made.append(make("p", {}, outcome.reason));
  for (const problem of outcome.problems) made.append(make("p", { className: "problem" }, problem));
  for (const event of outcome.events) {
    const routes = event.trials.map(({ number: place, when, answer, values }) => make("li", {}, `Route ${place} ${answer}: `, make("code", {}, when), values ? ` (${values})` : ""));
    made.append(make("article", {},
      make("h4", {}, event.topic),
      make("p", { className: "note" }, `${event.groups.join(", ") || "Dropped"}: ${event.route}`),
      make("details", {}, make("summary", {}, `Routes, and the template ${event.template}`), make("ul", {}, ...routes)),
      make("p", { className: "note" }, event.summary),
      ...(event.participants.length ? [make("p", { className: "note" }, `Invited: ${event.participants.join(", ")}`)] : []),
      ...(hasPost ? [framed({ sender: `${title}: ${event.topic}`, html: event.html }).made] : [])));
  }
  return made;
}

// ---- line numbers

function number(wrong) {
  const text = element("edit-text").value;
  const lines = text.split("\n").map((_, place) => make("span", { className: wrong.includes(place + 1) ? "wrong" : "" }, `${place + 1}\n`));
  element("edit-lines").replaceChildren(...lines);
  follow();
}

function follow() {
  element("edit-lines").scrollTop = element("edit-text").scrollTop;
}

function goTo(line) {
  const text = element("edit-text");
  const start = text.value.split("\n").slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
  const end = text.value.indexOf("\n", start);
  text.focus();
  text.setSelectionRange(start, end < 0 ? text.value.length : end);
  text.scrollTop = (line - 5) * (text.scrollHeight / text.value.split("\n").length);
}

window.addEventListener("beforeunload", (event) => {
  if ([...drafts.keys()].some((file) => drafts.get(file).canBeSaved && isTyped(file))) event.preventDefault();
});

function checkAgain() {
  if (!name || !isShown("editing")) return;
  clearTimeout(waiting);
  waiting = setTimeout(check, PAUSE);
}
window.addEventListener("focus", checkAgain);
document.addEventListener("outbox-changed", checkAgain); // a webhook came
build();
register("editing", { show: showEditing, focus: () => element("edit-text").focus() });
