// The list of indexes: search, what to do and order, and all of its SQL at once. What is linked to is shown again.
const indexes = all("#index-list > details, #kept tbody tr");
const indexTexts = new Map();
const kindButtons = () => all(".kinds button").filter((each) => !each.disabled);

function indexText(row) {
  if (!indexTexts.has(row)) indexTexts.set(row, row.textContent.toLowerCase());
  return indexTexts.get(row);
}

function filterIndexes() {
  const words = byId("index-search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const on = new Set(kindButtons().filter((each) => each.getAttribute("aria-pressed") === "true").map((each) => each.dataset.kind));
  let shown = 0;
  for (const row of indexes) {
    row.hidden = !on.has(row.dataset.kind) || !words.every((word) => indexText(row).includes(word));
    shown += !row.hidden;
  }
  const kept = byId("kept");
  if (kept) {
    kept.hidden = indexes.every((row) => row.dataset.kind !== "keep" || row.hidden);
    if (words.length || [...on].join() === "keep") kept.open = true;
  }
  byId("index-shown").textContent = shown === indexes.length ? "" : `${shown} of ${indexes.length}`;
  byId("no-index-shown").hidden = shown > 0;
}

const tableOf = (row) => row.dataset.table ?? row.querySelector("small").textContent;
const INDEX_ORDERS = {
  gain: (one, two) => two.dataset.gain - one.dataset.gain,
  size: (one, two) => two.dataset.size - one.dataset.size,
  table: (one, two) => tableOf(one).localeCompare(tableOf(two)),
};

function sortIndexes() {
  const order = INDEX_ORDERS[byId("index-sort").value];
  for (const box of all("#index-list, #kept tbody")) {
    const rows = indexes.filter((row) => row.parentElement === box);
    box.append(...(order ? rows.sort(order) : rows));
  }
}

function resetIndexes() {
  byId("index-search").value = "";
  kindButtons().forEach((each) => each.setAttribute("aria-pressed", "true"));
  filterIndexes();
}

// In the order in which to do it, whatever the order on the screen: first what to create, then what to drop.
const allIndexSql = () => indexes.map((row) => row.querySelector(".main pre.take")).filter(Boolean).map(sqlOf).join("\n\n");

function showLinkedIndex() {
  if (indexes.some((row) => row.hidden && row.id && row.id === anchorOf(location.hash))) resetIndexes();
}

if (byId("index-search")) {
  byId("index-search").addEventListener("input", filterIndexes);
  byId("index-sort").addEventListener("change", sortIndexes);
  byId("reset-indexes").addEventListener("click", resetIndexes);
  byId("copy-indexes")?.addEventListener("click", (event) => copyText(allIndexSql(), event.target));
  for (const each of kindButtons()) {
    each.addEventListener("click", () => {
      each.setAttribute("aria-pressed", String(each.getAttribute("aria-pressed") !== "true"));
      filterIndexes();
    });
  }
  addEventListener("hashchange", showLinkedIndex);
  byId("indexes").addEventListener("toggle", (event) => { if (event.target.open) addCopyButtons(event.target); }, true);
}
