// By swagger-typescript-api. It does not know that an answer is JSON, since a 202 may also be empty.

import { type Accepted, Api, type HttpResponse, type WordCountResult } from "./api.js";

const { v1 } = new Api({ baseUrl: process.argv[2]!, baseApiParams: { format: "json" } });
let answer: HttpResponse<unknown, unknown> = await v1.postWordCount({ text: process.argv[3]! });
while (answer.status === 202) {
  const { retry_after: seconds, signature } = answer.data as Accepted;
  await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
  answer = await v1.getWordCountBySignature(signature);
}
const { words } = answer.data as WordCountResult;
console.log(JSON.stringify({ words }));
