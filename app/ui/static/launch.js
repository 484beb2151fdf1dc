// The launch form: a field of text and the box that gives an empty one cannot both hold.
(() => {
  for (const box of document.querySelectorAll("[data-empties]")) {
    const field = document.getElementById(box.dataset.empties);
    box.addEventListener("change", () => { if (box.checked) field.value = ""; });
    field.addEventListener("input", () => { if (field.value) box.checked = false; });
  }
})();
