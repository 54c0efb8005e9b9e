// Asks the server again whenever the form changes, and shows what it says.

import {ask} from "/ask.js";
import {becomeRows, element, form, permalink, request, showErrors, start} from "/form.js";
import {drawVerdict, show, showStale} from "/result.js";
import {showPotential} from "/vacuum.js";

const $ = (id) => document.getElementById(id);
let answer = null; // the last Lagrangian that could be written
let potential = ""; // the couplings that are shown
let asking = null;

async function update() {
  asking?.abort();
  asking = new AbortController();
  const {signal} = asking;
  try {
    const found = await ask("/api/lagrangian", request(), signal);
    for (const button of document.querySelectorAll("[data-copy]")) button.disabled = Boolean(found.failed);
    if (found.failed) {
      form.known = answer = null;
      showErrors(found);
      showStale(found.row != null && form.mode === "rows" ? `Field ${found.row + 1}: ${found.error}` : found.error);
      return;
    }
    answer = found;
    form.known = found.fields;
    showErrors(null);
    show(found);
    if (JSON.stringify(found.potential) !== potential) showPotential(found.potential);
    potential = JSON.stringify(found.potential);
    history.replaceState(null, "", permalink());
    await Promise.all([learned(signal), grade(signal)]);
  } catch (error) {
    if (error.name !== "AbortError") showStale("The server does not answer: is `stationary serve` still running?");
  }
}

let waiting = 0;
function soon() {
  clearTimeout(waiting);
  waiting = setTimeout(update, 90);
}

async function learned(signal) {
  const found = await ask("/api/model", request(), signal);
  const box = $("learned");
  $("learned-summary").textContent = found.summary ?? "";
  if (found.failed || !found.installed) {
    box.replaceChildren(element("p", {class: "quiet"}, found.error ?? found.reason));
    return;
  }
  const said = found.text == null ? [] : [element("pre", {class: "said", tabindex: "0"}, found.text || "(nothing)")];
  if (found.verdict) drawVerdict(box, found.verdict, said);
  else box.replaceChildren(...said, element("p", {class: "verdict bad"}, found.reason));
}

async function grade(signal) {
  const text = $("own").value;
  const box = $("own-verdict");
  if (!text.trim()) {
    box.replaceChildren();
    return;
  }
  const found = await ask("/api/grade", {...request(), answer: text}, signal);
  if (found.failed) box.replaceChildren(element("p", {class: "verdict bad"}, found.error));
  else drawVerdict(box, found);
}

let grading = 0;
$("own").addEventListener("input", () => {
  clearTimeout(grading);
  grading = setTimeout(() => grade().catch(() => {}), 250);
});

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch { // a browser that asks first, or forbids it
    const box = element("textarea", {"aria-hidden": "true"});
    box.value = text;
    document.body.append(box);
    box.select();
    const done = document.execCommand("copy");
    box.remove();
    if (!done) throw new Error("copying is forbidden");
  }
}

for (const button of document.querySelectorAll("[data-copy]")) {
  const words = button.textContent;
  button.addEventListener("click", async () => {
    if (!answer) return;
    const what = button.dataset.copy;
    try {
      await copy(what === "link" ? new URL(permalink(), location.href).href : answer[what]);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Forbidden";
    }
    setTimeout(() => { button.textContent = words; }, 1400);
  });
}

const fromLink = await start(soon);
if (fromLink) {
  await update();
  becomeRows();
}
