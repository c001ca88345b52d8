// A WebSocket to the server that comes back by itself.

import { protocols } from "./access.js";

export const RETRY = 5000; // ms

// Open the addresses; call back with each message by address, and once when any of them is closed.
export function listen(paths, onMessage, onClose) {
  const origin = location.origin.replace(/^http/, "ws");
  let over = false;
  const sockets = paths.map((path) => new WebSocket(origin + path, protocols()));
  const stop = () => {
    if (over) return;
    over = true;
    for (const socket of sockets) socket.close();
    onClose();
  };
  for (const [place, socket] of sockets.entries()) {
    socket.addEventListener("message", ({ data }) => over || onMessage(paths[place], JSON.parse(data)));
    socket.addEventListener("close", stop);
  }
}
