import { element, make, many, setText } from "./dom.js";

const [WIDTH, HALF, SMALLEST_SCALE] = [360, 36, 5];

// Webhooks are drawn above the line, requests to Graph below it, and failed requests in red.
export function showRates(rates) {
  const most = Math.max(SMALLEST_SCALE, ...rates.webhooks, ...rates.requests);
  const step = WIDTH / rates.webhooks.length;
  const bars = (counts, down) => counts.flatMap((count, place) => {
    const height = (count / most) * (HALF - 2);
    const [x, y] = [(place * step + 0.75).toFixed(2), (down ? HALF + 1 : HALF - 1 - height).toFixed(2)];
    return count ? [`M${x} ${y}h${(step - 1.5).toFixed(2)}v${height.toFixed(2)}h-${(step - 1.5).toFixed(2)}z`] : [];
  }).join("");
  const paths = { webhooks: bars(rates.webhooks), requests: bars(rates.requests, true), failed: bars(rates.failed, true), axis: `M0 ${HALF}H${WIDTH}` };
  for (const [name, d] of Object.entries(paths)) path(name).setAttribute("d", d);
  legend(rates);
}

function path(name) {
  const chart = element("chart");
  const existing = chart.querySelector(`.${name}`);
  if (existing) return existing;
  const made = document.createElementNS("http://www.w3.org/2000/svg", "path");
  made.setAttribute("class", name);
  chart.append(made);
  return made;
}

function legend(rates) {
  const sums = Object.fromEntries(Object.entries(rates).map(([name, counts]) => [name, counts.reduce((sum, count) => sum + count, 0)]));
  const parts = [["webhooks", many(sums.webhooks, "webhook")], ["requests", `${sums.requests} to Graph`]];
  if (sums.failed) parts.push(["failed", `${sums.failed} failed`]);
  if (!element("legend").children.length) element("legend").append(...["webhooks", "requests", "failed"].map((name) => make("span", { className: name })));
  for (const span of element("legend").children) setText(span, parts.find(([name]) => name === span.className)?.[1] ?? "");
  const most = Math.max(...rates.webhooks);
  element("chart").setAttribute("aria-label", `${parts.map(([, text]) => text).join(", ")} in the last minute; at most ${many(most, "webhook")} per second`);
}
