"use strict";
// Draws the charts of the page, redraws them when its width changes, and reloads the page of a running search.

const DATA = JSON.parse(document.getElementById("data").textContent);
const PLOTS = [], EXPLORERS = [];

function start() {
  const state = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  for (const figure of document.querySelectorAll("figure[data-chart]"))
    PLOTS.push([figure, DATA.charts[figure.dataset.chart]]);
  for (const [figure, chart] of PLOTS) new Plot(figure, chart);
  for (const [place, element] of document.querySelectorAll(".explorer").entries())
    EXPLORERS.push(new Explorer(element, DATA.explorers[place], state));
}

start();

let width = window.innerWidth;
window.addEventListener("resize", () => {
  if (window.innerWidth === width) return;
  width = window.innerWidth;
  for (const [figure, chart] of PLOTS) new Plot(figure, chart);
  for (const explorer of EXPLORERS) explorer.chart();
});

if (DATA.refresh) setTimeout(() => location.reload(), 1000 * DATA.refresh);
