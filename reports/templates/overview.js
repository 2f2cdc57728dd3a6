byId("theme").addEventListener("click", toggleTheme);
addEventListener("beforeprint", beforePrint);
addEventListener("afterprint", afterPrint);
