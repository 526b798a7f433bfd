// Edit the body of a delivery beside what would be posted, and send it.
import { element, many, post, setText } from "./dom.js";
import { today } from "./delivery_parts.js";

const PAUSE = 350; // milliseconds without a key until the posts are made again
let current = null;
let after = () => {};
let waiting = 0;
let asked = 0;

// sent: is given what finds the new delivery, and what to say.
export function openEditor(found, sent) {
  [current, after] = [found, sent];
  element("edit-body").value = found.body.text;
  element("edit-posts").replaceChildren();
  showProblem("");
  element("edit-delivery").showModal();
  attempt();
}

async function attempt() {
  const number = ++asked;
  setText(element("edit-state"), "Rendering…");
  try {
    const made = await post("resend", { id: current.row.id, body: element("edit-body").value, dry_run: true });
    if (number !== asked) return;
    element("edit-posts").replaceChildren(...today(made));
    showProblem("");
  } catch (error) {
    if (number === asked) showProblem(error.message);
  }
  if (number === asked) setText(element("edit-state"), "");
}

function showProblem(problem) {
  element("edit-problem").hidden = !problem;
  setText(element("edit-problem"), problem);
  element("edit-send").disabled = Boolean(problem);
  element("edit-posts").classList.toggle("stale", Boolean(problem));
}

async function send() {
  ++asked;
  setText(element("edit-state"), "Sending…");
  try {
    const { status, answer, find } = await post("resend", { id: current.row.id, body: element("edit-body").value });
    setText(element("edit-state"), "");
    element("edit-delivery").close();
    after(find, `Sent: answered with ${status}. ${meaning(answer)}`);
  } catch (error) {
    setText(element("edit-state"), "");
    showProblem(error.message);
  }
}

function meaning(answer) {
  try {
    const content = JSON.parse(answer);
    if (content.accepted) return `${many(content.accepted.length, "entry is", "entries are")} queued.`;
    return String(content.error ?? content.ignored ?? content.dropped ?? "");
  } catch {
    return answer;
  }
}

element("edit-body").addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(attempt, PAUSE);
});
element("editing").addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});
