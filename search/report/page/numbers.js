"use strict";
// Numbers in the formats of the project's tables (search/tables/table.py), and the ticks of axes.

const PREFIXES = ["", "k", "M", "G", "T"];

function trimmed(value, digits) {
  return String(Number(Number(value).toPrecision(digits)));
}

function si(value) {
  let number = Number(Number(value).toPrecision(3)), exponent = 0;
  while (Math.abs(number) >= 1000 && exponent < PREFIXES.length - 1) { number /= 1000; exponent += 1; }
  return trimmed(number, 3) + PREFIXES[exponent];
}

function shown(value, form) {
  if (value === null || value === undefined) return "-";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value !== "number" || !form) return String(value);
  if (form === "si") return si(value);
  const digits = Number((/\.(\d+)/.exec(form) || [0, 0])[1]);
  if (form.endsWith("%")) return (100 * value).toFixed(digits) + "%";
  if (form.endsWith("g")) return trimmed(value, digits || 6);
  const text = value.toFixed(form.endsWith("d") ? 0 : digits);
  return form.startsWith(",") ? text.replace(/\B(?=(\d{3})+(?!\d))/g, ",") : text;
}

// The label of a tick, with as many digits as the step between ticks needs. step: null on a logarithmic axis.
function ticked(value, form, step) {
  if (form === "si") return si(value);
  if (step === null || form.endsWith("d") || form === "") return trimmed(value, 6);
  return value.toFixed(Math.min(6, Math.max(0, Math.ceil(-Math.log10(step) - 1e-9))));
}

function stepFor(span, count) {
  const rough = span / count, power = 10 ** Math.floor(Math.log10(rough));
  return power * [1, 2, 5, 10].find(factor => factor * power >= rough * 0.999);
}

function ticks(axis, low, high, count) {
  if (axis.log) {
    const factors = Math.log10(high / low) < 0.8 ? [1, 1.5, 2, 3, 4, 5, 7] : Math.log10(high / low) < 2 ? [1, 2, 5] : [1];
    const places = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1)
      for (const factor of factors) if (factor * 10 ** power >= low && factor * 10 ** power <= high) places.push(factor * 10 ** power);
    if (places.length > 1) return [places.filter((_, place) => place % Math.ceil(places.length / count) === 0), null];
  }
  let step = stepFor(high - low, count);
  if ((axis.form || "").endsWith("d")) step = Math.max(1, Math.round(step));
  const places = [];
  for (let value = Math.ceil(low / step) * step; value <= high + step * 1e-9; value += step) places.push(value);
  return [places, step];
}

// The limits of an axis, with a margin around the values.
function range(axis, values) {
  let low = Infinity, high = -Infinity;
  for (const value of values) { if (value < low) low = value; if (value > high) high = value; }
  if (!Number.isFinite(low)) return [0, 1];
  if (axis.log) return low === high ? [low / 1.5, high * 1.5] : [low / (high / low) ** 0.04, high * (high / low) ** 0.04];
  const room = (high - low) * 0.04 || Math.abs(high) * 0.1 || 1;
  return [low - room, high + room];
}
