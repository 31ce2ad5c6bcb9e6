// Photo 1 of a pair laid onto its photo 2, with the marks of the match picture: a blue dot where both look
// alike, an orange cross where they look different.

const AGREES = "#56b4e9";
const CONTRADICTS = "#e69f00";
const MARK_EDGE = "rgba(8, 10, 14, .8)";

// The panel of a pair, in its own order of photos, and what draws it anew when a photo has come in.
function overlayPanel(pair, overlay, holders, [width, height]) {
  const below = element("img", null, null, { alt: "" });
  const above = element("img", "laid", null, { alt: "" });
  const marks = element("canvas");
  const [photo1, photo2] = [pair.image1, pair.image2].map((photo) => fileName(photos.path[photo]));
  const told = overlay.agreeing === null ? "" :
    `, ${plural(overlay.agreeing.length, "place")} alike, ${plural(overlay.contradicting.length, "place")} different`;
  const panel = element("div", "overlay", [below, above, marks], {
    role: "img", "aria-label": `${photo1} laid onto ${photo2}${told}`,
  });
  for (const one of [panel, below, above]) [one.style.width, one.style.height] = [`${width}px`, `${height}px`];
  above.style.transform = cssMatrix(overlay.matrix, width, height);
  drawMarks(marks, overlay, width, height);
  const legend = (mark, text) => element("span", "legend", [mark, text]);
  const keys = overlay.agreeing === null
    ? [element("span", null, "Marks are made for the least certain pairs alone.")]
    : [legend(legendMark(drawDot), `${overlay.agreeing.length} alike`),
      legend(legendMark(drawCross), `${overlay.contradicting.length} different`)];
  const caption = element("div", "names", element("p", null, [element("strong", null, `${photo1} laid onto ${photo2}`), ...keys]));
  caption.style.maxWidth = `${width}px`;
  const show = () => holders.forEach(({ picture }, side) => {
    const image = [above, below][side];
    if (picture && image.src !== picture.src) image.src = picture.src;
  });
  return { panel: element("div", "laying", [panel, caption]), show };
}

// The element of photo 1 has the panel's size, so both sides count in it; CSS lists columns.
function cssMatrix([a, b, c, d, e, f, g, h, i], width, height) {
  const columns = [
    a, d * height / width, 0, g / width,
    b * width / height, e, 0, h / height,
    0, 0, 1, 0,
    c * width, f * height, 0, i,
  ];
  return `matrix3d(${columns.join(", ")})`;
}

function drawMarks(canvas, { agreeing, contradicting }, width, height) {
  const pen = scaledPen(canvas, width, height);
  const radius = Math.min(Math.max(width / 110, 1.6), 4);
  for (const [x, y] of agreeing ?? []) drawDot(pen, x * width, y * height, radius);
  for (const [x, y] of contradicting ?? []) drawCross(pen, x * width, y * height, radius);
}

function legendMark(draw) {
  const canvas = element("canvas", null, null, { "aria-hidden": "true" });
  draw(scaledPen(canvas, 14, 12), 6, 6, 4);
  return canvas;
}

// A canvas of a size in CSS pixels, as sharp as the screen.
function scaledPen(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
  [canvas.style.width, canvas.style.height] = [`${width}px`, `${height}px`];
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  return pen;
}

function drawDot(pen, x, y, radius) {
  pen.beginPath();
  pen.arc(x, y, 0.8 * radius, 0, 2 * Math.PI);
  pen.fillStyle = AGREES;
  pen.strokeStyle = MARK_EDGE;
  pen.lineWidth = 2;
  pen.stroke();
  pen.fill();
}

function drawCross(pen, x, y, radius) {
  for (const [color, thickness] of [[MARK_EDGE, 0.6 * radius + 2], [CONTRADICTS, 0.6 * radius]]) {
    pen.strokeStyle = color;
    pen.lineWidth = thickness;
    pen.beginPath();
    for (const side of [-1, 1]) {
      pen.moveTo(x - radius, y - side * radius);
      pen.lineTo(x + radius, y + side * radius);
    }
    pen.stroke();
  }
}
