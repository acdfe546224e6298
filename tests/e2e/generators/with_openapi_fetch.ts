// By openapi-typescript and openapi-fetch.

import createClient from "openapi-fetch";

import type { components, paths } from "./schema.js";

type Accepted = components["schemas"]["Accepted"];
type Result = components["schemas"]["WordCountResult"];

const client = createClient<paths>({ baseUrl: process.argv[2]! });
let { data, error, response } = await client.POST("/v1/word-count", { body: { text: process.argv[3]! } });
while (response.status === 202) {
  const { retry_after: seconds, signature } = data as Accepted;
  await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
  ({ data, error, response } = await client.GET("/v1/word-count/{signature}", { params: { path: { signature } } }));
}
if (error) throw new Error(error.detail);
const { words } = data as Result;
console.log(JSON.stringify({ words }));
