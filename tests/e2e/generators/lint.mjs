// node lint.mjs FILE: what Redocly's linter complains of, by the rules that it recommends.

import { readFileSync } from "node:fs";

import { createConfig, lintFromString } from "@redocly/openapi-core";

const source = readFileSync(process.argv[2], "utf8");
const config = await createConfig({ extends: ["recommended"] });
for (const { severity, ruleId, message, location } of await lintFromString({ source, absoluteRef: process.argv[2], config })) {
  console.log(severity, ruleId, message, location[0]?.pointer);
}
