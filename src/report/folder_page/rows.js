// The clusters as rows of thumbnails, and the clusters of one photo together at the end.

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

// What is far from the window is not made: a row is empty until it comes near, a long row grows as its
// end comes near, and a tile gets its picture then.
const whenNear = (entries) => {
  for (const { isIntersecting, target } of entries) if (isIntersecting) target.whenNear();
};
const near = new IntersectionObserver(whenNear, { rootMargin: "700px 0px" });
// For the ends of rows, which the window may have jumped past.
const reached = new IntersectionObserver(whenNear, { rootMargin: "10000000px 0px 700px" });

// Tiles whose thumbnail has not been read yet.
let waiting = [];

function showPicture(tile, photo) {
  const url = thumbnailUrl(photo);
  if (url === null) { waiting.push([tile, photo]); return; }
  const picture = element("img", null, null, { alt: "", decoding: "async", draggable: "false" });
  picture.src = url;
  tile.firstElementChild.prepend(picture);
}

function showWaiting() {
  const before = waiting;
  waiting = [];
  for (const [tile, photo] of before) if (tile.isConnected) showPicture(tile, photo);
}

if (document.readyState === "loading") {
  const reading = new MutationObserver(showWaiting);
  reading.observe(document.body, { childList: true });
  document.addEventListener("DOMContentLoaded", () => { reading.disconnect(); showWaiting(); });
}

const tiles = new Array(numPhotos).fill(null);

function makeTile(photo, isRepresentative) {
  const { state } = shown;
  const path = photos.path[photo];
  const marks = [];
  if (isRepresentative) marks.push(["representative", "Stands for its cluster"]);
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

// About how high the row will be, so that the scroll bar is right before it is laid out.
function rowHeight(members, room) {
  let [lines, used] = [1, 0];
  for (const photo of members) {
    const width = tileWidth(photo) + 10;
    if (used + width > room && used > 0) [lines, used] = [lines + 1, 0];
    used += width;
  }
  return lines * (TILE_HEIGHT + 34) + 60;
}

const TILES_AT_ONCE = 90;

function makeRow(id, label, heading, members, representative, room) {
  const row = element("section", "cluster", null, { id, "aria-label": label });
  row.style.minHeight = `${rowHeight(members, room)}px`;
  row.whenNear = () => {
    near.unobserve(row);
    const list = element("div", "tiles");
    const end = element("div", "end");
    let made = 0;
    end.whenNear = () => {
      const next = members.slice(made, Math.max(2 * made, TILES_AT_ONCE));
      list.append(...next.map((photo) => makeTile(photo, photo === representative)));
      made += next.length;
      reached.unobserve(end);
      // Observed anew it reports again, if it is still near.
      if (made < members.length) reached.observe(end);
      else row.style.minHeight = "";
    };
    row.append(heading(), list, end);
    end.whenNear();
  };
  near.observe(row);
  return row;
}

function clusterHeading(number, one) {
  const heading = element("div", "cluster-heading", [
    element("h2", null, live?.nameOf(one.members) ?? `Cluster ${number}`),
    element("span", "count", plural(one.members.length, "photo")),
  ]);
  if (one.weakest !== null) {
    const weak = 1 - probability(one.weakest) > (1 - shown.cut.p) / 10;
    heading.append(element("button", weak ? "weakest weak" : "weakest",
      `weakest link ${percent(probability(one.weakest))}`, {
        type: "button", "data-pair": one.weakest,
        title: "Of the pairs that hold the cluster together the one most likely to be false; show it",
      }));
  }
  heading.append(element("button", "here", "Move here", { type: "button", "data-cluster": number }));
  live?.heading(heading, one);
  return heading;
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
  reached.disconnect();
  tiles.fill(null);
  const rows = document.createDocumentFragment();
  const single = [];
  const isSearching = shown.query !== "";
  const hits = new Set();
  if (isSearching) for (let photo = 0; photo < numPhotos; photo += 1) if (isHit(photo)) hits.add(photo);
  clusters.forEach((one, number) => {
    if (isSearching && !one.members.some((photo) => hits.has(photo))) return;
    if (one.members.length === 1) { single.push(one.members[0]); return; }
    rows.append(makeRow(`cluster-${number}`, `Cluster ${number}`, () => clusterHeading(number, one),
      one.members, one.members[0], room));
  });
  if (single.length) {
    const title = "Photos with no other of their cluster";
    const heading = () => element("div", "cluster-heading",
      [element("h2", null, title), element("span", "count", plural(single.length, "photo"))]);
    rows.append(makeRow("single", title, heading, single, null, room));
  }
  const numRows = rows.childElementCount;
  if (!numPhotos) rows.append(element("p", "empty", "No photo could be read."));
  main.replaceChildren(rows);
  document.body.classList.toggle("searching", isSearching);
  document.getElementById("found").textContent =
    isSearching ? `${plural(hits.size, "photo")} in ${plural(numRows, "row")}` : "";
}

function showSelection() {
  main.querySelectorAll('[aria-pressed="true"]').forEach((tile) => tile.setAttribute("aria-pressed", "false"));
  shown.selected.forEach((photo) => tiles[photo]?.setAttribute("aria-pressed", "true"));
  document.body.classList.toggle("selecting", shown.selected.length > 0);
}
