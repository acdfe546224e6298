// By the client of this repository, as its types say.

import { Client, DeadlineExceeded, Problem, type Computed, type JobStatus } from "./backburner.js";

interface WordCount {
  words: Record<string, number>;
}

const client = new Client(process.argv[2], { token: () => undefined, onExchange: ({ milliseconds }) => milliseconds.toFixed() });
const told: JobStatus[] = [];
try {
  const question = { text: process.argv[3] };
  const answer: Computed<WordCount> = await client.compute<WordCount>("word-count", question, {
    deadline: 60,
    signal: new AbortController().signal,
    onProgress: (status) => told.push(status),
  });
  for await (const { result } of client.map<WordCount>("word-count", [question], { atOnce: 2 })) result.words;
  console.log(JSON.stringify(answer.result));
} catch (error) {
  if (error instanceof DeadlineExceeded) console.error(error.location, error.status?.state);
  if (error instanceof Problem) console.error(error.errors.map(({ pointer }) => pointer), error.retryAfter);
  throw error;
}
