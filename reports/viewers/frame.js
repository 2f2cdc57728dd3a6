// Runs in the viewer's own frame, after Vue and pev2: shows the plan that the page sends.
addEventListener("message", ({ source, data }) => {
  if (source !== parent) return;
  Vue.createApp({ render: () => Vue.h(pev2.Plan, { planSource: data.plan, planQuery: "" }) }).mount("#app");
}, { once: true });
// In such a frame `#grid` means a place in the page around it: it is made to mean one in here.
addEventListener("click", (event) => {
  const hash = event.target.closest("a[href^='#']")?.getAttribute("href");
  if (hash === undefined || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  location.replace(`about:srcdoc${hash}`);
}, true);
