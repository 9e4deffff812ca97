"use strict";
(() => {
const data = JSON.parse(document.getElementById("data").textContent);
const $ = id => document.getElementById(id);
const live = text => { $("live").textContent = text; };
const NS = "http://www.w3.org/2000/svg";
const svg = (tag, attrs, parent) => {
  const node = document.createElementNS(NS, tag);
  for (const key in attrs) node.setAttribute(key, attrs[key]);
  if (parent) parent.append(node);
  return node;
};
const el = (tag, text, attrs) => {
  const node = document.createElement(tag);
  if (text !== undefined && text !== null) node.textContent = text;
  for (const key in attrs || {}) node.setAttribute(key, attrs[key]);
  return node;
};

// Numbers as the rest of the report prints them.
const grouped = (x, places) => {
  const text = Math.abs(x).toFixed(Math.max(0, Math.min(8, places)));
  const [whole, part] = text.split(".");
  const sign = x < 0 && /[1-9]/.test(text) ? "−" : "";
  return sign + whole.replace(/\B(?=(\d{3})+$)/g, ",") + (part ? "." + part : "");
};
const trim = text => text.includes(".") ? text.replace(/0+$/, "").replace(/\.$/, "") : text;
const suffix = x => { x = Math.abs(x); return x >= 999.5e9 ? [1e12, "tn"] : x >= 999.5e6 ? [1e9, "bn"] : x >= 999.5e3 ? [1e6, "M"] : x >= 9999.5 ? [1e3, "k"] : [1, ""]; };
const short = x => {
  if (x === 0) return "0";
  const [factor, tail] = suffix(x), scaled = x / factor;
  return trim(grouped(scaled, 2 - Math.floor(Math.log10(Math.abs(scaled)) + 1e-12))) + tail;
};
const percent = share => { const x = share * 100; return x === 0 ? "0 %" : trim(grouped(x, Math.min(4, 1 - Math.min(0, Math.floor(Math.log10(Math.abs(x))))))) + " %"; };
const clock = s => {
  const sign = s < 0 ? "−" : "", whole = Math.floor(Math.abs(s)), two = n => String(n).padStart(2, "0");
  const part = Math.abs(s) - whole > 1e-6 ? trim((Math.abs(s) - whole).toFixed(3)).slice(1) : "";
  const h = Math.floor(whole / 3600);
  return sign + (h ? h + ":" + two(Math.floor(whole / 60) % 60) : String(Math.floor(whole / 60))) + ":" + two(whole % 60) + part;
};
const price = x => grouped(x, data.price_places);
const SHOW = {
  time: clock, amount: x => short(x), mirrored: x => short(Math.abs(x)), price, share: percent, number: x => short(x),
  "log amount": x => short(Math.pow(10, x)), "log share": x => percent(Math.pow(10, x)), class: x => short(x),
};
const nice = (low, high, target) => {
  const raw = (high - low) / target, power = Math.pow(10, Math.floor(Math.log10(raw)));
  const step = [1, 2, 5, 10].map(m => m * power).find(s => s >= raw * 0.999) || 10 * power;
  return step;
};
const ticksOf = (scale, low, high, target, classes) => {
  let step = nice(low, high, target), at = [];
  if (scale === "class") return classes.map((name, i) => [i + 0.5, name]).filter(([t]) => t >= low && t <= high);
  if (scale === "time") {
    step = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 21600, 43200, 86400].find(s => (high - low) / s <= target) || step;
    if (high - low < 3) step = nice(low, high, target);
  }
  if (scale.startsWith("log")) {
    const inner = high - low > 2.2 ? [1] : [1, 2, 5];
    for (let d = Math.floor(low); d <= high; d++) for (const m of inner) at.push(d + Math.log10(m));
    at = at.filter(t => t >= low - 1e-9 && t <= high + 1e-9);
    const every = Math.ceil(at.length / (target + 2));
    return at.filter((_, i) => i % every === 0).map(t => [t, SHOW[scale](t)]);
  }
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) at.push(i * step);
  if (scale === "amount" || scale === "mirrored" || scale === "number") {
    const largest = Math.max(...at.map(Math.abs), 0), [factor, tail] = suffix(largest);
    const places = Math.max(0, -Math.floor(Math.log10(step / factor) + 1e-9));
    return at.map(t => [t, Math.abs(t) < step * 1e-9 ? "0" : grouped((scale === "mirrored" ? Math.abs(t) : t) / factor, places) + tail]);
  }
  if (scale === "price") { const places = Math.max(0, -Math.floor(Math.log10(step) + 1e-9)); return at.map(t => [t, grouped(t, places)]); }
  if (scale === "share") { const places = Math.max(0, -Math.floor(Math.log10(step * 100) + 1e-9)); return at.map(t => [t, (Math.abs(t) < step * 1e-9 ? "0" : grouped(t * 100, places)) + " %"]); }
  return at.map(t => [t, SHOW[scale](t)]);
};
const paint = ([name, strength]) => ({ colour: "var(--" + name + ")", opacity: strength });
const DASH = { solid: "", dashed: "9 5", dotted: "2.5 4" };
const nearest = (list, x) => {
  let low = 0, high = list.length - 1;
  while (high - low > 1) { const mid = (low + high) >> 1; if (list[mid] <= x) low = mid; else high = mid; }
  return high >= 0 && Math.abs(list[high] - x) < Math.abs(x - list[low]) ? high : low;
};

