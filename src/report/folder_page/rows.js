// The clusters as rows of thumbnails, and the photos by themselves together at the end.

const main = document.getElementById("clusters");
const TILE_HEIGHT = 116;

function element(tag, className, content, attributes = {}) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (content !== undefined && content !== null) made.append(...[content].flat());
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

const plural = (count, one, many = one + "s") => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
const fileName = (path) => path.slice(path.lastIndexOf("/") + 1) || path;

function tileWidth(photo) {
  const width = TILE_HEIGHT * photos.width[photo] / photos.height[photo];
  return Math.round(Math.min(Math.max(width, 72), 236));
}

// A probability that a newcomer can read.
function percent(p) {
  const digits = p > 0.999 || p < 0.001 ? 3 : p > 0.99 || p < 0.01 ? 2 : p > 0.9 || p < 0.1 ? 1 : 0;
  const shown = (100 * p).toFixed(digits);
  if (Number(shown) >= 100 && p < 1) return "over 99.999 %";
  return `${shown} %`;
}

// What is far from the window is not made: rows, and pieces of a long row, are empty until they come near.
const NEAR = 700;
const near = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) if (isIntersecting) target.whenNear?.();
}, { rootMargin: `${NEAR}px 0px` });

// An element that takes about its final height from the start and is filled when it comes near.
function whenNear(holder, height, fill) {
  holder.style.minHeight = `${height}px`;
  holder.whenNear = () => {
    near.unobserve(holder);
    holder.whenNear = null;
    fill();
    holder.style.minHeight = "";
  };
  near.observe(holder);
  return holder;
}

// Fills at once what is near, so that nothing that was seen is gone for a moment.
function fillNear(holders) {
  for (const holder of holders) {
    const { top, bottom } = holder.getBoundingClientRect();
    if (top > window.innerHeight + NEAR) return;
    if (bottom > -NEAR) {
      holder.whenNear?.();
      if (holder.classList.contains("rows")) fillNear(holder.children);
    }
  }
}

async function showPicture(tile, photo) {
  const { thumbnail } = await picturesOf(photo).catch(() => ({ thumbnail: null }));
  if (thumbnail === null) return;
  const picture = element("img", null, null, { alt: "", decoding: "async", draggable: "false" });
  picture.src = thumbnail;
  tile.firstElementChild.prepend(picture);
}

const tiles = new Array(numPhotos).fill(null);

function makeTile(photo, isRepresentative) {
  const { state } = shown;
  const path = photos.path[photo];
  const marks = [];
  if (isRepresentative) marks.push(["representative", "Stands for its cluster"]);
  if (live?.isBest(photo)) marks.push(["best", "Best of its cluster"]);
  if (state.uncertain.has(photo)) marks.push(["uncertain", "Uncertain member"]);
  if (state.moved.has(photo)) marks.push(["moved", "Moved by you"]);
  const frame = element("span", "frame");
  for (const [mark] of marks) frame.append(element("span", `mark ${mark}`, mark === "uncertain" ? "?" : ""));
  const tile = element("button", "tile", [frame, element("span", "name", fileName(path))], {
    type: "button",
    draggable: "true",
    "data-photo": photo,
    "aria-pressed": String(shown.selected.includes(photo)),
    "aria-label": [path, ...marks.map(([, meaning]) => meaning)].join(". "),
    title: [path, ...marks.map(([, meaning]) => meaning)].join("\n"),
  });
  tile.style.setProperty("--width", `${tileWidth(photo)}px`);
  for (const [mark] of marks) tile.classList.add(mark);
  if (shown.query !== "" && isHit(photo)) tile.classList.add("hit");
  tiles[photo] = tile;
  showPicture(tile, photo);
  return tile;
}

// The photos of a row in pieces of whole lines, each with about its height.
const TILES_AT_ONCE = 90;
function piecesOf(members, room) {
  const pieces = [];
  let [piece, used] = [{ members: [], lines: 1 }, 0];
  for (const photo of members) {
    const width = tileWidth(photo) + 10;
    if (used + width > room && used > 0) {
      used = 0;
      if (piece.members.length >= TILES_AT_ONCE) {
        pieces.push(piece);
        piece = { members: [], lines: 0 };
      }
      piece.lines += 1;
    }
    used += width;
    piece.members.push(photo);
  }
  return [...pieces, piece].map(({ members: some, lines }) => ({ members: some, height: lines * (TILE_HEIGHT + 34) }));
}

const HEADING_HEIGHT = 60;
const heightOf = (pieces) => pieces.reduce((sum, piece) => sum + piece.height, HEADING_HEIGHT);

function makeRow({ id, label, heading, pieces, representative }) {
  const row = element("section", "cluster", null, { id, "aria-label": label });
  return whenNear(row, heightOf(pieces), () => {
    row.append(heading());
    pieces.forEach(({ members, height }, index) => {
      const list = element("div", "tiles");
      const fill = () => list.append(...members.map((photo) => makeTile(photo, photo === representative)));
      if (index === 0) fill();
      row.append(index === 0 ? list : whenNear(list, height, fill));
    });
  });
}

