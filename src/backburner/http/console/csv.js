// Reads a pasted table: commas, semicolons or tabs, with or without a line of names.

import { columnsOf, kindOf, resolved, variants, withoutNull } from "./schema.js";

/** The objects in the text, in the form of the items' schema; throws an Error that says why not. */
export function readCsv(text, schema, definitions, current = 0) {
  const rows = cells(text);
  if (rows.length === 0) throw new Error("There is nothing in it: paste a line for each.");
  const forms = variants(schema, definitions).length ? variants(schema, definitions) : [resolved(schema, definitions)];
  const first = rows[0].map((cell) => cell.trim().toLowerCase());
  const named = forms.find((form) => hasAll(form, first));
  const form = named ?? forms[current] ?? forms[0];
  const columns = named ? first : columnsOf(form, definitions) ?? [];
  const surplus = rows.find((row) => row.length > columns.length);
  if (surplus) throw new Error(`A line has ${surplus.length} values, and there are ${columns.length} names: begin with a line of names, such as ${Object.keys(form.properties).join(",")}.`);
  return rows.slice(named ? 1 : 0).map((row) => objectOf(row, columns, form, definitions));
}

/** `columns` are lowercase, as a spreadsheet may write them otherwise. */
function objectOf(row, columns, form, definitions) {
  const made = {};
  row.forEach((cell, nth) => {
    const name = Object.keys(form.properties).find((each) => each.toLowerCase() === columns[nth].toLowerCase());
    if (cell.trim() !== "") made[name] = valueOf(cell.trim(), withoutNull(form.properties[name], definitions).schema);
  });
  return made;
}

function hasAll(form, names) {
  const known = Object.keys(form.properties ?? {}).map((name) => name.toLowerCase());
  return names.length > 0 && names.every((name) => known.includes(name))
    && (form.required ?? []).every((name) => names.includes(name.toLowerCase()));
}

/** What is not of its type stays text: the service says what is wrong with it, and where. */
function valueOf(cell, schema) {
  switch (kindOf(schema)) {
    case "integer":
    case "number": return numberOr(cell);
    case "boolean": return { true: true, false: false }[cell.toLowerCase()] ?? cell;
    case "tuple": return cell.replace(/[[\]]/g, "").split(/[\s,;/]+/).filter(Boolean).map(numberOr);
    default: return cell;
  }
}

function numberOr(cell) {
  const number = Number(cell);
  return Number.isFinite(number) ? number : cell;
}

function cells(text) {
  const firstLine = text.split("\n", 1)[0];
  const separator = ["\t", ";", ","].find((each) => firstLine.includes(each)) ?? ",";
  const rows = [[""]];
  let isQuoted = false;
  for (let at = 0; at < text.length; at++) {
    const row = rows.at(-1), sign = text[at];
    if (sign === '"' && isQuoted && text[at + 1] === '"') row[row.length - 1] += text[++at];
    else if (sign === '"') isQuoted = !isQuoted;
    else if (sign === separator && !isQuoted) row.push("");
    else if (sign === "\n" && !isQuoted) rows.push([""]);
    else if (sign !== "\r") row[row.length - 1] += sign;
  }
  return rows.filter((row) => row.some((cell) => cell.trim() !== ""));
}
