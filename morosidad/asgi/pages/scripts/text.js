// Numbers in words for people: the separators of the language, and the unit that fits.

import { say } from "./words.js";

const number = new Intl.NumberFormat(say("locale"), { maximumFractionDigits: 10, useGrouping: true });
const significant = new Intl.NumberFormat(say("locale"), { maximumSignificantDigits: 3 });
const twoDecimals = new Intl.NumberFormat(say("locale"), { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const tenths = new Intl.NumberFormat(say("locale"), { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat(say("locale"), { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

export const NOTHING = "—";

const given = (value) => value !== null && value !== undefined && Number.isFinite(value);

// Groups apart by thin spaces, so that no point can be taken for a decimal one.
const apart = (text) => text.replaceAll(say("decimal") === "." ? "," : ".", "\u202f");
export const exact = (value) => apart(number.format(value));
export const rounded = (value) => (given(value) ? apart(significant.format(value)) : NOTHING);
export const tiny = (value) => value.toExponential(1).replace(".", say("decimal")).replace("-", "−");
export const hundredths = (value) => twoDecimals.format(value);
export const share = (value) => (given(value) ? tenths.format(100 * value) + say("percent") : NOTHING);
export const time = (seconds) => clock.format(new Date(seconds * 1000));

export function duration(seconds) {
  if (!given(seconds)) return NOTHING;
  if (seconds >= 1) return `${rounded(seconds)} s`;
  if (seconds >= 1e-3) return `${rounded(seconds * 1e3)} ms`;
  return `${rounded(seconds * 1e6)} µs`;
}

// How many there are, in the words of this name where it is one, else of the other.
export const count = (many, one, several) => say(many === 1 ? one : several, { number: exact(many) });
