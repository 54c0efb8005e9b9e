// What the server says of the fields: the Lagrangian, its terms one by one, anomalies.

import {element} from "/form.js";

const $ = (id) => document.getElementById(id);
const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

// Formulas come as markup from the server, which escapes what people type.
export function math(markup) {
  const holder = document.createElement("template");
  holder.innerHTML = markup;
  return holder.content;
}

let chosen = null; // the text and coupling of the term that is explained

function facts(summand, answer) {
  const list = element("dl");
  const add = (term, ...what) => list.append(element("dt", {}, term), element("dd", {}, ...what));
  add("as text", element("code", {}, summand.text + (summand.label ? `  [${summand.label}]` : "")));
  add("mass dimension", summand.dimension);
  if (summand.coupling) {
    const kind = summand.complex ? "complex" : "real";
    const flavours = summand.count > 1 ? `${summand.count} ${kind} numbers, one for each flavour structure` : `one ${kind} number`;
    add("coupling", element("code", {}, summand.coupling), `: ${flavours}`);
  } else add("coupling", "none: fields are normalised to this");
  if (summand.label) {
    add("contraction", `one of ${summand.of} of these letters. Representations of ${answer.simple.join(", ")}:`);
    list.append(element("dt"), element("dd", {}, element("ol", {}, ...summand.steps.map((step) => element("li", {}, step)))));
  } else if (summand.coupling) add("contraction", "the only one that is invariant");
  return list;
}

function explain(summand, button, answer) {
  for (const other of document.querySelectorAll(".term[aria-expanded=true]")) other.setAttribute("aria-expanded", "false");
  const box = $("detail");
  if (chosen === summand.text + summand.label && !box.hidden) {
    box.hidden = true;
    chosen = null;
    return;
  }
  chosen = summand.text + summand.label;
  button.setAttribute("aria-expanded", "true");
  const leave = () => {
    box.hidden = true;
    chosen = null;
    button.setAttribute("aria-expanded", "false");
    button.focus();
  };
  const close = element("button", {type: "button", class: "close", "aria-label": "Close", onclick: leave}, "✕");
  box.onkeydown = (event) => { if (event.key === "Escape") leave(); };
  box.replaceChildren(element("h3", {id: "detail-title"}, math(summand.math)), close, facts(summand, answer));
  box.hidden = false;
  button.closest(".kind").after(box);
  box.focus({preventScroll: true});
}

function drawSummand(summand, answer) {
  const button = element("button", {type: "button", class: "term", "aria-expanded": "false"}, math(summand.math));
  if (summand.count > 1) button.append(element("span", {class: "times", title: `${summand.count} couplings`}, `×${summand.count}`));
  button.addEventListener("click", () => explain(summand, button, answer));
  return element("li", {}, button);
}

function drawKind({title, summands}, answer) {
  for (const summand of summands) summand.of = summands.filter(({text}) => text === summand.text).length;
  const items = summands.map((summand) => drawSummand(summand, answer));
  return element("section", {class: "kind"}, element("h3", {}, title), element("ul", {}, ...items));
}

function drawStatus(answer) {
  const broken = answer.anomalies.filter(({cancels}) => !cancels);
  const pill = broken.length
    ? element("span", {class: "pill bad"}, `${broken.length === 1 ? "an anomaly does" : plural(broken.length, "anomalie") + " do"} not cancel`)
    : element("span", {class: "pill good"}, "anomalies cancel");
  $("status").replaceChildren(
    element("b", {}, String(answer.interactions)), ` interaction${answer.interactions === 1 ? "" : "s"} with `,
    element("b", {}, String(answer.real_parameters)), ` real parameter${answer.real_parameters === 1 ? "" : "s"} `, pill);
}

function drawAnomalies(answer) {
  const body = element("tbody");
  for (const {name, value, cancels} of answer.anomalies) {
    body.append(element("tr", {class: cancels ? null : "fails"}, element("th", {scope: "row"}, name), element("td", {}, value)));
  }
  const note = element("p", {class: "hint"}, "Each coefficient must vanish for the theory to be consistent; witten(su2) counts doublets modulo two.");
  $("anomalies").replaceChildren(answer.anomalies.length ? element("table", {}, body) : element("p", {}, "None can arise."), note);
}

function legend(answer) {
  const all = answer.kinds.flatMap(({summands}) => summands);
  const notes = ["Select a term to see what it is."];
  if (all.some(({label}) => label)) {
    notes.push(`Brackets with a subscript are one of several contractions: it names the representations (${answer.simple.join(", ")}) that the letters are coupled to.`);
  }
  if (all.some(({count}) => count > 1)) notes.push("p, r, s and t count flavours; ×9 is the number of couplings.");
  if (all.some(({complex}) => complex)) notes.push("h.c. is the hermitian conjugate.");
  if (answer.hidden) notes.push(`${answer.hidden} further contractions are not drawn; copy the text for all of them.`);
  return notes.join(" ");
}

export function show(answer) {
  const before = chosen;
  chosen = null;
  $("detail").hidden = true;
  $("exact").append($("detail")); // out of what is replaced
  $("lagrangian").classList.remove("stale");
  $("lagrangian").replaceChildren(
    element("p", {class: "equals"}, math('<math><mi mathvariant="normal">ℒ</mi><mo>=</mo></math>')),
    ...answer.kinds.map((kind) => drawKind(kind, answer)));
  $("legend").textContent = legend(answer);
  $("definitions").replaceChildren(...answer.definitions.map((markup) => element("div", {}, math(markup))));
  $("fields-printed").textContent = `${answer.group}\n${answer.lines.join("\n")}`;
  drawStatus(answer);
  drawJump(answer);
  drawAnomalies(answer);
  if (before) { // keep explaining the same term while other fields change
    const again = answer.kinds.flatMap(({summands}) => summands).findIndex(({text, label}) => text + label === before);
    if (again >= 0) {
      const focused = document.activeElement;
      document.querySelectorAll("#lagrangian .term")[again].click();
      focused?.focus({preventScroll: true});
    }
  }
}

function drawJump(answer) {
  $("jump").textContent = `${plural(answer.interactions, "interaction")}: see the Lagrangian`;
}

export function showStale(message) {
  $("jump").textContent = "Something is wrong with the fields";
  $("lagrangian").classList.add("stale");
  $("status").replaceChildren(element("span", {class: "error"}, message));
}

export function drawVerdict(box, verdict, before = []) {
  const {right, missing, wrong, exact, total} = verdict;
  const what = verdict.interactions_only ? plural(total, "interaction") : plural(total, "term");
  const head = exact
    ? element("p", {class: "verdict good"}, element("strong", {}, `Exact: all ${what}, and nothing else.`))
    : element("p", {class: `verdict ${wrong.length ? "bad" : ""}`},
      element("strong", {}, `${right.length} right, ${wrong.length} wrong, ${missing.length} missing`), ` of ${what}`);
  const list = element("ul", {class: "findings"});
  for (const {text, reason} of wrong) list.append(element("li", {class: "wrong"}, element("code", {}, text), element("small", {}, reason)));
  for (const text of right) list.append(element("li", {class: "right"}, element("code", {}, text)));
  const rest = element("ul", {class: "findings"}, ...missing.map((text) => element("li", {class: "missing"}, element("code", {}, text))));
  const fold = missing.length ? element("details", {}, element("summary", {}, `Show the ${missing.length} missing`), rest) : null;
  box.replaceChildren(...before, head, list, ...(fold ? [fold] : []));
}
