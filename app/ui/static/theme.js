// Runs before the first paint: the chosen theme, or the system's.
(() => {
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => {
    try {
      return localStorage.getItem("taas-theme") || "auto";
    } catch {
      return "auto"; // storage may be forbidden; the system's theme is a fine answer
    }
  };
  const apply = () => {
    const choice = chosen();
    const dark = choice === "dark" || (choice === "auto" && system.matches);
    document.documentElement.dataset.bsTheme = dark ? "dark" : "light";
    document.documentElement.dataset.themeChoice = choice;
  };
  document.documentElement.classList.add("js");
  apply();
  system.addEventListener("change", apply);
  window.taasTheme = {
    next() {
      const order = ["auto", "light", "dark"];
      const choice = order[(order.indexOf(chosen()) + 1) % order.length];
      try {
        localStorage.setItem("taas-theme", choice);
      } catch {
        return choice;
      }
      apply();
      return choice;
    },
  };
})();
