// The project form: only the roles of the chosen framework are there to be filled in; the browser's time zone is offered.
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
