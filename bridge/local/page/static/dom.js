export const element = (id) => document.getElementById(id);

export const make = (tag, properties = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children);
  return made;
};

// Writes only what differs, so that nothing flickers and no screen reader hears it twice.
export const say = (node, text) => {
  if (node.textContent !== text) node.textContent = text;
};

// Makes the children of a list those of `items`, in their order. What stays is kept, with its focus and its scrolling.
export function keyed(list, items, key, create, update) {
  const focused = list.contains(document.activeElement) ? document.activeElement : null;
  const kept = new Map([...list.children].map((child) => [child.dataset.key, child]));
  let place = list.firstElementChild;
  for (const item of items) {
    const name = key(item);
    let child = kept.get(name);
    kept.delete(name);
    if (!child) {
      child = create(item);
      child.dataset.key = name;
    }
    update(child, item);
    if (child === place) place = place.nextElementSibling;
    else list.insertBefore(child, place);
  }
  for (const child of kept.values()) child.remove();
  if (focused?.isConnected) focused.focus({ preventScroll: true }); // what is moved loses it
}

export const time = (iso) => {
  const date = new Date(iso);
  const today = date.toDateString() === new Date().toDateString();
  const format = today ? { timeStyle: "short" } : { dateStyle: "medium" };
  return make("time", { className: "time", dateTime: iso, title: date.toString() },
    new Intl.DateTimeFormat(undefined, format).format(date));
};

export const many = (number, one, more = `${one}s`) => `${number} ${number === 1 ? one : more}`;

export async function ask(path, chosen) {
  const answer = await fetch(`/viewer/${path}?${new URLSearchParams(chosen)}`);
  if (!answer.ok) throw new Error(await answer.text());
  return answer;
}

export async function act(path, content) {
  const answer = await fetch(`/viewer/${path}`, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(content),
  });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.error);
  return told;
}

export const stored = (name, otherwise) => {
  try {
    return JSON.parse(localStorage.getItem(name)) ?? otherwise;
  } catch {
    return otherwise;
  }
};

export const store = (name, value) => localStorage.setItem(name, JSON.stringify(value));

// What a narrow screen shows: the list, the reading pane or the desk.
export const view = (name) => { document.body.dataset.view = name; };
