// What happens when the page is there.
const ACTIONS = {
  "copy-sql": (asker) => copyText(sqlOf(asker.previousElementSibling), asker),
  "copy-link": (asker) => copyText(linkTo(asker.closest(".finding")), asker),
  "copy-markdown": (asker) => copyText(markdownOf(asker.closest(".finding")), asker),
  review: (asker) => review(asker.closest(".finding")),
  "close-help": (asker) => asker.closest("dialog").close(),
  "turn-keys": turnKeys,
};

function onClick(event) {
  const asker = event.target.closest("button, a[data-severity]");
  if (!asker) return;
  if (asker.dataset.action) ACTIONS[asker.dataset.action]?.(asker);
  else if (asker.id === "theme") toggleTheme();
  else if (asker.id === "reset") reset();
  else if (asker.id === "open-all") openAll(asker);
  else if (asker.id === "export") exportReviewed();
  else if (asker.id === "help") helpDialog().showModal();
  else if (asker.matches("a[data-severity]")) { only(asker.dataset.severity); changed(); }
  else if (asker.dataset.severity) {
    asker.setAttribute("aria-pressed", String(asker.getAttribute("aria-pressed") !== "true"));
    changed();
  }
}

// A finding is made ready when it is first opened: with hundreds of them the page is there sooner.
function onToggle(finding) {
  if (!finding.open) return;
  if (!openedWithAll.delete(finding)) bringPlan(finding);
  addCopyButtons(finding);
  addActions(finding);
  showGuilty(finding);
  const summary = finding.querySelector("summary");
  if (document.activeElement === summary && summary.getBoundingClientRect().top > innerHeight / 2) {
    summary.scrollIntoView({ block: "start" });  // opened by a key, low on the screen: what it says would be below it
  }
}

document.addEventListener("click", onClick);
if (byId("fix-first")) addCopyButtons(byId("fix-first"));
if (findings.length) {
  addPicks();
  findings.forEach((finding) => finding.addEventListener("toggle", () => onToggle(finding)));
  findings.filter(isReviewed).forEach(showReviewed);
  showExport();
  byId("search").addEventListener("input", searched);
  byId("picks").addEventListener("change", (event) => {
    if (event.target.id === "sort") sort();
    changed();
  });
  document.addEventListener("keydown", onKey);
  if (location.hash.includes("?")) readAddress();
}
addEventListener("hashchange", addressChanged);
addEventListener("beforeprint", beforePrint);
addEventListener("afterprint", afterPrint);
const watcher = new IntersectionObserver(markSection, { rootMargin: "-110px 0px -70% 0px" });
all("main > section").forEach((section) => watcher.observe(section));
openTarget();
