// node noticed.mjs URL QUESTIONS: prints a list of { polls, late }.

import { Client } from "../../clients/javascript/backburner.js";

const [url, questions] = process.argv.slice(2);
const noticed = [];
for (const question of JSON.parse(questions)) {
  let requests = 0;
  const client = new Client(url, { onExchange: () => { requests += 1; } });
  const { result } = await client.compute("finishing", question);
  noticed.push({ polls: requests - 1, late: Date.now() / 1000 - result.done_at });
}
console.log(JSON.stringify(noticed));
