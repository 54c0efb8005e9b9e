// The form: fields as rows or as text, and the gauge group.

const $ = (id) => document.getElementById(id);
const KINDS = [
  ["scalar", "scalar"], ["real", "real scalar"], ["left", "left fermion"], ["right", "right fermion"],
  ["majorana", "Majorana"], ["dirac", "Dirac"],
];
const WORDS = {
  scalar: "scalar", real: "real scalar", left: "fermion left", right: "fermion right",
  majorana: "majorana", dirac: "dirac",
};

export const form = {rows: [], factors: ["su3", "su2", "u1"], mode: "rows", changed: () => {}, known: null};

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value != null) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child != null));
  return made;
}

// The factors that a group's description names, as the server reads it.
function factorsOf(group) {
  const words = group.trim().toLowerCase().replace(/[()]/g, "").split(/\s*[x×*]\s*|\s+/).filter(Boolean);
  const names = words.map((word) => (word === "y" ? "u1" : word));
  const valid = names.length && names.every((name) => /^(su\d+|u1)(_\w+)?$/.test(name));
  return valid ? [...new Set(names)] : null;
}

function lineOf(row) {
  const parts = [`${row.name}: ${WORDS[row.kind]}`];
  for (const factor of form.factors) {
    const value = (row.representations[factor] ?? "").trim();
    if (value) parts.push(`${factor}=${value}`);
  }
  if (String(row.copies).trim() && String(row.copies) !== "1") parts.push(`copies=${row.copies}`);
  return parts.join(" ");
}

export function lines() {
  return form.mode === "rows" ? form.rows.map(lineOf) : $("text").value.split(/[;\n]/);
}

export function request() {
  return {
    fields: lines(), group: $("group").value,
    kinetic_mixing: $("kinetic_mixing").checked, theta: $("theta").checked,
  };
}

export function permalink() {
  const query = new URLSearchParams();
  query.set("fields", lines().map((line) => line.trim()).filter(Boolean).join("; "));
  if ($("group").value.trim() !== "su3 x su2 x u1") query.set("group", $("group").value.trim());
  for (const name of ["kinetic_mixing", "theta"]) if ($(name).checked) query.set(name, "1");
  return `${location.pathname}?${query.toString().replaceAll("%3A", ":").replaceAll("%2F", "/").replaceAll("%3D", "=").replaceAll("%3B", ";")}`;
}

function control(row, label, input) {
  return element("label", {class: input.dataset.class}, element("span", {}, label), input);
}

function drawRow(row, place) {
  const named = `field ${place + 1}`;
  const many = form.factors.length > 3 ? " many" : "";
  const box = element("div", {class: `row${many}`, role: "group", "aria-label": named});
  const entry = (key, label, attributes) => {
    const input = element("input", {spellcheck: "false", "aria-describedby": `row-error-${place}`, ...attributes});
    input.setAttribute("aria-label", `${label} of ${row.name || named}`);
    input.addEventListener("input", () => {
      if (key in row) row[key] = input.value;
      else row.representations[key] = input.value;
      own();
    });
    return input;
  };
  const name = entry("name", "Name", {value: row.name, "data-class": "name", size: 4});
  const kind = element("select", {"data-class": "what", "aria-label": `Kind of ${row.name || named}`});
  for (const [value, words] of KINDS) kind.append(element("option", {value, selected: value === row.kind}, words));
  kind.addEventListener("change", () => { row.kind = kind.value; own(); });
  box.append(control(row, "name", name), control(row, "kind", kind));
  const numbers = element("div", {class: "numbers"});
  for (const factor of form.factors) {
    const group = factor.match(/^su\d+/)?.[0];
    numbers.append(control(row, factor, entry(factor, factor, {
      value: row.representations[factor] ?? "", placeholder: group ? "1" : "0", size: 3,
      "data-class": "rep", list: group ? `${group}-reps` : null,
    })));
  }
  numbers.append(control(row, "copies", entry("copies", "Copies", {value: row.copies, size: 2, inputmode: "numeric", "data-class": "copies-of"})));
  box.append(numbers, element("button", {
    type: "button", class: "remove", "aria-label": `Remove ${row.name || named}`, title: "Remove",
    onclick: () => {
      form.rows.splice(place, 1);
      drawRows();
      ($("rows").querySelectorAll(".remove")[Math.min(place, form.rows.length - 1)] ?? $("add")).focus();
      own();
    },
  }, "✕"));
  box.append(element("p", {class: "error", id: `row-error-${place}`, hidden: true}));
  return box;
}

