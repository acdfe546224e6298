// A client of a backburner service: it asks, waits as the service says, and returns the answer.
// One ES module without dependencies, for browsers and node 18 or later.

const MOST_FAILURES = 5; // in a row that do not say when to ask again
const MOST_REFUSALS = 10; // in a row that do; without a deadline nothing else would end them
const FIRST_BACKOFF = 0.5; // s; twice as long after each failure
const WITHOUT_ADVICE = 1; // s, if a 202 does not say how long to wait
const LEAST_WAIT = 0.05; // s
const LONGEST_WAIT = 3600; // s between two requests, whatever the service says, and for the body of one response
const MAX_BYTES = 100_000_000; // of a response, decompressed; a service has no larger results
const MAX_LEVELS = 1000; // of JSON; deeper, whoever walks through it runs out of stack
const LARGEST = 1e9; // of seconds and attempts; who says more has said nothing
const JITTER = 0.05; // of a wait in whole seconds, at most; the service has already spread `retry_after`
const GRACE = 30; // s after gives_up_at
const OVER = 0.01; // s before the deadline; timers are no finer
const UNTIL_A_RESPONSE = 35; // s; API Gateway itself gives up after 30
const PASSING = [429, 502, 503, 504];

/** The root of this module's errors. */
export class ComputeError extends Error {
  constructor(message, options) {
    super(message, options);
    this.name = this.constructor.name;
  }
}

/** The answer is a problem (RFC 9457), or another response of 400 or above. */
export class Problem extends ComputeError {
  constructor(reply, retryAfter) {
    const members = objectOf(reply.body);
    const { type = "about:blank", detail = "", ...others } = textsOf(members);
    const title = others.title || others.message || `HTTP ${reply.status}`;
    super(detail || title);
    this.status = reply.status;
    this.type = type;
    this.title = title;
    this.detail = detail;
    this.errors = errorsOf(members.errors);
    this.retryAfter = retryAfter;
    this.members = members;
    this.response = reply;
  }
}

/** There was no answer within the deadline. The job goes on: `follow(location)` may find it. */
export class DeadlineExceeded extends ComputeError {
  constructor(deadline, location, status) {
    const within = deadline < Infinity ? `the deadline of ${deadline} s` : "the service's own time";
    const remedy = location ? `the job goes on: follow ${location}` : "allow more time";
    super(`no answer within ${within}; ${remedy}`);
    this.location = location;
    this.status = status;
  }
}

/** The service did not respond, several times in a row; `cause` is the last failure. */
export class Unreachable extends ComputeError {}

/** The response is none that a backburner service gives. */
export class Unreadable extends ComputeError {
  constructor(message, reply) {
    super(message);
    this.response = reply;
  }
}

export class Client {
  #base;
  #settings;
  #kept;

