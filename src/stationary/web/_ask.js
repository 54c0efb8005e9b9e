// Questions to the server.

const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

export async function ask(path, body, signal) {
  for (;;) {
    const response = await fetch(path, {
      method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body), signal,
    });
    const found = await response.json();
    // Another page has asked meanwhile, and long work is done for the last one that asks.
    if (found.superseded) await pause(500);
    else return response.ok ? found : {failed: true, ...found};
  }
}
