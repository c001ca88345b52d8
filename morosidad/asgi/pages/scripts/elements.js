// Making elements, with text that is never read as markup.

export function make(tag, options = {}, ...children) {
  const { text, ...attributes } = options;
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  if (text !== undefined) element.textContent = text;
  element.append(...children);
  return element;
}

export const byId = (id) => document.getElementById(id);

// Announce only what changed: the same words written again would be read aloud again.
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
