// What the page does beyond being read. It never makes markup of text: texts are only compared and copied.
const all = (selector, from = document) => [...from.querySelectorAll(selector)];
const byId = (id) => document.getElementById(id);
const findings = all("details.finding");

function toggleTheme() {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = root.dataset.theme || (dark ? "dark" : "light");
  root.dataset.theme = now === "dark" ? "light" : "dark";
  try { localStorage.setItem("pgadvisor-theme", root.dataset.theme); } catch { /* then it holds for this visit */ }
}

// The buttons are of no use without this script, so it makes them.
function addCopyButtons() {
  for (const pre of all("pre.take")) {
    const box = document.createElement("div");
    const button = document.createElement("button");
    box.className = "copyable";
    button.className = "copy";
    button.type = "button";
    button.textContent = "Copy";
    button.setAttribute("aria-label", "Copy this SQL");
    pre.replaceWith(box);
    box.append(pre, button);
  }
}

async function copy(button) {
  const pre = button.previousElementSibling;
  const text = pre.dataset.exact ?? pre.textContent;
  let done = true;
  try { await navigator.clipboard.writeText(text); } catch { done = copyBySelection(pre); }
  button.textContent = done ? "Copied" : "Press Ctrl+C";
  setTimeout(() => { button.textContent = "Copy"; }, 2000);
}

// For browsers that give a page opened from a file no clipboard.
function copyBySelection(pre) {
  getSelection().selectAllChildren(pre);
  try { return document.execCommand("copy"); } catch { return false; }
}

const texts = new Map();
function textOf(finding) {
  if (!texts.has(finding)) texts.set(finding, finding.textContent.toLowerCase());
  return texts.get(finding);
}

const severityOf = new Map(findings.map((each) => [each, each.querySelector("summary b").textContent]));

function filter() {
  const words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const on = new Set(all(".toggles [aria-pressed=true]").map((button) => button.dataset.severity));
  let shown = 0;
  for (const finding of findings) {
    const fits = on.has(severityOf.get(finding)) && words.every((word) => textOf(finding).includes(word));
    finding.hidden = !fits;
    if (fits) shown += 1;
  }
  byId("shown").textContent = shown === findings.length
    ? `${shown} finding${shown === 1 ? "" : "s"}` : `${shown} of ${findings.length} findings`;
  byId("none-shown").hidden = shown > 0;
}

function only(severity) {
  for (const button of all(".toggles button")) {
    button.setAttribute("aria-pressed", String(!severity || button.dataset.severity === severity));
  }
  filter();
}

function reset() { byId("search").value = ""; only(null); }

function showGuilty(finding) {
  const mark = finding.querySelector(".main > .sql mark");
  const box = mark && mark.closest(".sql");
  if (box && box.scrollHeight > box.clientHeight) {
    box.scrollTop = mark.offsetTop - box.offsetTop - box.clientHeight / 3;
  }
}

function openTarget() {
  let target = null;
  try { target = byId(decodeURIComponent(location.hash.slice(1))); } catch { return; }
  if (!target) return;
  if (target.hidden) reset();
  for (let box = target.closest("details"); box; box = box.parentElement.closest("details")) {
    if (box.hidden) reset();
    box.open = true;
  }
  target.scrollIntoView();
}

function markSection(entries) {
  for (const entry of entries) {
    const link = document.querySelector(`.top nav a[href="#${entry.target.id}"]`);
    if (link && entry.isIntersecting) {
      all(".top nav a[aria-current]").forEach((other) => other.removeAttribute("aria-current"));
      link.setAttribute("aria-current", "true");
    }
  }
}

function whatToDo(event) {
  const button = event.target.closest("button, a[data-severity]");
  if (!button) return;
  if (button.id === "theme") toggleTheme();
  else if (button.classList.contains("copy")) copy(button);
  else if (button.id === "reset") reset();
  else if (button.id === "open-all") openAll(button);
  else if (button.matches("a[data-severity]")) only(button.dataset.severity);
  else if (button.dataset.severity) {
    button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
    filter();
  }
}

function openAll(button) {
  const open = button.textContent === "Open all";
  for (const finding of findings) if (!finding.hidden) finding.open = open;
  button.textContent = open ? "Close all" : "Open all";
}

let closed = [];
function beforePrint() {
  closed = all("details:not([open])");
  closed.forEach((details) => { details.open = true; });
}
function afterPrint() { closed.forEach((details) => { details.open = false; }); }
