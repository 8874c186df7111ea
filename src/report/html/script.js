"use strict";
// Optional: sorts tables, toggles series, shows the values under the pointer. Without it everything is still readable.
const make = (name, attributes, ...children) => {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
};

// Tables: a button in each head that sorts by the column.
for (const table of document.querySelectorAll("table[data-sort]")) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  heads.forEach((head, column) => {
    const button = make("button", { type: "button" }, ...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = (row) => {
        const cell = row.cells[column];
        return cell.dataset.v === undefined ? cell.textContent : Number(cell.dataset.v);
      };
      const order = (a, b) => {
        const [x, y] = [key(a), key(b)];
        // A cell without a number goes to the end, whichever way is sorted.
        if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
        const way = typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y));
        return down ? -way : way;
      };
      body.append(...[...body.rows].sort(order));
    });
  });
}

// Legends: a button for each series.
for (const entry of document.querySelectorAll(".legend li[data-series]")) {
  const plot = entry.closest(".plot");
  const drawn = plot.querySelectorAll(`.frame g[data-series="${entry.dataset.series}"]`);
  const button = make("button", { type: "button", "aria-pressed": "true" }, ...entry.childNodes);
  entry.append(button);
  button.addEventListener("click", () => {
    const shown = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(shown));
    drawn.forEach((series) => series.classList.toggle("off", !shown));
  });
}

// Plots: the values under the pointer, or under the arrow keys.
for (const plot of document.querySelectorAll(".plot[data-probe]")) {
  const frame = plot.querySelector(".frame");
  const { width, height } = frame.querySelector("svg").viewBox.baseVal;
  const heads = [...plot.querySelectorAll(".numbers thead th")].map((head) => head.textContent);
  const rows = [...plot.querySelectorAll(".numbers tbody tr[data-x]")];
  const places = rows.map((row) => Number(row.dataset.x));
  if (rows.length === 0) continue;
  const title = plot.querySelector("h3").textContent;
  const probe = make("div", {
    class: "probe", role: "slider", tabindex: "0", "aria-label": `Values of: ${title}`,
    "aria-valuemin": "1", "aria-valuemax": String(rows.length), "aria-valuenow": "1",
  });
  const [cursor, tip] = [make("div", { class: "cursor", hidden: "" }), make("div", { class: "tip", hidden: "" })];
  const [left, right, top, bottom] = [62, width - 14, 34, height - 50];
  const percent = (part, whole) => `${(100 * part) / whole}%`;
  Object.assign(probe.style, {
    left: percent(left, width), width: percent(right - left, width),
    top: percent(top, height), height: percent(bottom - top, height),
  });
  Object.assign(cursor.style, { top: percent(top, height), height: percent(bottom - top, height) });
  let at = 0;
  const show = (index) => {
    at = Math.max(0, Math.min(rows.length - 1, index));
    const cells = [...rows[at].cells].map((cell) => cell.textContent);
    const lines = cells.map((cell, column) => (column === 0 ? cell : `${heads[column]} ${cell}`));
    probe.setAttribute("aria-valuenow", String(at + 1));
    probe.setAttribute("aria-valuetext", lines.join(", "));
    tip.replaceChildren(...lines.map((line) => make("div", {}, line)));
    cursor.hidden = tip.hidden = false;
    cursor.style.left = percent(places[at], width);
    const onLeft = places[at] < width / 2;
    tip.style.left = onLeft ? `calc(${percent(places[at], width)} + 8px)` : "auto";
    tip.style.right = onLeft ? "auto" : `calc(${percent(width - places[at], width)} + 8px)`;
  };
  const hide = () => { cursor.hidden = tip.hidden = true; };
  probe.addEventListener("pointermove", (event) => {
    const box = frame.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * width;
    let nearest = 0;
    places.forEach((place, index) => { if (Math.abs(place - x) < Math.abs(places[nearest] - x)) nearest = index; });
    show(nearest);
  });
  probe.addEventListener("pointerleave", hide);
  probe.addEventListener("focus", () => { if (probe.matches(":focus-visible")) show(at); });
  probe.addEventListener("blur", hide);
  probe.addEventListener("keydown", (event) => {
    const far = Math.ceil(rows.length / 10);
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: far, PageDown: -far, Home: -1e9, End: 1e9 };
    if (event.key === "Escape") hide();
    if (!(event.key in step)) return;
    event.preventDefault();
    show(at + step[event.key]);
  });
  frame.append(cursor, probe, tip);
}

// Sections: open all, close all; what is printed or linked to is open.
const folds = document.querySelectorAll("section.fold > details");
const open = (element) => {
  for (let outer = element; outer; outer = outer.parentElement) if (outer.matches("details")) outer.open = true;
};
if (folds.length > 0) {
  const button = make("button", { type: "button" }, "Open all sections");
  button.addEventListener("click", () => {
    const all = [...folds].every((fold) => fold.open);
    folds.forEach((fold) => { fold.open = !all; });
    button.textContent = all ? "Open all sections" : "Close all sections";
  });
  document.querySelector(".tools").append(button);
}
const follow = () => {
  const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  open(target);
  const own = target.querySelector(":scope > details");
  if (own) own.open = true;
  target.scrollIntoView();
};
addEventListener("hashchange", follow);
addEventListener("beforeprint", () => folds.forEach((fold) => { fold.open = true; }));
follow();
