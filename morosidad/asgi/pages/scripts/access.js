// Talking to the server: a key is asked for when it wants one, and kept until the tab is closed.

import { byId, make, write } from "./elements.js";
import { say } from "./words.js";

const KEPT = "morosidad.clave";
const SENDABLE = /^[!-~]+$/; // what a header can carry
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
    if (used === key()) await askForKey(used === null ? "key_wanted" : "key_wrong");
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

// Let the person put another key in the place of the one that is kept.
const change = byId("cambiar-clave");
const offerChange = () => (change.hidden = key() === null);
change.addEventListener("click", async () => {
  const used = key();
  await askForKey("key_change");
  if (key() !== used) dispatchEvent(new Event("clave"));
});
offerChange();

function askForKey(why) {
  asking ??= new Promise((resolve) => {
    const input = make("input", { type: "password", id: "clave", autocomplete: "off", required: true, "aria-describedby": "queja-clave" });
    const complaint = make("p", { id: "queja-clave", class: "queja", role: "alert" });
    const form = make(
      "form",
      { method: "dialog" },
      make("h2", { id: "titulo-clave", text: say("key_title") }),
      make("p", { text: say(why) }),
      make("label", { for: "clave", text: say("key") }),
      input,
      complaint,
      make(
        "div",
        { class: "acciones" },
        make("button", { class: "boton principal", value: "usar", text: say("use") }),
        make("button", { class: "boton", value: "", formnovalidate: true, text: say("cancel") }),
      ),
    );
    const dialog = make("dialog", { "aria-labelledby": "titulo-clave" }, form);
    form.addEventListener("submit", (event) => {
      if (event.submitter?.value === "" || SENDABLE.test(input.value.trim())) return;
      event.preventDefault();
      write(complaint, say("key_not_sendable"));
      input.focus();
    });
    dialog.addEventListener("close", () => {
      if (dialog.returnValue === "usar") sessionStorage.setItem(KEPT, input.value.trim());
      else if (why !== "key_change") sessionStorage.removeItem(KEPT);
      offerChange();
      dialog.remove();
      asking = null;
      resolve();
    });
    document.body.append(dialog);
    dialog.showModal();
  });
  return asking;
}
