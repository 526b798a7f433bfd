// What the list of threads is narrowed to: a search, and filters.
import { amount, element, keyed, make, many, setText } from "./dom.js";

const PAUSE = 150; // milliseconds without a key until the search begins
const SEVERITIES = ["critical", "error", "warning", "info", "success"];
const fields = () => element("filters").elements;
let waiting = 0;

export const filter = () => ({
  search: fields().search.value.trim(), source: fields().source.value, severity: fields().severity.value,
  unread: fields().unread.checked ? "1" : "",
});

export const isFiltered = () => Object.values(filter()).some(Boolean);

export const clearFilters = () => element("filters").reset();

export function listenToFilters(changed, toList) {
  const later = () => {
    clearTimeout(waiting);
    waiting = setTimeout(changed, PAUSE);
  };
  element("search").addEventListener("input", later);
  element("filters").addEventListener("change", (event) => { if (event.target.id !== "search") changed(); });
  element("filters").addEventListener("submit", (event) => event.preventDefault());
  element("search").addEventListener("keydown", (event) => {
    if (!["Escape", "Enter", "ArrowDown"].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Escape" && element("search").value) {
      element("search").value = "";
      changed();
    } else toList();
  });
  element("thread-severity").append(...SEVERITIES.map((severity) => make("option", { value: severity }, severity)));
}

export function showFilters(mail) {
  keyed(element("thread-source"), [{ name: "", title: "All sources" }, ...mail.sources], (source) => source.name,
    (source) => make("option", { value: source.name }), (option, source) => setText(option, source.title));
  showCount(mail);
}

function showCount(mail) {
  const unread = mail.unread ? `, ${amount(mail.unread)} unread` : "";
  setText(element("list-count"), mail.total ? `${many(mail.total, "thread")}${unread}` : "");
  element("mark-all-read").disabled = mail.unread === 0;
  setText(element("found-threads"), filter().search ? `${many(mail.total, "thread")} found` : "");
}
