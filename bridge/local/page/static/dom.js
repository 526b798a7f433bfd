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

// Change the text only if it differs: nothing flickers, and screen readers do not read it twice.
export const setText = (node, text) => {
  if (node.textContent !== text) node.textContent = text;
};

// Make the list show `items`, in their order. Items that were there before keep their element, focus and scroll position.
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
  if (focused?.isConnected) focused.focus({ preventScroll: true }); // a moved element loses it
}

export const time = (iso) => {
  const date = new Date(iso);
  const today = date.toDateString() === new Date().toDateString();
  const format = today ? { timeStyle: "short" } : { dateStyle: "medium" };
  return make("time", { className: "time", dateTime: iso, title: date.toString() },
    new Intl.DateTimeFormat(undefined, format).format(date));
};

export const amount = (number) => new Intl.NumberFormat("en").format(number);

export const many = (number, singular, plural = `${singular}s`) => `${amount(number)} ${number === 1 ? singular : plural}`;

class AnswerError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

async function ask(path, options) {
  try {
    return await fetch(`/page/${path}`, options);
  } catch {
    throw new AnswerError("The bridge does not answer: start it again.", 0);
  }
}

export async function get(path, query) {
  const answer = await ask(`${path}?${new URLSearchParams(query)}`);
  if (!answer.ok) throw new AnswerError(await answer.text(), answer.status);
  return answer;
}

export async function post(path, content) {
  const answer = await ask(path, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(content),
  });
  const result = await answer.json().catch(() => ({ error: `The bridge answered with ${answer.status}.` }));
  if (!answer.ok) throw new AnswerError(result.error, answer.status);
  return result;
}

export const stored = (name, fallback) => {
  try {
    return JSON.parse(localStorage.getItem(name)) ?? fallback;
  } catch {
    return fallback;
  }
};

export const store = (name, value) => localStorage.setItem(name, JSON.stringify(value));

// A narrow screen shows one view: the list, the reading pane or the send panel.
export const showView = (name) => { document.body.dataset.view = name; };