  /**
   * `baseUrl` may have a path; in a browser it may be relative, and "" is the page's own origin.
   * `token` is a string, or a function that gives one. `keep` is how many results are kept to
   * be asked for by ETag, `maxBytes` how large a response may be.
   */
  constructor(baseUrl = "", { token, fetch, random, sleep, now, keep = 32, maxBytes = MAX_BYTES, ...observers } = {}) {
    const url = new URL(baseUrl || "/", globalThis.location?.href);
    this.#base = url.origin + url.pathname.replace(/\/+$/, "");
    this.#kept = new Kept(keep);
    this.#settings = {
      token,
      maxBytes,
      fetch: fetch ?? ((...request) => globalThis.fetch(...request)),
      random: random ?? Math.random,
      sleep: sleep ?? pause,
      now: now ?? (() => (performance.timeOrigin + performance.now()) / 1000),
      observers,
    };
  }

  /** Ask for a computation, and wait for its answer. */
  compute(name, parameters, options = {}) {
    const url = `${this.#base}/v1/${encodeURIComponent(name)}`;
    const question = { method: "POST", url, body: JSON.stringify(parameters) };
    return this.#answer(new Inquiry(question, this.#kept, this.#settings, options));
  }

  /** Wait for the answer at a location that the service has given. */
  async follow(location, options = {}) {
    const url = own(location, `${this.#base}/`, this.#base);
    if (!url) {
      throw new TypeError(`${location} is not of ${this.#base}; follow locations of this service`);
    }
    return this.#answer(new Inquiry({ method: "GET", url }, this.#kept, this.#settings, options));
  }

  /** Yield the answers to many questions in their order, asking at most `atOnce` at a time. */
  async *map(name, many, { atOnce = 8, ...options } = {}) {
    const window = [];
    for await (const parameters of many) {
      const asked = this.compute(name, parameters, options);
      asked.catch(() => {}); // it is told when its turn comes
      if (window.push(asked) >= atOnce) yield await window.shift();
    }
    for (const asked of window) yield await asked;
  }

  async #answer(inquiry) {
    for (;;) {
      const step = inquiry.hear(await this.#exchange(inquiry));
      if (step.answer) return step.answer;
      if (step.wait === 0) continue;
      inquiry.tell("onWait", { seconds: step.wait });
      await this.#settings.sleep(step.wait, inquiry.signal);
      inquiry.signal?.throwIfAborted();
    }
  }

  async #exchange(inquiry) {
    inquiry.signal?.throwIfAborted();
    const { request } = inquiry;
    const started = performance.now();
    const reply = await this.#send(request, inquiry);
    const milliseconds = performance.now() - started;
    const response = reply.error ? null : reply;
    inquiry.tell("onExchange", { request, response, error: reply.error ?? null, milliseconds });
    return reply;
  }

  async #send({ method, url, body, etag }, inquiry) {
    const limit = new TimeLimit(inquiry.signal);
    try {
      limit.set(Math.min(UNTIL_A_RESPONSE, inquiry.left));
      const headers = await this.#headers(body, etag);
      const options = { method, headers, body, cache: "no-store", signal: limit.signal };
      const response = await this.#settings.fetch(url, options);
      limit.set(inquiry.left);
      const text = await textOf(response, this.#settings.maxBytes);
      const { status, redirected, headers: heard } = response;
      return { status, headers: heard, redirected, url: response.url, text: text ?? "", body: parsed(text), isTooLarge: text === null };
    } catch (error) {
      inquiry.signal?.throwIfAborted();
      return { error };
    } finally {
      limit.clear();
    }
  }

  /** On a redirect to another origin, fetch leaves `authorization` out. */
  async #headers(body, etag) {
    const { token } = this.#settings;
    const given = typeof token === "function" ? await token() : token;
    return {
      accept: "application/json",
      ...(body !== undefined && { "content-type": "application/json" }),
      ...(etag && { "if-none-match": etag }),
      ...(given && { authorization: `Bearer ${given}` }),
    };
  }
}

/** One call: what to send next, and what each reply means. It sends nothing and does not wait. */
class Inquiry {
  #question;
  #kept;
  #settings;
  #observers;
  #deadline;
  #end;
  #held = null;
  #failures = 0;
  #refusals = 0;
  #status = null;
  #hasLostLocation = false;

  constructor(question, kept, settings, { deadline = 60, signal, ...observers }) {
    this.#question = question;
    this.#kept = kept;
    this.#settings = settings;
    this.#observers = { ...settings.observers, ...observers };
    this.#deadline = deadline ?? Infinity;
    this.#end = settings.now() + this.#deadline;
    this.signal = signal;
    this.location = question.method === "GET" ? question.url : null;
    this.request = this.#first();
  }

  /** Seconds to the deadline. */
  get left() {
    return this.#end - this.#settings.now();
  }

  tell(observer, about) {
    this.#observers[observer]?.(about);
  }

