// Charts in the colours of the page, which follow the colour scheme.

import { say } from "./words.js";

const CONFIG = { displayModeBar: false, responsive: true, scrollZoom: false, doubleClick: false };
const drawn = new Map(); // how each chart was last drawn, to draw it again in other colours
const script = document.querySelector("script[data-graficos]"); // it comes when it comes: figures do not wait for it
const dark = matchMedia("(prefers-color-scheme: dark)");

export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

// Draw, or draw anew; `describe` gives traces and layout, with colours asked for at that moment.
export function draw(element, describe) {
  drawn.set(element, describe);
  if (!window.Plotly) return;
  const { traces, layout } = describe();
  window.Plotly.react(element, traces, { ...frame(), ...layout, xaxis: axis(layout.xaxis), yaxis: axis(layout.yaxis) }, CONFIG);
}

function drawAll() {
  for (const [element, describe] of drawn) draw(element, describe);
}

script.addEventListener("load", drawAll);
dark.addEventListener("change", drawAll);

function frame() {
  return {
    height: 240,
    margin: { l: 52, r: 22, t: 8, b: 34 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: colour("tenue") },
    hoverlabel: { bgcolor: colour("superficie"), bordercolor: colour("borde"), font: { color: colour("tinta") } },
    legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", traceorder: "normal" },
    separators: `${say("decimal")}\u202f`,
    dragmode: false,
    bargap: 0.12,
  };
}

function axis(options = {}) {
  return { gridcolor: colour("linea"), linecolor: colour("linea"), zeroline: false, fixedrange: true, automargin: true, exponentformat: "none", separatethousands: true, ...options };
}
