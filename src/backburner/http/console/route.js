// A map without tiles: the routes of a plan in colours, on the plane or on the Earth.
//
// The result has `routes`, each with the ids of its `stops`; the parameters say where these are.

import { element, isObject, svg } from "./dom.js";
import { sortable } from "./table.js";

const WIDTH = 800, MARGIN = 44;
const COLOURS = 8; // in style.css, .route-0 and so on
const MOST_NAMES = 40; // stops; more names would cover the map
const METRES_PER_DEGREE = 111_195;

export function drawRoute(result, _schema, parameters) {
  if (!Array.isArray(result.routes) || !result.routes.every((route) => Array.isArray(route?.stops))) return null;
  const places = placesIn(parameters, result.routes);
  if (!places) return [unplaced(), sortable("Routes", result.routes)];
  const { at, height, unit } = projection([...places.values()]);
  const depot = at(places.get(DEPOT));
  const lines = result.routes.map((route, nth) => lineOf(route, nth, depot, (id) => at(places.get(id))));
  const names = places.size <= MOST_NAMES ? [...places].filter(([id]) => id !== DEPOT) : [];
  const map = svg("svg", { viewBox: `0 0 ${WIDTH} ${height}`, class: "map", role: "group", "aria-label": `Map of ${result.routes.length} routes` },
    ...grid(height), ...lines, depotMark(depot), ...names.map(([id, point]) => nameOf(id, at(point))), ...scale(height, unit));
  const rows = result.routes.map((route, nth) => legendOf(route, nth, parameters, unit));
  const legend = element("ol", { className: "legend", "aria-label": "Routes" }, ...rows);
  link(map, lines, rows);
  const key = element("p", { className: "small soft key" }, element("span", { className: "swatch", "aria-hidden": "true" }), "Depot");
  return [totals(result, unit), element("div", { className: "plan" }, map, key, legend)];
}

const DEPOT = Symbol("depot");

/** Where the depot and the stops are, by id; null if that is not known. */
function placesIn(parameters, routes) {
  if (!isObject(parameters) || !Array.isArray(parameters.stops)) return null;
  const places = new Map(parameters.stops.map((stop, nth) => [stop.id ?? String(nth + 1), pointOf(stop)]));
  places.set(DEPOT, pointOf(parameters.depot));
  const isKnown = [...places.values()].every(Boolean) && routes.every((route) => route.stops.every((id) => places.has(id)));
  return isKnown ? places : null;
}

function pointOf(place) {
  if (!isObject(place)) return null;
  const [x, y, isEarth] = "lat" in place ? [place.lon, place.lat, true] : [place.x, place.y, false];
  return typeof x === "number" && typeof y === "number" ? { x, y, isEarth } : null;
}

function unplaced() {
  return element("p", { className: "soft" }, "The map needs the stops, and this browser has not asked with them. The routes:");
}

/** On the Earth, a degree of longitude is as long as its latitude makes it. */
function projection(points) {
  const { isEarth } = points[0];
  const middle = points.reduce((sum, { y }) => sum + y, 0) / points.length;
  const narrow = isEarth ? Math.max(0.01, Math.cos((middle * Math.PI) / 180)) : 1;
  const xs = points.map(({ x }) => x * narrow), ys = points.map(({ y }) => y);
  const left = Math.min(...xs), top = Math.max(...ys);
  const wide = Math.max(...xs) - left, high = top - Math.min(...ys);
  const most = { wide: WIDTH - 2 * MARGIN, high: 520 - 2 * MARGIN };
  const factor = Math.min(most.wide / (wide || 1e-9), most.high / (high || 1e-9), wide || high ? Infinity : 1);
  const height = Math.max(260, high * factor + 2 * MARGIN);
  const shiftX = (WIDTH - wide * factor) / 2, shiftY = (height - high * factor) / 2;
  const at = ({ x, y }) => [round(shiftX + (x * narrow - left) * factor), round(shiftY + (top - y) * factor)];
  return { at, height: Math.round(height), unit: { isEarth, pixels: isEarth ? factor / METRES_PER_DEGREE : factor } };
}

function round(number) {
  return Math.round(10 * number) / 10;
}

