// The vacuum of the scalar potential: couplings to choose, and what follows from them.

import {ask} from "/ask.js";
import {element, request} from "/form.js";
import {math} from "/result.js";

const $ = (id) => document.getElementById(id);
const values = new Map(); // couplings by what they multiply, kept while fields come and go
let couplings = [];
let searching = null;
let searched = false;

const shown = (number) => {
  if (Math.abs(number) < 1e-9) return "0";
  const size = Math.abs(number);
  return (size >= 1e4 || size < 1e-3 ? number.toExponential(2) : String(+number.toPrecision(4))).replace("-", "−");
};

function svg(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

async function askWithCouplings(path, signal) {
  const chosen = Object.fromEntries(couplings.map(({name, text}) => [name, values.get(text)]));
  const found = await ask(path, {...request(), couplings: chosen}, signal);
  return found.failed ? {reason: found.error} : found;
}

function drawCoupling({name, math: markup, text, value}) {
  if (!values.has(text)) values.set(text, value);
  const id = `coupling-${name}`;
  const box = element("input", {type: "number", id, step: "any", value: values.get(text)});
  const slider = element("input", {type: "range", min: -2, max: 2, step: 0.05, value: values.get(text), "aria-label": `${name}, roughly`});
  const follow = (from, to) => from.addEventListener("input", () => {
    const number = from.valueAsNumber;
    box.toggleAttribute("aria-invalid", Number.isNaN(number));
    if (Number.isNaN(number)) return;
    values.set(text, number);
    to.value = number;
    if (searched) soon();
  });
  follow(box, slider);
  follow(slider, box);
  const label = element("label", {for: id, title: name}, math(markup), element("code", {}, text));
  return element("div", {class: "coupling"}, label, slider, box);
}

function curve({line, origin}) { // V along the line from the origin through the vacuum
  const at = (t) => line.reduce((sum, c, power) => sum + c * t ** power, 0);
  const points = [...Array(121).keys()].map((i) => -1.45 + (2.9 * i) / 120).map((t) => [t, at(t)]);
  const heights = points.map(([, v]) => v);
  const low = Math.min(...heights), high = Math.min(Math.max(...heights), low + 6 * (Math.abs(at(1) - at(0)) || 1));
  const x = (t) => 20 + (260 * (t + 1.45)) / 2.9, y = (v) => 118 - (100 * (Math.min(v, high) - low)) / (high - low || 1);
  const path = points.map(([t, v], i) => `${i ? "L" : "M"}${x(t).toFixed(1)} ${y(v).toFixed(1)}`).join("");
  const drawing = svg("svg", {viewBox: "0 0 300 146", role: "img", "aria-label": "The potential along the line through the vacuum: a curve with the vacuum at its lowest points."},
    svg("line", {x1: 20, x2: 280, y1: y(at(0)), y2: y(at(0)), class: "axis"}),
    svg("line", {x1: x(0), x2: x(0), y1: 14, y2: 124, class: "axis"}),
    svg("path", {d: path, class: "curve"}),
    svg("circle", {cx: x(1), cy: y(at(1)), r: 5, class: "dot"}),
    svg("text", {x: x(1), y: 140, "text-anchor": "middle"}, "vacuum"),
    svg("text", {x: x(0), y: 10, "text-anchor": "middle"}, "V"));
  return origin ? null : element("figure", {}, element("figcaption", {}, "V along the line through the vacuum"), drawing);
}

function spectrum({masses, goldstones}) {
  const most = Math.max(...masses.map(Math.abs), 1e-12);
  const groups = [];
  for (const mass of masses) {
    const last = groups.at(-1);
    if (last && Math.abs(last.mass - mass) < 1e-4 * most) last.count += 1;
    else groups.push({mass, count: 1});
  }
  const x = (mass) => 26 + (244 * Math.abs(mass)) / most;
  const marks = [], labels = []; // labels above all sticks
  let before = -99, up = 0;
  if (goldstones) {
    marks.push(svg("line", {x1: 26, x2: 26, y1: 104, y2: 64, class: "stick ghost"}));
    labels.push(svg("text", {x: 26, y: 58, "text-anchor": "middle"}, `0${goldstones > 1 ? ` (×${goldstones})` : ""}`));
    before = 26;
  }
  for (const {mass, count} of groups) {
    up = x(mass) - before < 52 ? (up + 1) % 4 : 0; // labels that would touch go above one another
    before = x(mass);
    marks.push(svg("line", {x1: x(mass), x2: x(mass), y1: 104, y2: 64 - 15 * up, class: "stick"}));
    labels.push(svg("text", {x: x(mass), y: 58 - 15 * up, "text-anchor": "middle"}, `${shown(mass)}${count > 1 ? ` (×${count})` : ""}`));
  }
  const words = groups.map(({mass, count}) => `${count} at ${shown(mass)}`).join(", ");
  const drawing = svg("svg", {viewBox: "0 0 300 146", role: "img", "aria-label": `Masses of scalars: ${words || "none"}; ${goldstones} Goldstone bosons.`},
    svg("line", {x1: 16, x2: 284, y1: 104, y2: 104, class: "axis"}), ...marks, ...labels,
    svg("text", {x: 26, y: 124, "text-anchor": "middle"}, "0"), svg("text", {x: 284, y: 124, "text-anchor": "end"}, "mass"));
  const note = goldstones ? "Masses of scalars; dashed: Goldstone bosons" : "Masses of scalars";
  return element("figure", {}, element("figcaption", {}, note), drawing);
}

function draw(found, bounded) {
  if (found.reason) {
    $("vacuum").replaceChildren(element("p", {class: "verdict bad"}, found.reason), bounded);
    return;
  }
  const total = found.broken + found.unbroken;
  const head = found.origin
    ? element("p", {class: "verdict"}, element("strong", {}, "All fields vanish: no symmetry is broken."))
    : element("p", {class: "verdict good"}, element("strong", {}, `${found.broken} of ${total} generators are broken, ${found.unbroken} are not.`),
      ` V = ${shown(found.energy)} in the vacuum; ${found.verdict}.`);
  const sizes = element("dl", {class: "sizes"});
  for (const {name, size} of found.fields) sizes.append(element("dt", {}, `|${name}|`), element("dd", {}, shown(size)));
  const others = found.others.map(({energy, saddle}) => `${saddle ? "a saddle" : "another minimum"} at V = ${shown(energy)}`);
  const rest = others.length ? element("p", {class: "hint"}, `Also stationary: ${others.join(", ")}.`) : "";
  const pictures = element("div", {class: "pictures"}, ...[curve(found), spectrum(found)].filter(Boolean));
  $("vacuum").replaceChildren(head, sizes, pictures, rest, bounded);
}

async function search() {
  searching?.abort();
  searching = new AbortController();
  const {signal} = searching;
  $("vacuum").setAttribute("aria-busy", "true");
  if (!searched) $("vacuum").replaceChildren(element("p", {class: "quiet"}, "Searching. For fields that are new, programs are compiled first, which takes a while."));
  searched = true;
  try {
    const found = await askWithCouplings("/api/vacuum", signal);
    const bounded = element("p", {class: "hint"}, "Looking whether the potential is bounded below…");
    draw(found, bounded);
    const limit = await askWithCouplings("/api/bounded", signal);
    bounded.textContent = limit.verdict ? `${limit.verdict[0].toUpperCase()}${limit.verdict.slice(1)}: ${limit.reason}.` : limit.reason;
    bounded.className = limit.verdict === "bounded" ? "hint" : "error";
  } catch (error) {
    if (error.name === "AbortError") return;
    $("vacuum").replaceChildren(element("p", {class: "error"}, "The search did not answer."));
  }
  $("vacuum").removeAttribute("aria-busy");
}

let waiting = 0;
function soon() {
  clearTimeout(waiting);
  waiting = setTimeout(search, 350);
}

export function showPotential(potential) {
  searching?.abort();
  searched = false;
  $("vacuum").replaceChildren();
  $("vacuum").removeAttribute("aria-busy");
  $("vacuum-card").hidden = !potential;
  couplings = potential?.couplings ?? [];
  $("find-vacuum").hidden = !couplings.length;
  $("couplings").replaceChildren(...couplings.map(drawCoupling));
  if (potential?.reason) $("vacuum").replaceChildren(element("p", {class: "quiet"}, potential.reason));
}

$("find-vacuum").addEventListener("click", search);
