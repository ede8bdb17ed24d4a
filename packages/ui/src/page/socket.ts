/** Opens a connection of the page's own with `stowage ui`. */
export function openSocket(
  path: string,
  query: Readonly<Record<string, string | readonly string[]>>,
): WebSocket {
  const url = new URL(path, location.href);
  url.protocol = 'ws:';
  url.hash = '';
  for (const [name, values] of Object.entries(query))
    for (const value of [values].flat()) url.searchParams.append(name, value);
  const socket = new WebSocket(url);
  socket.binaryType = 'arraybuffer';
  return socket;
}
