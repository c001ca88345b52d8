// The form: each field checked while it is written, here and by the server; then the decision.

import { post, requestId } from "./access.js";
import { byId, make, write } from "./elements.js";
import { complaint, parse } from "./fields.js";
import { outdate, showDecision, showFailure, showNothing, showWork } from "./result.js";
import { exact } from "./text.js";
import { say } from "./words.js";

const PAUSE = 350; // ms without a key before the server is asked too

const form = byId("formulario");
const summary = byId("resumen");
const send = form.querySelector("[type=submit]");
const examples = JSON.parse(form.dataset.ejemplos);
const session = requestId();
const fields = [...form.querySelectorAll(".campo")].map(field);
const byName = new Map(fields.map((one) => [one.spec.nombre, one]));
let example = 0;
let pause = 0;
let asked = 0; // each question to the server has a number, so that a late answer to an old one is dropped

function field(box) {
  const spec = JSON.parse(box.dataset.campo);
  const [input, error, note] = ["input, select", ".error", ".nota"].map((selector) => box.querySelector(selector));
  return { box, spec, input, error, note, touched: false, warning: "" };
}

const valueOf = ({ spec, input }) => parse(spec, input.value);

function record() {
  const given = fields.map((one) => [one.spec.nombre, valueOf(one)]);
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}

function mark(one, message) {
  write(one.error, message);
  one.box.classList.toggle("invalido", message !== "");
  one.box.classList.toggle("valido", message === "" && one.touched && one.input.value.trim() !== "");
  if (message) one.input.setAttribute("aria-invalid", "true");
  else one.input.removeAttribute("aria-invalid");
}

// Say how a long number was read; a warning of the server about the same value takes its place.
function explain(one) {
  const value = valueOf(one);
  const long = ["integer", "number"].includes(one.spec.clase) && Number.isFinite(value) && Math.abs(value) >= 1000;
  one.note.classList.toggle("advertencia", one.warning !== "");
  write(one.note, one.warning || (long ? say("read_as", { number: exact(value) }) : ""));
}

function check(one) {
  const message = complaint(one.spec, valueOf(one));
  mark(one, message);
  explain(one);
  return message;
}

async function checkAtServer() {
  const mine = ++asked;
  const response = await post("/validar", { datos: record() }, { quiet: true }).catch(() => null);
  if (!response?.ok || mine !== asked) return;
  const { errores, advertencias } = await response.json();
  if (mine !== asked) return;
  const errors = new Map(errores.map(({ campo, mensaje }) => [campo, mensaje]));
  for (const one of fields.filter(({ touched }) => touched)) {
    mark(one, complaint(one.spec, valueOf(one)) || errors.get(one.spec.nombre) || "");
    const start = `${one.spec.nombre}: `;
    one.warning = advertencias.find((text) => text.startsWith(start))?.slice(start.length) ?? "";
    explain(one);
  }
}

function changed(one) {
  one.touched = true;
  one.warning = "";
  check(one);
  outdate();
  clearTimeout(pause);
  asked += 1;
  pause = setTimeout(checkAtServer, PAUSE);
}

function summarize(errors) {
  summary.hidden = errors.length === 0;
  if (!errors.length) return;
  const items = errors.map(([one, message]) => {
    const link = make("a", { href: `#${one.input.id}`, text: `${one.spec.etiqueta}: ${message}` });
    link.addEventListener("click", (event) => {
      event.preventDefault();
      one.input.focus();
    });
    return make("li", {}, link);
  });
  const title = say(errors.length === 1 ? "one_to_correct" : "more_to_correct", { number: errors.length });
  summary.replaceChildren(make("h2", { text: title }), make("ul", {}, ...items));
  summary.focus();
}

function problems() {
  for (const one of fields) one.touched = true;
  return fields.map((one) => [one, check(one)]).filter(([, message]) => message);
}

async function submit(event) {
  event.preventDefault();
  if (send.getAttribute("aria-disabled") === "true") return;
  const begun = performance.now();
  clearTimeout(pause);
  asked += 1;
  const errors = problems();
  summarize(errors);
  if (errors.length) return;
  busy(true);
  try {
    const body = { datos: record(), timestamp_cliente: begun, session_id: session };
    const response = await post("/predecir", body, { headers: { "X-Request-ID": requestId() } });
    const document = await response.json();
    if (response.ok) showDecision(document, (performance.now() - begun) / 1000, body.datos, fields);
    else refuse(document, response);
  } catch {
    showFailure(say("no_connection"), say("no_answer"));
  } finally {
    busy(false);
  }
}

function refuse(document, response) {
  const wrong = document.errores ?? [];
  const errors = wrong.filter(({ campo }) => byName.has(campo)).map(({ campo, mensaje }) => [byName.get(campo), mensaje]);
  for (const [one, message] of errors) mark(one, message);
  if (errors.length) return summarize(errors);
  const wait = response.headers.get("Retry-After");
  const detail = wait ? say("try_again", { seconds: wait }) : wrong.map(({ mensaje }) => mensaje).join("; ");
  return showFailure(document.error ?? say("not_evaluated"), `${detail} ${say("code", { code: document.codigo ?? response.status })}`.trim(), document);
}

function busy(working) {
  send.setAttribute("aria-disabled", String(working));
  showWork(working);
}

const written = (value) => (typeof value === "number" ? String(value).replace(".", say("decimal")) : String(value));

function fill() {
  const values = examples[example++ % examples.length];
  for (const one of fields) {
    one.input.value = written(values[one.spec.nombre]);
    one.touched = true;
    one.warning = "";
    check(one);
  }
  summarize([]);
  outdate();
  asked += 1;
  checkAtServer();
}

function clear() {
  clearTimeout(pause);
  asked += 1;
  for (const one of fields) {
    one.touched = false;
    one.warning = "";
    mark(one, "");
    write(one.note, "");
  }
  summarize([]);
  showNothing();
  fields[0].input.focus();
}

for (const one of fields) {
  one.input.addEventListener("input", () => changed(one));
}
form.addEventListener("submit", submit);
form.addEventListener("reset", () => setTimeout(clear));
byId("ejemplo").addEventListener("click", fill);
