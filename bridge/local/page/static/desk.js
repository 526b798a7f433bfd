import { act, ask, element, keyed, make, many, say, view } from "./dom.js";
import { indented } from "./reading.js";

let sources = null; // asked for when the desk is first opened

export async function openDesk(focused = "source") {
  element("desk").hidden = false;
  element("show-desk").setAttribute("aria-expanded", "true");
  view("desk");
  if (!sources) await load();
  element(element("send").hidden ? "outbox-title" : focused).focus();
}

export function closeDesk() {
  element("desk").hidden = true;
  element("show-desk").setAttribute("aria-expanded", "false");
  view("list");
  element("show-desk").focus();
}

async function load() {
  try {
    sources = await (await ask("samples")).json();
  } catch {
    sources = [];
  }
  // Beside `func start` the page has no bridge behind it.
  element("send").hidden = sources.length === 0;
  element("source").replaceChildren(...sources.map((source) => make("option", { value: source.name }, source.title)));
  await chooseSource();
}

async function chooseSource() {
  const source = sources.find((candidate) => candidate.name === element("source").value);
  const names = (source?.samples ?? []).map((sample) =>
    make("option", { value: sample.file }, sample.file.replace(/\.json$/, "")));
  element("sample").replaceChildren(...names);
  element("sample").disabled = names.length === 0;
  await chooseSample();
}

async function chooseSample() {
  const [source, file] = [element("source").value, element("sample").value];
  const sample = sources.find((candidate) => candidate.name === source)?.samples.find((one) => one.file === file);
  element("event").value = sample?.event ?? "";
  element("payload").value = sample ? indented(await (await ask("sample", { source, file })).text()) : "{}";
  checkPayload();
}

function checkPayload() {
  try {
    JSON.parse(element("payload").value);
    say(element("payload-note"), "");
  } catch (error) {
    say(element("payload-note"), `Not JSON: ${error.message}`);
  }
}

async function send(more) {
  const [source, event, payload] = ["source", "event", "payload"].map((id) => element(id).value);
  try {
    const told = await act("send", { source, event, payload, ...more });
    say(element("sent"), told.sending ? `Sending ${many(told.sending, "webhook")}.` : answered(told));
  } catch (error) {
    say(element("sent"), error.message);
  }
}

function answered({ status, answer }) {
  try {
    const told = JSON.parse(answer);
    if (told.accepted) return `${status}: accepted, ${many(told.accepted.length, "entry", "entries")} queued.`;
    return `${status}: ${told.error ?? told.acknowledged ?? told.dropped ?? answer}`;
  } catch {
    return `${status}: ${answer || "no text"}`;
  }
}

// ---- Graph's faults

export function showFaults(faults) {
  const on = faults.filter((fault) => fault.stays || fault.waiting);
  say(element("faults-on"), on.length ? `${on.length} on` : "");
  keyed(element("switches"), faults, (fault) => fault.kind, (fault) => {
    const box = make("input", { type: "checkbox", role: "switch", onchange: () => set(fault.kind, box.checked) });
    return make("li", {},
      make("label", {}, box, make("span", { className: "about" }, fault.about), make("code", {}, fault.kind)),
      make("button", { type: "button", className: "plain", onclick: () => set(fault.kind, null), "aria-label": `Once: ${fault.about}` }));
  }, (item, fault) => {
    item.firstChild.firstChild.checked = fault.stays;
    say(item.lastChild, fault.waiting ? `Once (${fault.waiting})` : "Once");
  });
}

async function set(kind, stays) {
  try {
    showFaults(await act("faults", { fault: { kind, seconds: element("fault-seconds").valueAsNumber || 0 }, stays }));
  } catch (error) {
    say(element("sent"), error.message);
  }
}

element("show-desk").onclick = () => (element("desk").hidden ? openDesk() : closeDesk());
element("hide-desk").onclick = closeDesk;
element("source").onchange = chooseSource;
element("sample").onchange = chooseSample;
element("payload").oninput = checkPayload;
element("sending").onsubmit = (event) => {
  event.preventDefault();
  send({ count: 1 });
};
element("send-many").onclick = () => {
  const [count, seconds] = ["count", "seconds"].map((id) => element(id));
  if (count.reportValidity() && seconds.reportValidity()) {
    send({ count: count.valueAsNumber, seconds: seconds.valueAsNumber, apart: element("apart").checked });
  }
};
