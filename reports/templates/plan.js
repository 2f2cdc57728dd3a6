// Plans: a copy of one beside a finding opened later, and its EXPLAIN to take away.

// The plan stands in the page once; a finding opened later gets a copy of it.
function bringPlan(finding) {
  const link = finding.querySelector(".plan-link a");
  const box = link && byId(link.hash.slice(1));
  if (!box) return;
  const plan = box.cloneNode(true);
  plan.removeAttribute("id");
  link.parentElement.replaceWith(plan);
  addPlanTools(plan);
}

// What lies packed in the page is unpacked when it is first asked for.
function unpack(id) {
  const bytes = Uint8Array.from(atob(byId(id).content.textContent), (sign) => sign.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).json();
}

let explains = null;
async function explainOf(asker) {
  const plans = (await (explains ??= unpack("explains")))[asker.dataset.plan];
  return JSON.stringify([plans[Number(asker.dataset.which)]], null, 2);
}

const PLAN_TOOLS = [["Copy", async (asker) => copyText(await explainOf(asker), asker)]];

function addPlanTools(box) {
  if (!byId("explains") || typeof DecompressionStream === "undefined") return;
  for (const table of all("table[data-explain]", box)) {
    if (table.nextElementSibling?.className === "plan-tools") continue;
    const tools = element("div", "", { class: "plan-tools" });
    const sides = table.classList.contains("diff") ? [" before", " after"] : [""];
    PLAN_TOOLS.forEach(([word, act], at) => sides.forEach((side, which) => {
      const words = word === "Copy" ? `Copy EXPLAIN${side} (JSON)` : `${word}${side && `,${side}`}`;
      tools.append(button(words, "plan-tool", { class: "plain", "data-tool": at, "data-plan": table.dataset.explain, "data-which": which }));
    }));
    table.after(tools);
  }
}

document.addEventListener("click", (event) => {
  const asker = event.target.closest("[data-action=plan-tool]");
  if (asker) PLAN_TOOLS[Number(asker.dataset.tool)][1](asker);
});
// A plan stands in a finding or in the row of a statement; it is made ready when that is opened.
document.addEventListener("toggle", (event) => {
  if (event.target.open) addPlanTools(event.target);
}, true);
queueMicrotask(() => all("details[open]").forEach(addPlanTools));
