// Copying: SQL, the link to a finding, a finding as Markdown.

// The buttons are of no use without this script, so it makes them.
function addCopyButtons(box) {
  for (const pre of all("pre.take", box)) {
    if (pre.parentElement.className === "copyable") continue;
    const frame = element("div", "", { class: "copyable" });
    pre.replaceWith(frame);
    frame.append(pre, button("Copy", "copy-sql", { class: "copy", "aria-label": "Copy this SQL" }));
  }
}

async function copyText(text, asker) {
  let done = true;
  try { await navigator.clipboard.writeText(text); } catch { done = copyBySelection(text); }
  const was = asker.dataset.label ??= asker.textContent;
  asker.textContent = done ? "Copied" : "The browser forbids it";
  setTimeout(() => { asker.textContent = was; }, 2000);
}

// For browsers that give a page opened from a file no clipboard.
function copyBySelection(text) {
  const area = element("textarea", text, { class: "unseen", readonly: "" });
  document.body.append(area);
  area.select();
  try { return document.execCommand("copy"); } catch { return false; } finally { area.remove(); }
}

const sqlOf = (pre) => pre.dataset.exact ?? pre.textContent;
const linkTo = (finding) => `${location.href.split("#")[0]}#${finding.id}`;

// Signs that Markdown would take for its own, also @names and #numbers that a tracker would make links of.
const plain = (text) => text.replace(/\s+/g, " ").trim().replace(/[\\`*_[\]<>|~]/g, "\\$&").replace(/([@#])(?=\w)/g, "$1\u200b");

function inlineMarkdown(node) {
  return [...node.childNodes].map((child) => {
    if (child.nodeType === Node.TEXT_NODE) return plain(` ${child.textContent} `).replace(/^(?=\S)|(?<=\S)$/g, " ");
    if (child.tagName === "CODE") {
      const ticks = "`".repeat(Math.max(0, ...(child.textContent.match(/`+/g) ?? []).map((run) => run.length)) + 1);
      return ` ${ticks}${child.textContent}${ticks} `;
    }
    if (child.tagName === "B") return ` **${inlineMarkdown(child)}** `;
    return child.matches("button, a[href^='#rule-']") ? "" : inlineMarkdown(child);
  }).join("").replace(/ +/g, " ").replace(/ ([.,;:)])/g, "$1").trim();
}

function fenced(text) {
  const fence = "`".repeat(Math.max(2, ...(text.match(/`+/g) ?? []).map((run) => run.length)) + 1);
  return `${fence}sql\n${text}\n${fence}`;
}

function factMarkdown(name, said) {
  const items = all("p", said).map((each) => `- ${inlineMarkdown(each)}`);
  return items.length ? `**${name}**\n\n${items.join("\n")}` : `**${name}** ${inlineMarkdown(said)}`;
}

function markdownOf(finding) {
  const summary = finding.querySelector("summary");
  const lines = [
    `### ${summary.querySelector("b").textContent}: ${inlineMarkdown(summary.querySelector(".message"))}`,
    inlineMarkdown(summary.querySelector(".under")).replace(/#\u200b?\d+ · /, ""),  // its number is this report's own
  ];
  for (const part of finding.querySelector(".main").children) {
    const pre = part.matches("pre") ? part : part.querySelector("pre");
    if (part.matches("h3")) lines.push(`**${part.textContent}**`);
    else if (pre) lines.push(fenced(sqlOf(pre)));
    else if (!part.matches(".under") || lines.at(-1) === "**Query**") lines.push(inlineMarkdown(part));
  }
  for (const name of all(".side > dt", finding)) lines.push(factMarkdown(name.textContent.trim(), name.nextElementSibling));
  return `${lines.filter(Boolean).join("\n\n")}\n`;
}
