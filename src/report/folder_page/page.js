// What the reader does: the slider, the search, the selection, corrections and the export.

const slider = document.getElementById("cut");
const cutText = document.getElementById("cut-text");
const search = document.getElementById("search");
const MEMORY = `delfin-report:${location.pathname}`;

let cutTurn = 0;

async function setCut(index) {
  cutTurn += 1;
  const turn = cutTurn;
  const { clusters, isStale } = data.cuts[index];
  if (!clusters || isStale) {
    if (live) { live.fetchCut(index); return; }
    const cut = await part(`cut-${index}`).catch(() => null);
    // The slider has gone on meanwhile.
    if (!cut || turn !== cutTurn) return;
    data.cuts[index] = cut;
  }
  shown.cut = data.cuts[index];
  slider.value = index;
  const meaning = `Photos are linked when they show the same thing with a probability of at least ${percent(shown.cut.p)}, counted with the folder's other pairs`;
  cutText.textContent = meaning;
  slider.setAttribute("aria-valuetext", meaning);
  document.getElementById("cut-reset").hidden = index === data.default_cut;
  showClusters();
  showDock();
}

function select(selected) {
  shown.selected = selected;
  showSelection();
  return showDock();
}

function toggle(photo) {
  const without = shown.selected.filter((one) => one !== photo);
  select(without.length < shown.selected.length ? without : [...shown.selected, photo]);
}

// Corrections outlive the page where the browser lets a file remember: by path, not by number. The tab's own history keeps
// them too: in Chromium under load a reload was seen to find nothing stored.
function remember() {
  const named = moves.map((move) => ({
    photos: move.photos.map((photo) => photos.path[photo]),
    to: move.to === null ? null : photos.path[move.to],
  }));
  for (const keep of [
    () => localStorage.setItem(MEMORY, JSON.stringify(named)),
    () => history.replaceState({ corrections: named }, ""),
  ]) try { keep(); } catch { /* It does not: they last as long as the page. */ }
}

function recall() {
  let named = [];
  try { named = history.state?.corrections ?? JSON.parse(localStorage.getItem(MEMORY)) ?? []; } catch { return; }
  if (!Array.isArray(named)) return;
  const numberOf = new Map(photos.path.map((path, photo) => [path, photo]));
  for (const move of named) {
    const moved = (move?.photos ?? []).map((path) => numberOf.get(path)).filter((photo) => photo !== undefined);
    const to = move?.to === null ? null : numberOf.get(move?.to);
    if (moved.length && to !== undefined) moves.push({ photos: moved, to });
  }
}

function correct(to) {
  const moving = shown.selected.filter((photo) => photo !== to);
  if (!moving.length) return;
  if (live) { live.move(moving, to); return; }
  moves.push({ photos: moving, to });
  remember();
  shown.selected = [];
  showClusters();
  select(moving.length === 1 ? moving : []);
}

function moveTo(number) {
  const target = shown.state.clusters[number];
  if (!target || shown.selected.every((photo) => target.members.includes(photo))) return;
  correct(target.members.find((photo) => !shown.selected.includes(photo)) ?? target.members[0]);
}

main.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.photo !== undefined) toggle(Number(button.dataset.photo));
  if (button.dataset.cluster !== undefined) moveTo(Number(button.dataset.cluster));
  if (button.dataset.photos !== undefined) select(button.dataset.photos.split(" ").map(Number));
});

dockBody.addEventListener("click", (event) => {
  const other = event.target.closest("[data-other]")?.dataset.other;
  if (other !== undefined) select([shown.selected[0], Number(other)]);
});

// Arrow keys go from photo to photo.
main.addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  const tile = event.target.closest(".tile");
  if (!step || !tile) return;
  const all = [...main.querySelectorAll("section:not([hidden]) .tile")];
  all[all.indexOf(tile) + step]?.focus();
  event.preventDefault();
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && shown.selected.length) {
    const last = tiles[shown.selected.at(-1)];
    select([]);
    last?.focus();
  } else if (event.key === "/" && !event.target.closest("input")) {
    search.focus();
    event.preventDefault();
  }
});

// A photo is dragged onto a cluster, with the others that are selected.
main.addEventListener("dragstart", (event) => {
  const photo = event.target.closest?.(".tile")?.dataset.photo;
  if (photo === undefined) return;
  if (!shown.selected.includes(Number(photo))) select([Number(photo)]);
  event.dataTransfer.effectAllowed = "move";
});
// Files from elsewhere are no photos of the page.
const clusterUnder = (event) => (shown.selected.length && !event.dataTransfer.types.includes("Files")
  ? event.target.closest?.("section.cluster") : null);
main.addEventListener("dragover", (event) => { if (clusterUnder(event)) event.preventDefault(); });
main.addEventListener("drop", (event) => {
  const row = clusterUnder(event);
  if (!row) return;
  event.preventDefault();
  if (row.id === "single") correct(null);
  else moveTo(Number(row.id.slice("cluster-".length)));
});

let asked = 0;
slider.addEventListener("input", () => {
  // One picture a frame, whatever the slider sends.
  cancelAnimationFrame(asked);
  asked = requestAnimationFrame(() => setCut(Number(slider.value)));
});
document.getElementById("cut-reset").addEventListener("click", () => setCut(data.default_cut));
search.addEventListener("input", () => {
  shown.query = search.value.trim().toLowerCase();
  showRows();
});
document.getElementById("clear").addEventListener("click", () => select([]));
document.getElementById("alone").addEventListener("click", () => correct(null));
document.getElementById("move").addEventListener("submit", (event) => {
  event.preventDefault();
  const target = document.getElementById("target");
  if (target.value !== "") moveTo(Number(target.value));
  target.value = "";
});
document.getElementById("undo").addEventListener("click", () => {
  if (live) { live.act({ kind: "undo" }); return; }
  moves.pop();
  remember();
  showClusters();
  showDock();
});
// The cluster of each photo: its name, or its number.
function labels() {
  const { clusters, clusterOf } = shown.state;
  const names = clusters.map((one, number) => live?.nameOf(one.members) ?? number);
  return Array.from(clusterOf, (number) => names[number]);
}
function save(text, type, name) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  element("a", null, null, { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}
document.getElementById("export").addEventListener("click", () =>
  save(labelsCsv(labels()), "text/csv", "clusters_corrected.csv"));
document.getElementById("export-json").addEventListener("click", () => {
  const { clusters, clusterOf } = shown.state;
  const isRepresentative = (photo) => clusters[clusterOf[photo]].members[0] === photo;
  save(labelsJson(labels(), isRepresentative), "application/json", "clusters_corrected.json");
});
new ResizeObserver(() => {
  document.documentElement.style.setProperty("--top", `${document.querySelector(".top").offsetHeight}px`);
}).observe(document.querySelector(".top"));

function showFailures() {
  const section = document.getElementById("failures");
  section.hidden = data.failures.length === 0;
  const rows = data.failures.map(([path, reason]) =>
    element("tr", null, [element("th", null, path, { scope: "row" }), element("td", null, reason)]));
  section.replaceChildren(
    element("h2", null, `${plural(data.failures.length, "file")} that could not be read`, { id: "failures-title" }),
    element("table", null, element("tbody", null, rows)));
}

slider.max = data.cuts.length - 1;
slider.disabled = data.cuts.length < 2;
if (!live) recall();
showFailures();
setCut(data.default_cut);
live?.start();
document.body.classList.add("ready");
performance.mark("clusters shown");
