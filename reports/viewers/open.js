// Opens a plan in pev2. The viewer lies packed in the page; it is built when a plan is first shown in it.
let viewerParts = null;

function viewerDialog() {
  let dialog = byId("viewer");
  if (dialog) return dialog;
  dialog = element("dialog", "", { id: "viewer", "aria-labelledby": "h-viewer" });
  const bar = element("header", "");
  bar.append(element("h2", "pev2", { id: "h-viewer" }), button("Close", "close-viewer", { autofocus: "" }));
  dialog.append(bar);
  dialog.addEventListener("close", () => dialog.querySelector("iframe")?.remove());
  document.body.append(dialog);
  return dialog;
}

// The frame keeps the viewer's style to itself; it has the page's policy, which names its style and script by hash.
async function viewerFrame(plan) {
  const { style, script } = await (viewerParts ??= unpack("viewer-parts"));
  const frame = element("iframe", "", { title: "Plan in pev2" });
  frame.srcdoc = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>pev2</title><style>${style}</style></head>`
    + `<body><div id="app" class="d-flex flex-column vh-100"></div><script>${script}<\/script></body></html>`;
  frame.addEventListener("load", () => frame.contentWindow.postMessage({ plan }, "*"), { once: true });
  return frame;
}

async function openViewer(asker) {
  const frame = await viewerFrame(await explainOf(asker));
  const dialog = viewerDialog();
  dialog.append(frame);
  if (!dialog.open) dialog.showModal();
}

PLAN_TOOLS.push(["Open in pev2", openViewer]);
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-action=close-viewer]")) byId("viewer").close();
});