function grid(height) {
  const lines = [];
  for (let x = 40; x < WIDTH; x += 80) lines.push(svg("path", { d: `M${x} 0V${height}` }));
  for (let y = 40; y < height; y += 80) lines.push(svg("path", { d: `M0 ${y}H${WIDTH}` }));
  return [svg("g", { class: "grid-lines", "aria-hidden": "true" }, ...lines)];
}

function lineOf(route, nth, depot, placeOf) {
  const points = [depot, ...route.stops.map(placeOf), depot];
  const stops = route.stops.map((id) => {
    const [cx, cy] = placeOf(id);
    return svg("circle", { cx, cy, r: 6, "data-stop": id }, svg("title", {}, id));
  });
  return svg("g", { class: `route route-${nth % COLOURS}`, "data-route": nth, tabindex: 0, role: "img", "aria-label": about(route, nth) },
    svg("polyline", { points: points.map((point) => point.join(",")).join(" ") }), ...stops);
}

function about(route, nth) {
  return `Route ${nth + 1}: ${route.stops.join(", ")}; distance ${route.distance}, load ${route.load}`;
}

function depotMark([x, y]) {
  return svg("g", { class: "depot", role: "img", "aria-label": "Depot" },
    svg("rect", { x: x - 9, y: y - 9, width: 18, height: 18, rx: 4 }),
    svg("path", { d: `M${x - 4.5} ${y + 4.5}v-6l4.5-4 4.5 4v6z` }));
}

function nameOf(id, [x, y]) {
  const isRight = x > WIDTH - 110;
  return svg("text", { x: isRight ? x - 11 : x + 11, y: y - 8, "text-anchor": isRight ? "end" : "start", "aria-hidden": "true" }, id);
}

/** A bar of a round length: 1, 2 or 5 and zeros. */
function scale(height, { isEarth, pixels }) {
  const most = 160 / pixels;
  const ten = 10 ** Math.floor(Math.log10(most));
  const length = [5, 2, 1].map((times) => times * ten).find((each) => each <= most) ?? ten;
  const x = 16, y = height - 16;
  return [svg("g", { class: "scale", "aria-hidden": "true" },
    svg("path", { d: `M${x} ${y - 5}v5h${round(length * pixels)}v-5` }),
    svg("text", { x: x + 4, y: y - 7 }, isEarth ? distanceIn({ isEarth }, length) : length.toLocaleString("en")))];
}

function distanceIn({ isEarth }, distance) {
  if (!isEarth) return distance.toLocaleString("en");
  return distance < 1000 ? `${distance.toLocaleString("en")} m` : `${(distance / 1000).toLocaleString("en", { maximumFractionDigits: 1 })} km`;
}

function legendOf(route, nth, parameters, unit) {
  const capacity = parameters.vehicles?.capacity;
  const load = typeof capacity === "number" ? `${route.load} of ${capacity}` : String(route.load ?? "");
  return element("li", { className: `route-${nth % COLOURS}` },
    element("p", {}, element("span", { className: "swatch", "aria-hidden": "true" }), element("strong", {}, `Route ${nth + 1}`),
      element("span", { className: "amount" }, distanceIn(unit, route.distance ?? 0))),
    element("p", { className: "small soft" }, `${route.stops.length} stop${route.stops.length === 1 ? "" : "s"}, load ${load}`),
    element("p", { className: "small" }, route.stops.join(" → ")));
}

/** Hovering or focusing a route or its line in the legend shows both. */
function link(map, lines, rows) {
  lines.forEach((line, nth) => {
    for (const each of [line, rows[nth]]) {
      const show = (isOn) => {
        map.classList.toggle("chosen", isOn);
        line.classList.toggle("on", isOn);
        rows[nth].classList.toggle("on", isOn);
      };
      for (const [event, isOn] of [["pointerenter", true], ["pointerleave", false], ["focusin", true], ["focusout", false]]) {
        each.addEventListener(event, () => show(isOn));
      }
    }
  });
}

function totals(result, unit) {
  const used = result.vehicles_used ?? result.routes.length;
  return element("dl", { className: "facts" },
    element("dt", {}, "Distance"), element("dd", {}, distanceIn(unit, result.distance ?? 0)),
    element("dt", {}, "Vehicles used"), element("dd", {}, String(used)),
    element("dt", {}, "Stops"), element("dd", {}, String(result.routes.reduce((sum, route) => sum + route.stops.length, 0))));
}
