// The log viewer: appends what the page's stream sends, follows the end until the reader scrolls away.
(() => {
  const box = document.querySelector("[data-log]");
  if (!box) return;
  const log = box.querySelector("#log");
  const live = document.getElementById("live");
  const follow = box.querySelector("[data-log-follow]");
  const toEnd = box.querySelector("[data-log-end]");
  const CHUNK = 500; // lines in one <pre>: the browser skips whole ones that are off screen
  const END = "\n</span>"; // how a line ends; nothing within a line does
  const NEAR = 400; // pixels from the first or the last line that is here: more of them are asked for
  const KEPT = 60; // chunks kept while following; earlier lines can be loaded again
  const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  let following = true;
  let lastTop = 0;
  let loading = false;
  let missed = false; // the reader scrolled while lines were on their way: looked at again then, both ways
  let touchedAt = -Infinity; // when the reader last did something that can scroll

  const touched = () => touchedAt > -Infinity;
  const lines = (pre) => Number(pre.dataset.lines || (pre.dataset.lines = (pre.textContent.match(/\n/g) || []).length));
  const atEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 24;
  const lineHeight = parseFloat(getComputedStyle(log).lineHeight);
  // Chunks off screen have an estimated height until they are seen: stay at the end while estimates become true.
  const sizes = new ResizeObserver(() => { if (following) goToEnd(); });
  const estimate = (pre) => { pre.style.containIntrinsicSize = `auto ${Math.ceil(lines(pre) * lineHeight)}px`; };
  const goToEnd = () => { log.scrollTop = log.scrollHeight; lastTop = log.scrollTop; };

  function setFollowing(on) {
    following = on;
    follow?.setAttribute("aria-pressed", String(on));
    if (toEnd) toEnd.hidden = on || atEnd();
    if (on) goToEnd();
  }

  function setTimes(root) {
    if (!log.classList.contains("timed")) return;
    for (const time of root.querySelectorAll("time:not([data-told])")) {
      time.textContent = `${clock.format(new Date(time.dateTime))} `;
      time.dataset.told = "";
    }
  }

  function append(html) {
    log.querySelector("[data-log-empty]")?.remove();
    const added = html.split(END).slice(0, -1); // every line is whole and closes what it opens
    while (added.length) {
      let last = log.querySelector("pre:last-of-type");
      if (!last || lines(last) >= CHUNK) {
        last = document.createElement("pre");
        last.dataset.lines = "0";
        log.append(last);
        sizes.observe(last);
      }
      const some = added.splice(0, CHUNK - lines(last));
      const template = document.createElement("template");
      template.innerHTML = `${some.join(END)}${END}`; // the server's own markup: the log's characters are escaped there
      setTimes(template.content);
      last.append(template.content);
      last.dataset.lines = String(lines(last) + some.length);
      estimate(last);
    }
    if (following) {
      trim();
      goToEnd();
    } else if (toEnd) toEnd.hidden = atEnd();
  }

  function trim() {
    const chunks = log.querySelectorAll("pre");
    for (let at = 0; at < chunks.length - KEPT; at += 1) {
      chunks[at].remove();
      if (log.querySelector("[data-log-trimmed]")) continue;
      const note = document.createElement("p");
      note.className = "log-more quiet";
      note.dataset.logTrimmed = "";
      note.textContent = "Earlier lines are left out while following: reload the page or download the log to see them.";
      log.prepend(note);
    }
  }

  // The lines before those that are here, or behind them, and the way to still more of them.
  async function more(link, later) {
    if (loading) return;
    loading = true;
    try { await load(link, later); } finally { loading = false; }
    if (!missed) return;
    reachOn(true); // the last step of a way up may be too small to be told from one down
    reachOn(false);
  }

  async function load(link, later) {
    const answer = await fetch(link.href, { headers: { Accept: "text/html" } });
    if (!answer.ok) { location.assign(link.href); return; }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const found = page.getElementById("log");
    const before = log.scrollHeight;
    const next = found.querySelector(later ? "[data-log-later]" : ".log-more:not(:has([data-log-later]))");
    const chunks = [...found.querySelectorAll("pre")];
    link.closest(".log-more").remove();
    if (following) setFollowing(false);
    const added = (later ? [...chunks, next?.closest(".log-more")] : [next, ...chunks])
      .filter(Boolean).map((node) => document.importNode(node, true));
    if (later) log.append(...added);
    else log.prepend(...added);
    log.querySelectorAll("pre").forEach(estimate);
    setTimes(log);
    if (!later) log.scrollTop += log.scrollHeight - before;
  }

  // Whoever scrolls on is near what is not here yet.
  function reachOn(up) {
    const link = log.querySelector(up ? "[data-log-earlier]" : "[data-log-later]");
    const left = up ? log.scrollTop : log.scrollHeight - log.scrollTop - log.clientHeight;
    missed = loading;
    if (link && left < NEAR) more(link, !up);
  }

  // The address of a line: of its own task's log, opened there.
  function address(line) {
    const [task, attempt] = line.dataset.of ? line.dataset.of.split(".") : [box.dataset.task, box.dataset.attempt];
    return `${location.pathname}?${new URLSearchParams({ task, attempt, line: line.dataset.n })}#L${line.dataset.n}`;
  }

  // A click on a line's number, which is drawn before its text: the link to it.
  function clicked(event) {
    const line = event.target.closest(".l[data-n]");
    if (!line || event.target !== line || !getSelection().isCollapsed) return;
    const width = parseFloat(getComputedStyle(line, "::before").width);
    if (event.clientX > line.getClientRects()[0].left + width) return;
    log.querySelector(".l.chosen")?.classList.remove("chosen");
    line.classList.add("chosen");
    history.replaceState(null, "", address(line));
    navigator.clipboard?.writeText(location.href).catch(() => {}); // not allowed everywhere; the address bar has it
  }

  // Estimated heights above it become true while it is approached: go there until it stays, or the reader goes elsewhere.
  function openAt(line) {
    following = false;
    line.classList.add("chosen");
    let left = 10;
    const go = () => {
      if (touched()) return;
      line.scrollIntoView({ block: "center" });
      if ((left -= 1)) requestAnimationFrame(go);
    };
    go();
  }

  function first(place) {
    if (place === "-" || box.dataset.earlier !== "True") return;
    const query = new URLSearchParams(location.search);
    for (const [name, value] of new URLSearchParams(place)) query.set(name, value);
    const more = document.createElement("div");
    more.className = "log-more";
    const link = document.createElement("a");
    link.className = "btn btn-plain btn-sm";
    link.href = `?${query}`;
    link.dataset.logEarlier = "";
    link.textContent = "Earlier lines";
    more.append(link);
    log.prepend(more);
  }

  live?.addEventListener("log-first", (event) => first(event.detail.data));
  live?.addEventListener("log-reset", () => log.replaceChildren());
  live?.addEventListener("log", (event) => append(event.detail.data));
  for (const name of ["wheel", "touchmove", "keydown", "pointerdown"]) {
    log.addEventListener(name, () => { touchedAt = performance.now(); }, { passive: true });
  }
  log.addEventListener("scroll", () => {
    const up = log.scrollTop < lastTop - 2;
    lastTop = log.scrollTop;
    const byHand = performance.now() - touchedAt < 1000;
    if (following && up && byHand && !atEnd()) setFollowing(false);
    else if (!following && follow && byHand && !up && atEnd()) setFollowing(true);
    else if (toEnd) toEnd.hidden = following || atEnd();
    if (touched() && !following) reachOn(up);
  });
  box.addEventListener("click", (event) => {
    const toggle = event.target.closest("[data-log-toggle]");
    if (toggle) {
      const on = log.classList.toggle(toggle.dataset.logToggle);
      toggle.setAttribute("aria-pressed", String(on));
      setTimes(log);
      if (following) goToEnd();
    }
    if (event.target.closest("[data-log-follow]")) setFollowing(!following);
    if (event.target.closest("[data-log-end]")) setFollowing(true);
    const link = event.target.closest("[data-log-earlier]");
    if (link) { event.preventDefault(); more(link, false); }
    const later = event.target.closest("[data-log-later]");
    if (later) { event.preventDefault(); more(later, true); }
    clicked(event);
  });
  box.querySelectorAll("[data-submits]").forEach((select) => {
    select.addEventListener("change", () => {
      if (select.name === "task") box.querySelector("[name=attempt]")?.remove();
      select.form.requestSubmit();
    });
  });
  box.querySelector("[data-log-level]")?.addEventListener("change", (event) => {
    log.dataset.level = event.target.value;
    const shown = new URLSearchParams(location.search); // the address keeps it, so that it can be sent around
    if (event.target.value) shown.set("level", event.target.value); else shown.delete("level");
    history.replaceState(null, "", `${location.pathname}${shown.size ? `?${shown}` : ""}${location.hash}`);
    if (following) goToEnd();
  });
  for (const pre of log.querySelectorAll("pre")) {
    estimate(pre);
    sizes.observe(pre);
  }
  const asked = new URLSearchParams(location.search);
  const line = asked.has("line") && document.getElementById(`L${asked.get("line")}`);
  if (line) openAt(line);
  else if (["before", "after", "line", "place"].some((name) => asked.has(name))) following = false;
  else goToEnd();
})();
