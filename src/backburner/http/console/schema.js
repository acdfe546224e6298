// What a JSON Schema, as pydantic writes it, says about a value.

import { isObject } from "./dom.js";

/** The schema behind a $ref, with what is said beside the $ref. */
export function resolved(schema, definitions) {
  if (!schema.$ref) return schema;
  const { $ref, ...beside } = schema;
  return { ...resolved(definitions[$ref.split("/").pop()] ?? {}, definitions), ...beside };
}

/** { schema, isNullable }: the schema without its null. */
export function withoutNull(schema, definitions) {
  const full = resolved(schema, definitions);
  const choices = full.anyOf ?? full.oneOf;
  const others = choices?.filter((choice) => choice.type !== "null");
  if (!choices || others.length === choices.length) return { schema: full, isNullable: false };
  const { anyOf, oneOf, ...beside } = full;
  const inner = others.length === 1 ? resolved(others[0], definitions) : { anyOf: others };
  return { schema: { ...inner, ...beside }, isNullable: true };
}

/** The variants of a union; empty for all else. */
export function variants(schema, definitions) {
  return (schema.oneOf ?? schema.anyOf ?? []).map((choice) => resolved(choice, definitions));
}

export function kindOf(schema) {
  if (schema.enum || "const" in schema) return "choice";
  if (schema.oneOf || schema.anyOf) return "union";
  if (schema.prefixItems) return "tuple";
  if (schema.type === "object" || schema.properties) return schema.properties ? "object" : "map";
  if (["array", "boolean", "integer", "number", "string"].includes(schema.type)) return schema.type;
  return "json";
}

export function isScalar(schema, definitions) {
  return ["choice", "boolean", "integer", "number", "string"].includes(kindOf(withoutNull(schema, definitions).schema));
}

/** True for what fits into the cell of a table: a scalar, or a pair or triple of scalars. */
export function isSmall(schema, definitions) {
  const { schema: inner } = withoutNull(schema, definitions);
  if (kindOf(inner) !== "tuple") return isScalar(inner, definitions);
  return inner.prefixItems.length <= 3 && inner.prefixItems.every((item) => isScalar(item, definitions));
}

/** The columns of a list of flat objects, or null. */
export function columnsOf(schema, definitions) {
  const names = Object.keys(schema.properties ?? {});
  const isFlat = names.length > 0 && names.every((name) => isSmall(schema.properties[name], definitions));
  return isFlat ? names : null;
}

/** A first value: what is required, with defaults where there are some. */
export function blank(schema, definitions) {
  const { schema: inner } = withoutNull(schema, definitions);
  if (inner.default !== undefined && inner.default !== null) return inner.default;
  switch (kindOf(inner)) {
    case "choice": return "const" in inner ? inner.const : inner.enum[0];
    case "union": return blank(variants(inner, definitions)[0], definitions);
    case "object": return Object.fromEntries((inner.required ?? []).map((name) => [name, blank(inner.properties[name], definitions)]));
    case "map": return {};
    case "array": return Array.from({ length: inner.minItems ?? 0 }, () => blank(inner.items ?? {}, definitions));
    case "tuple": return inner.prefixItems.map((item) => blank(item, definitions));
    case "boolean": return false;
    case "integer":
    case "number": return Math.max(0, inner.minimum ?? 0);
    case "string": return "";
    default: return null;
  }
}

/** How well a value is of a schema: the variant of a union with the best score is its form. */
export function fit(value, schema, definitions) {
  const kind = kindOf(schema);
  if (kind === "object" && isObject(value)) {
    const names = Object.keys(value);
    const known = names.filter((name) => schema.properties[name]);
    const told = known.filter((name) => {
      const { schema: inner } = withoutNull(schema.properties[name], definitions);
      return "const" in inner && inner.const === value[name];
    });
    const lacking = (schema.required ?? []).filter((name) => !names.includes(name));
    return 1 + known.length + 10 * told.length - 2 * lacking.length - (names.length - known.length);
  }
  const types = { choice: true, map: isObject(value), array: Array.isArray(value), tuple: Array.isArray(value) };
  if (kind === "choice") return schema.enum?.includes(value) || schema.const === value ? 1 : -1;
  const isOf = types[kind] ?? (kind === "integer" ? Number.isInteger(value) : typeof value === kind);
  return isOf ? 1 : -1;
}

/** Which of the variants a value is. */
export function variantOf(value, choices, definitions) {
  const scores = choices.map((choice) => fit(value, choice, definitions));
  return Math.max(0, scores.indexOf(Math.max(...scores)));
}

/** `from` in the form of `schema`: what both forms have is kept. */
export function converted(from, schema, definitions) {
  const made = blank(schema, definitions);
  if (!isObject(from) || !isObject(made)) return made;
  const kept = Object.entries(from).filter(([name]) => {
    const property = schema.properties?.[name];
    return property && !("const" in resolved(property, definitions));
  });
  return { ...made, ...Object.fromEntries(kept) };
}

/** "0 to 500", "at most 100 characters": the bounds in words. */
export function boundsOf(schema) {
  const least = schema.minimum ?? schema.exclusiveMinimum;
  const most = schema.maximum ?? schema.exclusiveMaximum;
  const said = [];
  const number = (value) => value.toLocaleString("en");
  if (least !== undefined && most !== undefined) said.push(`${over(schema)}${number(least)} to ${number(most)}`);
  else if (least !== undefined) said.push(`${over(schema) || "at least "}${number(least)}`);
  else if (most !== undefined) said.push(`at most ${number(most)}`);
  if (schema.maxLength !== undefined) said.push(`at most ${number(schema.maxLength)} characters`);
  if (schema.maxItems !== undefined && !schema.prefixItems) said.push(`at most ${number(schema.maxItems)}`);
  return said.join(", ");
}

function over(schema) {
  return schema.exclusiveMinimum !== undefined ? "over " : "";
}
