// What is different in the bodies of two deliveries.
import { element, get, make, many, setText } from "./dom.js";

const PAUSE = 250; // milliseconds without a key until the search begins
let current = null;
let waiting = 0;
let asked = 0;

export async function openComparison(found) {
  current = found;
  element("compare-text").value = "";
  element("compare").showModal();
  await choices();
}

// The deliveries of the same source; those of the same kind come first.
async function choices() {
  const number = ++asked;
  await attempt(async () => {
    const answer = await get("deliveries", { source: current.row.source, text: element("compare-text").value.trim() });
    const { rows } = await answer.json();
    if (number !== asked) return;
    const others = rows.filter((row) => row.id !== current.row.id);
    const [same, different] = [true, false].map((is) => others.filter((row) => (row.kind === current.row.kind) === is));
    element("compare-with").replaceChildren(...[...same, ...different].map((row) => make("option", { value: row.id }, label(row))));
    if (others.length) await compare();
    else show([], "There is no other delivery to compare it with.");
  });
}

const label = (row) => `${new Date(row.at * 1000).toLocaleString()} · ${row.kind || row.event || row.outcome} · ${row.title || row.reason}`.slice(0, 120);

async function compare() {
  const number = ++asked;
  await attempt(async () => {
    const found = await (await get("delivery/compare", { id: current.row.id, with: element("compare-with").value })).json();
    if (number !== asked) return;
    const count = found.differences.length + found.more;
    const more = found.more ? `, of which the first ${found.differences.length} are shown` : "";
    show(found.differences, count ? `${many(count, "difference")}${more}.` : "The bodies are the same.", found.by);
  });
}

async function attempt(work) {
  element("compare-problem").hidden = true;
  try {
    await work();
  } catch (error) {
    show([], "");
    element("compare-problem").hidden = false;
    setText(element("compare-problem"), error.message);
  }
}

function show(differences, note, by = "values") {
  setText(element("compare-note"), note);
  const head = [by === "lines" ? "Line" : "Field", "This delivery", "The other one"].map((name) => make("th", { scope: "col" }, name));
  const cell = (value, className) => make("td", { className }, value === null ? make("span", { className: "note" }, "not there") : make("code", {}, value));
  const rows = differences.map((one) => make("tr", {}, make("td", {}, make("code", {}, one.path)), cell(one.left, "left"), cell(one.right, "right")));
  element("compare-table").replaceChildren(...(rows.length ? [make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows)] : []));
}

element("compare-text").addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(choices, PAUSE);
});
element("compare-with").addEventListener("change", compare);
element("comparing").addEventListener("submit", (event) => {
  event.preventDefault();
  choices();
});
