// Tabs: one panel at a time, by click or by arrow keys.

import { element } from "./dom.js";

/** Fills `list` with a tab for each of `panels` ({name: element}); returns a function that selects. */
export function tabs(list, label, panels, onSelect = () => {}) {
  const names = Object.keys(panels);
  list.setAttribute("role", "tablist");
  list.setAttribute("aria-label", label);
  const made = names.map((name) => element("button", { type: "button", role: "tab", id: `tab-${label}-${name}`.toLowerCase() }, name));
  const select = (name) => {
    names.forEach((each, nth) => {
      made[nth].setAttribute("aria-selected", String(each === name));
      made[nth].tabIndex = each === name ? 0 : -1;
      panels[each].hidden = each !== name;
    });
    onSelect(name);
  };
  made.forEach((tab, nth) => {
    const panel = panels[names[nth]];
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", tab.id);
    tab.setAttribute("aria-controls", panel.id ||= `panel-${tab.id}`);
    tab.addEventListener("click", () => select(names[nth]));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = (nth + step + names.length) % names.length;
      select(names[next]);
      made[next].focus();
    });
  });
  list.replaceChildren(...made);
  select(names[0]);
  return select;
}
