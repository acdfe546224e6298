// A table that sorts, and its cells: text, numbers and links.

import { button, element, inWords, isObject } from "./dom.js";

const MOST_ROWS = 500; // shown

/** Only http and https become links: a result may say anything. */
export function linked(value) {
  const text = typeof value === "number" ? value.toLocaleString("en") : String(value);
  return isLink(value) ? element("a", { href: value, rel: "noopener noreferrer nofollow" }, text) : text;
}

export function isLink(value) {
  return typeof value === "string" && /^https?:\/\//i.test(value) && URL.canParse(value);
}

/** A table that a click on a heading sorts; a second click, the other way round. */
export function sortable(caption, rows) {
  const columns = [...new Set(rows.flatMap(Object.keys))];
  const body = element("tbody");
  const heads = columns.map((column) => element("th", { scope: "col", "aria-sort": "none" },
    button(inWords(column), () => sortBy(column))));
  let order = { column: null, step: 1 };
  const show = (sorted) => body.replaceChildren(...sorted.slice(0, MOST_ROWS).map((row) => element("tr", {},
    ...columns.map((column) => element("td", { className: typeof row[column] === "number" ? "amount" : "" }, cellOf(row[column]))))));
  const sortBy = (column) => {
    order = { column, step: order.column === column ? -order.step : 1 };
    heads.forEach((head, nth) => head.setAttribute("aria-sort", columns[nth] !== column ? "none" : order.step > 0 ? "ascending" : "descending"));
    show([...rows].sort((one, other) => order.step * compared(one[column], other[column])));
  };
  show(rows);
  const rest = rows.length > MOST_ROWS ? ` (${MOST_ROWS} of ${rows.length} are shown)` : "";
  return element("div", { className: "scrolls", tabIndex: 0, role: "region", "aria-label": caption },
    element("table", { className: "result" }, element("caption", {}, caption + rest), element("thead", {}, element("tr", {}, ...heads)), body));
}

function cellOf(value) {
  if (value === null || value === undefined) return "—";
  if (Array.isArray(value) && !value.some((each) => isObject(each))) return value.join(", ");
  return typeof value === "object" ? JSON.stringify(value) : linked(value);
}

function compared(one, other) {
  if (typeof one === "number" && typeof other === "number") return one - other;
  return String(one ?? "").localeCompare(String(other ?? ""), "en", { numeric: true });
}
