import { element, get, keyed, make, many, post, setText, showView } from "./dom.js";
import { notice } from "./notices.js";
import { indented } from "./reading.js";
import { firstSample, listSource, loadSamples, selectedSample } from "./samples.js";

const sent = notice("sent");
let isLoaded = false; // the samples, when the panel is first opened
let followed = new Set(); // the entries of the last webhook that was sent, until one of them is posted
let burst = 0; // the number of the burst that this page has started

export async function openSendPanel(focused = "find-sample") {
  element("send-panel").hidden = false;
  element("show-send-panel").setAttribute("aria-expanded", "true");
  showView("send-panel");
  await load();
  const place = element(element("send").hidden ? "outbox-title" : focused);
  (place.checkVisibility() ? place : element("hide-send-panel")).focus();
}

export function closeSendPanel() {
  element("send-panel").hidden = true;
  element("show-send-panel").setAttribute("aria-expanded", "false");
  showView("list");
  element("show-send-panel").focus();
}

async function load() {
  if (isLoaded) return;
  try {
    element("send").hidden = !await loadSamples(chooseSample);
    isLoaded = true;
    sent.say("");
  } catch (error) {
    // With `func start` the bridge runs in another process, and this server has no samples.
    element("send").hidden = error.status === 404;
    if (error.status !== 404) sent.fail(`The samples cannot be loaded. ${error.message}`);
    return;
  }
  const sample = firstSample();
  element("source").value = sample?.source;
  await chooseSample(listSource());
}

async function chooseSample(sample) {
  element("event").value = sample?.event ?? "";
  try {
    element("payload").value = sample ? indented(await (await get("sample", { source: sample.source, file: sample.file })).text()) : "{}";
    sent.say("");
  } catch (error) {
    sent.fail(error.message);
  }
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
  forget();
  try {
    const result = await post("send", { source, event, payload, ...more });
    if (result.sending) {
      burst = result.number;
      showBurst({ number: burst, count: result.sending, sent: 0, failed: 0 });
    } else {
      const isTaken = result.status >= 200 && result.status < 300;
      sent[isTaken ? "say" : "fail"](answerText(result));
      followed = new Set(isTaken ? accepted(result) : []);
    }
  } catch (error) {
    sent.fail(error.message);
  }
}

function forget() {
  sent.say("");
  followed = new Set();
  burst = 0;
  element("burst-progress").hidden = true;
  element("open-sent").hidden = true;
}

const accepted = ({ answer }) => {
  try {
    return JSON.parse(answer).accepted ?? [];
  } catch {
    return [];
  }
};

// Once somebody has chosen another thread, the one of the last webhook is not selected any more.
export const stopFollowing = () => { followed = new Set(); };

// Select the thread of the webhook that was sent last as soon as it is there.
export function followSent(outbox) {
  const row = outbox?.rows.find((one) => followed.has(one.id) && ["sent", "dead"].includes(one.state));
  if (!row) return;
  followed = new Set();
  if (row.state === "dead") {
    sent.fail(`Not posted: ${[row.reason, row.advice].filter(Boolean).join(" ")}`);
    return;
  }
  sent.say(`${element("sent").textContent} Posted in ${row.group}.`);
  element("open-sent").hidden = false;
  element("open-sent").onclick = () => document.dispatchEvent(new CustomEvent("open-thread", { detail: row.thread }));
  document.dispatchEvent(new CustomEvent("show-thread", { detail: row.thread }));
}

export function showBurst(progress) {
  if (!progress && !element("burst-progress").hidden) {
    forget();
    sent.fail("The bridge was restarted while it sent the burst.");
  }
  if (progress?.number !== burst) return;
  const { count, sent: done, failed, status, answer } = progress;
  element("burst-progress").hidden = done === count;
  Object.assign(element("burst-progress"), { max: count, value: done });
  if (done < count) sent.say(`Sending ${many(count, "webhook")}.`);
  else if (failed) sent.fail(`${failed} of ${many(count, "webhook")} failed. The last answer: ${status ? answerText({ status, answer }) : answer}`);
  else sent.say(`Sent ${many(count, "webhook")}.`);
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

const faultsNotice = notice("faults-note");

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
    faultsNotice.say("");
    showFaults(await post("faults", { fault: { kind, seconds: element("fault-seconds").valueAsNumber || 0 }, mode }));
  } catch (error) {
    faultsNotice.fail(error.message);
  }
}

element("show-send-panel").onclick = () => (element("send-panel").hidden ? openSendPanel() : closeSendPanel());
element("hide-send-panel").onclick = closeSendPanel;
element("source").onchange = () => chooseSample(listSource());
element("sample").onchange = () => chooseSample(selectedSample());
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
// What could not be loaded is loaded as soon as the bridge answers again.
document.addEventListener("connected", () => { if (!element("send-panel").hidden) load(); });
