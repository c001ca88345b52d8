// What a field's text means, and what is wrong with it, in the words that the server would use.

import { say } from "./words.js";

const POINT = say("decimal") === "."; // else a comma parts the decimals, and a point may group digits or part them
const GROUPS = POINT ? /[, \u00a0\u202f]/g : /[. \u00a0\u202f]/g;
const GROUPED = POINT ? /^[+-]?[1-9]\d{0,2}(?:[, \u00a0\u202f]\d{3})+(?:\.\d+)?$/ : /^[+-]?[1-9]\d{0,2}(?:[. \u00a0\u202f]\d{3})+(?:,\d+)?$/;
const PLAIN = POINT ? /^[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i : /^[+-]?\d+(?:[.,]\d+)?(?:e[+-]?\d+)?$/i;
const WHOLE = /^[+-]?\d+$/;
const TWO_63 = 2 ** 63;

// Read a number as people write it in the language of the page: «2.400.000,50» and «2400000.5», or “2,400,000.50”. What
// is none stays text.
export function parseNumber(text) {
  if (GROUPED.test(text)) return Number(text.replace(GROUPS, "").replace(",", "."));
  return PLAIN.test(text) ? Number(text.replace(",", ".")) : text;
}

// Give the value that travels for a field's text; undefined when there is none.
export function parse(field, raw) {
  const text = raw.trim();
  if (text === "") return undefined;
  const code = field.faltantes?.find((one) => String(one) === text);
  if (code !== undefined) return code;
  if (field.clase === "integer" || field.clase === "number") return parseNumber(text);
  if (field.clase === "boolean") return text === "true" || (text === "false" ? false : text);
  if (field.enteros && WHOLE.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  return text;
}

// Give the kind of error of a value, or nothing when the schema would take it.
export function fault(field, value) {
  if (value === undefined || field.faltantes?.includes(value)) return field.obligatorio ? "falta" : "";
  if (field.clase === "boolean") return typeof value === "boolean" ? "" : "tipo";
  if (field.clase === "category") return field.enteros && typeof value !== "number" ? "tipo" : "";
  return numberFault(field, value);
}

function numberFault(field, value) {
  if (typeof value !== "number") return "tipo";
  if (!Number.isFinite(value)) return "alcance";
  if (field.clase === "integer") {
    if (!Number.isInteger(value)) return "tipo";
    if (Math.abs(value) >= TWO_63) return "alcance"; // JSON writes -2**63 as -9223372036854776000
  }
  const { ge = -Infinity, gt = -Infinity, le = Infinity, lt = Infinity } = field;
  return value >= ge && value > gt && value <= le && value < lt ? "" : "rango";
}

export const complaint = (field, value) => field.mensajes[fault(field, value)] ?? "";
