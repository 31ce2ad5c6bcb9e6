// The dock: one selected photo with its verified pairs, two with their match picture.

const dock = document.getElementById("dock");
const dockBody = document.getElementById("dock-body");
const LINES = ["#ffd60a", "#40c8ff", "#ff6ec7", "#ff9f1c", "#5ef0dc", "#bea0ff", "#ff7064"];
const MOST_NEIGHBORS = 30;

function showDock() {
  const { selected, state } = shown;
  dock.hidden = selected.length === 0;
  document.body.style.paddingBottom = "";
  if (dock.hidden) return;
  document.getElementById("alone").disabled = selected.every((photo) => state.clusters[state.clusterOf[photo]].members.length === 1);
  const title = document.getElementById("dock-title");
  if (selected.length === 1) {
    title.textContent = photos.path[selected[0]];
    dockBody.replaceChildren(...onePhoto(selected[0]));
  } else if (selected.length === 2) {
    title.textContent = "Do these two show the same thing?";
    dockBody.replaceChildren(...twoPhotos(...selected));
  } else {
    title.textContent = plural(selected.length, "photo") + " selected";
    dockBody.replaceChildren(element("p", "hint", "Move them with the buttons above, or with “Move here” beside a cluster. Select two photos to compare them."));
  }
  document.body.style.paddingBottom = `${dock.offsetHeight + 24}px`;
}

const clusterText = (photo) => {
  const { clusters, clusterOf } = shown.state;
  const size = clusters[clusterOf[photo]].members.length;
  return size === 1 ? "on its own" : `cluster ${clusterOf[photo]}, ${plural(size, "photo")}`;
};

function onePhoto(photo) {
  const facts = [`${photos.width[photo]} × ${photos.height[photo]} px`, clusterText(photo)];
  const score = shown.cut.scores[photo];
  if (score !== null) facts.push(`score ${Number(score.toPrecision(3))}`);
  const list = pairsOf(photo).slice(0, MOST_NEIGHBORS).map((pair) => {
    const other = otherOf(pair, photo);
    const picture = element("img", null, null, { alt: "", src: thumbnailUrl(other) ?? "" });
    const together = shown.state.clusterOf[other] === shown.state.clusterOf[photo];
    const frame = element("span", "frame", picture);
    const button = element("button", together ? "tile neighbor together" : "tile neighbor",
      [frame, element("span", "name", percent(probability(pair)))], {
        type: "button", "data-other": other,
        "aria-label": `Compare with ${photos.path[other]}, ${together ? "same cluster" : "another cluster"}`,
        title: `${photos.path[other]}\n${together ? "same cluster" : "another cluster"}`,
      });
    button.style.setProperty("--width", `${tileWidth(other)}px`);
    return button;
  });
  const hint = list.length
    ? "Its verified pairs, most probable first, each with the probability that both show the same thing; those of its cluster have a green line. Choose one, or a second photo above."
    : "None of its pairs was verified. Choose a second photo above to see both.";
  return [element("p", "hint", facts.join(" · ")), element("p", "hint", hint), element("div", "neighbors", list)];
}

// The inliers of a pair, if there is one, from photo 1 as it was chosen and not as it was verified.
function inliersBetween(pair, photo1) {
  if (pair === null) return [];
  const isSwapped = pairs.image1[pair] !== photo1;
  return inliersOf(pair).map(([x1, y1, x2, y2]) => (isSwapped ? [x2, y2, x1, y1] : [x1, y1, x2, y2]));
}

function twoPhotos(photo1, photo2) {
  const pair = pairOf(photo1, photo2);
  const inliers = inliersBetween(pair, photo1);
  const canvas = element("canvas", null, null, {
    role: "img",
    "aria-label": `${photos.path[photo1]} beside ${photos.path[photo2]}, ${plural(inliers.length, "inlier")} drawn`,
  });
  const overlay = pair === null ? null : overlayOf(pair);
  const both = [photo1, photo2].map((photo) => loadPicture(photo, draw));
  const room = Math.max(Math.min(dock.clientWidth - 380, 1500), Math.min(dock.clientWidth - 32, 560));
  const mostHigh = Math.max(160, Math.min(window.innerHeight * 0.42, 420));
  // The panel below is as large as its photo 2 beside photo 1.
  const third = overlay && pairs.image2[pair];
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
  const relation = { copy: "edited copy", view: "other view" }[pairs.relation[pair]];
  const share = (value) => (value === null ? "not compared" : `${Math.round(100 * value)} %`);
  const rows = [
    ["Same thing", percent(probability(pair))],
    ["If so", relation ?? "not compared"],
    ["Inliers", `${pairs.inliers[pair]} of ${plural(pairs.matches[pair], "match", "matches")}`],
    ["Pixels agree", share(pairs.agreement[pair])],
    ["Pixels contradict", share(pairs.contradiction[pair])],
    ["This threshold", probability(pair) >= shown.cut.p ? "passes" : "does not pass"],
  ];
  if (drawn < pairs.inliers[pair]) rows.push(["Lines", `${drawn} of ${plural(pairs.inliers[pair], "inlier")}`]);
  const list = element("dl", null, rows.flatMap(([name, value]) => [element("dt", null, name), element("dd", null, value)]));
  return [verdict, list];
}

// The thumbnail at once, then the photo itself where the browser finds and understands it.
function loadPicture(photo, changed) {
  const holder = { picture: null };
  const take = (source, isLast) => {
    const picture = new Image();
    picture.onload = () => {
      if (isLast || holder.picture === null) holder.picture = picture;
      changed();
    };
    picture.src = source;
  };
  const thumbnail = thumbnailUrl(photo);
  if (thumbnail !== null) take(thumbnail, false);
  if (photos.href[photo] !== null) take(photos.href[photo], true);
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
