// The page: which computation, its form, asking, and what came of it.

import { Client, Problem } from "./backburner.js";
import { codePanels } from "./code.js";
import { askAtOnce } from "./crowd.js";
import { $, button, copy, element, isObject, marked, pretty } from "./dom.js";
import { Form } from "./form.js";
import { parametersOf, remember } from "./known.js";
import { drawResult } from "./results.js";
import { tabs } from "./tabs.js";
import { addExchange, countDown, inMilliseconds, seconds, showProgress, stopCounting } from "./timeline.js";

const BASE = document.body.dataset.base;
const DEADLINE = 3600; // s
const NOTHING_YET = "Nothing is asked yet.";

let computations = [];
let isClosed = false;
let current = null; // the computation
let parameters = null; // as the form and the JSON have them
let running = null; // the AbortController of what is being asked
let answered = null; // { signature, parameters, milliseconds } of the answer that is shown

const form = new Form($("fields"), (changed) => { parameters = changed; edited(); });
const writeCodes = codePanels($("languages"), $("codes"));
const selectView = tabs($("views"), "Views", { Form: $("fields"), JSON: $("text") }, showView);

// Which computation: the address is #/name or #/name/signature.

async function start() {
  const response = await fetch(`${BASE}v1`, { cache: "no-store", headers: token() ? { authorization: `Bearer ${token()}` } : {} });
  const body = await response.json().catch(() => ({}));
  if (response.status === 401) isClosed = true;
  showIdentity();
  if (response.status !== 200) {
    $("name").textContent = "The computations cannot be listed";
    $("documentation").textContent = body.detail ?? body.message ?? "Load this page again.";
    return;
  }
  computations = body.computations;
  $("computations").replaceChildren(...computations.map(({ name }) =>
    element("li", {}, element("a", { href: `#/${name}` }, name))));
  choose();
}

function addressed() {
  const [, name = "", signature] = /^#\/?([^/]*)(?:\/([0-9a-f]{64}))?$/.exec(location.hash) ?? [];
  return { name, signature };
}

function choose() {
  const { name, signature } = addressed();
  const before = current;
  current = computations.find((computation) => computation.name === name) ?? computations[0];
  if (!current) {
    $("name").textContent = "There are no computations yet";
    return;
  }
  if (current !== before) showComputation();
  clear();
  const known = signature && parametersOf(signature);
  if (current !== before || known) showParameters(known ?? current.example);
  if (signature) open(signature, known);
}

