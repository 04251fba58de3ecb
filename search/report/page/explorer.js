"use strict";
// Rows as points on any two axes, and as a table to sort, filter and save. The choices are kept in the address, so they
// survive a reload.

const AT_ONCE = 100;
const LONG = ["architecture", "digest"];  // Too long for a table; shown when a row is opened.

const none = value => value === null || value === undefined || value === "";

class Explorer {
  constructor(element, data, state) {
    this.element = element; this.data = data;
    this.columns = Object.fromEntries(data.columns.map(column => [column.key, column]));
    this.rows = data.values[data.columns[0].key].map((_, place) => place);
    this.state = {x: data.x, y: data.y, sort: data.sort, filter: "", row: "", ...state};
    if (!data.axes.includes(this.state.x)) this.state.x = data.x;
    if (!data.axes.includes(this.state.y)) this.state.y = data.y;
    this.most = AT_ONCE;
    this.groups = data.group ? [...new Set(data.values[data.group])] : [""];
    this.controls();
    this.update();
  }

  value(key, row) { return this.data.values[key][row]; }

  controls() {
    for (const select of this.element.querySelectorAll("select")) {
      for (const key of this.data.axes) select.append(new Option(this.columns[key].heading, key));
      select.value = this.state[select.dataset.axis];
      select.addEventListener("change", () => this.set(select.dataset.axis, select.value));
    }
    this.search = this.element.querySelector("input");
    this.search.value = this.state.filter;
    this.search.addEventListener("input", () => { this.most = AT_ONCE; this.set("filter", this.search.value); });
    this.element.querySelector("[data-do=csv]").addEventListener("click", () => this.save());
    this.more = this.element.querySelector("[data-do=more]");
    this.more.addEventListener("click", () => { this.most += AT_ONCE; this.table(); });
  }

  set(key, value) {
    this.state[key] = value;
    const first = {x: this.data.x, y: this.data.y, sort: this.data.sort, filter: "", row: ""};
    const said = Object.entries(this.state).filter(([name, now]) => now !== first[name]);
    history.replaceState(null, "", said.length ? `#${new URLSearchParams(said)}` : location.pathname + location.search);
    this.update();
  }

  update() {
    this.kept = this.rows.filter(tests(this.state.filter, this).every);
    this.sorted();
    this.chart();
    this.table();
  }

  sorted() {
    const down = this.state.sort.startsWith("-"), key = this.state.sort.replace(/^-/, "");
    const values = this.data.values[key] || [];
    this.kept.sort((a, b) => {
      const one = values[a], other = values[b];
      if (none(one) || none(other)) return none(one) - none(other) || a - b;
      const order = typeof one === "number" && typeof other === "number" ? one - other : String(one).localeCompare(String(other));
      return (down ? -order : order) || a - b;
    });
  }

  // The Pareto front of the two axes. Higher values count as better unless a column says otherwise.
  front(every) {
    const rows = every.filter(row => !this.data.aside || this.value(this.data.group, row) !== this.data.aside);
    const {x, y} = this.state, sign = key => this.columns[key].better === "low" ? 1 : -1;
    const places = rows.map(row => [sign(x) * this.value(x, row), sign(y) * this.value(y, row), row]);
    places.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    let lowest = Infinity;
    return places.filter(place => place[1] < lowest && ((lowest = place[1]), true)).map(place => place[2]);
  }

  axis(key, rows) {
    const column = this.columns[key], values = rows.map(row => this.value(key, row));
    let low = Infinity, high = 0;
    for (const value of values) { low = Math.min(low, value); high = Math.max(high, value); }
    return {title: column.heading, form: column.form, log: low > 0 && high / low > 20};
  }

  chart() {
    const {x, y} = this.state;
    const there = this.kept.filter(row => typeof this.value(x, row) === "number" && typeof this.value(y, row) === "number");
    const points = (name, rows, more) => ({name, kind: "points", xs: rows.map(row => this.value(x, row)), ys: rows.map(row => this.value(y, row)),
      rows, label: place => this.told(rows[place]), ...more});
    const several = this.groups.length > 1;
    const series = this.groups.map((group, place) => points(group || this.data.name,
      several ? there.filter(row => this.value(this.data.group, row) === group) : there, {colour: [0, 2, 3, 4, 5, 6][place % 6], faint: there.length > 300}));
    const chosen = series.filter(one => one.xs.length);
    if (this.data.front) chosen.push(points("Pareto front", this.front(there), {kind: "step", colour: 1}));
    const chart = {title: `${this.columns[y].heading} against ${this.columns[x].heading}`, x: this.axis(x, there), y: this.axis(y, there), series: chosen};
    const figure = this.element.querySelector("figure");
    if (this.plot && this.plot.width === figure.clientWidth) this.plot.show(chart);
    else this.plot = new Plot(figure, chart, (picked, place) => this.open(picked.rows[place], true));
    this.ring();
  }

