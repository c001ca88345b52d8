// What each chart shows: from the panel to traces, and to one sentence that says the same; no traces, no chart.

import { colour } from "./charts.js";
import { count, duration, exact, rounded, share } from "./text.js";
import { say } from "./words.js";

const TIMES = ["µs", "ms", "s"];
const DECISIONS = { aprobar: say("approve"), revisar: say("review"), rechazar: say("decline") };
const STATES = { estable: "aprobar", moderado: "revisar", fuerte: "rechazar", "sin datos": "borde" };
const EMPTY = { text: say("no_data") };
const MOST_FIELDS = 10;
const MOST_NAMED = 5;
const MOST_NOISE = 0.25;

const max = (values) => Math.max(0, ...values.filter((value) => value !== null));

// An axis of whole numbers: no half predictions.
const wholes = (most) => ({ rangemode: "tozero", tickformat: ",d", ...(most < 5 ? { dtick: 1 } : { nticks: 6 }) });

// One unit for a whole chart: that of its largest value.
function unitOf(seconds) {
  const place = seconds >= 1 ? 2 : seconds >= 1e-3 ? 1 : 0;
  return { name: TIMES[place], scale: [1e6, 1e3, 1][place] };
}

function since(moments, window) {
  const minutes = window / 60;
  const ticks = [...Array(Math.floor(minutes) + 1).keys()];
  return {
    x: moments.map(({ hace, duracion }) => -hace - duracion / 2),
    axis: {
      range: [-1.03 * window, 0.03 * window],
      tickvals: ticks.map((minute) => -60 * minute),
      ticktext: ticks.map((minute) => (minute ? `−${minute}` : say("now"))),
      tickangle: 0,
      title: { text: say("minutes"), standoff: 4, font: { size: 11 } },
      showgrid: false,
    },
  };
}

export function times({ linea_de_tiempo: moments, ventana_segundos: window }) {
  const most = max(moments.map(({ p95 }) => p95));
  if (!most) return EMPTY;
  const unit = unitOf(most);
  const { x, axis } = since(moments, window);
  const line = (name, key, tone) => ({
    x,
    y: moments.map((moment) => (moment[key] === null ? null : moment[key] * unit.scale)),
    name,
    type: "scatter",
    mode: "lines+markers",
    marker: { size: 4, color: colour(tone) },
    line: { width: 2, color: colour(tone) },
    hovertemplate: `%{y:.3~g} ${unit.name}`,
  });
  const last = moments.findLast(({ p95 }) => p95 !== null);
  return {
    text: say("times_text", { seconds: rounded(last.hace), p50: duration(last.p50), p95: duration(last.p95) }),
    traces: [line("p50", "p50", "serie-1"), line("p95", "p95", "serie-2")],
    layout: { xaxis: axis, yaxis: { rangemode: "tozero", ticksuffix: ` ${unit.name}` }, hovermode: "x" },
  };
}

export function rhythm({ linea_de_tiempo: moments, ventana_segundos: window }) {
  const most = max(moments.map((moment) => moment.predicciones_por_segundo));
  if (!most) return EMPTY;
  const { x, axis } = since(moments, window);
  const width = moments.map(({ duracion }) => 0.9 * duracion);
  const bar = (name, y, tone) => ({ x, y, width, name, type: "bar", marker: { color: colour(tone) }, hovertemplate: "%{y:.3~g}/s" });
  const good = moments.map((moment) => moment.predicciones_por_segundo - moment.errores_por_segundo);
  const bad = moments.map((moment) => moment.errores_por_segundo);
  return {
    text: say("rhythm_text", { most: rounded(most), failed: rounded(max(bad)) }),
    traces: [bar(say("correct"), good, "serie-1"), bar(say("failed"), bad, "rechazar")],
    layout: { barmode: "stack", xaxis: axis, yaxis: { rangemode: "tozero" }, hovermode: "x" },
  };
}

