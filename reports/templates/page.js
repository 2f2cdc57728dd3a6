// What the whole page does beyond being read. It never makes markup of text: texts are only compared and copied.
const all = (selector, from = document) => [...from.querySelectorAll(selector)];
const byId = (id) => document.getElementById(id);
const findings = all("details.finding");

function element(tag, text, attributes = {}) {
  const made = document.createElement(tag);
  made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

const button = (text, action, attributes = {}) =>
  element("button", text, { type: "button", class: "plain", "data-action": action, ...attributes });

// A browser may keep nothing for a page opened from a file: then things hold for this visit.
function keep(name, value) { try { localStorage.setItem(name, value); } catch { /* see above */ } }
function kept(name) { try { return localStorage.getItem(name); } catch { return null; } }

function toggleTheme() {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = root.dataset.theme || (dark ? "dark" : "light");
  root.dataset.theme = now === "dark" ? "light" : "dark";
  keep("pgadvisor-theme", root.dataset.theme);
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

let closed = [];
function beforePrint() {
  closed = all("details:not([open])");
  closed.forEach((details) => { details.open = true; });
}
function afterPrint() { closed.forEach((details) => { details.open = false; }); }
