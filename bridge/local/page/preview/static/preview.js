// Show each post that the server sends. It sends one whenever the payload or a template has been saved.
const element = (id) => document.getElementById(id);
const frames = [...document.querySelectorAll("iframe")];
const source = new EventSource("/preview/events");
const page = (html) => `<!doctype html><base target="_blank"><body style="margin:16px;font-family:Calibri,Carlito,sans-serif">${html}`;

for (const frame of frames) {
  frame.onload = () => {
    frame.style.height = `${frame.contentDocument.documentElement.scrollHeight}px`;
  };
}

function items(list, texts) {
  list.replaceChildren(...texts.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
}

source.addEventListener("open", () => { element("state").textContent = "Updated on each save"; });
source.addEventListener("error", () => { element("state").textContent = "No connection. Is the preview still running?"; });
source.addEventListener("post", (event) => {
  const post = JSON.parse(event.data);
  document.title = `Preview: ${post.topic || "no post"}`;
  element("topic").textContent = post.topic || "No post";
  element("summary").textContent = post.summary;
  element("problems").hidden = post.problems.length === 0;
  items(element("problems").querySelector("ul"), post.problems);
  element("problems").querySelector("p").hidden = !post.html;
  items(element("templates"), post.templates.map(([name, used]) => (used ? `${name} (used)` : name)));
  element("templates").querySelectorAll("li").forEach((item, place) => item.classList.toggle("used", post.templates[place][1]));
  for (const frame of frames) frame.srcdoc = page(post.html);
});