class Chart {
  constructor(figure, spec) {
    this.spec = spec; this.off = new Set(); this.view = null; this.at = null; this.cursor = null; this.figure = figure;
    const tools = el("div", null, { class: "tools" });
    spec.legend.forEach((entry, of) => {
      const button = el("button", null, { type: "button", class: "key", "aria-pressed": "true" });
      const swatch = svg("svg", { viewBox: "0 0 26 12", "aria-hidden": "true" }, button);
      const ink = paint(entry.line || entry.area);
      if (entry.line) svg("line", { x1: 0, x2: 26, y1: 6, y2: 6, stroke: ink.colour, "stroke-width": 3, "stroke-dasharray": DASH[entry.dash] }, swatch);
      else svg("rect", { width: 26, height: 12, fill: ink.colour, opacity: ink.opacity }, swatch);
      button.append(el("span", entry.text));
      button.addEventListener("click", () => {
        if (this.off.has(of)) this.off.delete(of); else this.off.add(of);
        button.setAttribute("aria-pressed", String(!this.off.has(of)));
        this.draw();
      });
      tools.append(button);
    });
    const zoom = el("span", null, { class: "tools screen" });
    for (const [text, name, run] of [["+", "Zoom in: ", () => this.zoom(0.5)], ["−", "Zoom out: ", () => this.zoom(2)], ["whole", "Show whole: ", () => { this.view = null; this.draw(); }]]) {
      const button = el("button", text, { type: "button", "aria-label": name + (spec.short || spec.title) });
      button.addEventListener("click", run);
      zoom.append(button);
    }
    if (!spec.layers.some(layer => layer.kind === "note")) tools.append(zoom);
    this.box = el("div", null, { class: "plot" });
    this.svg = svg("svg", { role: "group", tabindex: "0", "aria-label": "Chart: " + spec.title + ". " + spec.subtitle + " Arrow keys read values." }, this.box);
    this.tip = el("div", null, { class: "tip", hidden: "" });
    this.box.append(this.tip);
    const details = el("details", null, { class: "screen" });
    details.append(el("summary", "As a table", { class: "small" }));
    details.hidden = spec.layers.some(layer => layer.kind === "note");
    details.addEventListener("toggle", () => { if (details.open && details.children.length === 1) details.append(this.table()); });
    figure.append(tools, this.box, details);
    this.wire();
    new ResizeObserver(() => { const width = this.box.clientWidth; if (width && Math.abs(width - this.width) > 1) this.draw(); }).observe(this.box);
    this.draw();
  }
  range() { return this.view || [this.spec.x.low, this.spec.x.high]; }
  // The panels from the top: each has its ordinate and its layers; the abscissa is the same.
  panels() { const { spec } = this; return [spec, ...(spec.below ? [spec.below] : [])]; }
  heading(x) { const { x: axis } = this.spec; return axis.classes ? axis.classes[Math.max(0, Math.min(axis.classes.length - 1, Math.floor(x)))] : SHOW[axis.scale](x); }
  shown(layer) { return layer.of === undefined || layer.of === null || !this.off.has(layer.of); }
  extent(spec) {
    const [x0, x1] = this.range();
    if (!this.view && this.off.size === 0) return [spec.y.low, spec.y.high];
    let low = Infinity, high = -Infinity;
    const add = y => { if (Number.isFinite(y)) { low = Math.min(low, y); high = Math.max(high, y); } };
    for (const layer of spec.layers) {
      if (!this.shown(layer)) continue;
      if (layer.kind === "tiles") for (const [from, to, bottom, top] of layer.tiles) if (to >= x0 && from <= x1) { add(bottom); add(top); }
      if (layer.kind === "bar" && layer.to >= x0 && layer.from <= x1) { add(0); add(layer.height); }
      if (layer.kind === "whisker" && layer.at >= x0 && layer.at <= x1) { add(layer.low); add(layer.high); }
      if (!layer.x || !layer.x.length) continue;
      for (let i = 0; i < layer.x.length; i++) {
        const near = layer.x[Math.min(i + 1, layer.x.length - 1)] >= x0 && layer.x[Math.max(i - 1, 0)] <= x1;
        if (near) for (const list of [layer.y, layer.low, layer.high]) if (list) add(list[i]);
      }
    }
    if (!(high > low)) return low === high ? [low - Math.abs(low || 1) * 0.1, high + Math.abs(high || 1) * 0.1] : [spec.y.low, spec.y.high];
    const air = (high - low) * 0.05;
    return [low - (low === 0 ? 0 : air), high + air];
  }
  draw() {
    const { spec } = this, panels = this.panels(), width = Math.max(280, this.box.clientWidth || 560);
    // The gap between two panels has room for all lines of the lower one's name.
    const gap = spec.below ? 20 + 16 * this.lines(spec.below.y.name, width - 12).length : 0, lower = spec.below ? gap + 96 : 0;
    const height = (spec.height || 330) + lower;
    this.width = this.box.clientWidth;
    const [x0, x1] = this.range();
    const yTicks = panels.map((panel, i) => { const [y0, y1] = this.extent(panel); return [y0, y1, panel.y.bare ? (y0 <= 0 && y1 >= 0 && panel.y.bare === "zero" ? [[0, "0"]] : []) : ticksOf(panel.y.scale, y0, y1, i ? 3 : 6)]; });
    const left = 14 + 7.1 * Math.max(2, ...yTicks.flatMap(([, , ticks]) => ticks.map(t => t[1].length))), right = width - 16, top = 26, bottom = height - 38;
    Object.assign(this, { left, right, top, bottom, x0, x1 });
    this.px = x => left + (x - x0) / (x1 - x0) * (right - left);
    const root = this.svg;
    root.replaceChildren();
    root.setAttribute("viewBox", "0 0 " + width + " " + height);
    panels.forEach((panel, i) => {
      const from = i ? bottom - lower + gap : top, to = i || !lower ? bottom : bottom - lower, [y0, y1, ticks] = yTicks[i];
      this.panel(panel, ticks, y => to - (y - y0) / (y1 - y0) * (to - from), from, to, i);
    });
    svg("text", { x: right, y: height - 4, "text-anchor": "end", class: "soft" }, root).textContent = spec.x.scale === "time" ? "time since the start" : spec.x.name;
    if (spec.x.name || spec.x.classes) {
      let free = -Infinity;
      for (const [t, text] of ticksOf(spec.x.scale, x0, x1, Math.max(3, Math.floor((right - left) / 70)), spec.x.classes)) {
        const x = this.px(t), half = 3.6 * text.length;
        svg("line", { x1: x, x2: x, y1: bottom, y2: bottom + 5, stroke: "var(--edge)" }, root);
        // Names of classes that would touch stand on two levels.
        const crowded = spec.x.classes && x - half <= free;
        // The last one may lean on the edge.
        const over = x + half > width;
        if ((over ? width - 2 * half > free : x - half > free) || crowded) { svg("text", { x: over ? width : x, y: bottom + (crowded ? 32 : 18), "text-anchor": over ? "end" : "middle" }, root).textContent = text; free = crowded ? -Infinity : x + half + 8; }
      }
    }
    this.hair = svg("line", { y1: top, y2: bottom, stroke: "var(--ink)", "stroke-dasharray": "2 2", visibility: "hidden" }, root);
    this.needle = svg("line", { y1: top, y2: bottom, stroke: "var(--vermillion)", "stroke-width": 2, visibility: "hidden" }, root);
    this.brush = svg("rect", { y: top, height: bottom - top, fill: "var(--blue)", opacity: 0.15, visibility: "hidden" }, root);
    this.point(this.cursor);
  }
  panel(panel, ticks, py, top, bottom, at) {
    const { spec, left, right } = this, root = this.svg, clip = "clip-" + spec.name + at;
    svg("rect", { x: left, y: top, width: right - left, height: bottom - top }, svg("clipPath", { id: clip }, root));
    for (const [t, text] of ticks) {
      const y = py(t);
      svg("line", { x1: left, x2: right, y1: y, y2: y, stroke: Math.abs(t) < 1e-12 ? "var(--edge)" : "var(--grid)" }, root);
      svg("text", { x: left - 7, y: y + 4, "text-anchor": "end" }, root).textContent = text;
    }
    const name = svg("text", { x: 2, y: top - 12, class: "soft" }, root);
    if (at) { name.setAttribute("y", top - 10); this.wrap(name, panel.y.name, right, "up"); } else name.textContent = panel.y.name;
    svg("line", { x1: left, x2: right, y1: bottom, y2: bottom, stroke: "var(--edge)" }, root);
    const group = svg("g", { "clip-path": "url(#" + clip + ")" }, root);
    const line = (xs, ys) => xs.map((x, i) => (i ? "L" : "M") + this.px(x).toFixed(1) + " " + py(ys[i]).toFixed(1)).join("");
    for (const layer of panel.layers) {
      if (!this.shown(layer)) continue;
      const ink = layer.ink ? paint(layer.ink) : null;
      const stroke = ink && { stroke: ink.colour, "stroke-opacity": ink.opacity, "stroke-width": layer.width * 0.75, "stroke-dasharray": DASH[layer.dash] || "", fill: "none", "stroke-linejoin": "round" };
      if (layer.kind === "band" && layer.x.length > 1) svg("path", { d: line(layer.x, layer.high) + line(layer.x.slice().reverse(), layer.low.slice().reverse()).replace("M", "L") + "Z", fill: ink.colour, "fill-opacity": ink.opacity }, group);
      else if (layer.kind === "curve") svg("path", { d: line(layer.x, layer.y), ...stroke }, group);
      else if (layer.kind === "tiles") svg("path", { d: layer.tiles.map(([a, b, low, high]) => "M" + [[a, low], [a, high], [b, high], [b, low]].map(([x, y]) => this.px(x).toFixed(1) + " " + py(y).toFixed(1)).join("L") + "Z").join(""), fill: ink.colour, "fill-opacity": ink.opacity, "shape-rendering": "crispEdges" }, group);
      else if (layer.kind === "level") svg("line", { x1: left, x2: right, y1: py(layer.y), y2: py(layer.y), ...stroke }, group);
      else if (layer.kind === "upright") svg("line", { x1: this.px(layer.x), x2: this.px(layer.x), y1: top, y2: bottom, ...stroke }, group);
      else if (layer.kind === "bar") { const a = this.px(layer.from), b = this.px(layer.to), y = py(layer.height), foot = Math.min(bottom, py(0)); svg("rect", { x: a, y: Math.min(y, foot), width: Math.max(1, b - a - 1), height: Math.abs(foot - y), fill: ink.colour, "fill-opacity": ink.opacity }, group); }
      else if (layer.kind === "whisker") { const x = this.px(layer.at), low = py(layer.low), high = py(layer.high); svg("path", { d: "M" + x + " " + low + "V" + high + "M" + (x - 5) + " " + low + "h10M" + (x - 5) + " " + high + "h10", stroke: "var(--ink)", "stroke-width": 1.5, fill: "none" }, group); }
      else if (layer.kind === "word") svg("text", { x: left + 8, y: layer.at === "top" ? top + 14 : bottom - 8 }, root).textContent = layer.text;
      else if (layer.kind === "note") { const note = svg("text", { x: (left + right) / 2, y: (top + bottom) / 2, "text-anchor": "middle", class: "soft" }, root); this.wrap(note, layer.text, right - left); }
    }
  }
  lines(text, width) {
    const room = Math.max(16, Math.floor(width / 6.6)), lines = [""];
    for (const word of text.split(" ")) { if ((lines[lines.length - 1] + word).length > room) lines.push(""); lines[lines.length - 1] += word + " "; }
    return lines;
  }
  // Breaks a text into lines about its point, or above it.
  wrap(node, text, width, where) {
    const lines = this.lines(text, width);
    lines.forEach((text, i) => { svg("tspan", { x: node.getAttribute("x"), dy: i ? "1.3em" : (-(lines.length - 1) * (where === "up" ? 1.3 : 0.65)) + "em" }, node).textContent = text.trim(); });
  }
  // The time of the explorer.
  point(x) {
    this.cursor = x;
    if (x === null || x < this.x0 || x > this.x1) { this.needle.setAttribute("visibility", "hidden"); return; }
    const at = this.px(x);
    this.needle.setAttribute("x1", at); this.needle.setAttribute("x2", at); this.needle.setAttribute("visibility", "visible");
  }
  bars() { return this.spec.layers.filter(layer => layer.kind === "bar"); }
  grid() { const layer = this.spec.layers.find(layer => layer.kind === "curve" && layer.x.length && this.shown(layer)) || this.spec.layers.find(layer => layer.kind === "curve"); return layer ? layer.x : []; }
  // What can be read at an abscissa: [position, heading, lines].
  read(x) {
    const { spec } = this, bars = this.bars(), show = SHOW[spec.y.scale];
    if (bars.length) {
      const bar = bars.reduce((best, bar) => Math.abs((bar.from + bar.to) / 2 - x) < Math.abs((best.from + best.to) / 2 - x) ? bar : best);
      const middle = (bar.from + bar.to) / 2;
      return [middle, this.barName(bar), [show(bar.height) + this.within(bar)]];
    }
    const grid = this.grid();
    if (!grid.length) return null;
    const at = grid[nearest(grid, x)], lines = [];
    for (const panel of this.panels()) {
      const show = SHOW[panel.y.scale];
      for (const layer of panel.layers) {
        if (!this.shown(layer) || !layer.x || !layer.x.length) continue;
        const i = nearest(layer.x, at), text = this.named(panel, layer);
        if (layer.kind === "curve") lines.push(text + ": " + show(layer.y[i]));
        if (layer.kind === "band") lines.push(text + ": " + show(layer.low[i]) + " … " + show(layer.high[i]));
      }
    }
    return [at, this.heading(at), lines];
  }
  named(panel, layer) {
    const entry = this.spec.legend[layer.of], text = entry ? entry.text : panel.y.name;
    return !panel.short ? text : layer.kind === "curve" ? panel.short : panel.short + ", " + text;
  }
  barName(bar) { return this.spec.x.classes ? this.heading((bar.from + bar.to) / 2) : this.heading(bar.from) + " to " + this.heading(bar.to); }
  // The interval over a bar.
  within(bar) {
    const { spec } = this, show = SHOW[spec.y.scale], whisker = spec.layers.find(layer => layer.kind === "whisker" && layer.at > bar.from && layer.at < bar.to);
    return whisker ? " (95 %: " + show(whisker.low) + " … " + show(whisker.high) + ")" : "";
  }
  hover(x, spoken) {
    const read = this.read(x);
    if (!read) return;
    this.at = read[0];
    const at = Math.min(this.right, Math.max(this.left, this.px(read[0])));
    this.hair.setAttribute("x1", at); this.hair.setAttribute("x2", at); this.hair.setAttribute("visibility", "visible");
    this.tip.replaceChildren(el("b", read[1]), ...read[2].map(line => el("div", line)));
    this.tip.hidden = false;
    const scale = this.box.clientWidth / this.svg.viewBox.baseVal.width, wide = this.tip.offsetWidth;
    this.tip.style.left = Math.max(0, at * scale + 12 + wide > this.box.clientWidth ? at * scale - 12 - wide : at * scale + 12) + "px";
    this.tip.style.top = "30px";
    if (spoken) live(read[1] + ": " + read[2].join("; "));
  }
  leave() { this.tip.hidden = true; this.hair.setAttribute("visibility", "hidden"); }
  zoom(by) {
    const { low, high } = this.spec.x, [a, b] = this.range(), middle = this.at !== null && this.at >= a && this.at <= b ? this.at : (a + b) / 2;
    let from = middle - (middle - a) * by, to = middle + (b - middle) * by;
    from = Math.max(low, from); to = Math.min(high, to);
    this.view = to - from >= (high - low) * 0.999 ? null : [from, to];
    this.draw();
    live(this.view ? "from " + this.heading(from) + " to " + this.heading(to) : "whole");
  }
  wire() {
    const root = this.svg;
    const at = event => { const box = root.getBoundingClientRect(), u = (event.clientX - box.left) / box.width * root.viewBox.baseVal.width; return this.x0 + (u - this.left) / (this.right - this.left) * (this.x1 - this.x0); };
    let start = null;
    root.addEventListener("pointerdown", event => { if (event.button === 0 && event.pointerType !== "touch") { start = at(event); root.setPointerCapture(event.pointerId); } });
    root.addEventListener("pointermove", event => {
      const x = at(event);
      if (start !== null && Math.abs(this.px(x) - this.px(start)) > 5) {
        const a = Math.max(this.left, this.px(Math.min(x, start))), b = Math.min(this.right, this.px(Math.max(x, start)));
        this.brush.setAttribute("x", a); this.brush.setAttribute("width", Math.max(0, b - a)); this.brush.setAttribute("visibility", "visible");
      }
      this.hover(Math.min(this.x1, Math.max(this.x0, x)));
    });
    const end = event => {
      if (start === null) return;
      const x = at(event), a = Math.max(this.x0, Math.min(x, start)), b = Math.min(this.x1, Math.max(x, start));
      if (this.px(b) - this.px(a) > 8) this.view = [a, b];
      start = null;
      this.draw();
    };
    root.addEventListener("pointerup", end);
    root.addEventListener("pointercancel", () => { start = null; this.draw(); });
    root.addEventListener("pointerleave", () => { if (start === null) this.leave(); });
    root.addEventListener("dblclick", () => { this.view = null; this.draw(); });
    root.addEventListener("blur", () => this.leave());
    root.addEventListener("keydown", event => {
      const bars = this.bars(), places = bars.length ? bars.map(bar => (bar.from + bar.to) / 2) : this.grid();
      const [a, b] = this.range(), inside = places.filter(x => x >= a - 1e-9 && x <= b + 1e-9);
      if (event.key === "+" || event.key === "=") this.zoom(0.5);
      else if (event.key === "-") this.zoom(2);
      else if (event.key === "0" || event.key === "Escape") { this.view = null; this.leave(); this.draw(); live("whole"); }
      else if (inside.length && ["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) {
        const now = this.at === null ? -1 : nearest(inside, this.at), step = event.shiftKey ? 10 : 1;
        const next = event.key === "Home" ? 0 : event.key === "End" ? inside.length - 1 : Math.min(inside.length - 1, Math.max(0, now + (event.key === "ArrowRight" ? step : -step)));
        this.hover(inside[next], true);
      } else return;
      event.preventDefault();
    });
  }
  table() {
    const { spec } = this, table = el("table"), head = el("tr"), body = el("tbody"), show = SHOW[spec.y.scale];
    const row = cells => { const tr = el("tr"); cells.forEach((cell, i) => tr.append(el(i ? "td" : "th", cell, i ? { class: "n" } : { scope: "row", class: "n" }))); body.append(tr); };
    const bars = this.bars(), lines = this.panels().flatMap(panel => panel.layers.filter(layer => (layer.kind === "curve" || layer.kind === "band") && layer.x.length).map(layer => ({ layer, show: SHOW[panel.y.scale], name: this.named(panel, layer) })));
    const heads = bars.length ? [spec.x.name || "what", spec.y.name] : [spec.x.scale === "time" ? "time" : spec.x.name, ...lines.map(line => line.name)];
    heads.forEach(text => head.append(el("th", text, { scope: "col", class: "n" })));
    if (bars.length) bars.forEach(bar => row([this.barName(bar), show(bar.height) + this.within(bar)]));
    else { const grid = this.grid(), every = Math.ceil(grid.length / 60); grid.forEach((x, i) => { if (i % every === 0 || i === grid.length - 1) row([this.heading(x), ...lines.map(({ layer, show }) => { const j = nearest(layer.x, x); return layer.kind === "curve" ? show(layer.y[j]) : show(layer.low[j]) + " … " + show(layer.high[j]); })]); }); }
    const thead = el("thead"); thead.append(head); table.append(el("caption", spec.title), thead, body);
    const scroll = el("div", null, { class: "scroll", tabindex: "0", role: "region", "aria-label": spec.title });
    scroll.append(table);
    return scroll;
  }
}
for (const spec of data.charts) { const figure = document.querySelector('[data-chart="' + spec.name + '"]'); if (figure) new Chart(figure, spec); }

// ------------------------------------------------------------------------------------------ glossary
const words = new Map();
for (const entry of data.glossary) for (const word of entry.words) words.set(word.toLowerCase(), entry);
const safe = text => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
const pattern = new RegExp("(?<![\\w-])(" + [...words.keys()].sort((a, b) => b.length - a.length).map(safe).join("|") + ")(?![\\w-])", "i");
const gloss = $("gloss");
let owner = null, leaving = null;
const show = (button, entry) => {
  clearTimeout(leaving);
  if (owner) owner.removeAttribute("aria-describedby");
  owner = button;
  gloss.replaceChildren(el("b", entry.term + ". "), entry.text);
  gloss.hidden = false;
  button.setAttribute("aria-describedby", "gloss");
  const box = button.getBoundingClientRect();
  gloss.style.left = Math.max(8, Math.min(box.left + scrollX, scrollX + document.documentElement.clientWidth - gloss.offsetWidth - 8)) + "px";
  gloss.style.top = (box.bottom + scrollY + 4) + "px";
};
const hide = () => { gloss.hidden = true; if (owner) owner.removeAttribute("aria-describedby"); owner = null; };
const later = () => { clearTimeout(leaving); leaving = setTimeout(hide, 250); };
gloss.addEventListener("pointerenter", () => clearTimeout(leaving));
gloss.addEventListener("pointerleave", later);
addEventListener("keydown", event => { if (event.key === "Escape" && !gloss.hidden) hide(); });
const link = (node, seen) => {
  const walker = document.createTreeWalker(node, NodeFilter.SHOW_TEXT, { acceptNode: text => text.parentElement.closest("button,a,code,pre,svg,select,option,script,h2,h3,label,.gauge") ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT });
  const texts = []; while (walker.nextNode()) texts.push(walker.currentNode);
  for (let text of texts) {
    for (let from = 0; ;) {
      const found = pattern.exec(text.data.slice(from));
      if (!found) break;
      const entry = words.get(found[1].toLowerCase()), at = from + found.index;
      if (seen.has(entry)) { from = at + found[1].length; continue; }
      seen.add(entry);
      const rest = text.splitText(at), after = rest.splitText(found[1].length);
      const button = el("button", found[1], { type: "button", class: "term" });
      button.addEventListener("pointerenter", () => show(button, entry));
      button.addEventListener("pointerleave", later);
      button.addEventListener("focus", () => show(button, entry));
      button.addEventListener("blur", later);
      button.addEventListener("click", () => show(button, entry));
      rest.replaceWith(button);
      text = after; from = 0;
    }
  }
};
// A number keeps its sign of per cent on its line.
for (const node of document.querySelectorAll(".findings li, figcaption h3, figcaption p")) for (const part of node.childNodes) if (part.nodeType === Node.TEXT_NODE) part.data = part.data.replace(/ %/g, "\u00a0%").replace(/ … /g, "\u00a0… ");
if (words.size) document.querySelectorAll("[data-terms]").forEach(node => link(node, new Set()));

// ------------------------------------------------------------------------------------------ one path
const traces = data.traces;
if (traces.length && $("player")) {
  let trace = null, frame = 0, timer = null, charts = [], events = [], chosen = null;
  const span = lists => { let low = Infinity, high = -Infinity; for (const list of lists) for (const y of list) { low = Math.min(low, y); high = Math.max(high, y); } if (low === 0 && high === 0) return [0, 1]; if (!(high > low)) { high = low + Math.abs(low || 1) * 0.1; low -= Math.abs(low || 1) * 0.1; } const air = (high - low) * 0.05; return [low - (low === 0 ? 0 : air), high + (high === 0 ? 0 : air)]; };
  const chart = (key, title, yName, scale, curves, below) => {
    const old = document.querySelector('[data-frame="' + key + '"]'), figure = el("figure", null, { "data-frame": key });
    old.replaceWith(figure);
    const caption = el("figcaption"); caption.append(el("h4", title, { style: "margin:0" })); figure.append(caption);
    const f = trace.frames;
    const layers = (curves, first) => curves.map(([, y, ink, dash], i) => ({ kind: "curve", of: first + i, x: f.time_s, y, ink: [ink, 1], width: 2.6, dash }));
    const axis = (name, scale, curves) => { const [low, high] = span(curves.map(curve => curve[1])); return { name, scale, low, high, bare: curves.every(([, y]) => y.every(v => v === 0)) && "zero" }; };
    return new Chart(figure, {
      name: "path-" + key, title: title + ", path " + f.path, subtitle: "", short: title, height: 240,
      legend: [...curves, ...(below ? below.curves : [])].map(([text, , ink, dash]) => ({ text, line: [ink, 1], dash })),
      layers: layers(curves, 0),
      below: below && { y: axis(below.name, below.scale, below.curves), layers: layers(below.curves, curves.length) },
      x: { name: "time", scale: "time", low: f.time_s[0], high: Math.max(f.time_s[f.time_s.length - 1], f.time_s[0] + 1) }, y: axis(yName, scale, curves),
    });
  };
  const nameOf = account => trace.frames.names[account] || "account " + account;
  const open = path => {
    trace = traces.find(one => one.frames.path === path) || traces[0];
    const f = trace.frames;
    $("path").value = String(f.path);
    charts = [
      chart("price", "Prices", data.price_unit, "price", [["index", f.index, "vermillion", "dashed"], ["mark", f.mark, "grey", "dotted"], ["traded", f.traded, "blue", "solid"]]),
      chart("book", "Displacement of the book and depth left", "distance of the book's mid from the index", "share", [["displacement", f.displacement, "vermillion", "solid"]], { name: "depth left, share of normal", scale: "share", curves: [["depth left", f.depth_left, "blue", "dashed"]] }),
      chart("forced", "Closed by force so far", data.currency, "amount", [["longs liquidated", f.liquidated_long, "vermillion", "solid"], ["shorts liquidated", f.liquidated_short, "blue", "dashed"], ["ADL", f.adl, "purple", "dotted"]]),
      chart("fund", "Insurance fund", data.currency, "amount", [["fund", f.fund, "blue", "solid"]]),
    ];
    events = [];
    for (const story of trace.stories) for (const [t, text] of story.events) events.push({ t, text, account: story.account, name: story.name });
    events.sort((a, b) => a.t - b.t);
    $("accounts").replaceChildren(...trace.stories.filter(story => story.account !== null).slice(0, 500).map(story => el("option", null, { value: story.name })));
    $("time").max = String(f.time_s.length - 1);
    $("account").value = "";
    chosen = null;
    const first = trace.stories.find(story => story.account !== null && story.liquidated > 0) || trace.stories.find(story => story.account !== null);
    tell(first ? first.account : null);
    const start = f.orders.findIndex(count => count > 0);
    go(start > 0 ? start : 0);
  };
  const gauge = (node, parts) => node.replaceChildren(...parts.map(([left, width, css]) => { const bar = el("i", null, css ? { class: css } : {}); bar.style.left = left + "%"; if (width) bar.style.width = width + "%"; return bar; }));
  const go = at => {
    const f = trace.frames, n = f.time_s.length;
    frame = Math.max(0, Math.min(n - 1, at));
    const t = f.time_s[frame];
    $("time").value = String(frame);
    $("time").setAttribute("aria-valuetext", clock(t) + ", index " + price(f.index[frame]));
    $("clock").textContent = clock(t);
    charts.forEach(one => one.point(t));
    const moved = f.index[frame] / f.index[0] - 1;
    $("headline").textContent = "Index " + price(f.index[frame]) + " (" + (moved > 0 ? "+" : "") + percent(moved) + "), mark " + price(f.mark[frame]) + ". " + grouped(f.orders[frame], 0) + (f.orders[frame] === 1 ? " forced order" : " forced orders") + " so far, open interest " + short(f.open_interest[frame]) + " at " + short(f.leverage[frame]) + "x leverage.";
    const x = f.displacement[frame], widest = f.displacement.reduce((most, y) => Math.max(most, Math.abs(y)), 0.0001);
    $("displaced").textContent = Math.abs(x) < 5e-6 ? "The book trades at the index, " + price(f.traded[frame]) + "." : "The book trades " + percent(Math.abs(x)) + (x < 0 ? " below" : " above") + " the index, at " + price(f.traded[frame]) + ".";
    const half = Math.abs(x) / widest * 50;
    gauge($("displacement"), [[x < 0 ? 50 - half : 50, half], [50, 0, "zero"]]);
    $("depth").textContent = percent(f.depth_left[frame]) + " of normal depth is left on the side that forced orders hit.";
    gauge($("left"), [[0, Math.min(100, f.depth_left[frame] * 100)]]);
    const table = el("table"), body = el("tbody");
    for (const [name, value, all] of [["Insurance fund", f.fund[frame], true], ["Makers, result since the start", f.maker[frame], true], ["Paid by the venue", f.venue[frame], f.venue.some(v => v)], ["Backstops, result since the start", f.backstop[frame], f.backstop.some(v => v)], ["Unfunded deficit", f.deficit[frame], f.deficit.some(v => v)], ["Liquidated, longs", f.liquidated_long[frame], true], ["Liquidated, shorts", f.liquidated_short[frame], true], ["ADL notional", f.adl[frame], true]]) {
      if (!all) continue;
      const row = el("tr"); row.append(el("th", name, { scope: "row" }), el("td", trim(grouped(value, Math.abs(value) < 1000 ? data.cash_places : 0)) + " " + data.currency, { class: "n" })); body.append(row);
    }
    table.append(body); $("balances").replaceChildren(table);
    if (words.size) { const seen = new Set(); for (const id of ["displaced", "depth", "balances"]) link($(id), seen); }
    const head = el("tr"); ["account", "side", "quantity", "liquidation price", "away", "notional"].forEach((text, i) => head.append(el("th", text, { scope: "col", class: i > 1 ? "n" : "" })));
    const rows = f.queue[frame].map(([account, qty, trigger, notional]) => {
      const row = el("tr"), name = el("th", null, { scope: "row" }), button = el("button", nameOf(account), { type: "button" });
      button.addEventListener("click", () => tell(account));
      name.append(button);
      row.append(name, el("td", qty > 0 ? "long" : "short"), ...[trim(grouped(Math.abs(qty), 6)), price(trigger), percent(Math.abs(trigger / f.mark[frame] - 1)), short(notional)].map(text => el("td", text, { class: "n" })));
      return row;
    });
    const thead = el("thead"), tbody = el("tbody"); thead.append(head); tbody.append(...rows);
    $("queue-caption").textContent = rows.length ? "Open positions whose liquidation price the mark is nearest to" : "No position is open";
    $("queue").replaceChildren(thead, tbody);
    log(); mark();
  };
  const log = () => {
    const wanted = $("account").value.trim(), until = $("until").checked, now = trace.frames.time_s[frame];
    const found = events.filter(event => (!until || event.t <= now + 1e-9) && (!wanted || event.name === wanted || String(event.account) === wanted));
    const shown = found.slice(-120);
    $("log").replaceChildren(...shown.map(event => {
      const row = el("li"); row.append(el("time", clock(event.t)));
      if (event.account === null) row.append(el("b", event.name)); else { const button = el("button", event.name, { type: "button" }); button.addEventListener("click", () => tell(event.account)); row.append(button); }
      row.append(" " + event.text);
      return row;
    }));
    const known = !wanted || trace.stories.some(story => story.name === wanted || String(story.account) === wanted);
    $("count").textContent = !known ? "No story of “" + wanted + "” is kept here." : grouped(found.length, 0) + (found.length === 1 ? " event" : " events") + (shown.length < found.length ? ", the last " + shown.length + " shown" : "") + (trace.omitted ? "; " + grouped(trace.omitted, 0) + " more accounts: flashcrash trace --story" : "");
    const box = $("log").parentElement; box.scrollTop = box.scrollHeight;
  };
  const tell = account => {
    chosen = trace.stories.find(story => story.account === account && account !== null) || null;
    $("story-name").textContent = account === null ? "An account's story" : nameOf(account);
    $("story").replaceChildren(...(chosen ? chosen.events : []).map(([t, text]) => { const row = el("li", null, { "data-t": t }); row.append(el("time", clock(t)), text); return row; }));
    $("story-note").textContent = chosen ? (chosen.liquidated || chosen.deleveraged ? "" : "Nothing is forced on it. ") + "In the terminal: flashcrash trace " + data.file + " --seed " + data.seed + " --path " + trace.frames.path + " --story " + (trace.frames.names[account] ? JSON.stringify(trace.frames.names[account]) : account) : account === null ? "Nothing is forced on any account of this path." : "Its story is not in this page: flashcrash trace " + data.file + " --seed " + data.seed + " --path " + trace.frames.path + " --story " + account;
    if (words.size) link($("story"), new Set());
    live(chosen ? "Story of " + nameOf(account) : "");
    mark();
  };
  const mark = () => {
    const now = trace.frames.time_s[frame], before = frame ? trace.frames.time_s[frame - 1] : -1;
    for (const row of $("story").children) { const t = Number(row.dataset.t); row.className = t > now + 1e-9 ? "later" : t > before + 1e-9 ? "now" : ""; }
  };
  const stop = () => { clearInterval(timer); timer = null; $("play").textContent = "Play"; };
  const start = () => {
    clearInterval(timer);
    if (frame >= trace.frames.time_s.length - 1) go(0);
    $("play").textContent = "Pause";
    const whole = 60000 / Number($("speed").value), step = Math.max(40, Math.min(1500, whole / trace.frames.time_s.length));
    timer = setInterval(() => { go(frame + 1); if (frame >= trace.frames.time_s.length - 1) stop(); }, step);
  };
  $("play").addEventListener("click", () => timer === null ? start() : stop());
  $("speed").addEventListener("change", () => { if (timer !== null) start(); });
  $("time").addEventListener("input", () => { stop(); go(Number($("time").value)); });
  $("path").addEventListener("change", () => { stop(); open(Number($("path").value)); });
  $("account").addEventListener("input", () => { log(); const story = trace.stories.find(one => one.account !== null && (one.name === $("account").value.trim() || String(one.account) === $("account").value.trim())); if (story) tell(story.account); });
  $("all").addEventListener("click", () => { $("account").value = ""; log(); });
  $("until").addEventListener("change", log);
  const follow = () => { const asked = /^#path-(\d+)$/.exec(location.hash); if (asked) { stop(); open(Number(asked[1])); $("explorer").scrollIntoView(); } };
  addEventListener("hashchange", follow);
  document.querySelectorAll("a[data-path]").forEach(link => link.addEventListener("click", event => { event.preventDefault(); stop(); open(Number(link.dataset.path)); $("explorer").scrollIntoView(); $("path").focus({ preventScroll: true }); }));
  open(traces.reduce((worst, one) => one.frames.fund_need > worst.frames.fund_need ? one : worst).frames.path);
  follow();
}

// ------------------------------------------------------------------------------------------ the page
$("theme").addEventListener("click", () => {
  const root = document.documentElement, dark = root.dataset.theme === "dark" || (root.dataset.theme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  root.dataset.theme = dark ? "light" : "dark";
});
})();
