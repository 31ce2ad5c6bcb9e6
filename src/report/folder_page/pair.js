// The dock: one selected photo with its verified pairs, two with their match picture.

const dock = document.getElementById("dock");
const dockBody = document.getElementById("dock-body");
const LINES = ["#ffd60a", "#40c8ff", "#ff6ec7", "#ff9f1c", "#5ef0dc", "#bea0ff", "#ff7064"];
const MOST_NEIGHBORS = 30;

let dockTurn = 0;

// Resolves when the dock shows what is selected.
async function showDock() {
  const { selected, state } = shown;
  dockTurn += 1;
  const turn = dockTurn;
  dock.hidden = selected.length === 0;
  document.body.style.paddingBottom = "";
  if (dock.hidden) return;
  document.getElementById("alone").disabled = selected.every((photo) => state.clusters[state.clusterOf[photo]].members.length === 1);
  const title = document.getElementById("dock-title");
  const show = (content) => {
    if (turn !== dockTurn) return;
    dockBody.replaceChildren(...content);
    document.body.style.paddingBottom = `${dock.offsetHeight + 24}px`;
  };
  const hint = (words) => [element("p", "hint", words)];
  if (selected.length > 2) {
    title.textContent = plural(selected.length, "photo") + " selected";
    show(hint("Move them with the buttons above, or with “Move here” beside a cluster. Select two photos to compare them."));
    return;
  }
  title.textContent = selected.length === 1 ? photos.path[selected[0]] : "Do these two show the same thing?";
  const slow = setTimeout(() => show(hint("Comparing …")), 150);
  try {
    const content = selected.length === 1 ? await onePhoto(selected[0]) : await twoPhotos(...selected);
    show(content());
  } catch (error) {
    show(hint(error.message));
  } finally {
    clearTimeout(slow);
  }
}

const clusterText = (photo) => {
  const { clusters, clusterOf } = shown.state;
  const size = clusters[clusterOf[photo]].members.length;
  return size === 1 ? "on its own" : `cluster ${clusterOf[photo]}, ${plural(size, "photo")}`;
};

// A small picture of a photo with its probability.
function neighborTile(photo, { thumbnail }, p, attributes, isTogether = false) {
  const frame = element("span", "frame", element("img", null, null, { alt: "", src: thumbnail ?? "" }));
  const button = element("button", isTogether ? "tile neighbor together" : "tile neighbor",
    [frame, element("span", "name", percent(p))], { type: "button", ...attributes });
  button.style.setProperty("--width", `${tileWidth(photo)}px`);
  return button;
}

// What shows one photo, once what it needs is read.
async function onePhoto(photo) {
  const facts = [`${photos.width[photo]} × ${photos.height[photo]} px`, clusterText(photo)];
  const score = shown.cut.scores[photo];
  if (score !== null) facts.push(`score ${Number(score.toPrecision(3))}`);
  const nearest = (await pairsOf(photo)).slice(0, MOST_NEIGHBORS);
  const pictures = await Promise.all(nearest.map((pair) => picturesOf(otherOf(pair, photo))));
  const list = nearest.map((pair, index) => {
    const other = otherOf(pair, photo);
    const isTogether = shown.state.clusterOf[other] === shown.state.clusterOf[photo];
    const where = isTogether ? "same cluster" : "another cluster";
    return neighborTile(other, pictures[index], pair.p, {
      "data-other": other, "aria-label": `Compare with ${photos.path[other]}, ${where}`, title: `${photos.path[other]}\n${where}`,
    }, isTogether);
  });
  const hint = list.length
    ? "Its verified pairs, most probable first, each with the probability that both show the same thing; those of its cluster have a green line. Choose one, or a second photo above."
    : "None of its pairs was verified. Choose a second photo above to see both.";
  const actions = live ? live.photoActions(photo) : [];
  return () => [element("p", "hint", facts.join(" · ")), ...actions, element("p", "hint", hint), element("div", "neighbors", list)];
}

// Inliers from photo 1 as it was chosen and not as it was verified.
function inliersFrom(photo1, pair, inliers) {
  const isSwapped = pair.image1 !== photo1;
  return inliers.map(([x1, y1, x2, y2]) => (isSwapped ? [x2, y2, x1, y1] : [x1, y1, x2, y2]));
}

// What shows two photos, once what it needs is read.
async function twoPhotos(photo1, photo2) {
  const pair = await pairOf(photo1, photo2);
  const drawing = pair && await drawingOf(pair);
  const pictures = await Promise.all([photo1, photo2].map(picturesOf));
  return () => comparison([photo1, photo2], pictures, pair, drawing);
}

