// The dashboard: live figures each second, the panel every few seconds, and how the connection is.

import { ask } from "./access.js";
import { draw } from "./charts.js";
import { byId, make, write } from "./elements.js";
import { RETRY, listen } from "./live.js";
import * as series from "./series.js";
import { count, duration, exact, rounded, share, time, tiny } from "./text.js";
import { say } from "./words.js";

const REFRESH = 5000; // ms between panels, and between figures where no WebSocket can be opened
const SILENT = 10; // s after which a server counts as gone
const ROUNDS = 12; // after which a WebSocket is tried again
const CHARTS = { tiempos: series.times, ritmo: series.rhythm, puntajes: series.scores, decisiones: series.decisions, etapas: series.stages, cache: series.cache, deriva: series.drift };

const usage = (percent) => share(percent === null ? null : percent / 100);

let refreshing = 0;
let resources = {};
let lastPanel = null;
let judged = "SIN DATOS";
let critical = false; // with an alert of that kind the service is not well, however fast it answers
let live = false; // alerts come with the live figures; the panel's are for the time before the first

async function connect() {
  if (!document.body.classList.contains("sin-conexion")) connection("conectando", say("connecting"));
  let response = null;
  try {
    response = await ask("/api/panel");
    if (response.ok) showPanel(await response.json());
  } catch {
    return lost();
  }
  if (response.status === 401 || response.status === 403) return locked();
  if (!response.ok) return lost();
  stream();
  refreshing = setInterval(refresh, REFRESH);
}

function stream() {
  listen(["/ws/kpis", "/ws/metricas"], receive, (opened) => (opened ? lost() : poll(ROUNDS)));
}

async function refresh() {
  const response = await ask("/api/panel", { quiet: true }).catch(() => null);
  if (response?.ok) showPanel(await response.json());
}

// The figures over HTTP, which also passes where a WebSocket is switched off or does not get through. Alerts come with the panel.
async function poll(rounds) {
  if (rounds === 0) return stream();
  let documents = null;
  try {
    documents = await Promise.all(["/api/metricas-tiempo-real", "/api/kpis"].map(fetched));
  } catch {
    return lost();
  }
  const [{ metricas_actuales: figures }, report] = documents;
  live = false;
  heard(say("without_websocket", { seconds: REFRESH / 1000 }), report.timestamp);
  showReport(report);
  showFigures(figures);
  setTimeout(poll, REFRESH, rounds - 1);
}

async function fetched(path) {
  const response = await ask(path, { quiet: true });
  if (!response.ok) throw new Error(response.statusText);
  return response.json();
}

function receive(path, message) {
  heard(say("connected"), message.timestamp);
  if (path === "/ws/kpis") showReport(message);
  else showLive(message);
}

function heard(text, timestamp) {
  connection("conectado", text);
  document.body.classList.remove("sin-conexion");
  write(byId("hora"), say("last_update", { time: time(timestamp) }));
}

function lost() {
  live = false;
  clearInterval(refreshing);
  document.body.classList.add("sin-conexion");
  connection("perdida", say("retrying", { seconds: RETRY / 1000 }));
  setTimeout(connect, RETRY);
}

function locked() {
  connection("cerrada", say("no_access"));
  const again = make("button", { class: "boton", type: "button", text: say("give_key") });
  again.addEventListener("click", connect, { once: true });
  byId("conexion").append(" ", again);
}

function connection(state, text) {
  const badge = byId("conexion");
  badge.dataset.conexion = state;
  write(badge, text);
}

function showReport({ metricas: m, estado_performance: state, recomendaciones, total_predicciones_analizadas: total, periodo_analisis_minutos: minutes }) {
  const none = total === 0;
  write(byId("periodo"), say("period", { minutes: rounded(minutes), predictions: count(total, "prediction", "predictions"), today: exact(m.predicciones_totales_dia) }));
  write(byId("tiempo-p95"), none ? duration(null) : duration(m.tiempo_respuesta_p95));
  write(byId("tiempo-detalle"), none ? `p95 · ${say("none_yet")}` : `p95 · p50 ${duration(m.tiempo_respuesta_p50)} · p99 ${duration(m.tiempo_respuesta_p99)}`);
  write(byId("throughput"), rounded(m.throughput_predicciones_por_segundo));
  write(byId("tasa-exito"), none ? share(null) : share(m.tasa_exito));
  write(byId("exito-detalle"), none ? say("none_yet") : say("failures", { errors: share(m.tasa_error), timeouts: share(m.tasa_timeout) }));
  write(byId("confianza-promedio"), none ? share(null) : share(m.confianza_promedio_predicciones));
  judged = state;
  showState();
  list("recomendaciones", recomendaciones.map((text) => make("li", { text })));
  resources = { ...resources, [say("queue")]: rounded(m.queue_size_promedio), [say("default_ratio")]: rounded(m.ratio_morosos_no_morosos) };
  showModel();
}

