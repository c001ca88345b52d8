// WebSockets to the server.

import { protocols } from "./access.js";

export const RETRY = 5000; // ms

// Open the addresses; call back with each message by address, and once when any of them is closed: with whether all had
// been open.
export function listen(paths, onMessage, onClose) {
  const origin = location.origin.replace(/^http/, "ws");
  let over = false;
  let opened = 0;
  const sockets = paths.map((path) => new WebSocket(origin + path, protocols()));
  const stop = () => {
    if (over) return;
    over = true;
    for (const socket of sockets) socket.close();
    onClose(opened === paths.length);
  };
  for (const [place, socket] of sockets.entries()) {
    socket.addEventListener("open", () => (opened += 1));
    socket.addEventListener("message", ({ data }) => over || onMessage(paths[place], JSON.parse(data)));
    socket.addEventListener("close", stop);
  }
}