  told(row) {
    const name = this.value(this.data.columns[0].key, row), group = this.data.group ? ` ${this.value(this.data.group, row)}` : "";
    return `${this.data.name} ${name}${group}\n${this.columns.architecture ? this.value("architecture", row) : ""}`.trim();
  }

  ring() {
    const row = this.state.row === "" ? -1 : Number(this.state.row);
    const {x, y} = this.state, valid = row >= 0 && row < this.rows.length;
    const place = key => valid && typeof this.value(key, row) === "number" ? this.value(key, row) : null;
    this.plot.ring(place(x), place(y));
  }

  open(row, seen) {
    this.set("row", this.state.row === String(row) ? "" : String(row));
    const place = this.kept.indexOf(row);
    if (place >= this.most) { this.most = place + 1; this.table(); }
    const opened = this.element.querySelector("tr.open");
    if (seen && opened) opened.scrollIntoView({block: "center"});
  }

  table() {
    const columns = this.data.columns.filter(column => !LONG.includes(column.key));
    const head = document.createElement("tr");
    for (const column of columns) {
      const cell = html("th", "", head), sort = this.state.sort;
      cell.scope = "col"; cell.title = column.description;
      const arrow = sort === column.key ? " \u2191" : sort === `-${column.key}` ? " \u2193" : "";
      cell.setAttribute("aria-sort", arrow ? (sort.startsWith("-") ? "descending" : "ascending") : "none");
      html("button", "", cell, column.heading + arrow).addEventListener("click", () => this.set("sort", this.next(column)));
    }
    this.element.querySelector("thead").replaceChildren(head);
    const shownRows = this.kept.slice(0, this.most);
    this.element.querySelector("tbody").replaceChildren(...shownRows.flatMap(row => this.line(row, columns)));
    this.more.hidden = this.kept.length <= this.most;
    this.element.querySelector(".count").textContent = `${this.kept.length} of ${this.rows.length}` +
      (this.kept.length > shownRows.length ? `, the first ${shownRows.length} shown` : "");
  }

  // The first click sorts the better values to the top, the second reverses.
  next(column) {
    const first = column.better === "high" ? `-${column.key}` : column.key;
    return this.state.sort !== first ? first : first.startsWith("-") ? column.key : `-${column.key}`;
  }

  line(row, columns) {
    const line = document.createElement("tr"), open = this.state.row === String(row);
    for (const column of columns) {
      const value = this.value(column.key, row);
      html("td", typeof value === "number" || none(value) ? "n" : "", line, shown(value, column.form));
    }
    line.addEventListener("click", () => this.open(row, false));
    if (!open) return [line];
    line.className = "open";
    const detail = html("tr", "detail"), cell = html("td", "", detail), list = html("dl", "terms", cell);
    cell.colSpan = columns.length;
    for (const column of this.data.columns) {
      const value = this.value(column.key, row);
      if (value === null || value === "") continue;
      html("dt", "", list, column.heading);
      html("dd", "", list, typeof value === "number" ? `${value} ` : String(value));
    }
    return [line, detail];
  }

  csv() {
    const cell = value => value === null || value === undefined ? ""
      : /[",\n]/.test(String(value)) ? `"${String(value).replace(/"/g, '""')}"` : String(value);
    const keys = this.data.columns.map(column => column.key);
    return [keys.join(","), ...this.kept.map(row => keys.map(key => cell(this.value(key, row))).join(","))].join("\n") + "\n";
  }

  save() {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([this.csv()], {type: "text/csv"}));
    link.download = `${document.title.replace(/[^\w.-]+/g, "-")}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }
}

// The tests of a filter: words anywhere in a row, and conditions such as params<1e6 or state=failed.
function tests(filter, explorer) {
  const found = filter.trim().split(/\s+/).filter(Boolean).map(word => {
    const [, key, sign, value] = /^(\w+)(<=|>=|<|>|=)(.+)$/.exec(word) || [];
    if (!key || !explorer.columns[key]) {
      const low = word.toLowerCase();
      return row => explorer.data.columns.some(column => String(explorer.value(column.key, row) ?? "").toLowerCase().includes(low));
    }
    return row => {
      const there = explorer.value(key, row);
      if (there === null) return false;
      if (sign === "=") return String(there) === value || (typeof there === "number" && there === Number(value));
      return {"<": there < Number(value), ">": there > Number(value), "<=": there <= Number(value), ">=": there >= Number(value)}[sign];
    };
  });
  return {every: row => found.every(test => test(row))};
}
