// Runs before the first paint: the chosen theme, or the system's; and the time zone, for the server.
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
  // The server groups days as the person counts them.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
  if (!document.cookie.split("; ").includes(`taas_zone=${zone}`)) {
    document.cookie = `taas_zone=${zone}; path=/; max-age=31536000; samesite=lax`;
  }
  window.taasZone = zone;
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
