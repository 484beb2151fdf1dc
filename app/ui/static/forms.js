// The project form: only the roles of the chosen framework are there to be filled in; the browser's time zone is offered;
// a declared parameter shows limits or choices only where its type has them.
(() => {
  const form = document.querySelector("[data-project-form]");
  const framework = form?.querySelector("[name=framework]");
  if (!framework) return;
  const ROLES = { tensorflow: ["chief", "worker", "ps", "evaluator"], pytorch: ["worker"], plain: ["worker"] };
  const show = () => {
    for (const card of form.querySelectorAll("[data-role]")) {
      const used = ROLES[framework.value].includes(card.dataset.role);
      card.hidden = !used;
      card.disabled = !used;
    }
  };
  framework.addEventListener("change", show);
  show();

  // Limits are for numbers and choices for a choice; what was typed already stays to be seen.
  const fit = (row) => {
    const kind = row.querySelector("select").value;
    for (const cell of row.querySelectorAll("[data-for]")) {
      cell.hidden = !cell.dataset.for.split(" ").includes(kind) && cell.querySelector("input").value === "";
    }
  };
  const rows = document.getElementById("params-rows");
  rows.addEventListener("change", (event) => {
    const row = event.target.closest("[data-param]");
    if (row) fit(row);
  });
  const fitAll = () => rows.querySelectorAll("[data-param]").forEach(fit);
  new MutationObserver(fitAll).observe(rows, { childList: true });
  fitAll();

  const own = form.querySelector("[data-own-zone]");
  const zone = document.getElementById(own.dataset.ownZone);
  const offer = () => { own.hidden = zone.value === window.taasZone; };
  own.querySelector("[data-word]").textContent = window.taasZone;
  own.addEventListener("click", () => {
    zone.value = window.taasZone;
    zone.dispatchEvent(new Event("input", { bubbles: true }));
    zone.focus();
  });
  zone.addEventListener("input", offer);
  offer();
})();
