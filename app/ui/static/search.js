// The search box: / or Ctrl-K opens it, arrows choose, Enter opens.
(() => {
  const box = document.getElementById("search");
  if (!box) return;
  const input = box.querySelector("input");
  const links = () => [...box.querySelectorAll("#search-hits a")];

  function open() {
    if (box.open) return;
    box.showModal();
    input.select();
  }

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
    const slash = event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey;
    const control = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
    if (!slash && !control || document.querySelector("dialog[open]:not(#search)")) return;
    event.preventDefault();
    open();
  });

  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("[data-search]")) return;
    event.preventDefault(); // the link is for those without script
    open();
  });

  box.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const stops = [input, ...links()];
    const next = stops.indexOf(document.activeElement) + step;
    stops[(next + stops.length) % stops.length].focus();
  });

  box.querySelector("form").addEventListener("submit", (event) => {
    const [first] = links();
    if (!first) return;
    event.preventDefault();
    location.assign(first.href);
  });
})();
