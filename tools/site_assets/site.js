// A field above the list of services, which leaves those whose name or address has what is typed.

function makeField(first) {
  const label = document.createElement("label");
  label.textContent = "Find a service ";
  const field = document.createElement("input");
  field.type = "search";
  field.className = "find-service";
  label.append(field);
  first.before(label);
  return field;
}

const rows = [...document.querySelectorAll("article table tbody tr")].filter((row) =>
  row.textContent.includes("/api/webhooks/"));

if (document.querySelector("article h1")?.firstChild?.textContent === "Services" && rows.length > 20) {
  const tables = [...new Set(rows.map((row) => row.closest("table")))];
  const heading = (table) => {
    let element = table.closest(".md-typeset__scrollwrap") ?? table;
    while (element && element.tagName !== "H3") element = element.previousElementSibling;
    return element;
  };
  const field = makeField(heading(tables[0]));
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/);
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
    for (const table of tables) {
      const isEmpty = rows.every((row) => row.hidden || row.closest("table") !== table);
      table.hidden = isEmpty;
      const title = heading(table);
      if (title) title.hidden = isEmpty;
    }
  });
}

// What scrolls can be scrolled with the keyboard, too. The theme wraps tables when the page has loaded.
function makeReachable() {
  for (const wrap of document.querySelectorAll(".md-typeset__scrollwrap")) {
    wrap.tabIndex = wrap.scrollWidth > wrap.clientWidth ? 0 : -1;
  }
}

addEventListener("load", () => requestAnimationFrame(makeReachable));
addEventListener("resize", makeReachable);