function band(probability, { revisar_desde: review, rechazar_desde: decline }) {
  if (review === null) return "serie-1";
  if (probability >= decline) return "rechazar";
  return probability >= review ? "revisar" : "aprobar";
}

export function scores({ puntajes }) {
  const { bordes, cuentas, promedio, revisar_desde: review, rechazar_desde: decline } = puntajes;
  const total = cuentas.reduce((sum, one) => sum + one, 0);
  if (!total) return EMPTY;
  const middles = cuentas.map((_, place) => (bordes[place] + bordes[place + 1]) / 2);
  const cut = (x) => ({ type: "line", x0: x, x1: x, y0: 0, y1: 1, yref: "paper", line: { color: colour("tinta"), width: 1.5, dash: "dot" } });
  return {
    text: say("scores_text", { mean: share(promedio), predictions: count(total, "prediction", "predictions") }) + (review === null ? "" : ` ${say("cutoffs_text", { review: share(review), decline: share(decline) })}`),
    traces: [
      {
        x: middles,
        y: cuentas,
        type: "bar",
        width: bordes[1] * 0.9,
        marker: { color: middles.map((middle) => colour(band(middle, puntajes))) },
        hovertemplate: "%{x:.1%}: %{y}<extra></extra>",
      },
    ],
    layout: {
      xaxis: { range: [-0.01, 1.01], tickvals: [0, 0.2, 0.4, 0.6, 0.8, 1], tickformat: ".0%", showgrid: false },
      yaxis: wholes(max(cuentas)),
      shapes: review === null ? [] : [cut(review), cut(decline)],
    },
  };
}

function mostApplied(rules) {
  const sorted = Object.entries(rules).sort(([, one], [, other]) => other - one);
  const named = sorted.slice(0, MOST_NAMED).map(([code, number]) => `${code}: ${exact(number)}`);
  return named.join(", ") + (sorted.length > MOST_NAMED ? say("and_more", { number: sorted.length - MOST_NAMED }) : "");
}

export function decisions({ decisiones, reglas }) {
  const keys = Object.keys(DECISIONS).filter((key) => key in decisiones);
  const total = keys.reduce((sum, key) => sum + decisiones[key], 0);
  if (!total) return EMPTY;
  const parts = keys.map((key) => `${DECISIONS[key].toLowerCase()} ${share(decisiones[key] / total)}`);
  const applied = Object.keys(reglas).length ? ` ${say("rules_text", { rules: mostApplied(reglas) })}` : "";
  return {
    text: say("decisions_text", { decisions: count(total, "decision", "many_decisions"), parts: parts.join(", ") }) + applied,
    traces: [
      {
        x: keys.map((key) => decisiones[key]),
        y: keys.map((key) => DECISIONS[key]),
        type: "bar",
        orientation: "h",
        text: keys.map((key) => ` ${exact(decisiones[key])}`),
        textposition: "outside",
        cliponaxis: false,
        marker: { color: keys.map(colour) },
        textfont: { color: colour("tinta") },
        hovertemplate: "%{x}<extra></extra>",
      },
    ],
    layout: { xaxis: { ...wholes(max(Object.values(decisiones))), range: [0, 1.15 * max(Object.values(decisiones))] }, yaxis: { autorange: "reversed", showgrid: false }, bargap: 0.35 },
  };
}

export function stages({ etapas }) {
  if (!etapas.length) return EMPTY;
  const slowest = etapas.reduce((one, other) => (other.tiempos.p95 > one.tiempos.p95 ? other : one));
  const unit = unitOf(max(etapas.map(({ tiempos }) => tiempos.p99)));
  const bar = (key, tone) => ({
    x: etapas.map(({ tiempos }) => tiempos[key] * unit.scale),
    y: etapas.map(({ etapa }) => etapa),
    name: key,
    type: "bar",
    orientation: "h",
    marker: { color: colour(tone) },
    hovertemplate: `%{x:.3~g} ${unit.name}`,
  });
  return {
    text: say("stages_text", { stage: slowest.etapa, p95: duration(slowest.tiempos.p95), samples: exact(slowest.tiempos.muestras) }),
    traces: [bar("p50", "serie-1"), bar("p95", "serie-2"), bar("p99", "serie-3")],
    layout: { barmode: "group", xaxis: { ticksuffix: ` ${unit.name}`, rangemode: "tozero", nticks: 6 }, yaxis: { autorange: "reversed", showgrid: false } },
  };
}

