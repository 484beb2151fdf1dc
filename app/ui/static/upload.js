// Uploads with a progress bar: an archive or a folder, picked or dropped. Without script the form posts the archive.
(() => {
  const form = document.querySelector("[data-upload-form]");
  if (!form) return;
  const drop = form.querySelector("[data-drop]");
  const archive = form.querySelector("#archive");
  const folder = form.querySelector("#folder");
  const picked = form.querySelector("[data-picked]");
  const pickedMore = form.querySelector("[data-picked-more]");
  const progress = form.querySelector("[data-progress]");
  const wrong = form.querySelector("[data-upload-wrong]");
  const SKIPPED = /(^|\/)(\.git|__pycache__|\.venv|node_modules|\.DS_Store|\.ipynb_checkpoints)(\/|$)/;
  const MAX = Number(form.dataset.max);
  let files = []; // of a folder: {file, path}; empty when an archive was picked

  const size = (bytes) => {
    const units = ["B", "KiB", "MiB", "GiB"];
    let step = 0;
    while (bytes >= 1024 && step < 3) { bytes /= 1024; step += 1; }
    return `${step ? bytes.toFixed(1) : bytes} ${units[step]}`;
  };

  function complain(text) {
    wrong.hidden = !text;
    wrong.querySelector("span").textContent = text;
  }

  function say(title, more) {
    picked.textContent = title;
    pickedMore.textContent = more;
  }

  function takeFolder(found, name) {
    const kept = found.filter(({ path }) => !SKIPPED.test(path));
    files = kept;
    archive.value = "";
    const total = kept.reduce((sum, { file }) => sum + file.size, 0);
    const left = found.length - kept.length;
    say(name || "These files", `${kept.length} ${kept.length === 1 ? "file" : "files"}, ${size(total)}${left ? `; ${left} left out (.git, caches)` : ""}`);
    suggestName(name);
    complain(kept.length ? "" : "The folder is empty: choose the one that holds run.sh.");
  }

  function pickedFolder() {
    const found = [...folder.files].map((file) => ({ file, path: file.webkitRelativePath }));
    if (found.length) takeFolder(found, found[0].path.split("/")[0]);
  }

  function takeArchive() {
    files = [];
    folder.value = "";
    const file = archive.files[0];
    if (!file) return;
    say(file.name, size(file.size));
    suggestName(file.name.replace(/\.(zip|tar|tgz|tar\.gz|gz)$/i, ""));
    complain("");
  }

  function suggestName(text) {
    const field = form.querySelector("[name=name]");
    if (!field || field.value) return;
    field.value = text.toLowerCase().replace(/\.tar$/, "").replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "");
  }

  async function walk(entry, prefix) {
    const path = prefix ? `${prefix}/${entry.name}` : entry.name;
    if (entry.isFile) {
      const file = await new Promise((done, failed) => entry.file(done, failed));
      return [{ file, path }];
    }
    if (SKIPPED.test(path)) return [];
    const reader = entry.createReader();
    const found = [];
    for (;;) { // a reader gives at most a hundred entries at a time
      const some = await new Promise((done, failed) => reader.readEntries(done, failed));
      if (!some.length) return found;
      for (const child of some) found.push(...await walk(child, path));
    }
  }

  async function dropped(event) {
    const loose = [...event.dataTransfer.files].map((file) => ({ file, path: file.name }));
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry()).filter(Boolean);
    if (entries.length === 1 && entries[0].isFile) {
      archive.files = event.dataTransfer.files;
      takeArchive();
      return;
    }
    const found = entries.length ? [] : loose;
    for (const entry of entries) found.push(...await walk(entry, ""));
    takeFolder(found, entries.length === 1 ? entries[0].name : "");
  }

  function send() {
    const data = new FormData();
    for (const name of ["name", "description"]) {
      const field = form.querySelector(`[name=${name}]`);
      if (field) data.append(name, field.value);
    }
    if (files.length) for (const { file, path } of files) data.append("files", file, path);
    else data.append("archive", archive.files[0]);
    const request = new XMLHttpRequest(); // fetch cannot tell how far an upload is
    request.open("POST", form.dataset.api);
    request.upload.addEventListener("progress", (event) => show(event.loaded, event.total));
    request.addEventListener("load", () => finished(request));
    request.addEventListener("error", () => stopped(`The upload was cut off. Try again; at most ${size(MAX)} are taken.`));
    request.addEventListener("abort", () => stopped("The upload was cancelled."));
    request.send(data);
  }

  function show(loaded, total) {
    progress.hidden = false;
    const bar = progress.querySelector("progress");
    if (loaded < total) bar.value = (100 * loaded) / total;
    else bar.removeAttribute("value");
    progress.querySelector("[data-progress-words]").textContent =
      loaded < total ? `${size(loaded)} of ${size(total)}` : "Uploaded; it is being checked…";
  }

  function finished(request) {
    const answer = JSON.parse(request.responseText || "{}");
    if (request.status < 300) {
      const version = answer.version?.number ? answer.version : answer;
      const name = answer.version?.number ? answer.name : form.dataset.api.split("/")[4];
      location.assign(`/algorithms/${name}/versions/${version.number}?done=${request.status === 200 ? "same" : "new"}`);
      return;
    }
    const words = [];
    for (const error of answer.errors || []) if (!beside(error)) words.push(error.detail);
    stopped(words.join(" ") || (answer.errors?.length ? "" : answer.detail) || `The upload failed with status ${request.status}. Try again.`);
  }

  function beside({ pointer, detail }) {
    const field = form.querySelector(`[name="${CSS.escape(pointer.slice(1))}"]`);
    if (!field || field === archive) return false;
    const text = document.createElement("p");
    text.className = "wrong";
    text.id = `${field.id}-wrong`;
    text.dataset.told = "";
    text.textContent = detail;
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", text.id);
    field.after(text);
    field.focus();
    return true;
  }

  function forget() {
    form.querySelectorAll(".wrong[id]").forEach((text) => text.remove());
    form.querySelectorAll("[aria-invalid]").forEach((field) => field.removeAttribute("aria-invalid"));
  }

  function stopped(text) {
    progress.hidden = true;
    complain(text);
    form.querySelector("button[type=submit]").disabled = false;
  }

  form.querySelector("[data-pick-folder]").hidden = !("webkitdirectory" in folder);
  form.querySelector("[data-pick-folder]").addEventListener("click", (event) => { event.preventDefault(); folder.click(); });
  archive.addEventListener("change", takeArchive);
  folder.addEventListener("change", pickedFolder);
  // Chosen before this script ran, or kept by the browser over a reload.
  if (archive.files.length) takeArchive();
  pickedFolder();
  for (const name of ["dragenter", "dragover"]) {
    drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
  }
  for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    dropped(event).catch((error) => complain(`What was dropped could not be read: ${error.message}`));
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!files.length && !archive.files.length) { complain("Choose an archive or a folder first."); return; }
    const total = files.length ? files.reduce((sum, { file }) => sum + file.size, 0) : archive.files[0].size;
    forget();
    complain(total > MAX ? `That is ${size(total)}; at most ${size(MAX)} are taken. Leave out what the code does not need.` : "");
    if (total > MAX) return;
    form.querySelector("button[type=submit]").disabled = true;
    send();
  });
})();