  /** `{ answer }`, or `{ wait }` in seconds until the next request; throws if it is over. */
  hear(reply) {
    if (reply.error) return this.#failed(new Unreachable(
      `${this.request.url} did not respond (${why(reply.error)})`, { cause: reply.error }));
    if (reply.isTooLarge) throw new Unreadable(`the response is over ${this.#settings.maxBytes} bytes; allow more by maxBytes`, reply);
    if (reply.status === 202) return this.#accepted(reply);
    if (reply.status === 200) return { answer: this.#answer(reply) };
    if (reply.status === 304 && this.request.etag) return { answer: this.#stillHolds(reply) };
    if (reply.status < 400) throw new Unreadable(`${reply.status} is not an answer`, reply);
    if (reply.status === 404 && this.#canAskAnew()) return this.#askAnew();
    return this.#problem(reply);
  }

  /** While a kept result is fresh, ask only whether it still holds: a cache would not even ask. */
  #first() {
    const kept = this.#kept.get(keyOf(this.#question));
    const canBeAsked = kept && (this.#question.method === "GET" || kept.freshUntil > this.#settings.now());
    if (!canBeAsked) return this.#question;
    this.#held = kept;
    return { method: "GET", url: kept.location, etag: kept.etag };
  }

  #accepted(reply) {
    this.#failures = this.#refusals = 0;
    this.#status = statusOf(objectOf(reply.body));
    this.#poll(reply);
    this.#boundBy(this.#status);
    if (isObject(reply.body)) this.tell("onProgress", this.#status);
    return { wait: this.#waitOf(this.#status.retry_after, reply) };
  }

  /** The URL that the header names, if it is of this service: the token is for no other. */
  #named(header, { headers, url }) {
    return own(headers.get(header), url, this.#question.url);
  }

  /** Poll at Location if it is of this service. */
  #poll(reply) {
    const url = this.#named("location", reply);
    if (!url) return this.#repeat();
    this.location = url;
    if (this.#hasLostLocation) return this.#repeat();
    this.request = { method: "GET", url };
  }

  #repeat() {
    this.request = this.#question;
  }

  /** Every job ends by gives_up_at. Only the service's own clock is in this. */
  #boundBy({ requested_at: from, gives_up_at: to }) {
    const seconds = (Date.parse(to) - Date.parse(from)) / 1000;
    if (isFinite(seconds)) this.#end = Math.min(this.#end, this.#settings.now() + Math.max(0, seconds) + GRACE);
  }

  #waitOf(told, reply) {
    const whole = retryAfter(reply.headers, this.#settings.now) ?? WITHOUT_ADVICE;
    const wait = Math.min(Math.max(LEAST_WAIT, told || this.#spread(whole)), LONGEST_WAIT);
    if (wait < this.left) return wait;
    const untilTheLast = this.left - Math.min(1, this.#deadline / 10);
    if (untilTheLast > 0) return untilTheLast;
    throw this.#late();
  }

  #late() {
    return new DeadlineExceeded(this.#deadline, this.location, this.#status);
  }

  #canAskAnew() {
    return this.request !== this.#question && this.#question.method === "POST";
  }

  /** The location knows nothing (any more): send the parameters from now on. */
  #askAnew() {
    this.#hasLostLocation = true;
    this.#repeat();
    return { wait: 0 };
  }

  #problem(reply) {
    const advised = retryAfter(reply.headers, this.#settings.now);
    const problem = new Problem(reply, advised);
    if (!isPassing(reply)) throw problem;
    if (advised === null) return this.#failed(problem);
    if (++this.#refusals === MOST_REFUSALS) throw problem;
    return { wait: this.#within(this.#spread(advised), problem) };
  }

  #spread(seconds) {
    return seconds * (1 + JITTER * this.#settings.random());
  }

  #failed(error) {
    if (this.left < OVER) throw this.#late();
    if (++this.#failures === MOST_FAILURES) throw error;
    const backoff = FIRST_BACKOFF * 2 ** (this.#failures - 1);
    return { wait: this.#within(backoff * (0.5 + this.#settings.random()), error) };
  }

  #within(wait, error) {
    if (wait >= this.left) throw error;
    return Math.min(wait, LONGEST_WAIT);
  }

  #answer(reply) {
    if (reply.body === undefined) throw new Unreadable("the result is not JSON", reply);
    const { headers, redirected } = reply;
    // A large result is elsewhere, under an ETag that is not the service's.
    const etag = headers.get(redirected ? "x-amz-meta-etag" : "etag");
    this.location = this.#named("content-location", reply) ?? this.location;
    if (etag) this.#keep(reply, etag);
    return this.#answerOf(reply, reply.body, etag);
  }

  #keep({ headers, text }, etag) {
    const maxAge = Number(/max-age=(\d+)/.exec(headers.get("cache-control"))?.[1] ?? 0);
    const freshUntil = this.#settings.now() + maxAge - Number(headers.get("age") ?? 0);
    const kept = { location: this.location, etag, text, freshUntil };
    if (!kept.location) return;
    this.#kept.set(keyOf(this.#question), kept);
    this.#kept.set(keyOf({ method: "GET", url: kept.location }), kept);
  }

  #stillHolds(reply) {
    this.location = this.#held.location;
    return this.#answerOf(reply, JSON.parse(this.#held.text), this.#held.etag);
  }

  #answerOf(response, result, etag) {
    const cacheStatus = response.headers.get("cache-status") ?? "";
    return {
      result,
      signature: this.location && this.location.split("/").pop(),
      location: this.location,
      etag,
      isStale: cacheStatus.includes("ttl=-"),
      response,
    };
  }
}

/** Results as text under their questions and locations; the one used longest ago goes first. */
class Kept {
  #most;
  #entries = new Map();

  constructor(most) {
    this.#most = 2 * most;
  }

  get(key) {
    const kept = this.#entries.get(key);
    if (kept) this.set(key, kept);
    return kept;
  }

