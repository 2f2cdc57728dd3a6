// The list of findings: search, filters and order, all of them kept in the address after the anchor's `?`.
const PICKS = [["table", "All tables"], ["endpoint", "All endpoints"], ["rule", "All rules"]];
const STATES = [["new", "New"], ["known", "Known"], ["open", "Not reviewed"], ["reviewed", "Reviewed"]];
const INDEX = JSON.parse(byId("index")?.content.textContent ?? '{"findings": []}');
const about = new Map(INDEX.findings.map(([key, rule, table, endpoint, gain, share, status], at) =>
  [findings[at], { key: `${key.startsWith(":") ? INDEX.rules[rule] : ""}${key}`, rule: INDEX.rules[rule], table: INDEX.tables[table], endpoint: INDEX.endpoints[endpoint], gain, share, status }]));
const texts = new Map();
const severityOf = new Map(findings.map((each) => [each, each.querySelector("summary b").textContent]));
const rankOf = new Map(findings.map((each, at) => [each, at]));

// A finding whose query is shown in another one is found by it all the same.
function textOf(finding) {
  if (!texts.has(finding)) {
    const home = byId(finding.querySelector("[data-home]")?.dataset.home ?? "");
    texts.set(finding, `${finding.textContent} ${home?.querySelector(".main > .sql")?.textContent ?? ""}`.toLowerCase());
  }
  return texts.get(finding);
}

function addPick(name, words, options) {
  const select = element("select", "", { id: `pick-${name}`, "data-pick": name, "aria-label": words });
  select.append(element("option", words, { value: "" }), ...options.map(([value, text]) => element("option", text, { value })));
  byId("picks").insertBefore(select, byId("picks").firstChild);
}

// Offered only where there is something to choose from.
function addPicks() {
  const has = (state) => state === "open" || state === "reviewed" || findings.some((each) => about.get(each).status === state);
  addPick("state", "Any state", STATES.filter(([state]) => has(state)));
  for (const [name, words] of [...PICKS].reverse()) {
    const counts = new Map();
    for (const each of findings) {
      const value = about.get(each)[name];
      if (value) counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    const options = [...counts].sort(([one], [two]) => one.localeCompare(two)).map(([value, count]) => [value, `${value} (${count})`]);
    if (options.length) addPick(name, words, options);
  }
}

const picks = () => all("select[data-pick]");
const severities = () => all(".toggles button").filter((each) => !each.disabled);

function isInState(finding, state) {
  if (state === "reviewed" || state === "open") return isReviewed(finding) === (state === "reviewed");
  return !state || about.get(finding).status === state;
}

function fits(finding, words, on) {
  if (!on.has(severityOf.get(finding))) return false;
  for (const { dataset, value } of picks()) {
    if (dataset.pick === "state" ? !isInState(finding, value) : value && about.get(finding)[dataset.pick] !== value) return false;
  }
  return words.every((word) => textOf(finding).includes(word));
}

function filter() {
  const words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const on = new Set(severities().filter((each) => each.getAttribute("aria-pressed") === "true").map((each) => each.dataset.severity));
  let shown = 0;
  for (const finding of findings) {
    finding.hidden = !fits(finding, words, on);
    shown += !finding.hidden;
  }
  const whole = `${findings.length} finding${findings.length === 1 ? "" : "s"}`;
  byId("shown").textContent = shown === findings.length ? whole : `${shown} of ${whole}`;
  byId("none-shown").hidden = shown > 0;
}

const ORDERS = {
  "": (one, two) => rankOf.get(one) - rankOf.get(two),
  gain: (one, two) => about.get(two).gain - about.get(one).gain,
  share: (one, two) => about.get(two).share - about.get(one).share,
  table: (one, two) => (about.get(one).table ?? "\uffff").localeCompare(about.get(two).table ?? "\uffff"),
};

function sort() {
  const order = ORDERS[byId("sort").value];
  byId("finding-list").append(...[...findings].sort((one, two) => order(one, two) || rankOf.get(one) - rankOf.get(two)));
}

function changed() { filter(); writeAddress(); }

// Typing: a browser may refuse an address that changes with every key.
let typed = 0;
function searched() {
  filter();
  clearTimeout(typed);
  typed = setTimeout(writeAddress, 200);
}

function only(severity) {
  for (const each of severities()) each.setAttribute("aria-pressed", String(!severity || each.dataset.severity === severity));
}

function reset() {
  byId("search").value = "";
  picks().forEach((each) => { each.value = ""; });
  only(null);
  changed();
}

// The address: `#anchor?q=orders&severity=error&table=public.orders&sort=gain`.
const anchorOf = (hash) => hash.slice(1).split("?")[0];

function writeAddress(anchor = anchorOf(location.hash)) {
  const said = new URLSearchParams();
  if (byId("search").value) said.set("q", byId("search").value);
  const on = severities().filter((each) => each.getAttribute("aria-pressed") === "true");
  if (on.length < severities().length) said.set("severity", on.map((each) => each.dataset.severity).join(","));
  for (const { dataset, value } of picks()) if (value) said.set(dataset.pick, value);
  if (byId("sort").value) said.set("sort", byId("sort").value);
  const query = said.toString();
  const hash = query ? `#${anchor || "findings"}?${query}` : anchor ? `#${anchor}` : "";
  if (hash === location.hash) return;
  try { history.replaceState(null, "", hash || location.href.split("#")[0]); } catch { /* then the address stays as it is */ }
}

function readAddress() {
  const said = new URLSearchParams(location.hash.split("?")[1] ?? "");
  byId("search").value = said.get("q") ?? "";
  const on = severities().map((each) => each.dataset.severity).filter((each) => said.get("severity")?.split(",").includes(each));
  for (const each of severities()) each.setAttribute("aria-pressed", String(!on.length || on.includes(each.dataset.severity)));
  for (const each of picks()) choose(each, said.get(each.dataset.pick));
  choose(byId("sort"), said.get("sort"));
  sort();
  filter();
}

// A value that this report does not have, from an older link, chooses nothing.
function choose(select, value) {
  select.value = value ?? "";
  if (select.selectedIndex < 0) select.value = "";
}

// Opened by the hundred, each finding leaves the plan where it stands: a copy for each would take seconds.
const openedWithAll = new WeakSet();

function openAll(asker) {
  const open = asker.textContent === "Open all";
  for (const finding of findings) {
    if (finding.hidden || finding.open === open) continue;
    if (open) openedWithAll.add(finding);
    finding.open = open;
  }
  asker.textContent = open ? "Close all" : "Open all";
}

function showGuilty(finding) {
  const mark = finding.querySelector(".main > .sql mark");
  const box = mark && mark.closest(".sql");
  if (box && box.scrollHeight > box.clientHeight) {
    box.scrollTop = mark.offsetTop - box.offsetTop - box.clientHeight / 3;
  }
}

function openTarget() {
  let target = null;
  try { target = byId(decodeURIComponent(anchorOf(location.hash))); } catch { return; }
  if (!target) return;
  all(".is-target").forEach((each) => each.classList.remove("is-target"));
  if (target.closest(".finding")?.hidden) reset();
  for (let box = target.closest("details"); box; box = box.parentElement.closest("details")) box.open = true;
  target.classList.add("is-target");
  // Rows that were never on the screen have guessed heights, and would move the target once they are.
  document.documentElement.classList.add("laid-out");
  target.scrollIntoView();
}

// A link inside the page keeps the filters; an address that was typed or gone back to brings its own.
function addressChanged() {
  if (findings.length) {
    if (location.hash.includes("?")) readAddress();
    else writeAddress();
  }
  openTarget();
}
