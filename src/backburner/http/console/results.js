// Draws a result as its schema's `x-shown-as` says. What cannot be drawn so is shown as JSON.

import { element, inWords, isObject, pretty, svg } from "./dom.js";
import { drawRoute } from "./route.js";
import { isLink, linked, sortable } from "./table.js";

const MOST_CHARACTERS = 50_000; // of JSON that are shown
const MOST_BARS = 60; // a longer series is a line
const drawings = { card, chart, route: drawRoute, table };

/** The result as elements: drawn, if it can be, and as JSON. `parameters` may be undefined. */
export function drawResult(result, schema, parameters) {
  const drawn = drawnAs(schema["x-shown-as"], result, schema, parameters);
  const json = element("details", { className: "json", open: drawn.length === 0 },
    element("summary", {}, "The result as JSON"), jsonOf(result));
  return [...drawn, json];
}

function drawnAs(hint, result, schema, parameters) {
  if (!Object.hasOwn(drawings, hint ?? "") || !isObject(result)) return [];
  return drawings[hint](result, schema, parameters) ?? [];
}

function jsonOf(result) {
  const text = pretty(result);
  const rest = text.length > MOST_CHARACTERS ? `\n… and ${text.length - MOST_CHARACTERS} characters more` : "";
  return element("pre", { tabIndex: 0, role: "region", "aria-label": "The result as JSON" }, text.slice(0, MOST_CHARACTERS) + rest);
}

/** The members that are plain values, also those of inner objects, as facts. */
function facts(result, without = []) {
  const members = Object.entries(result).filter(([name]) => !without.includes(name));
  const plain = members.flatMap(([name, value]) => (isObject(value)
    ? Object.entries(value).map(([inner, each]) => [`${name} ${inner}`, each]) : [[name, value]]))
    .filter(([, value]) => value !== null && typeof value !== "object");
  if (plain.length === 0) return [];
  return [element("dl", { className: "facts" }, ...plain.flatMap(([name, value]) => [
    element("dt", {}, inWords(name)), element("dd", {}, linked(value))]))];
}

/** A preview of a page. Its image is not loaded: this page loads nothing from elsewhere. */
function card(result, schema) {
  const first = (...names) => names.map((name) => result[name]).find((value) => typeof value === "string" && value);
  const title = first("title"), description = first("description");
  const address = first("canonical_url", "url"), site = first("site_name", "site");
  if (!title && !description && !address) return null;
  const maps = Object.keys(result).filter((name) => isObject(schema.properties?.[name]?.additionalProperties));
  const where = isLink(address) ? new URL(address).host : "";
  const heading = isLink(address) ? element("a", { href: address, rel: "noopener noreferrer nofollow" }, title ?? address) : title ?? address ?? "";
  return [
    element("article", { className: "card" },
      element("p", { className: "soft small" }, [site, where].filter(Boolean).join(" · ")),
      element("h3", {}, heading),
      element("p", {}, description ?? "")),
    ...facts(result, ["title", "description", "site_name", "site", ...maps]),
  ];
}

/** The first member that is a list of objects. */
function listIn(result) {
  return Object.entries(result).find(([, value]) => Array.isArray(value) && value.length > 0 && value.every(isObject));
}

function table(result) {
  const [name, rows] = listIn(result) ?? [];
  return rows ? [...facts(result), sortable(inWords(name), rows)] : null;
}

/** The first member that is a series: an object or a list of numbers. */
function chart(result, schema) {
  const [name, series] = Object.entries(result).map(([member, value]) => [member, seriesIn(value)]).find(([, found]) => found) ?? [];
  if (!series) return null;
  const caption = schema.properties?.[name]?.description ?? inWords(name);
  return [...facts(result, [name]), series.length > MOST_BARS ? line(caption, series) : bars(caption, series)];
}

function seriesIn(value) {
  const pairs = Array.isArray(value) ? value.map((each, nth) => [String(nth + 1), each]) : isObject(value) ? Object.entries(value) : [];
  return pairs.length > 0 && pairs.every(([, each]) => typeof each === "number") ? pairs : null;
}

function bars(caption, series) {
  const most = Math.max(...series.map(([, value]) => Math.abs(value)), Number.MIN_VALUE);
  return element("table", { className: "chart" }, element("caption", {}, caption), element("tbody", {}, ...series.map(([label, value]) =>
    element("tr", {},
      element("th", { scope: "row" }, label),
      element("td", {}, svg("svg", { viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" },
        svg("rect", { width: (100 * Math.abs(value)) / most, height: 10, class: value < 0 ? "below" : "" }))),
      element("td", { className: "amount" }, value.toLocaleString("en"))))));
}

function line(caption, series) {
  const values = series.map(([, value]) => value);
  const least = Math.min(...values), most = Math.max(...values);
  const points = values.map((value, nth) => `${(800 * nth) / (values.length - 1)},${195 - (190 * (value - least)) / (most - least || 1)}`);
  const about = `${caption} ${values.length} values from ${least.toLocaleString("en")} to ${most.toLocaleString("en")}.`;
  return element("figure", { className: "line" },
    svg("svg", { viewBox: "0 0 800 200", role: "img", "aria-label": about }, svg("polyline", { points: points.join(" ") })),
    element("figcaption", { className: "soft small" }, about));
}