function showState() {
  const badge = byId("estado");
  const state = critical ? "CRITICO" : judged;
  badge.dataset.estado = state;
  write(badge, say(state));
}

function showLive(message) {
  showFigures(message);
  live = true;
  showAlerts(message.alertas);
}

function showFigures({ predicciones_por_segundo: rate, uso_cpu, uso_memoria, conexiones_activas }) {
  write(byId("throughput-detalle"), say("rate_now", { rate: rounded(rate) }));
  resources = { ...resources, CPU: usage(uso_cpu), [say("memory")]: usage(uso_memoria), [say("connections")]: exact(conexiones_activas) };
  showModel();
}

function showAlerts(alerts) {
  const box = byId("alertas");
  const shown = new Map([...box.children].map((element) => [element.dataset.codigo, element]));
  for (const { codigo, tipo, mensaje, timestamp } of alerts) {
    const element = shown.get(codigo) ?? make("div", { class: "alerta", "data-codigo": codigo }, make("strong"), make("span"), make("time"));
    shown.delete(codigo);
    element.dataset.tipo = tipo;
    const [level, text, when] = element.children;
    write(level, say(tipo));
    write(text, mensaje);
    write(when, say("since", { time: time(timestamp) }));
    if (!element.isConnected) box.append(element);
  }
  for (const ended of shown.values()) ended.remove();
  critical = alerts.some(({ tipo }) => tipo === "critical");
  showState();
}

function showPanel(panel) {
  lastPanel = panel;
  for (const [name, describe] of Object.entries(CHARTS)) {
    const found = describe(panel);
    const canvas = byId(`grafico-${name}`);
    canvas.classList.toggle("sin-datos", !found.traces);
    write(byId(`texto-${name}`), found.text);
    if (found.traces) draw(canvas, () => describe(panel));
  }
  if (!live) showAlerts(panel.alertas_abiertas);
  const closed = panel.alertas_cerradas.map(({ tipo, mensaje, timestamp, cerrada }) => make("li", { text: say("closed_alert", { level: say(tipo), message: mensaje, from: time(timestamp), to: time(cerrada) }) }));
  list("historial", closed);
  list("servidores", panel.servidores.map(server));
  showModel();
}

function server({ servidor, propio, sin_noticias, predicciones, predicciones_por_segundo: rate, p95, modelo }) {
  const name = propio ? say("this_server", { name: servidor }) : servidor;
  const predictions = count(predicciones, "prediction", "predictions");
  const text = sin_noticias > SILENT ? say("server_silent", { name, predictions, seconds: exact(Math.round(sin_noticias)) }) : say("server_line", { name, predictions, rate: rounded(rate), p95: duration(p95), model: modelo.slice(0, 12) });
  return make("li", { text });
}

function showModel() {
  const model = lastPanel?.modelo;
  const pairs = {};
  if (model) {
    pairs[say("model")] = model.modelo;
    pairs[say("answers")] = model.compilado ? say("compiled", { form: model.forma }) : "scikit-learn";
    pairs[say("latency")] = duration(model.latencia);
    const rows = count(model.paridad_filas, "row", "rows");
    pairs[say("parity")] = model.paridad_filas === null ? say("not_checked") : say("parity_of", { difference: tiny(model.paridad_diferencia), rows });
  }
  Object.assign(pairs, resources);
  if (lastPanel) pairs[say("processes")] = exact(lastPanel.procesos);
  const parts = Object.entries(pairs).flatMap(([name, text]) => [make("dt", { text: name }), make("dd", { text })]);
  byId("modelo").replaceChildren(...parts);
}

function list(id, items) {
  const section = byId(id);
  section.hidden = items.length === 0;
  const texts = items.map(({ textContent }) => textContent).join("\n");
  if (section.dataset.textos === texts) return;
  section.dataset.textos = texts;
  section.querySelector("ul").replaceChildren(...items);
}

addEventListener("clave", () => location.reload());
connect();