function showComputation() {
  document.title = `${current.name} · backburner`;
  $("name").textContent = current.name;
  $("documentation").replaceChildren(...documentation(current.documentation));
  for (const link of $("computations").querySelectorAll("a")) {
    if (link.textContent === current.name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  showIdentity();
  $("form").hidden = $("elsewhere").hidden = false;
}

/** The first paragraph, with the rest folded up. */
function documentation(text) {
  const [first, ...rest] = text.trim().split(/\n\s*\n/).map((paragraph) => element("p", {}, ...marked(paragraph)));
  return rest.length ? [first, element("details", {}, element("summary", {}, "More about it"), ...rest)] : [first];
}

/** The token that identifies the caller; it stays in this page. */
function token() {
  return $("token").value.trim() || undefined;
}

function showIdentity() {
  const closed = isClosed ? "This service answers only those who have a token." : "";
  $("why").textContent = current?.private ? "The answers are private: a token says whose they are." : closed;
  $("identity").hidden = $("why").textContent === "";
}

// The parameters: a form and its JSON, each of which follows the other.

function showParameters(value) {
  parameters = value;
  form.show(current.parameters, value);
  writeJson();
  edited();
}

function writeJson() {
  $("parameters").value = pretty(parameters);
  $("parameters").removeAttribute("aria-invalid");
  $("unread").textContent = "";
}

function showView(name) {
  if (!current) return;
  if (name === "JSON") writeJson();
  else form.show(current.parameters, parameters);
}

function edited() {
  const url = new URL(BASE, location.href).href.replace(/\/$/, "");
  writeCodes({ url, name: current.name, parameters, needsToken: !$("identity").hidden });
}

/** Read the JSON view; false if it cannot be read. */
function readJson() {
  try {
    parameters = JSON.parse($("parameters").value);
    if (!isObject(parameters)) throw new Error("it is not an object in braces");
  } catch (error) {
    $("unread").textContent = `This is not read: ${error.message}.`;
    $("parameters").setAttribute("aria-invalid", "true");
    return false;
  }
  $("unread").textContent = "";
  $("parameters").removeAttribute("aria-invalid");
  edited();
  return true;
}

function isReadable() {
  const isRead = $("text").hidden || readJson();
  if (!isRead) $("parameters").focus();
  return isRead;
}

// Asking.

function submit() {
  if (!isReadable()) return;
  const asked = structuredClone(parameters);
  clear();
  run(asked, (client, options) => client.compute(current.name, asked, options));
}

/** Show what is under a signature. */
function open(signature, known) {
  run(known, (client, options) => client.follow(`${BASE}v1/${current.name}/${signature}`, options));
}

/** The same once more: the timeline goes on, and the first answer's time is there to compare. */
function again() {
  const { signature, parameters: asked, milliseconds } = answered;
  const ask = asked === undefined
    ? (client, options) => client.follow(`${BASE}v1/${current.name}/${signature}`, options)
    : (client, options) => client.compute(current.name, asked, options);
  run(asked, ask, milliseconds);
}

async function run(asked, ask, before) {
  await watched(async (own) => {
    const started = performance.now();
    const asking = { asked, started, exchanges: 0, last: 0, job: null };
    $("state").textContent = "Asking…";
    const client = new Client(BASE, { token: token(), keep: 0, sleep: pauseWhileHidden });
    const answer = await ask(client, {
      deadline: DEADLINE,
      signal: own.signal,
      onExchange: (exchange) => heard(exchange, asking),
      onProgress: (job) => { asking.job = job; showProgress(job); },
      onWait: ({ seconds }) => countDown(seconds, asking.job?.gives_up_at),
    });
    const milliseconds = performance.now() - started;
    showAnswer(answer, asked, milliseconds);
    $("state").textContent = inShort(answer, asking, milliseconds, before);
  });
}

/** One question at a time; Stop ends it, and a problem is shown. */
async function watched(ask) {
  stop();
  const own = (running = new AbortController());
  form.unmark();
  $("stop").disabled = false;
  $("idea").hidden = true;
  if ($("answer").getBoundingClientRect().top > window.innerHeight) $("answer").scrollIntoView();
  try {
    await ask(own);
  } catch (error) {
    if (running !== own) return;
    if (own.signal.aborted) $("state").textContent = "Stopped asking. The computation goes on: ask again for its answer.";
    else showProblem(error);
  } finally {
    if (running === own) idle();
  }
}

function heard(exchange, asking) {
  asking.exchanges += 1;
  asking.last = exchange.milliseconds;
  addExchange(exchange, asking.started);
  const { status, body, headers } = exchange.response ?? {};
  if (status === 202 || status === 200) {
    const signature = body?.signature ?? headers.get("content-location")?.split("/").pop();
    if (/^[0-9a-f]{64}$/.test(signature ?? "")) address(signature, asking.asked);
  } else {
    $("state").textContent = `${body?.title ?? "No response"}.`;
  }
}

/** From now on the page's address is that of the answer. */
function address(signature, asked) {
  if (asked !== undefined) remember(signature, asked, current.private || token() !== undefined);
  const hash = `#/${current.name}/${signature}`;
  if (location.hash !== hash) history.pushState(null, "", hash);
}

async function atOnce() {
  if (!isReadable()) return;
  const asked = structuredClone(parameters);
  clear();
  await watched(async (own) => {
    $("state").textContent = "Asking 50 times at once…";
    const started = performance.now();
    const question = { name: current.name, parameters: asked, token: token(), signal: own.signal };
    const drawing = element("div");
    $("outcome").replaceChildren(drawing);
    const answer = await askAtOnce(BASE, question, drawing, (sentence) => { $("state").textContent = sentence; });
    address(answer.signature, asked);
    showAnswer(answer, asked, performance.now() - started, drawing);
  });
}

function stop() {
  running?.abort();
}

function idle() {
  running = null;
  stopCounting();
  $("stop").disabled = true;
}

function clear() {
  stop();
  answered = null;
  idle();
  $("state").textContent = NOTHING_YET;
  $("shared").textContent = "";
  $("timeline").replaceChildren();
  $("outcome").replaceChildren();
  $("after").hidden = $("happened").hidden = true;
  $("idea").hidden = false;
}

/** A hidden page stops asking; the job goes on without it. */
function pauseWhileHidden(seconds, signal) {
  return new Promise((resolve, reject) => {
    const ended = new AbortController();
    const end = (settle, value) => { ended.abort(); clearTimeout(timer); settle(value); };
    const goOn = () => { if (!document.hidden) end(resolve); };
    const timer = setTimeout(() => {
      document.addEventListener("visibilitychange", goOn, { signal: ended.signal });
      goOn();
    }, 1000 * seconds);
    signal.addEventListener("abort", () => end(reject, signal.reason), { signal: ended.signal });
  });
}

// What came of it.

function showAnswer(answer, asked, milliseconds, above = null) {
  answered = { signature: answer.signature, parameters: asked, milliseconds: answered?.milliseconds ?? milliseconds };
  const unknown = asked === undefined
    ? [element("p", { className: "soft small" }, "This browser does not know with which parameters it was asked; the form may have others.")] : [];
  const drawn = drawResult(answer.result, current.result, asked);
  $("outcome").replaceChildren(...(above ? [above] : []), ...unknown, ...drawn, facts(answer.response));
  $("after").hidden = false;
}

function inShort(answer, { exchanges, last }, milliseconds, before) {
  const age = Number(answer.response.headers.get("age") ?? 0);
  const computed = age > 0 ? `, computed ${inWordsOf(age)} ago` : "";
  const stale = answer.isStale ? " It is stale, and a fresh result is on its way." : "";
  if (before !== undefined && exchanges === 1) {
    return `A hit in ${inMilliseconds(last)}${computed}; the first answer took ${seconds(before)}.${stale}`;
  }
  if (exchanges === 1) return `A hit in ${inMilliseconds(last)}${computed}.${stale}`;
  return `Answered in ${seconds(milliseconds)}, by ${exchanges} requests.${stale}`;
}

function inWordsOf(age) {
  const units = [[86_400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]];
  const [size, unit] = units.find(([each]) => age >= each);
  const many = Math.floor(age / size);
  return `${many} ${unit}${many === 1 ? "" : "s"}`;
}

function facts({ headers }) {
  const names = ["Cache-Status", "Age", "Cache-Control", "ETag", "Content-Location", "Retry-After", "Allow"];
  const list = element("dl", {}, ...names.filter((name) => headers.has(name)).flatMap((name) => [
    element("dt", {}, name), element("dd", {}, element("code", {}, headers.get(name)))]));
  return element("details", {}, element("summary", {}, "What its headers say"), list);
}

function showProblem(error) {
  $("state").textContent = "No result.";
  const { status = "", title = "No answer", errors = [], members = {} } = error instanceof Problem ? error : {};
  const lines = errors.map(({ pointer, reason }) => element("li", {},
    button(pointer || "the whole", () => { selectView("Form"); form.mark(errors); form.focus(pointer); }, { className: "pointer" }), ` ${reason}`));
  $("outcome").replaceChildren(element("div", { className: "card problem", role: "alert" },
    element("h3", {}, `${status} ${title}`.trim()),
    element("p", {}, error.message),
    element("ul", { hidden: errors.length === 0 }, ...lines),
    element("code", { className: "soft" }, members.type ?? "")));
  if (!$("fields").hidden) form.mark(errors);
}

window.addEventListener("hashchange", choose);
$("form").addEventListener("submit", (event) => { event.preventDefault(); submit(); });
$("form").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); submit(); }
});
$("parameters").addEventListener("input", readJson);
$("crowd").addEventListener("click", atOnce);
$("stop").addEventListener("click", stop);
$("again").addEventListener("click", again);
$("share").addEventListener("click", () => copy(location.href, $("shared"), "The link is copied."));
$("example").addEventListener("click", () => { showParameters(current.example); });
$("token").addEventListener("change", () => { if (!computations.length) start(); });
document.querySelector(".skip").addEventListener("click", (event) => { event.preventDefault(); $("ask").focus(); });
start();
