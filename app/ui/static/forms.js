// The project form: only the roles of the chosen framework are there to be filled in.
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
})();
