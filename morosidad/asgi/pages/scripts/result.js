// The answer, put before a person: what was decided, how sure, and why.

import { offer } from "./changes.js";
import { byId, make } from "./elements.js";
import { duration, exact, hundredths, share } from "./text.js";
import { say } from "./words.js";

const OUTCOMES = {
  aprobar: { word: "approve", icon: "M6 12.5l4 4 8-9" },
  revisar: { word: "review", icon: "M12 6.5v7M12 17.2v.3" },
  rechazar: { word: "decline", icon: "M7 7l10 10M17 7L7 17" },
};
const SVG = "http://www.w3.org/2000/svg";

const section = byId("resultado");
const answer = byId("respuesta");

// `record` is what was decided about, `fields` are those of the form.
export function showDecision(decision, seconds, record, fields) {
  answer.replaceChildren(
    heading(decision),
    ...probability(decision.probabilidades),
    ...points(decision.puntos),
    ...rules(decision.motivos.filter(isRule)),
    ...reasons(decision.motivos.filter((reason) => !isRule(reason))),
    ...warnings(decision),
    ...(decision.decision === "aprobar" ? [] : offer(record, fields)),
    facts(decision, seconds),
  );
  settle();
}

export function showFailure(title, detail, document = {}) {
  const id = document.request_id ? make("small", { text: say("request_of", { id: document.request_id }) }) : "";
  answer.replaceChildren(make("div", { class: "fallo", role: "alert" }, make("strong", { text: title }), make("p", { text: detail }), id));
  settle();
}

export function showNothing() {
  answer.replaceChildren(make("p", { class: "vacio", text: say("no_result") }));
  answer.classList.remove("viejo");
}

export const showWork = (working) => answer.setAttribute("aria-busy", String(working));

// The data has changed since: the answer stays to compare with, but says so.
export function outdate() {
  if (answer.classList.contains("viejo") || !answer.querySelector(".decision")) return;
  answer.classList.add("viejo");
  answer.prepend(make("p", { class: "aviso", text: say("outdated") }));
}

function settle() {
  answer.classList.remove("viejo");
  byId("titulo-resultado").focus({ preventScroll: true });
  const { top } = section.getBoundingClientRect();
  if (top < 0 || top > innerHeight / 2) section.scrollIntoView({ block: "start" });
}

function heading({ decision, confianza, probabilidades }) {
  const { word, icon } = OUTCOMES[decision];
  const sure = () => `${say(`${word}_text`)} ${say("confidence_of", { share: share(confianza) })}`;
  const text = decision === byCutoffs(probabilidades) ? sure() : say("by_rules");
  const words = make("div", {}, make("strong", { text: say(word) }), make("span", { text }));
  return make("div", { class: `decision ${decision}` }, drawing(icon), words);
}

function drawing(path) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const circle = document.createElementNS(SVG, "circle");
  for (const [name, value] of Object.entries({ cx: 12, cy: 12, r: 10.5, fill: "none", stroke: "currentColor", "stroke-width": 1.8 })) {
    circle.setAttribute(name, value);
  }
  const line = document.createElementNS(SVG, "path");
  for (const [name, value] of Object.entries({ d: path, fill: "none", stroke: "currentColor", "stroke-width": 2.4, "stroke-linecap": "round", "stroke-linejoin": "round" })) {
    line.setAttribute(name, value);
  }
  svg.append(circle, line);
  return svg;
}

// What the model alone would decide; nothing where it was not asked.
function byCutoffs(both) {
  if (both === null) return "";
  if (both[1] >= Number(section.dataset.rechazar)) return "rechazar";
  return both[1] >= Number(section.dataset.revisar) ? "revisar" : "aprobar";
}

// Rules may decline before the model is asked: there is no probability then.
function probability(both) {
  if (both === null) return [];
  const value = both[1];
  const review = Number(section.dataset.revisar);
  const decline = Number(section.dataset.rechazar);
  const bar = make("div", {
    class: "barra",
    role: "meter",
    "aria-label": say("probability"),
    "aria-valuemin": 0,
    "aria-valuemax": 100,
    "aria-valuenow": (100 * value).toFixed(1),
    "aria-valuetext": share(value),
  });
  bar.style.setProperty("--en", `${100 * value}%`);
  bar.style.setProperty("--revisar-en", `${100 * review}%`);
  bar.style.setProperty("--rechazar-en", `${100 * decline}%`);
  const cuts = make(
    "ul",
    { class: "cortes" },
    make("li", { class: "aprobar", text: say("approve_below", { share: share(review) }) }),
    make("li", { class: "revisar", text: say("review_from", { share: share(review) }) }),
    make("li", { class: "rechazar", text: say("decline_from", { share: share(decline) }) }),
  );
  const title = make("p", { class: "probabilidad" }, make("span", { text: say("probability") }), make("output", { text: share(value) }));
  return [title, bar, cuts];
}

function points(number) {
  if (number === null) return [];
  const value = make("output", { text: Number.isInteger(number) ? exact(number) : hundredths(number) });
  return [make("p", { class: "probabilidad" }, make("span", { text: say("points") }), value)];
}

const isRule = ({ tipo }) => tipo === "regla";

// A reason in words, with its code where that is the lender's; else it is the field's name, which the words say.
function named({ texto, codigo, campo }) {
  const code = codigo === campo ? [] : [" ", make("span", { class: "codigo", text: codigo })];
  return make("span", { class: "motivo" }, texto, ...code);
}

function rules(list) {
  if (!list.length) return [];
  const items = list.map((rule) => make("li", {}, named(rule)));
  return [make("h3", { text: say("rules_applied") }), make("ol", { class: "motivos" }, ...items)];
}

function reasons(list) {
  if (!list.length) return [];
  const most = Math.max(...list.map(({ aporte }) => aporte));
  const items = list.map((reason) => {
    const { aporte } = reason;
    const measure = make("div", { class: "medida", "aria-hidden": "true" });
    measure.style.setProperty("--parte", `${Math.max(2, (100 * aporte) / most)}%`);
    return make("li", {}, named(reason), make("span", { class: "aporte", text: `+${hundredths(aporte)}` }), measure);
  });
  return [make("h3", { text: say("what_raises") }), make("ol", { class: "motivos" }, ...items)];
}

function warnings({ advertencias, degradado }) {
  const list = degradado ? [say("degraded"), ...advertencias] : advertencias;
  if (!list.length) return [];
  const items = list.map((text) => make("li", { text }));
  return [make("h3", { text: say("warnings") }), make("ul", { class: "advertencias" }, ...items)];
}

function facts({ tiempo_procesamiento, modelo, request_id, cache }, seconds) {
  const server = cache ? say("from_cache", { duration: duration(tiempo_procesamiento) }) : duration(tiempo_procesamiento);
  const pairs = { [say("server_time")]: server, [say("total_time")]: duration(seconds), [say("model")]: modelo, [say("request")]: request_id };
  const list = make("dl", { class: "ficha" });
  for (const [name, text] of Object.entries(pairs)) list.append(make("dt", { text: name }), make("dd", { text }));
  return list;
}