export function cache({ cache: found, predicciones }) {
  if (!found) return EMPTY;
  const rows = [...found.niveles.map(({ nivel, aciertos }) => [say("hits_of", { tier: nivel }), aciertos, "aprobar"]), [say("stale"), found.vencidos, "revisar"], [say("misses"), found.fallos, "borde"]];
  const total = rows.reduce((sum, [, many]) => sum + many, 0);
  if (!total) return EMPTY;
  const aside = found.tasa_aciertos === null && predicciones > 0;
  const rate = aside ? say("cache_aside") : say("cache_hits", { share: share(found.tasa_aciertos) });
  const sizes = found.niveles.map(({ nivel, tamano }) => `${nivel} ${exact(tamano)}`).join(", ");
  return {
    text: say("cache_text", { rate, sizes, evicted: exact(found.desalojos), expired: exact(found.caducados) }),
    traces: [
      {
        x: rows.map(([, many]) => many),
        y: rows.map(([name]) => name),
        type: "bar",
        orientation: "h",
        marker: { color: rows.map(([, , tone]) => colour(tone)) },
        hovertemplate: "%{x}<extra></extra>",
      },
    ],
    layout: { xaxis: wholes(max(rows.map(([, many]) => many))), yaxis: { autorange: "reversed", showgrid: false }, bargap: 0.35 },
  };
}

// With few records chance moves more than any population does: then there is nothing to show yet.
export function drift({ deriva }) {
  if (!deriva?.registros) return EMPTY;
  if (deriva.puntaje.ruido > MOST_NOISE) return { text: say("drift_early", { records: count(deriva.registros, "record", "records") }) };
  const shown = [{ ...deriva.puntaje, etiqueta: say("probability_short") }, ...deriva.campos.slice(0, MOST_FIELDS)];
  const moved = deriva.campos.filter(({ estado }) => estado === "moderado" || estado === "fuerte");
  const names = moved.slice(0, MOST_NAMED).map(({ etiqueta, estado }) => `${etiqueta} (${say(estado)})`).join(", ");
  const more = moved.length > MOST_NAMED ? say("and_more", { number: moved.length - MOST_NAMED }) : "";
  const summary = moved.length ? say("drifted", { names: `${names}${more}` }) : say("not_drifted");
  return {
    text: say("drift_text", { summary, records: count(deriva.registros, "record", "records") }),
    traces: [
      {
        x: shown.map(({ psi }) => psi),
        y: shown.map(({ etiqueta }) => etiqueta),
        customdata: shown.map(({ estado }) => say(estado)),
        type: "bar",
        orientation: "h",
        name: "PSI",
        marker: { color: shown.map(({ estado }) => colour(STATES[estado])) },
        hovertemplate: "%{x:.3f} · %{customdata}<extra></extra>",
      },
      {
        x: shown.map(({ ruido }) => ruido),
        y: shown.map(({ etiqueta }) => etiqueta),
        type: "scatter",
        mode: "markers",
        name: say("noise"),
        marker: { symbol: "line-ns", size: 12, line: { width: 2, color: colour("tinta") } },
        hovertemplate: `${say("noise")} %{x:.3f}<extra></extra>`,
      },
    ],
    layout: { height: 300, showlegend: false, xaxis: { rangemode: "tozero" }, yaxis: { autorange: "reversed", showgrid: false } },
  };
}
