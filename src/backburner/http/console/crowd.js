// The same question from fifty clients at one moment: a dot for each.

import { Client } from "./backburner.js";
import { element } from "./dom.js";
import { seconds } from "./timeline.js";

const MANY = 50;
const WORDS = {
  miss: "started the computation",
  collapsed: "joined it",
  hit: "found the answer there already",
  failed: "had no answer",
};

/** Ask, and draw into `root`; `tell` gets the sentence of what happened. */
export async function askAtOnce(base, { name, parameters, token, signal }, root, tell) {
  const started = performance.now();
  const dots = Array.from({ length: MANY }, () => element("li", {}));
  root.replaceChildren(element("div", { className: "crowd" },
    element("ol", { "aria-label": `${MANY} clients` }, ...dots), legend()));
  const client = new Client(base, { token, keep: 0 });
  const asked = dots.map((dot) => askOne(client, { name, parameters, signal }, dot));
  const settled = await Promise.allSettled(asked);
  signal.throwIfAborted();
  const failed = settled.find(({ status }) => status === "rejected");
  if (failed && !settled.some(({ status }) => status === "fulfilled")) throw failed.reason;
  tell(sentence(dots, settled, performance.now() - started));
  return settled.find(({ status }) => status === "fulfilled").value;
}

async function askOne(client, { name, parameters, signal }, dot) {
  const onExchange = ({ response }) => {
    if (response && !dot.className) dot.className = howOf(response);
  };
  try {
    const answer = await client.compute(name, parameters, { signal, onExchange, deadline: null });
    dot.classList.add("done");
    return answer;
  } catch (error) {
    dot.className = "failed";
    throw error;
  }
}

/** What the service made of a client's first request (RFC 9211). */
function howOf({ headers }) {
  const said = headers.get("cache-status") ?? "";
  if (said.includes("collapsed")) return "collapsed";
  return said.includes("fwd=miss") ? "miss" : "hit";
}

function sentence(dots, settled, milliseconds) {
  const counted = Object.keys(WORDS).map((how) => [how, dots.filter((dot) => dot.classList.contains(how)).length]);
  const said = counted.filter(([, many]) => many).map(([how, many]) => `${many} ${WORDS[how]}`);
  const answers = new Set(settled.filter(({ value }) => value).map(({ value }) => value.etag)).size;
  const same = answers === 1 ? "All have the same answer" : `There are ${answers} answers`;
  const hint = dots.every((dot) => dot.classList.contains("hit")) ? " Change a parameter, and they will share one computation." : "";
  return `${MANY} asked at once: ${said.join(", ")}. ${same} after ${seconds(milliseconds)}.${hint}`;
}

function legend() {
  return element("p", { className: "small soft", "aria-hidden": "true" }, ...["miss", "collapsed", "hit"].flatMap((how) => [
    element("span", { className: `dot ${how} done` }), ` ${WORDS[how]}  `]));
}
