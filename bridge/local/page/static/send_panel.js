import { element, get, keyed, make, many, post, setText, showView } from "./dom.js";
import { indented } from "./reading.js";

let sources = null; // loaded when the panel is first opened

export async function openSendPanel(focused = "source") {
  element("send-panel").hidden = false;
  element("show-send-panel").setAttribute("aria-expanded", "true");
  showView("send-panel");
  if (!sources) await load();
  element(element("send").hidden ? "outbox-title" : focused).focus();
}

export function closeSendPanel() {
  element("send-panel").hidden = true;
  element("show-send-panel").setAttribute("aria-expanded", "false");
  showView("list");
  element("show-send-panel").focus();
}

async function load() {
  try {
    sources = await (await get("samples")).json();
  } catch {
    sources = [];
  }
  // With `func start` the bridge runs in another process, and this server has no samples.
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
  element("payload").value = sample ? indented(await (await get("sample", { source, file })).text()) : "{}";
  checkPayload();
}

function checkPayload() {
  try {
    JSON.parse(element("payload").value);
    setText(element("payload-note"), "");
  } catch (error) {
    setText(element("payload-note"), `Not JSON: ${error.message}`);
  }
}

async function send(more) {
  const [source, event, payload] = ["source", "event", "payload"].map((id) => element(id).value);
  try {
    const result = await post("send", { source, event, payload, ...more });
    setText(element("sent"), result.sending ? `Sending ${many(result.sending, "webhook")}.` : answerText(result));
  } catch (error) {
    setText(element("sent"), error.message);
  }
}

function answerText({ status, answer }) {
  try {
    const content = JSON.parse(answer);
    if (content.accepted) return `${status}: accepted, ${many(content.accepted.length, "entry", "entries")} queued.`;
    return `${status}: ${content.error ?? content.ignored ?? content.dropped ?? answer}`;
  } catch {
    return `${status}: ${answer || "no text"}`;
  }
}

// ---- the faults of Graph

export function showFaults(faults) {
  const active = faults.filter((fault) => fault.on || fault.once);
  setText(element("faults-on"), active.length ? `${active.length} on` : "");
  keyed(element("switches"), faults, (fault) => fault.kind, (fault) => {
    const box = make("input", { type: "checkbox", role: "switch", onchange: () => switchFault(fault.kind, box.checked ? "on" : "off") });
    return make("li", {},
      make("label", {}, box, make("span", { className: "about" }, fault.about), make("code", {}, fault.kind)),
      make("button", { type: "button", className: "plain", onclick: () => switchFault(fault.kind, "once"), "aria-label": `Once: ${fault.about}` }));
  }, (item, fault) => {
    item.firstChild.firstChild.checked = fault.on;
    setText(item.lastChild, fault.once ? `Once (${fault.once})` : "Once");
  });
}

async function switchFault(kind, mode) {
  try {
    showFaults(await post("faults", { fault: { kind, seconds: element("fault-seconds").valueAsNumber || 0 }, mode }));
  } catch (error) {
    setText(element("sent"), error.message);
  }
}

element("show-send-panel").onclick = () => (element("send-panel").hidden ? openSendPanel() : closeSendPanel());
element("hide-send-panel").onclick = closeSendPanel;
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
    send({ count: count.valueAsNumber, seconds: seconds.valueAsNumber, different: element("different").checked });
  }
};
