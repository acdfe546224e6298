// A form made from a JSON Schema. Each field knows its JSON pointer and sets its part of the value.
//
// A place is { name, schema, value, pointer, isRequired, set }: where a field is, what may be there,
// what is there, and what to call when that changes. Setting undefined leaves it out.

import { readCsv } from "./csv.js";
import { button, element, inWords, isObject } from "./dom.js";
import { blank, boundsOf, columnsOf, converted, isSmall, kindOf, resolved, variantOf, variants, withoutNull } from "./schema.js";

const MOST_ROWS = 50; // shown of a list: the rest is in the JSON
const LONG_TEXT = 300; // characters from which on a text has several lines

export class Form {
  #root;
  #onChange;
  #places = new Map();
  #ids = 0;
  definitions = {};

  constructor(root, onChange) {
    this.#root = root;
    this.#onChange = onChange;
  }

  show(schema, value) {
    this.#places.clear();
    this.definitions = schema.$defs ?? {};
    const place = { schema, value, pointer: "", set: (changed) => this.#onChange(changed) };
    this.#root.replaceChildren(...membersOf(this, resolved(schema, this.definitions), place), this.#message(""));
  }

  /** Mark what is wrong at its field; the first of them gets the focus. */
  mark(errors) {
    this.unmark();
    for (const { pointer, reason } of errors) {
      const { control, wrong } = this.#nearest(pointer);
      wrong.textContent += `${wrong.textContent ? " " : ""}${reason}`;
      control?.setAttribute("aria-invalid", "true");
    }
    if (errors.length) this.focus(errors[0].pointer);
  }

  unmark() {
    for (const { control, wrong } of this.#places.values()) {
      wrong.textContent = "";
      control?.removeAttribute("aria-invalid");
    }
  }

  /** Focus the field at a pointer, or the first one within what is there. */
  focus(pointer) {
    const within = [...this.#places].find(([known, { control }]) => control && known.startsWith(`${pointer}/`));
    (this.#nearest(pointer).control ?? within?.[1].control)?.focus();
  }

  /** Where a problem with a control is said; the control is described by it. */
  placed(pointer, control, described = "") {
    const wrong = this.#message(pointer, control);
    control?.setAttribute("aria-describedby", `${described} ${wrong.id}`.trim());
    return wrong;
  }

  forget(pointer) {
    for (const known of this.#places.keys()) if (known.startsWith(`${pointer}/`)) this.#places.delete(known);
  }

  newId() {
    return `field-${++this.#ids}`;
  }

  #message(pointer, control = null) {
    const wrong = element("p", { className: "wrong", id: this.newId() });
    this.#places.set(pointer, { control, wrong });
    return wrong;
  }

  #nearest(pointer) {
    let at = pointer;
    while (!this.#places.has(at)) at = at.slice(0, at.lastIndexOf("/"));
    return this.#places.get(at);
  }
}

/** A field for each property of an object. */
function membersOf(form, schema, place) {
  const now = isObject(place.value) ? { ...place.value } : {};
  return Object.entries(schema.properties ?? {}).map(([name, property]) => field(form, {
    name,
    schema: property,
    value: now[name],
    pointer: `${place.pointer}/${escaped(name)}`,
    isRequired: (schema.required ?? []).includes(name),
    set: (changed) => {
      if (changed === undefined) delete now[name];
      else now[name] = changed;
      place.set({ ...now });
    },
  }));
}

function escaped(name) {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}

function field(form, place) {
  return isSmall(place.schema, form.definitions) ? smallField(form, place) : group(form, place);
}

function smallField(form, place) {
  const { schema } = withoutNull(place.schema, form.definitions);
  const hint = element("p", { className: "hint", id: form.newId() }, hintOf(schema));
  const wide = kindOf(schema) === "string" && isLong(schema) ? " wide" : "";
  if (kindOf(schema) === "tuple") {
    const box = element("fieldset", { className: "field bare" }, element("legend", {}, inWords(place.name), mark(place)));
    box.append(...controls(form, place), hint);
    return box;
  }
  const [control, wrong] = controls(form, place, hint.id);
  control.id = form.newId();
  const label = element("label", { htmlFor: control.id }, inWords(place.name), mark(place));
  const isBox = control.type === "checkbox";
  return element("div", { className: `field${isBox ? " box" : ""}${wide}` }, ...(isBox ? [control, label] : [label, control]), hint, wrong);
}

function hintOf(schema) {
  const bounds = boundsOf(schema);
  return [schema.description ?? "", bounds && `${bounds.charAt(0).toUpperCase()}${bounds.slice(1)}.`].filter(Boolean).join(" ");
}

function mark({ isRequired }) {
  return element("span", { className: "soft need" }, isRequired ? "" : " optional");
}

/** The control of a scalar, or those of a pair, and after them the place for what is wrong. */
function controls(form, place, described = "") {
  const { schema } = withoutNull(place.schema, form.definitions);
  if (kindOf(schema) === "tuple") return pair(form, place, schema);
  const control = scalar(form, place);
  return [control, form.placed(place.pointer, control, described)];
}

function pair(form, place, schema) {
  const now = schema.prefixItems.map((_, nth) => place.value?.[nth]);
  const inputs = schema.prefixItems.map((item, nth) => scalar(form, {
    schema: item,
    value: now[nth],
    label: `${place.label ?? inWords(place.name)} (${nth + 1} of ${schema.prefixItems.length})`,
    set: (changed) => {
      now[nth] = changed;
      place.set(now.every((each) => each === undefined) ? undefined : now.map((each) => each ?? null));
    },
  }));
  const wrongs = inputs.map((input, nth) => form.placed(`${place.pointer}/${nth}`, input));
  const all = form.placed(place.pointer, inputs[0]);
  return [element("span", { className: "pair" }, ...inputs), ...wrongs, all];
}

function scalar(form, place) {
  const { schema, isNullable } = withoutNull(place.schema, form.definitions);
  const made = { choice, boolean: box, integer: number, number, string: text }[kindOf(schema)](schema, { ...place, isNullable });
  if (place.label) made.setAttribute("aria-label", place.label);
  if (place.isRequired) made.required = true;
  return made;
}

function choice(schema, place) {
  const values = schema.enum ?? [schema.const];
  const absent = place.isRequired && !place.isNullable ? [] : [element("option", { value: "" }, `default${shown(schema.default)}`)];
  const options = values.map((value, nth) => element("option", { value: String(nth) }, String(value)));
  const control = element("select", {}, ...absent, ...options);
  control.value = values.includes(place.value) ? String(values.indexOf(place.value)) : absent.length ? "" : "0";
  control.addEventListener("change", () => place.set(values[control.value]));
  return control;
}

function shown(value) {
  return value === undefined || value === null ? "" : `: ${value}`;
}

function box(schema, place) {
  const control = element("input", { type: "checkbox", checked: place.value ?? schema.default ?? false });
  control.addEventListener("change", () => place.set(control.checked));
  return control;
}

function number(schema, place) {
  const control = element("input", {
    type: "number",
    step: kindOf(schema) === "integer" ? "1" : "any",
    min: schema.minimum ?? schema.exclusiveMinimum,
    max: schema.maximum ?? schema.exclusiveMaximum,
    inputMode: "decimal",
    placeholder: shown(schema.default).slice(2),
    value: typeof place.value === "number" ? String(place.value) : "",
  });
  control.addEventListener("input", () => place.set(control.value === "" ? undefined : Number(control.value)));
  return control;
}

function isLong(schema) {
  return !schema.format && !(schema.maxLength < LONG_TEXT);
}

function text(schema, place) {
  const isArea = isLong(schema) && !place.label;
  const control = element(isArea ? "textarea" : "input", {
    value: place.value ?? "",
    placeholder: shown(schema.default).slice(2),
    spellcheck: false,
    ...(isArea ? { rows: 3 } : { type: { date: "date", uri: "url" }[schema.format] ?? "text" }),
  });
  control.addEventListener("input", () => place.set(control.value === "" && !place.isRequired ? undefined : control.value));
  return control;
}

/** What is more than a scalar, in a box of its own that is drawn again when its form changes. */
function group(form, place) {
  const { schema, isNullable } = withoutNull(place.schema, form.definitions);
  const made = element("fieldset", { className: "group" });
  const draw = (value) => {
    form.forget(place.pointer);
    const inner = { ...place, schema, value, draw, set: (changed) => place.set((inner.value = changed)) };
    const isThere = value !== undefined && value !== null;
    const canBeLeftOut = !place.isRequired || isNullable;
    const add = button("Add", () => set(blank(schema, form.definitions)));
    const leaveOut = button("Leave out", () => set(undefined));
    const parts = isThere || !canBeLeftOut ? insideOf(form, inner) : [add];
    made.replaceChildren(
      element("legend", {}, inWords(place.name), mark(place)),
      element("p", { className: "hint" }, hintOf(schema)),
      ...parts,
      ...(isThere && canBeLeftOut ? [leaveOut] : []),
      form.placed(place.pointer, made.querySelector("input, select, textarea, button")),
    );
  };
  const set = (value) => {
    place.set(value);
    draw(value);
  };
  draw(place.value);
  return made;
}

function insideOf(form, place) {
  const inside = { array: list, json, map, object: membersInGrid, tuple: items, union };
  return inside[kindOf(place.schema)](form, place);
}

function membersInGrid(form, place) {
  return [element("div", { className: "grid" }, ...membersOf(form, place.schema, place))];
}

function items(form, place) {
  const now = place.schema.prefixItems.map((_, nth) => place.value?.[nth] ?? null);
  return place.schema.prefixItems.map((item, nth) => field(form, itemPlace(place, now, nth, item)));
}

function itemPlace(place, now, nth, schema) {
  return {
    name: `${nth + 1}`,
    schema,
    value: now[nth],
    pointer: `${place.pointer}/${nth}`,
    isRequired: true,
    set: (changed) => {
      now[nth] = changed ?? null;
      place.set([...now]);
    },
  };
}

/** A choice of the form, and the form. */
function union(form, place) {
  const choices = variants(place.schema, form.definitions);
  const chosen = variantOf(place.value, choices, form.definitions);
  const pick = formChoice(choices, chosen, `Form of ${inWords(place.name)}`, (nth) => {
    const changed = converted(place.value, choices[nth], form.definitions);
    place.set(changed);
    place.draw(changed);
  });
  const inner = { ...place, schema: choices[chosen], isRequired: true };
  const isBoxed = ["object", "array", "map", "tuple", "json"].includes(kindOf(inner.schema));
  return [pick, ...(isBoxed ? insideOf(form, inner) : controls(form, { ...inner, label: inWords(place.name) }))];
}

function formChoice(choices, chosen, label, onPick) {
  const options = choices.map((choice, nth) => element("option", { value: String(nth) }, titleOf(choice, nth)));
  const control = element("select", { "aria-label": label, className: "form" }, ...options);
  control.value = String(chosen);
  control.addEventListener("change", () => onPick(Number(control.value)));
  return control;
}

function titleOf(schema, nth) {
  return inWords((schema.title ?? schema.type ?? `form ${nth + 1}`).replace(/([a-z])([A-Z])/g, "$1 $2")).replace(/ ([A-Z])/g, (word) => word.toLowerCase());
}

/** A list: a table if its items are flat objects of one form, and otherwise one box for each. */
function list(form, place) {
  const now = Array.isArray(place.value) ? [...place.value] : [];
  const { schema, draw } = place;
  const full = resolved(schema.items ?? {}, form.definitions);
  const choices = variants(full, form.definitions).length ? variants(full, form.definitions) : [full];
  const formOf = (item) => variantOf(item, choices, form.definitions);
  const chosen = now.length ? formOf(now[0]) : 0;
  const isTable = choices.every((each) => columnsOf(each, form.definitions)) && now.every((item) => formOf(item) === chosen);
  const redraw = (changed) => {
    place.set(changed);
    draw(changed);
  };
  const all = { place, now, redraw, form: choices[chosen] };
  const shownItems = isTable ? table(form, all) : boxes(form, { ...all, form: full });
  const parts = [shownItems, ...rest(now)];
  if (isTable && choices.length > 1) {
    parts.unshift(formChoice(choices, chosen, `Form of all of ${inWords(place.name)}`, (nth) =>
      redraw(now.map((item) => converted(item, choices[nth], form.definitions)))));
  }
  const add = button(`Add to ${inWords(place.name).toLowerCase()}`, () => {
    redraw([...now, blank(isTable ? choices[chosen] : full, form.definitions)]);
    form.focus(`${place.pointer}/${now.length}`);
  }, { className: "add", disabled: now.length >= (schema.maxItems ?? Infinity) });
  parts.push(element("p", { className: "buttons" }, add));
  if (isTable) parts.push(paste(place, full, form.definitions, chosen, redraw));
  return parts;
}

function rest(now) {
  if (now.length <= MOST_ROWS) return [];
  return [element("p", { className: "hint" }, `And ${now.length - MOST_ROWS} more: they are in the JSON.`)];
}

function remover({ place, now, redraw }, nth) {
  return button("×", () => redraw(now.filter((_, other) => other !== nth)), {
    className: "remove",
    "aria-label": `Remove ${nth + 1} of ${inWords(place.name).toLowerCase()}`,
  });
}

function table(form, all) {
  const { place, now } = all;
  const columns = columnsOf(all.form, form.definitions);
  const head = columns.map((name) => {
    const { schema } = withoutNull(all.form.properties[name], form.definitions);
    return element("th", { scope: "col", title: hintOf(schema), className: kindOf(schema) === "tuple" ? "two" : "" }, inWords(name));
  });
  const rows = now.slice(0, MOST_ROWS).map((item, nth) => {
    const row = { ...itemPlace(place, now, nth, all.form), value: item };
    return element("tr", {}, ...cellsOf(form, row, columns, nth), element("td", { className: "end" }, remover(all, nth), form.placed(row.pointer, null)));
  });
  return element("table", { className: "rows" },
    element("thead", {}, element("tr", {}, ...head, element("td", { className: "end" }))),
    element("tbody", {}, ...rows));
}

function cellsOf(form, row, columns, nth) {
  const now = { ...row.value };
  return columns.map((name) => {
    const cell = {
      name,
      schema: row.schema.properties[name],
      value: now[name],
      label: `${inWords(name)} of ${nth + 1}`,
      pointer: `${row.pointer}/${escaped(name)}`,
      isRequired: (row.schema.required ?? []).includes(name),
      set: (changed) => {
        if (changed === undefined) delete now[name];
        else now[name] = changed;
        row.set({ ...now });
      },
    };
    const made = element("td", {}, ...controls(form, cell));
    made.dataset.label = inWords(name);
    return made;
  });
}

function boxes(form, all) {
  const rows = all.now.slice(0, MOST_ROWS).map((_, nth) => element("li", {},
    field(form, itemPlace(all.place, all.now, nth, all.form)), remover(all, nth)));
  return element("ol", { className: "boxes" }, ...rows);
}

function paste(place, schema, definitions, chosen, redraw) {
  const area = element("textarea", { rows: 4, spellcheck: false, "aria-label": `${inWords(place.name)} as CSV` });
  const wrong = element("p", { className: "wrong", role: "alert" });
  const use = button("Use these", () => {
    try {
      redraw(readCsv(area.value, schema, definitions, chosen));
    } catch (error) {
      wrong.textContent = error.message;
    }
  });
  return element("details", { className: "paste" },
    element("summary", {}, "Paste as CSV"),
    element("p", { className: "hint" }, "A line for each, the first with the names; from a spreadsheet, too."),
    area, element("p", { className: "buttons" }, use), wrong);
}

/** An object with names of any kind. */
function map(form, place) {
  const { schema, draw } = place;
  const valueSchema = isObject(schema.additionalProperties) ? schema.additionalProperties : {};
  const now = Object.entries(place.value ?? {});
  const give = () => place.set(Object.fromEntries(now));
  const redraw = (entries) => {
    const changed = Object.fromEntries(entries);
    place.set(changed);
    draw(changed);
  };
  const rows = now.map(([name, value], nth) => {
    const key = element("input", { value: name, "aria-label": `Name of ${nth + 1}` });
    key.addEventListener("change", () => redraw(now.map((entry, other) => (other === nth ? [key.value, entry[1]] : entry))));
    const inner = { name, schema: valueSchema, value, pointer: `${place.pointer}/${escaped(name)}`, isRequired: true };
    const set = (changed) => {
      now[nth][1] = changed ?? null;
      give();
    };
    return element("li", {}, key, field(form, { ...inner, set }), remover({ place, now, redraw }, nth));
  });
  const add = button("Add a name", () => redraw([...now, [freeName(now), blank(valueSchema, form.definitions)]]), { className: "add" });
  return [element("ol", { className: "boxes" }, ...rows), add];
}

function freeName(entries) {
  let nth = entries.length + 1;
  while (entries.some(([name]) => name === `name${nth}`)) nth++;
  return `name${nth}`;
}

/** What no other field is for, as JSON. */
function json(form, place) {
  const control = element("textarea", { value: JSON.stringify(place.value ?? null), rows: 2, spellcheck: false, "aria-label": `${inWords(place.name)} as JSON` });
  const wrong = form.placed(place.pointer, control);
  control.addEventListener("input", () => {
    try {
      place.set(JSON.parse(control.value));
      wrong.textContent = "";
    } catch (error) {
      wrong.textContent = error.message;
    }
  });
  return [control, wrong];
}