  set(key, kept) {
    this.#entries.delete(key);
    this.#entries.set(key, kept);
    while (this.#entries.size > this.#most) this.#entries.delete(this.#entries.keys().next().value);
  }
}

/** Aborts when its time is over, or when the caller's signal does. */
class TimeLimit {
  #controller = new AbortController();
  #timer;
  #outer;
  #abort = () => this.#controller.abort(this.#outer.reason);

  constructor(outer) {
    this.#outer = outer;
    outer?.addEventListener("abort", this.#abort);
  }

  get signal() {
    return this.#controller.signal;
  }

  set(seconds) {
    clearTimeout(this.#timer);
    const over = () => this.#controller.abort(new DOMException("it took too long", "TimeoutError"));
    this.#timer = setTimeout(over, 1000 * Math.max(0, Math.min(seconds, LONGEST_WAIT)));
  }

  clear() {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener("abort", this.#abort);
  }
}

/** A 500 that is not a problem document is the gateway's own. */
function isPassing({ status, headers, redirected }) {
  const isOurs = (headers.get("content-type") ?? "").startsWith("application/problem+json");
  return PASSING.includes(status) || (status === 500 && !isOurs) || redirected;
}

/** Seconds as the header says, in seconds or as a date; null without advice. */
function retryAfter(headers, now) {
  const value = (headers.get("retry-after") ?? "").trim();
  if (/^\d+(\.\d+)?$/.test(value)) return numberOf(Number(value)) || null;
  // The response's own date, since the two clocks may differ.
  const from = Date.parse(headers.get("date")) || 1000 * now();
  return numberOf((Date.parse(value) - from) / 1000) || null;
}

/** The URL that is named, if it is of the service's origin. */
function own(named, base, service) {
  if (named === null || named === undefined) return null;
  try {
    const { href, origin } = new URL(named, base || service);
    return origin === new URL(service).origin ? href : null;
  } catch {
    return null;
  }
}

/** The text, as it comes; null if it has more bytes. */
async function textOf({ body }, most) {
  const [reader, decoder] = [body?.getReader(), new TextDecoder()];
  let text = "";
  for (let size = 0; reader;) {
    const { done, value } = await reader.read();
    if (done) break;
    if ((size += value.byteLength) > most) return reader.cancel().then(() => null);
    text += decoder.decode(value, { stream: true });
  }
  return text + decoder.decode();
}

/** undefined for what is not JSON, or nested too deeply. */
function parsed(text) {
  try {
    const value = JSON.parse(text);
    let level = [value].filter(isContainer);
    for (let levels = 0; level.length; levels++) {
      if (levels === MAX_LEVELS) return undefined;
      level = level.flatMap((container) => Object.values(container).filter(isContainer));
    }
    return value;
  } catch {
    return undefined;
  }
}

/** A 202's body without what is of another kind than it has to be. */
function statusOf(body) {
  const texts = textsOf(body);
  const time = (name) => (/(Z|[+-]\d\d:\d\d)$/.test(texts[name]) && Date.parse(texts[name]) ? texts[name] : null);
  return {
    state: texts.state ?? null,
    signature: texts.signature ?? null,
    progress: numberOf(body.progress, 1),
    attempts: numberOf(body.attempts),
    retry_after: numberOf(body.retry_after),
    requested_at: time("requested_at"),
    expected_at: time("expected_at"),
    gives_up_at: time("gives_up_at"),
  };
}

function numberOf(value, most = LARGEST) {
  return typeof value === "number" && value >= 0 && value <= most ? value : null;
}

function textsOf(members) {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => typeof value === "string"));
}

/** Those that have a pointer and a reason. */
function errorsOf(listed) {
  const texts = Array.isArray(listed) ? listed.filter(isObject).map(textsOf) : [];
  return texts.filter(({ pointer, reason }) => pointer !== undefined && reason !== undefined)
    .map(({ pointer, reason }) => ({ pointer, reason }));
}

function isContainer(value) {
  return typeof value === "object" && value !== null;
}

function isObject(value) {
  return isContainer(value) && !Array.isArray(value);
}

function objectOf(value) {
  return isObject(value) ? value : {};
}

function keyOf({ method, url, body }) {
  return `${method} ${url} ${body ?? ""}`;
}

function why(error) {
  return error.cause?.message || error.message || String(error);
}

function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const over = () => { signal?.removeEventListener("abort", stopped); resolve(); };
    const timer = setTimeout(over, 1000 * seconds);
    const stopped = () => { clearTimeout(timer); reject(signal.reason); };
    signal?.addEventListener("abort", stopped, { once: true });
  });
}
