// Marks of the person who reads: kept in this browser by database and key, so that the next report has them as well.
const REVIEWED = `pgadvisor-reviewed:${INDEX.source ?? ""}`;
let reviewedKeys = new Set();
try { reviewedKeys = new Set(JSON.parse(kept(REVIEWED) ?? "[]")); } catch { /* not ours, or of another version */ }

const isReviewed = (finding) => reviewedKeys.has(about.get(finding).key);

function showReviewed(finding) {
  finding.classList.toggle("is-reviewed", isReviewed(finding));
  const mark = finding.querySelector("[data-action=review]");
  if (mark) {
    mark.textContent = isReviewed(finding) ? "Reviewed ✓" : "Mark as reviewed";
    mark.setAttribute("aria-pressed", String(isReviewed(finding)));
  }
}

function review(finding) {
  const { key } = about.get(finding);
  if (!reviewedKeys.delete(key)) reviewedKeys.add(key);
  keep(REVIEWED, JSON.stringify([...reviewedKeys]));
  showReviewed(finding);
  showExport();
  filter();
}

function showExport() {
  const count = findings.filter(isReviewed).length;
  byId("export").hidden = count === 0 || INDEX.redacted;  // keys of pseudonyms are of no use to anyone
  byId("export").textContent = `Export reviewed (${count})`;
}

// The form that `--baseline` reads: one finding a line, sorted by key.
function baseline() {
  const known = findings.filter(isReviewed).sort((one, two) => (about.get(one).key < about.get(two).key ? -1 : 1)).map((each) =>
    JSON.stringify({ key: about.get(each).key, rule: about.get(each).rule, message: each.querySelector(".message").textContent }));
  return `{"pgadvisor_baseline": 1, "known": [\n${known.join(",\n")}\n]}\n`;
}

function exportReviewed() {
  const link = element("a", "", { download: "pgadvisor-baseline.json" });
  link.href = URL.createObjectURL(new Blob([baseline()], { type: "application/json" }));
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function addActions(finding) {
  const body = finding.querySelector(".body");
  if (body.querySelector(".actions")) return;
  const row = element("div", "", { class: "actions" });
  row.append(button("", "review"), button("Copy link", "copy-link"), button("Copy as Markdown", "copy-markdown"));
  body.append(row);
  showReviewed(finding);
}
