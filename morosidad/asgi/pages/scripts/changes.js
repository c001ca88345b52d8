// What would change a decision: the person says which data may change, the server looks for the least changes.

import { post } from "./access.js";
import { make, write } from "./elements.js";
import { count, exact, share } from "./text.js";
import { say } from "./words.js";

const MOST_CHANGES = 2;
const fixed = new Set(); // names of the fields that the person has said can't change; they stay so

// Give the section that offers to look, for a record that was not approved.
export function offer(record, fields) {
  const free = fields.filter(({ spec }) => !spec.fijo);
  if (!free.length) return [];
  const found = make("div", { class: "hallazgo", role: "status" });
  const look = make("button", { type: "button", class: "boton", text: say("changes_look") });
  look.addEventListener("click", () => search(record, free, look, found));
  const title = make("h3", { id: "titulo-cambios", text: say("changes_title") });
  const intro = make("p", { class: "bajada", text: say("changes_intro") });
  return [make("section", { class: "cambios", "aria-labelledby": "titulo-cambios" }, title, intro, choice(free), look, found)];
}

function choice(fields) {
  const summary = make("summary");
  const tell = () => write(summary, say("changes_may", { free: exact(fields.filter(isFree).length), all: exact(fields.length) }));
  const boxes = fields.map((one) => {
    const box = make("input", { type: "checkbox", value: one.spec.nombre, checked: isFree(one) });
    box.addEventListener("change", () => {
      if (box.checked) fixed.delete(box.value);
      else fixed.add(box.value);
      tell();
    });
    return make("label", {}, box, make("span", { text: one.spec.etiqueta }));
  });
  tell();
  return make("details", {}, summary, make("div", { class: "opciones-de-campos" }, ...boxes));
}

const isFree = ({ spec }) => !fixed.has(spec.nombre);

async function search(record, fields, look, found) {
  if (look.getAttribute("aria-disabled") === "true") return;
  const mutable = fields.filter(isFree).map(({ spec }) => spec.nombre);
  if (!mutable.length) return found.replaceChildren(told(say("changes_choose")));
  look.setAttribute("aria-disabled", "true");
  found.replaceChildren(make("p", { class: "vacio", text: say("changes_looking") }));
  try {
    const body = { datos: record, modificables: mutable, cuantas: 3, cambios_maximos: MOST_CHANGES };
    const response = await post("/que-cambiaria", body);
    const document = await response.json();
    if (response.ok) show(document, fields, found);
    else found.replaceChildren(told(refusal(document, response)));
  } catch {
    found.replaceChildren(told(say("no_connection")));
  } finally {
    look.removeAttribute("aria-disabled");
  }
}

const told = (text) => make("p", { class: "queja", text });

function refusal({ error, codigo }, response) {
  const wait = response.headers.get("Retry-After");
  const again = wait ? ` ${say("try_again", { seconds: wait })}` : "";
  return `${error ?? say("not_evaluated")}.${again} ${say("code", { code: codigo ?? response.status })}`;
}

function show({ decision, opciones }, fields, found) {
  if (!opciones.length) {
    const name = decision === "aprobar" ? "changes_needless" : "changes_none";
    return found.replaceChildren(make("p", { class: "vacio", text: say(name, { most: MOST_CHANGES }) }));
  }
  const byName = new Map(fields.map((one) => [one.spec.nombre, one]));
  const title = make("p", { class: "conclusion", text: count(opciones.length, "changes_one", "changes_several") });
  return found.replaceChildren(title, make("ol", { class: "opciones" }, ...opciones.map((one) => option(one, byName))));
}

function option({ cambios, resultado }, byName) {
  const items = cambios.map(({ campo, antes, despues }) => {
    const one = byName.get(campo);
    const unit = one.box.querySelector(".unidad")?.textContent ?? "";
    const after = `${written(one, despues)} ${unit}`.trim();
    const text = antes === null ? say("changes_given", { after }) : say("changes_from_to", { before: written(one, antes), after });
    return make("li", {}, make("span", { text: one.spec.etiqueta }), make("strong", { text }));
  });
  const risk = resultado.probabilidades === null ? "" : `${say("probability")}: ${share(resultado.probabilidades[1])}`;
  return make("li", {}, make("ul", {}, ...items), make("p", { class: "riesgo", text: risk }));
}

// Write a value as the form shows it.
function written({ input }, value) {
  const shown = [...(input.options ?? [])].find((one) => one.value === String(value));
  if (shown) return shown.textContent;
  return typeof value === "number" ? exact(value) : String(value);
}
