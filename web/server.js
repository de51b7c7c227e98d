// Requests to the server that this page came from, with a key where it asks for one.

const KEY = "vector_boot.key";
let asking = null; // one dialog for all requests that wait for a key

function askForKey(wasRefused) {
  asking ??= new Promise((resolve) => {
    const dialog = document.getElementById("key-dialog");
    const form = document.getElementById("key-form");
    const input = document.getElementById("key");
    document.getElementById("key-text").textContent = wasRefused
      ? "That key was refused. It is kept in this tab only."
      : "It is kept in this tab only.";
    input.value = "";
    dialog.oncancel = (event) => event.preventDefault(); // without a key there is nothing to show
    form.onsubmit = (event) => {
      event.preventDefault();
      sessionStorage.setItem(KEY, input.value.trim());
      dialog.close();
      asking = null;
      resolve();
    };
    dialog.showModal();
  });
  return asking;
}

// As fetch(); asks for a key and tries again as long as the server says 401.
export async function request(path, options = {}) {
  for (;;) {
    const key = sessionStorage.getItem(KEY);
    const headers = { ...options.headers, ...(key && { Authorization: `Bearer ${key}` }) };
    const response = await fetch(path, { ...options, headers, cache: "no-store" });
    if (response.status !== 401) return response;
    if (key === sessionStorage.getItem(KEY)) await askForKey(key !== null); // else another request has asked
  }
}

// What went wrong, in the server's words where it has some.
export async function faultOf(response) {
  try {
    return (await response.json()).error.message;
  } catch {
    return `The server answered ${response.status}.`;
  }
}

export async function json(path) {
  const response = await request(path);
  if (!response.ok) throw new Error(await faultOf(response));
  return response.json();
}

// The events of a streamed answer: parsed JSON, until [DONE].
export async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) throw new Error("The connection ended before the answer did.");
    rest += value;
    const blocks = rest.split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      for (const line of block.split("\n")) {
        if (!line.startsWith("data:")) continue;
        const data = line.slice(5).trim();
        if (data === "[DONE]") return;
        const event = JSON.parse(data);
        if (event.error) throw new Error(event.error.message);
        yield event;
      }
    }
  }
}
