// The event stream of the server. When it ends, what is shown is marked as stale, and the page connects again by itself.
import { element, setText } from "./dom.js";
import { about } from "./views.js";

const PAUSE = 1000; // milliseconds between two attempts
const SILENCE = 40_000; // milliseconds: the server sends something at least every 15 seconds
let wasLive = false;
let lostAt = null;
let alarm = 0;
let version = "";

// topics: what to do with the content of each. After each connection every topic comes once.
export function connect(topics) {
  const stream = new EventSource("/page/events");
  const reconnect = (since) => {
    stream.onerror = null;
    stream.close();
    clearTimeout(alarm);
    showLost(since);
    setTimeout(() => connect(topics), PAUSE);
  };
  const isHeard = () => {
    clearTimeout(alarm);
    const heard = new Date();
    alarm = setTimeout(() => reconnect(heard), SILENCE);
  };
  for (const [topic, show] of Object.entries(topics)) {
    stream.addEventListener(topic, (event) => {
      isHeard();
      show(JSON.parse(event.data));
    });
  }
  stream.addEventListener("alive", isHeard);
  stream.addEventListener("page", ({ data }) => {
    if (version && data !== version) location.reload(); // the bridge has been updated
    version = data;
  });
  stream.onopen = () => {
    isHeard();
    showLive();
  };
  stream.onerror = () => reconnect(new Date());
}

function showLive() {
  setText(element("state"), "Live");
  element("state").dataset.is = "live";
  document.body.classList.remove("stale");
  element("lost").hidden = true;
  [wasLive, lostAt] = [true, null];
  document.dispatchEvent(new CustomEvent("connected"));
}

function showLost(since) {
  lostAt ??= since;
  const at = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" }).format(lostAt);
  setText(element("state"), wasLive ? `No connection since ${at}` : "No connection");
  element("state").dataset.is = "lost";
  document.body.classList.toggle("stale", wasLive);
  element("lost").hidden = false;
  setText(element("lost-command"), about.conversations ? about.start : "python -m bridge console");
  setText(element("lost-since"), wasLive ? `The bridge has not answered since ${at}, and what is shown here is as old as that.` : "The bridge does not answer.");
}
