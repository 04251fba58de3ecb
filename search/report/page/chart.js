"use strict";
// Charts as SVG, drawn at the width of the page so that text is readable on a phone. See `Chart` in document.py.

const SVG = "http://www.w3.org/2000/svg";

function svg(name, attributes, parent, text) {
  const node = document.createElementNS(SVG, name);
  for (const key in attributes) node.setAttribute(key, attributes[key]);
  if (text !== undefined) node.textContent = text;
  if (parent) parent.append(node);
  return node;
}

function html(name, className, parent, text) {
  const node = document.createElement(name);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  if (parent) parent.append(node);
  return node;
}

// The lowest and highest values of a series' error bars.
function ends(series) {
  return series.ys.flatMap((y, place) => (series.errors || [])[place] ? [y - series.errors[place], y + series.errors[place]] : []);
}

function heading(axis) {
  return axis.unit ? `${axis.title} (${axis.unit})` : axis.title;
}

class Plot {
  // chosen: a callback for clicks on a point, with its series and its place.
  constructor(figure, chart, chosen) {
    this.figure = figure; this.chosen = chosen;
    this.width = Math.max(280, figure.clientWidth || 640);
    this.height = Math.round(Math.min(420, Math.max(240, this.width * 0.55)));
    this.svg = svg("svg", {viewBox: `0 0 ${this.width} ${this.height}`, role: "img", "aria-label": chart.title});
    for (const old of figure.querySelectorAll("svg, .legend, .tip")) old.remove();
    figure.prepend(this.svg);
    this.tip = html("div", "tip", figure);
    this.tip.hidden = true;
    this.show(chart);
    if (chosen) this.svg.addEventListener("click", event => { const near = this.near(event); if (near) chosen(near.series, near.place); });
    this.svg.addEventListener("pointermove", event => this.point(event));
    this.svg.addEventListener("pointerleave", () => { this.tip.hidden = true; });
  }

  show(chart) {
    this.chart = chart;
    const all = chart.series || [];
    const xs = all.flatMap(series => series.xs), ys = all.flatMap(series => [...series.ys, ...(series.highs || []), ...ends(series)]);
    const [left, right] = range(chart.x, xs), [low, high] = range(chart.y, ys);
    const box = this.box = {left: 62, right: this.width - 14, top: 22, bottom: this.height - 42};
    const along = (axis, from, to, a, b) => axis.log
      ? value => a + (b - a) * Math.log(value / from) / Math.log(to / from)
      : value => a + (b - a) * (value - from) / (to - from);
    this.x = along(chart.x, left, right, box.left, box.right);
    this.y = along(chart.y, low, high, box.bottom, box.top);
    this.svg.replaceChildren();
    this.axes(chart, [left, right], [low, high]);
    for (const series of all) this.draw(series);
    this.legend(all);
  }

  axes(chart, [left, right], [low, high]) {
    const {box} = this;
    const [across, stepX] = ticks(chart.x, left, right, Math.max(3, Math.floor(this.width / 110)));
    const [up, stepY] = ticks(chart.y, low, high, 6);
    // Labels are rounded: a tick whose label repeats the one before it gets none.
    let before = null;
    for (const value of across) {
      const label = ticked(value, chart.x.form || "", stepX);
      svg("path", {class: "grid", d: `M${this.x(value)} ${box.top}V${box.bottom}`}, this.svg);
      if (label !== before) svg("text", {x: this.x(value), y: box.bottom + 16, "text-anchor": "middle"}, this.svg, label);
      before = label;
    }
    before = null;
    for (const value of up) {
      const label = ticked(value, chart.y.form || "", stepY);
      svg("path", {class: "grid", d: `M${box.left} ${this.y(value)}H${box.right}`}, this.svg);
      if (label !== before) svg("text", {x: box.left - 6, y: this.y(value) + 4, "text-anchor": "end"}, this.svg, label);
      before = label;
    }
    svg("text", {x: box.right, y: this.height - 6, "text-anchor": "end", class: "title-x"}, this.svg, heading(chart.x));
    svg("text", {x: 4, y: 12, class: "title-y"}, this.svg, heading(chart.y));
  }

