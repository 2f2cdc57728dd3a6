// The plan stands in the page once; a finding opened later gets a copy of it with its own node marked.
function bringPlan(finding) {
  const link = finding.querySelector(".plan-link a");
  const box = link && byId(link.hash.slice(1));
  if (!box) return;
  const plan = box.cloneNode(true);
  plan.removeAttribute("id");
  link.parentElement.replaceWith(plan);
}
