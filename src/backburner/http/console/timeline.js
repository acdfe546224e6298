// Every exchange with the service, and what it is waited for.

import { $, element } from "./dom.js";

const NAMED = ["Cache-Status", "Age", "Retry-After"];
let counting = null;

/** Add what was said. `started` and `ended` are of performance.now(). */
export function addExchange({ request, response, error, milliseconds }, started) {
  const { status = 0, headers = new Headers(), redirected = false, body = null } = response ?? {};
  const said = NAMED.filter((name) => headers.has(name)).map((name) => element("span", {}, `${name}: ${headers.get(name)}`));
  if (redirected) said.push(element("span", {}, "redirected: the result is large"));
  if (error) said.push(element("span", {}, `no response: ${error.message}`));
  const path = new URL(request.url).pathname;
  $("happened").hidden = false;
  $("timeline").append(element("li", { className: kindOf(status) },
    element("p", {},
      element("span", { className: "number" }, String(status || "—")),
      element("code", { title: path }, `${request.method} ${path.replace(/([0-9a-f]{8})[0-9a-f]{56}/, "$1…")}`),
      element("span", { className: "small" }, status === 202 ? progressIn(body) : ""),
      element("span", { className: "took" }, `${inMilliseconds(milliseconds)} · at ${seconds(performance.now() - started)}`)),
    element("p", { className: "small" }, ...said)));
}

function kindOf(status) {
  if (status === 202) return "waits";
  return status === 200 || status === 304 ? "works" : "fails";
}

export function seconds(milliseconds) {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}

export function inMilliseconds(milliseconds) {
  return `${milliseconds < 10 ? milliseconds.toFixed(1) : Math.round(milliseconds)} ms`;
}

function progressIn(body) {
  const { state = "", progress = null, attempts = 0 } = body ?? {};
  return `${state}${share(progress)}${attempts > 1 ? `, attempt ${attempts}` : ""}`;
}

function share(progress) {
  return typeof progress === "number" ? `, ${Math.round(100 * progress)} %` : "";
}

export function showProgress(job) {
  const text = job.state === "queued" ? "In the queue" : "Being computed";
  const again = job.attempts > 1 ? `, attempt ${job.attempts}` : "";
  $("state").textContent = `${text}${share(job.progress)}${again}.`;
  $("progress").hidden = false;
  if (typeof job.progress === "number") $("progress").value = job.progress;
  else $("progress").removeAttribute("value");
}

export function countDown(wait, givesUpAt) {
  clearInterval(counting);
  const until = performance.now() + 1000 * wait;
  const end = givesUpAt ? ` There is an answer by ${new Date(givesUpAt).toLocaleTimeString()}.` : "";
  const tick = () => {
    const left = (until - performance.now()) / 1000;
    $("next").textContent = (left > 0 ? `Asks again in ${left.toFixed(1)} s.` : "Asks again.") + end;
  };
  $("next").hidden = false;
  tick();
  counting = setInterval(tick, 100);
}

export function stopCounting() {
  clearInterval(counting);
  $("next").hidden = true;
  $("progress").hidden = true;
}
