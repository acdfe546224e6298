// The same question from a program: curl, Python and JavaScript, to copy.

import { button, copy, element, pretty } from "./dom.js";
import { tabs } from "./tabs.js";

/** A panel for each language; returns a function that writes the code into them. */
export function codePanels(list, root) {
  const panels = {}, codes = {};
  for (const language of ["curl", "Python", "JavaScript"]) {
    const code = (codes[language] = element("pre", { tabIndex: 0, "aria-label": language, role: "region" }));
    const status = element("span", { className: "soft small", role: "status" });
    panels[language] = element("div", {}, code, element("p", { className: "buttons" }, button("Copy", () => copy(code.textContent, status)), status));
  }
  root.replaceChildren(...Object.values(panels));
  tabs(list, "Languages", panels);
  return (question) => {
    codes.curl.textContent = curl(question);
    codes.Python.textContent = python(question);
    codes.JavaScript.textContent = javascript(question);
  };
}

function curl({ url, name, parameters, needsToken }) {
  const quoted = JSON.stringify(parameters).replaceAll("'", "'\\''");
  const who = needsToken ? `  -H "authorization: Bearer $TOKEN" \\\n` : "";
  return `curl -i '${url}/v1/${name}' \\\n  -H 'content-type: application/json' \\\n${who}  -d '${quoted}'`;
}

function python({ url, name, parameters, needsToken }) {
  const who = needsToken ? `, token=os.environ["TOKEN"]` : "";
  return `${needsToken ? "import os\n\n" : ""}from backburner_client import Backburner

with Backburner(${JSON.stringify(url)}${who}) as client:
    answer = client.compute(${JSON.stringify(name)}, ${asPython(parameters, "    ")})
print(answer.result)`;
}

function javascript({ url, name, parameters, needsToken }) {
  const who = needsToken ? ", { token: process.env.TOKEN }" : "";
  return `import { Client } from "./backburner.js";

const client = new Client(${JSON.stringify(url)}${who});
const answer = await client.compute(${JSON.stringify(name)}, ${pretty(parameters)});
console.log(answer.result);`;
}

/** JSON outside of its strings has three words that Python writes otherwise. */
function asPython(value, indent) {
  const words = { true: "True", false: "False", null: "None" };
  return pretty(value, indent).replace(/"(?:[^"\\]|\\.)*"|\b(?:true|false|null)\b/g, (part) => words[part] ?? part);
}
