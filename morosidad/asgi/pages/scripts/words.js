// The texts of the page's language; the server puts them in.

const WORDS = $words;

export const say = (name, values = {}) => (WORDS[name] ?? name).replace(/\{(\w+)\}/g, (_, key) => values[key]);