export function drawRows() {
  $("rows").style.setProperty("--factors", form.factors.length);
  const heads = element("div", {class: "heads", "aria-hidden": "true", hidden: form.factors.length > 3});
  for (const text of ["name", "kind", ...form.factors, "copies", ""]) heads.append(element("span", {}, text));
  $("rows").replaceChildren(form.rows.length ? heads : "", ...form.rows.map(drawRow));
}

function own() { // the fields are no longer those of a model with a name
  $("model").value = "";
  form.changed();
}

function showMode() {
  $(`mode-${form.mode}`).checked = true;
  $("rows").hidden = $("add").hidden = form.mode === "text";
  $("text-box").hidden = form.mode === "rows";
}

function switchMode(mode) {
  if (mode === "text") $("text").value = form.rows.map(lineOf).join("\n");
  else if (form.known) form.rows = form.known.map((row) => structuredClone(row));
  else { // what cannot be read cannot become rows
    $("mode-text").checked = true;
    return;
  }
  form.mode = mode;
  showMode();
  drawRows();
  form.changed();
}

function freshName() {
  const used = new Set(form.rows.map((row) => row.name));
  return ["s", "S", "T", "N", "X", "h"].find((name) => !used.has(name))
    ?? [...Array(99).keys()].map((i) => `phi${i + 1}`).find((name) => !used.has(name));
}

export function showErrors(error) {
  for (const shown of document.querySelectorAll("#form .error")) shown.hidden = true;
  for (const marked of document.querySelectorAll("#form [aria-invalid]")) marked.removeAttribute("aria-invalid");
  if (!error) return;
  const at = error.row != null && form.mode === "rows" ? $(`row-error-${error.row}`) : null;
  const place = at ?? $(error.place === "group" ? "group-error" : form.mode === "text" ? "text-error" : "fields-error");
  const where = error.row != null && form.mode === "text" ? `Line ${error.row + 1}: ` : "";
  place.textContent = where + error.error;
  place.hidden = false;
  if (at) at.parentElement.querySelector(".name input").setAttribute("aria-invalid", "true");
  if (error.place === "group") $("group").setAttribute("aria-invalid", "true");
  if (form.mode === "text" && error.place === "fields") $("text").setAttribute("aria-invalid", "true");
}

export async function start(changed) {
  form.changed = changed;
  const {models} = await (await fetch("/api/models")).json();
  const extended = element("optgroup", {label: "Standard Model and"});
  for (const {name} of models) {
    (name === "Standard Model" ? $("model") : extended).append(element("option", {value: name}, name));
  }
  $("model").append(extended);
  const load = () => {
    const found = models.find(({name}) => name === $("model").value);
    if (!found) return;
    form.rows = structuredClone(found.fields);
    form.rows.forEach((row, i) => {
      if (i < found.standard && row.kind === "left") row.copies = $("generations").value;
    });
    $("group").value = "su3 x su2 x u1";
    form.factors = ["su3", "su2", "u1"];
    if (form.mode === "text") $("text").value = form.rows.map(lineOf).join("\n");
    drawRows();
    changed();
  };
  $("model").addEventListener("change", load);
  $("generations").addEventListener("change", load);
  $("group").addEventListener("input", () => {
    const factors = factorsOf($("group").value);
    if (factors) { form.factors = factors; drawRows(); }
    own();
  });
  $("text").addEventListener("input", own);
  for (const name of ["kinetic_mixing", "theta"]) $(name).addEventListener("change", changed);
  for (const mode of ["rows", "text"]) $(`mode-${mode}`).addEventListener("change", () => switchMode(mode));
  $("form").addEventListener("submit", (event) => event.preventDefault());
  $("add").addEventListener("click", () => {
    form.rows.push({name: freshName(), kind: "scalar", representations: {}, copies: 1});
    drawRows();
    $("rows").lastElementChild.querySelector("input").select();
    own();
  });

  const query = new URLSearchParams(location.search);
  if (query.get("group")) {
    $("group").value = query.get("group");
    form.factors = factorsOf(query.get("group")) ?? form.factors;
  }
  for (const name of ["kinetic_mixing", "theta"]) $(name).checked = query.get(name) === "1";
  if (query.get("fields")) { // read as text first; the server's answer makes rows of it
    form.mode = "text";
    $("text").value = query.get("fields").split(/\s*;\s*/).join("\n");
    showMode();
    return true;
  }
  $("model").value = "Standard Model";
  load();
  return false;
}

export function becomeRows() {
  if (form.mode === "text" && form.known) switchMode("rows");
}
