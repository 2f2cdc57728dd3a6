// Before the first paint: the reader's choice of light or dark, where the browser lets us keep one.
document.documentElement.classList.add("js");
try {
  const kept = localStorage.getItem("pgadvisor-theme");
  if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
} catch { /* a file opened without storage keeps the system's choice */ }
