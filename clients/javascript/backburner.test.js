// Each server of ../behaviours.json. tests/clients/test_behaviours.py starts the server.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { Client, ComputeError, Problem } from "./backburner.js";

const URL_OF_ALL = process.env.BEHAVIOURS_URL;
const SIGNATURE = "5".repeat(64);
const START = 1_800_000_000;
const NAMES = { retry_after: "retryAfter" };
const { behaviours } = JSON.parse(readFileSync(new URL("../behaviours.json", import.meta.url)));

behaviours.forEach((row, number) => test(row.name, async () => {
  const run = `javascript-${number}`;
  const waits = [];
  const told = [];
  const gives = await outcome(row, () => asked(row, run, waits, told));
  assert.deepEqual(await (await fetch(`${URL_OF_ALL}/verdict/${run}`)).json(), []);
  assert.deepEqual(gives, row.gives);
  if (row.waits && row.clock !== "real") assert.deepEqual(waits, row.waits);
  if (row.progress) assert.deepEqual(told.map(({ progress }) => progress), row.progress);
}));

async function asked(row, run, waits, told) {
  let now = START;
  const sleep = async (seconds) => { now += seconds; waits.push(Number(seconds.toFixed(6))); };
  const time = row.clock === "real" ? {} : { sleep, now: () => now };
  const client = new Client(`${URL_OF_ALL}/${run}`, { token: row.token, maxBytes: row.max_bytes, random: () => row.random ?? 0, ...time });
  const deadline = row.deadline === null ? Infinity : row.deadline;
  const signal = row.cancel_after && AbortSignal.timeout(1000 * row.cancel_after);
  const options = { deadline, signal, onProgress: (status) => told.push(status) };
  let answer;
  for (let call = 0; call < (row.calls ?? 1); call++) {
    answer = row.follow
      ? await client.follow(filled(row.follow, run), options)
      : await client.compute("slow", { question: 1 }, options);
  }
  return answer;
}

function filled(location, run) {
  return location.replace("{base}", `/${run}`).replace("{elsewhere}", "http://127.0.0.2:9").replace("{signature}", SIGNATURE);
}

async function outcome(row, ask) {
  try {
    const { result } = await ask();
    return "size" in row.gives ? { size: JSON.stringify(result).length } : { result };
  } catch (error) {
    if (row.cancel_after && error.name === "TimeoutError") return { error: "cancelled" };
    if (!(error instanceof ComputeError || error instanceof TypeError)) throw error;
    const name = error instanceof Problem ? "Problem" : error.name.replace("TypeError", "ValueError");
    const members = Object.keys(row.gives).filter((member) => member !== "error").map((member) => {
      const value = error[NAMES[member] ?? member];
      return [member, member === "location" ? Boolean(value) : value];
    });
    return { error: name, ...Object.fromEntries(members) };
  }
}
