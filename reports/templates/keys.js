// The keyboard: what a person who lives with the report would press.
const KEYS = [["/", "search"], ["j, k", "next and previous finding"], ["Enter", "open or close it"], ["r", "mark it as reviewed"],
  ["c", "copy its SQL"], ["Esc", "leave the search, or show all again"], ["?", "this list"]];

function helpDialog() {
  let dialog = byId("keys");
  if (dialog) return dialog;
  dialog = element("dialog", "", { id: "keys", "aria-labelledby": "h-keys" });
  const list = element("dl", "");
  for (const [key, words] of KEYS) list.append(element("dt", key), element("dd", words));
  const row = element("div", "", { class: "actions" });
  row.append(button("", "turn-keys"), button("Close", "close-help"));
  dialog.append(element("h2", "Keys", { id: "h-keys" }), list, row);
  document.body.append(dialog);
  showKeys();
  return dialog;
}

// Who speaks to the browser, or rests a hand on the keyboard, has no use for keys of one letter.
let hasKeys = kept("pgadvisor-keys") !== "off";
function showKeys() { document.querySelector("[data-action=turn-keys]").textContent = hasKeys ? "Turn the keys off" : "Turn the keys on"; }
function turnKeys() {
  hasKeys = !hasKeys;
  keep("pgadvisor-keys", hasKeys ? "on" : "off");
  showKeys();
}

const shown = () => all("details.finding:not([hidden])");
const current = () => document.activeElement?.closest("details.finding");

function step(by) {
  const list = shown();
  if (!list.length) return;
  const at = list.indexOf(current());
  const next = at < 0 ? (by > 0 ? 0 : list.length - 1) : Math.min(Math.max(at + by, 0), list.length - 1);
  const summary = list[next].querySelector("summary");
  summary.focus({ preventScroll: true });
  summary.scrollIntoView({ block: "nearest" });
}

function escape() {
  if (document.activeElement === byId("search")) byId("search").blur();
  else reset();
}

const ON_KEY = {
  "/": () => byId("search").focus(),
  j: () => step(1),
  k: () => step(-1),
  r: () => { if (current()) review(current()); },
  c: () => current()?.querySelector("[data-action=copy-sql]")?.click(),
  "?": () => helpDialog().showModal(),
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const isEscape = event.key === "Escape";
  if (!isEscape && (!hasKeys || event.target.matches("input, textarea, select") || !ON_KEY[event.key])) return;
  event.preventDefault();  // a browser would empty the search at Esc
  if (isEscape) { escape(); return; }
  ON_KEY[event.key]();
}
