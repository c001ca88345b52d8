// Talking to the server: a key is asked for when it wants one, and kept until the tab is closed.

import { make } from "./elements.js";
import { say } from "./words.js";

const KEPT = "morosidad.clave";
let asking = null;

export const key = () => sessionStorage.getItem(KEPT);

// Ask the server; when it wants a key, ask the person, and the server again. Quietly: without asking the person.
export async function ask(path, { quiet = false, ...options } = {}) {
  for (;;) {
    const used = key();
    const headers = { ...options.headers, ...(used ? { "X-API-Key": used } : {}) };
    const response = await fetch(path, { ...options, headers, cache: "no-store" });
    const refused = response.status === 401 || (response.status === 403 && used !== null);
    if (!refused || quiet) return response;
    if (used === key()) await askForKey(used !== null);
    if (key() === null) return response;
  }
}

export function post(path, body, { headers = {}, ...options } = {}) {
  return ask(path, {
    ...options,
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}

// A browser can give a WebSocket no header: the key travels as a subprotocol.
export function protocols() {
  const used = key();
  if (used === null) return [];
  const bytes = String.fromCharCode(...new TextEncoder().encode(used));
  const text = btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return ["morosidad", `clave.${text}`];
}

// Identify one request, also where the page comes over plain HTTP and randomUUID is missing.
export function requestId() {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function askForKey(wrong) {
  asking ??= new Promise((resolve) => {
    const input = make("input", { type: "password", id: "clave", autocomplete: "off", required: true });
    const form = make(
      "form",
      { method: "dialog" },
      make("h2", { id: "titulo-clave", text: say("key_title") }),
      make("p", { text: say(wrong ? "key_wrong" : "key_wanted") }),
      make("label", { for: "clave", text: say("key") }),
      input,
      make(
        "div",
        { class: "acciones" },
        make("button", { class: "boton principal", value: "usar", text: say("use") }),
        make("button", { class: "boton", value: "", formnovalidate: true, text: say("cancel") }),
      ),
    );
    const dialog = make("dialog", { "aria-labelledby": "titulo-clave" }, form);
    dialog.addEventListener("close", () => {
      if (dialog.returnValue === "usar") sessionStorage.setItem(KEPT, input.value);
      else sessionStorage.removeItem(KEPT);
      dialog.remove();
      asking = null;
      resolve();
    });
    document.body.append(dialog);
    dialog.showModal();
  });
  return asking;
}