// Makes the row of that name, wherever it is.
function bringNear(id) {
  let row = document.getElementById(id);
  for (const holder of main.querySelectorAll(".rows:empty")) {
    if (!row && holder.rowIds.includes(id)) holder.whenNear();
    row ??= document.getElementById(id);
  }
  if (!row) return;
  row.whenNear?.();
  row.scrollIntoView({ block: "center" });
}

// Rows beyond the first are made some at a time.
const ROWS_AT_ONCE = 60;
function makeRows(rows) {
  const made = rows.slice(0, ROWS_AT_ONCE).map(makeRow);
  for (let start = ROWS_AT_ONCE; start < rows.length; start += ROWS_AT_ONCE) {
    const some = rows.slice(start, start + ROWS_AT_ONCE);
    const height = some.reduce((sum, { pieces }) => sum + heightOf(pieces), 0);
    const holder = element("div", "rows");
    holder.rowIds = some.map(({ id }) => id);
    made.push(whenNear(holder, height, () => holder.append(...some.map(makeRow))));
  }
  return made;
}

function clusterHeading(number, one) {
  const heading = element("div", "cluster-heading", [
    element("h2", null, live?.nameOf(one.members) ?? `Cluster ${number}`),
    element("span", "count", plural(one.members.length, "photo")),
  ]);
  showWeakest(heading, one);
  heading.append(element("button", "here", "Move here", { type: "button", "data-cluster": number }));
  live?.heading(heading, one);
  return heading;
}

async function showWeakest(heading, one) {
  const weakest = await weakestOf(one).catch(() => null);
  if (!weakest) return;
  const [photo1, photo2, p] = weakest;
  const isWeak = 1 - p > (1 - shown.cut.p) / 10;
  heading.querySelector(".count").after(element("button", isWeak ? "weakest weak" : "weakest", `weakest link ${percent(p)}`, {
    type: "button", "data-photos": `${photo1} ${photo2}`,
    title: "Of the pairs that hold the cluster together the one most likely to be false; show it",
  }));
}

// What is on the page: the cut, its clusters, which photos are selected, and what is searched for.
const shown = { cut: null, state: null, selected: [], query: "" };
const isHit = (photo) => photos.path[photo].toLowerCase().includes(shown.query);

function showClusters() {
  shown.state = formClusters(shown.cut);
  showRows();
  const { clusters, moved } = shown.state;
  const single = clusters.filter((one) => one.members.length === 1).length;
  const parts = [plural(numPhotos, "photo"), plural(clusters.length - single, "cluster", "clusters"),
    `${single.toLocaleString("en")} on their own`];
  if (data.failures.length) parts.push(`${data.failures.length.toLocaleString("en")} not readable`);
  document.getElementById("summary").textContent = parts.join(" · ");
  const numCorrections = live ? live.state?.num_done ?? 0 : moved.size;
  document.getElementById("corrections").textContent =
    numCorrections ? `with ${plural(numCorrections, "correction")}` : "path and cluster, as CSV";
  document.getElementById("undo").hidden = live ? numCorrections === 0 : moves.length === 0;
  document.getElementById("target").max = clusters.length - 1;
}

// Clusters without a hit of the search are left out; in the others photos that are no hit step back.
function showRows() {
  const { clusters } = shown.state;
  const room = Math.max(main.clientWidth - 34, 240);
  near.disconnect();
  tiles.fill(null);
  const rows = [];
  const single = [];
  const isSearching = shown.query !== "";
  const hits = new Set();
  if (isSearching) for (let photo = 0; photo < numPhotos; photo += 1) if (isHit(photo)) hits.add(photo);
  clusters.forEach((one, number) => {
    if (isSearching && !one.members.some((photo) => hits.has(photo))) return;
    if (one.members.length === 1) { single.push(one.members[0]); return; }
    rows.push({
      id: `cluster-${number}`, label: `Cluster ${number}`, heading: () => clusterHeading(number, one),
      pieces: piecesOf(one.members, room), representative: one.members[0],
    });
  });
  if (single.length) {
    const label = "Photos with no other of their cluster";
    const heading = () => element("div", "cluster-heading",
      [element("h2", null, label), element("span", "count", plural(single.length, "photo"))]);
    rows.push({ id: "single", label, heading, pieces: piecesOf(single, room), representative: null });
  }
  const numRows = rows.length;
  const scroll = window.scrollY;
  main.replaceChildren(...makeRows(rows));
  if (!numPhotos) main.append(element("p", "empty", "No photo could be read."));
  window.scrollTo(0, scroll);
  fillNear(main.children);
  document.body.classList.toggle("searching", isSearching);
  document.getElementById("found").textContent =
    isSearching ? `${plural(hits.size, "photo")} in ${plural(numRows, "row")}` : "";
}

function showSelection() {
  main.querySelectorAll('[aria-pressed="true"]').forEach((tile) => tile.setAttribute("aria-pressed", "false"));
  shown.selected.forEach((photo) => tiles[photo]?.setAttribute("aria-pressed", "true"));
  document.body.classList.toggle("selecting", shown.selected.length > 0);
}
