// What came of an action: a note if it worked; if not, an error that stays until the next attempt.
import { element, make, setText, time } from "./dom.js";

// The elements are `id`, a status, and `id`-error, an alert.
export const notice = (id) => ({
  say(text) {
    setText(element(`${id}-error`), "");
    setText(element(id), text);
  },
  fail(text) {
    setText(element(id), "");
    setText(element(`${id}-error`), text);
  },
});

const WRONG = {
  none: "The settings are wrong: every webhook is answered with 503, and nothing is posted.",
  some: "A setting is wrong: webhooks of one source or more are not accepted.",
};

// What is wrong with the settings, in red above everything else.
export function showSettings({ accepts, problems }) {
  element("settings").hidden = accepts === "all";
  setText(element("settings-title"), WRONG[accepts] ?? "");
  element("settings-problems").replaceChildren(...problems.map((text) => make("li", {}, text)));
}

export function showHeld(held) {
  element("held").hidden = held.length === 0;
  element("held").firstChild.replaceChildren(...held.map((group) =>
    make("li", {}, make("strong", {}, `${group.group} is on hold`), " since ", time(group.since), `. ${group.reason}`)));
}

export function showMistakes(mistakes) {
  element("mistakes").hidden = mistakes.length === 0;
  element("mistakes").firstChild.replaceChildren(...mistakes.map((text) => make("li", {}, text)));
}