function comparison([photo1, photo2], pictures, pair, drawing) {
  const inliers = pair ? inliersFrom(photo1, pair, drawing.inliers) : [];
  const canvas = element("canvas", null, null, {
    role: "img",
    "aria-label": `${photos.path[photo1]} beside ${photos.path[photo2]}, ${plural(inliers.length, "inlier")} drawn`,
  });
  const overlay = drawing?.overlay ?? null;
  const both = pictures.map((urls) => loadPicture(urls, draw));
  const room = Math.max(Math.min(dock.clientWidth - 380, 1500), Math.min(dock.clientWidth - 32, 560));
  const mostHigh = Math.max(160, Math.min(window.innerHeight * 0.42, 420));
  // The panel below is as large as its photo 2 beside photo 1.
  const third = overlay && pair.image2;
  const { widths, height } = sizes([photo1, photo2, ...(overlay ? [third] : [])], room, mostHigh);
  const inOrder = overlay && third === photo1 ? [both[1], both[0]] : both;
  const laid = overlay && overlayPanel(pair, overlay, inOrder, [widths[2], height]);
  function draw() {
    drawPair(canvas, both, inliers, widths, height);
    laid?.show();
  }
  draw();
  const names = element("div", "names", [photo1, photo2].map((photo) =>
    element("p", null, [element("strong", null, photos.path[photo]), element("span", null, clusterText(photo))])));
  names.style.maxWidth = canvas.style.width;
  return [element("div", "compare", [
    element("div", "picture", [canvas, names]),
    ...(laid ? [laid.panel] : []),
    element("div", "numbers", [
      ...numbers(pair, photo1, photo2, inliers.length), ...(live ? [live.answers(photo1, photo2)] : []),
    ]),
  ])];
}

function numbers(pair, photo1, photo2, drawn) {
  const together = shown.state.clusterOf[photo1] === shown.state.clusterOf[photo2];
  const verdict = element("p", together ? "verdict yes" : "verdict no", together ? "In one cluster" : "In different clusters");
  if (pair === null) {
    return [verdict, element("p", "hint",
      "This pair was not verified: nothing suggested that the two could show the same thing.")];
  }
  const relation = { copy: "edited copy", view: "other view" }[pair.relation];
  const share = (value) => (value === null ? "not compared" : `${Math.round(100 * value)} %`);
  const rows = [
    ["Same thing", percent(pair.p)],
    ["If so", relation ?? "not compared"],
    ["Inliers", `${pair.inliers} of ${plural(pair.matches, "match", "matches")}`],
    ["Pixels agree", share(pair.agreement)],
    ["Pixels contradict", share(pair.contradiction)],
    ["This threshold", pair.p >= shown.cut.p ? "passes" : "does not pass"],
  ];
  if (drawn < pair.inliers) rows.push(["Lines", `${drawn} of ${plural(pair.inliers, "inlier")}`]);
  const list = element("dl", null, rows.flatMap(([name, value]) => [element("dt", null, name), element("dd", null, value)]));
  return [verdict, list];
}

// The thumbnail at once, then the photo itself where the browser finds and understands it.
function loadPicture({ thumbnail, href }, changed) {
  const holder = { picture: null };
  const take = (source, isLast) => {
    const picture = new Image();
    picture.onload = () => {
      if (isLast || holder.picture === null) holder.picture = picture;
      changed();
    };
    picture.src = source;
  };
  if (thumbnail !== null) take(thumbnail, false);
  if (href !== null) take(href, true);
  return holder;
}

const GAP = 10;

// Widths of photos that stand side by side in `room`, and the height that they have in common.
function sizes(side, room, mostHigh) {
  const aspects = side.map((photo) => Math.min(Math.max(photos.width[photo] / photos.height[photo], 0.2), 5));
  const sum = aspects.reduce((a, b) => a + b);
  const height = Math.round(Math.min(mostHigh, (room - GAP * (side.length - 1)) / sum));
  return { widths: aspects.map((aspect) => Math.round(height * aspect)), height };
}

function drawPair(canvas, holders, inliers, widths, height) {
  const pen = scaledPen(canvas, widths[0] + widths[1] + GAP, height);
  pen.imageSmoothingQuality = "high";
  const lefts = [0, widths[0] + GAP];
  holders.forEach((holder, side) => {
    if (holder.picture) pen.drawImage(holder.picture, lefts[side], 0, widths[side], height);
  });
  const ends = inliers.map(([x1, y1, x2, y2]) => [
    x1 * widths[0], y1 * height, lefts[1] + x2 * widths[1], y2 * height]);
  ends.sort((a, b) => a[1] + a[3] - b[1] - b[3]);
  const crowd = Math.min(Math.max((ends.length - 12) / 28, 0), 1);
  ends.forEach(([x1, y1, x2, y2], index) => {
    for (const [color, thickness] of [["rgba(0, 0, 0, .45)", 3.4], [LINES[index % LINES.length], 1.6 - 0.4 * crowd]]) {
      pen.strokeStyle = color;
      pen.lineWidth = thickness;
      pen.beginPath();
      pen.moveTo(x1, y1);
      pen.lineTo(x2, y2);
      pen.stroke();
    }
  });
  ends.forEach(([x1, y1, x2, y2], index) => {
    for (const [x, y] of [[x1, y1], [x2, y2]]) {
      pen.fillStyle = LINES[index % LINES.length];
      pen.strokeStyle = "rgba(0, 0, 0, .7)";
      pen.lineWidth = 1.4;
      pen.beginPath();
      pen.arc(x, y, 3.2 - 0.8 * crowd, 0, 2 * Math.PI);
      pen.fill();
      pen.stroke();
    }
  });
}
