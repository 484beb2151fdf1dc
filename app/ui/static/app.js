// Small things every page uses: times in the viewer's zone, theme, dialogs, copying, rows that can be added.
(() => {
  const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
  const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" }); // with its zone
  const minutes = { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" };
  const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const STEPS = [["year", 365 * 86400], ["month", 30 * 86400], ["day", 86400], ["hour", 3600], ["minute", 60]];
  const formats = new Map();

  // Date and time in the viewer's zone; the year only when it is another one.
  function written(then, options) {
    const whole = then.getFullYear() === new Date().getFullYear() ? options : { ...options, year: "numeric" };
    const key = Object.keys(whole).join();
    if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(undefined, whole));
    return formats.get(key).format(then);
  }
  const shortly = (then) => written(then, minutes);
  const weekday = (then) => written(then, { ...minutes, weekday: "short", ...(then.getSeconds() && { second: "2-digit" }) });

  function ago(then, now) {
    const seconds = Math.round((then - now) / 1000);
    if (Math.abs(seconds) < 10) return "just now";
    if (Math.abs(seconds) < 60) return relative.format(seconds, "second");
    if (seconds < -7 * 86400) return shortly(then);
    const [unit, size] = STEPS.find(([unit, size]) => Math.abs(seconds) >= (unit === "month" ? 2 * size : size));
    return relative.format(Math.trunc(seconds / size), unit);
  }

  function passed(then, now) {
    let left = Math.max(0, Math.floor((now - then) / 1000));
    const parts = [];
    for (const [unit, size] of [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]]) {
      const count = Math.floor(left / size);
      left %= size;
      if (count) parts.push(`${count} ${unit}`);
    }
    return parts.slice(0, 2).join(" ") || "0 s";
  }

  const FORMS = { ago, at: shortly, weekday, clock: (then) => clock.format(then), since: passed };

  function tell(root) {
    const now = Date.now();
    for (const element of root.querySelectorAll("time[data-time]")) {
      const then = new Date(element.dateTime);
      const text = FORMS[element.dataset.time](then, now);
      if (element.textContent !== text) element.textContent = text;
      if (!element.title) element.title = exact.format(then);
    }
  }

  function theme(button) {
    const words = { auto: "Theme: as the system", light: "Theme: light", dark: "Theme: dark" };
    const choice = document.documentElement.dataset.themeChoice || "auto";
    button.querySelector("[data-word]").textContent = words[choice];
  }

  async function copy(button) {
    const source = document.getElementById(button.dataset.copy);
    await navigator.clipboard.writeText(source.textContent.trim());
    const word = button.querySelector("[data-word]");
    const before = word.textContent;
    word.textContent = "Copied";
    setTimeout(() => { word.textContent = before; }, 1500);
  }

  function addRow(button) {
    const list = document.getElementById(button.dataset.add);
    const template = document.getElementById(button.dataset.template);
    const index = Number(list.dataset.next);
    list.dataset.next = String(index + 1);
    const row = template.content.cloneNode(true);
    for (const element of row.querySelectorAll("[name], [id], [for], [aria-describedby]")) {
      for (const name of ["name", "id", "for", "aria-describedby"]) {
        const value = element.getAttribute(name);
        if (value) element.setAttribute(name, value.replace("__n__", String(index)));
      }
    }
    list.append(row);
    list.lastElementChild.querySelector("input, textarea, select")?.focus();
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button, summary, a");
    if (!button) return;
    if (button.dataset.theme !== undefined) { window.taasTheme.next(); document.querySelectorAll("[data-theme]").forEach(theme); }
    if (button.dataset.menu) button.setAttribute("aria-expanded", document.getElementById(button.dataset.menu).classList.toggle("open"));
    if (button.dataset.dialog) event.preventDefault(); // a link is for those without script
    if (button.dataset.dialog) document.getElementById(button.dataset.dialog).showModal();
    if (button.dataset.close !== undefined) button.closest("dialog").close();
    if (button.dataset.copy) copy(button);
    if (button.dataset.add) addRow(button);
    if (button.dataset.remove !== undefined) button.closest("[data-row]").remove();
  });

  document.addEventListener("click", (event) => {
    if (event.target instanceof HTMLDialogElement) event.target.close(); // the backdrop
  });

  // Menus close when something else is pressed, when something in them was chosen, and with Escape.
  const openMenus = () => document.querySelectorAll("details.more-menu[open]");
  document.addEventListener("click", (event) => {
    const chosen = event.target.closest(".more-list a, .more-list button");
    for (const menu of openMenus()) if (chosen || !menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of openMenus()) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented || event.target.method === "dialog") return;
    const button = event.submitter;
    if (button && !button.dataset.again) setTimeout(() => { button.disabled = true; });
  });
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("button[type=submit]:disabled").forEach((button) => { button.disabled = false; });
  });

  // A page that has lost its stream says so; one that was cut off for a moment need not.
  const lost = document.getElementById("lost");
  let telling = null;
  document.addEventListener("htmx:sse:error", (event) => {
    if (event.detail.status === 401) location.reload(); // the session is over
    telling ??= setTimeout(() => { lost.hidden = false; }, 2000);
  });
  document.addEventListener("htmx:sse:after:connection", () => {
    clearTimeout(telling);
    telling = null;
    lost.hidden = true;
  });
  // What was waited for is there: go on, but not again when somebody comes back to this page.
  let gone = false;
  function goOn() {
    const ready = document.querySelector("[data-go]");
    if (!ready || gone) return;
    gone = true;
    history.replaceState(null, "", location.pathname);
    location.assign(ready.dataset.go);
  }
  document.addEventListener("htmx:after:swap", () => { tell(document); goOn(); });
  goOn();
  // A page that the server made for another zone, before it knew this one.
  const made = document.querySelector("[data-made-for-zone]");
  if (made && made.dataset.madeForZone !== window.taasZone && sessionStorage.getItem("taas-zone-told") !== window.taasZone) {
    sessionStorage.setItem("taas-zone-told", window.taasZone);
    location.reload();
  }
  // Tabs can be wider than a narrow window: the one that is shown is in it.
  document.querySelectorAll(".tabs [aria-current]").forEach((tab) => {
    const row = tab.parentElement;
    row.scrollLeft = tab.offsetLeft - row.offsetLeft - (row.clientWidth - tab.offsetWidth) / 2;
  });
  document.querySelectorAll("[data-theme]").forEach(theme);
  document.querySelectorAll("dialog[data-open]").forEach((dialog) => dialog.showModal());
  tell(document);
  setInterval(() => tell(document), 1000);
})();
