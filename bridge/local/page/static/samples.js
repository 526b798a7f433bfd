// The samples of all sources: a search over them, which begins with the usual ones, and a list for each source.
import { element, get, make } from "./dom.js";

const MOST = 60; // that are shown at once
let samples = []; // of all sources, the usual ones first: {source, title, file, event, words}
let active = -1; // the option that the arrow keys have reached
let choose = () => {};

const nameOf = (file) => file.replace(/\.json$/, "");

// Load the samples; false if this server has none. onChoice: called with each sample that is chosen.
export async function loadSamples(onChoice) {
  const { usual, sources } = await (await get("samples")).json();
  const rank = new Map(usual.map(({ source, file }, place) => [`${source}/${file}`, place]));
  const first = new Map(usual.map(({ source }, place) => [source, place]).reverse());
  const by = (ranks, key) => (one, other) => (ranks.get(key(one)) ?? Infinity) - (ranks.get(key(other)) ?? Infinity) || 0;
  choose = onChoice;
  sources.sort(by(first, (source) => source.name));
  samples = sources.flatMap(({ name, title, samples: own }) => own.map(({ file, event }) => (
    { source: name, title, file, event, words: `${title} ${name} ${file} ${event} ${nameOf(file).replace(/[._]/g, " ")}`.toLowerCase() })));
  samples.sort(by(rank, ({ source, file }) => `${source}/${file}`));
  element("source").replaceChildren(...sources.map((source) => make("option", { value: source.name }, source.title)));
  return sources.length > 0;
}

export const firstSample = () => samples[0];

// List the samples of the source that is selected; return the first one.
export function listSource() {
  const own = samples.filter((sample) => sample.source === element("source").value);
  element("sample").replaceChildren(...own.map(({ file }) => make("option", { value: file }, nameOf(file))));
  element("sample").disabled = own.length === 0;
  return own[0];
}

export const selectedSample = () =>
  samples.find(({ source, file }) => source === element("source").value && file === element("sample").value);

// ---- the search

function find() {
  const words = element("find-sample").value.toLowerCase().split(/\s+/).filter(Boolean);
  return samples.filter((sample) => words.every((word) => sample.words.includes(word)));
}

function show() {
  const found = find();
  const options = found.slice(0, MOST).map((sample, place) => make("li", {
    id: `found-${place}`, role: "option", "aria-selected": "false", onmousedown: (event) => event.preventDefault(), onclick: () => pick(sample),
  }, make("span", { className: "source" }, sample.title), " ", nameOf(sample.file)));
  element("found-samples").replaceChildren(...options);
  element("found-count").textContent = found.length > MOST ? `${found.length} samples; the first ${MOST} are shown` : found.length ? "" : "No sample has these words";
  open(true);
  activate(found.length ? 0 : -1);
}

function open(isOpen) {
  element("found").hidden = !isOpen;
  element("find-sample").setAttribute("aria-expanded", String(isOpen && find().length > 0));
  if (!isOpen) activate(-1);
}

function activate(place) {
  const options = [...element("found-samples").children];
  active = Math.min(place, options.length - 1);
  for (const [number, option] of options.entries()) option.setAttribute("aria-selected", String(number === active));
  options[active]?.scrollIntoView({ block: "nearest" });
  if (active < 0) element("find-sample").removeAttribute("aria-activedescendant");
  else element("find-sample").setAttribute("aria-activedescendant", options[active].id);
}

function pick(sample) {
  element("find-sample").value = "";
  open(false);
  element("source").value = sample.source;
  listSource();
  element("sample").value = sample.file;
  choose(sample);
}

function onKey(event) {
  const isOpen = !element("found").hidden;
  if (event.key === "Escape" && isOpen) open(false);
  else if (event.key === "ArrowDown") isOpen ? activate(active + 1) : show();
  else if (event.key === "ArrowUp" && isOpen) activate(Math.max(active - 1, 0));
  else if (event.key === "Enter") {
    if (isOpen && active >= 0) pick(find()[active]);
  } else return;
  event.preventDefault();
  event.stopPropagation();
}

element("find-sample").oninput = show;
element("find-sample").onclick = show;
element("find-sample").onblur = () => open(false);
element("find-sample").onkeydown = onKey;
