// What can be done with a delivery.
import { element, get, make, many, post, setText } from "./dom.js";
import { openComparison } from "./delivery_compare.js";
import { openEditor } from "./delivery_edit.js";
import { about, go } from "./views.js";

let current = null;

export function showActions(found) {
  current = found;
  const kept = found.body.text !== null;
  const why = kept ? "" : found.body.note;
  const isWhole = kept && !found.body.is_cut;
  const buttons = [["Copy as cURL", copyCurl, kept, why], ["Compare with…", () => openComparison(current), kept, why]];
  if (about.edit) buttons.unshift(["Edit and resend…", () => openEditor(current, follow), isWhole, kept && !isWhole ? "It is too long to be edited here." : why]);
  if (about.write) buttons.unshift(["Resend", resend, kept, why]);
  element("delivery-actions").hidden = false;
  const made = buttons.map(([name, action, enabled, title]) => make("button", { type: "button", disabled: !enabled, title, onclick: () => attempt(action) }, name));
  // The same buttons stay where they are, with their focus.
  if (JSON.stringify(buttons.map(describe)) === element("delivery-actions").dataset.is && current.row.id === element("delivery-actions").dataset.of) return;
  element("delivery-actions").dataset.is = JSON.stringify(buttons.map(describe));
  element("delivery-actions").dataset.of = current.row.id;
  element("delivery-actions").replaceChildren(...made);
}

const describe = ([name, , enabled, title]) => [name, enabled, title];

async function attempt(action) {
  element("delivery-problem").hidden = true;
  setText(element("delivery-status"), "");
  try {
    await action();
  } catch (error) {
    element("delivery-problem").hidden = false;
    setText(element("delivery-problem"), error.message);
  }
}

async function resend() {
  const answer = await post("resend", { id: current.row.id });
  follow(answer.find, answer.queued ? `Resent: ${many(answer.queued, "entry is", "entries are")} queued.` : `Not posted: ${answer.reason}`);
}

// Show the delivery that was made, when its record comes.
function follow(id, message) {
  if (id) go("deliveries", id);
  setText(element("delivery-status"), message);
}

async function copyCurl() {
  const { command } = await (await get("delivery/curl", { id: current.row.id })).json();
  await navigator.clipboard.writeText(command);
  setText(element("delivery-status"), "Copied: set the variable that it names, and run it in a shell.");
}