  draw(series) {
    const at = place => `${this.x(series.xs[place]).toFixed(1)} ${this.y(series.ys[place]).toFixed(1)}`;
    const look = `c${series.colour || 0}${series.faint ? " faint" : ""}${series.dashed ? " dashed" : ""}`;
    const places = [...series.xs.keys()];
    if (series.kind === "points" || series.kind === "marks") {
      const bars = places.filter(place => (series.errors || [])[place]).map(place => {
        const x = this.x(series.xs[place]).toFixed(1), half = series.errors[place];
        return `M${x} ${this.y(series.ys[place] - half).toFixed(1)}V${this.y(series.ys[place] + half).toFixed(1)}`;
      });
      if (bars.length) svg("path", {class: `error ${look}`, d: bars.join("")}, this.svg);
      // One path for all points: thousands of elements would be slow.
      svg("path", {class: `${series.kind === "marks" ? "marks" : "dots"} ${look}`, d: places.map(place => `M${at(place)}h0`).join("")}, this.svg);
      for (const place of (series.tags || []).keys()) this.tag(series, place);
    } else if (series.kind === "band") {
      const back = places.slice().reverse().map(place => `L${this.x(series.xs[place]).toFixed(1)} ${this.y(series.highs[place]).toFixed(1)}`);
      svg("path", {class: `band ${look}`, d: `M${places.map(at).join("L")}${back.join("")}Z`}, this.svg);
    } else {
      const joint = place => series.kind === "step"
        ? `H${this.x(series.xs[place]).toFixed(1)}V${this.y(series.ys[place]).toFixed(1)}` : `L${at(place)}`;
      svg("path", {class: `ink ${look}`, d: places.map(place => place ? joint(place) : `M${at(place)}`).join("")}, this.svg);
    }
  }

  // A text next to a point, moved so that it stays within the chart.
  tag(series, place) {
    const x = this.x(series.xs[place]), at = {x: x + 10, y: this.y(series.ys[place]) - 8, class: "tag"};
    const node = svg("text", at, this.svg, series.tags[place]), width = node.getComputedTextLength();
    if (x + 10 + width > this.box.right) node.setAttribute("x", Math.max(4, Math.min(x - 10, this.box.right) - width));
  }

  legend(all) {
    const list = this.figure.querySelector(".legend") || html("div", "legend");
    list.replaceChildren();
    const named = all.filter((series, place) => series.name && all.findIndex(other => other.name === series.name) === place);
    for (const series of named.length > 1 ? named : []) {
      const entry = html("span", `c${series.colour || 0}`, list);
      html("i", `${series.kind}${series.dashed ? " dashed" : ""}${series.faint ? " faint" : ""}`, entry);
      entry.append(series.name);
    }
    this.svg.after(list);
  }

  // The point nearest to the pointer, with its series.
  near(event) {
    const frame = this.svg.getBoundingClientRect(), factor = this.width / frame.width;
    const x = (event.clientX - frame.left) * factor, y = (event.clientY - frame.top) * factor;
    let best = null, nearest = 30 ** 2;
    for (const series of this.chart.series || []) {
      if (series.kind === "band") continue;
      for (let place = 0; place < series.xs.length; place += 1) {
        const far = (this.x(series.xs[place]) - x) ** 2 + (this.y(series.ys[place]) - y) ** 2;
        if (far < nearest) { nearest = far; best = {series, place}; }
      }
    }
    return best;
  }

  point(event) {
    const near = this.near(event);
    this.tip.hidden = !near;
    if (!near) return;
    const {series, place} = near, {x, y} = this.chart;
    const label = series.label ? series.label(place) : (series.labels || [])[place];
    this.tip.textContent = [label || series.name, `${heading(x)} ${shown(series.xs[place], x.form)}`,
      `${heading(y)} ${shown(series.ys[place], y.form)}`].join("\n");
    const frame = this.figure.getBoundingClientRect();
    const left = Math.min(event.clientX - frame.left + 14, frame.width - this.tip.offsetWidth);
    this.tip.style.left = `${Math.max(0, left)}px`;
    this.tip.style.top = `${event.clientY - frame.top + 14}px`;
  }

  ring(x, y) {
    for (const old of this.svg.querySelectorAll(".ring")) old.remove();
    if (x !== null && y !== null) svg("circle", {class: "ring", cx: this.x(x), cy: this.y(y), r: 7}, this.svg);
  }
}
