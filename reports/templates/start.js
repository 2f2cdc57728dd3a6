// What happens when the page is there.
addCopyButtons();
document.addEventListener("click", whatToDo);
for (const finding of findings) {
  finding.addEventListener("toggle", () => {
    if (!finding.open) return;
    bringPlan(finding);
    showGuilty(finding);
  });
}
if (findings.length) {
  byId("search").addEventListener("input", filter);
  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input, textarea, select");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    byId("search").focus();
  });
}
addEventListener("hashchange", openTarget);
addEventListener("beforeprint", beforePrint);
addEventListener("afterprint", afterPrint);
const watcher = new IntersectionObserver(markSection, { rootMargin: "-110px 0px -70% 0px" });
all("main > section").forEach((section) => watcher.observe(section));
openTarget();
