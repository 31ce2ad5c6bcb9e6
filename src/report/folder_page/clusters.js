"use strict";
// What the page knows, and the clusters that follow from it; nothing here touches the page.

const text = (id) => document.getElementById(id).textContent;
const data = JSON.parse(text("data"));
const photos = data.photos;
// From the strongest to the weakest.
const pairs = data.pairs;
const numPhotos = photos.path.length;
const numPairs = pairs.image1.length;

// The blocks of thumbnails and inliers come after this script, so that the page can be seen before
// they are read. A block is whole when something follows it.
function block(id) {
  const found = document.getElementById(id);
  const isWhole = found && (found.nextElementSibling || document.readyState !== "loading");
  return isWhole ? found.textContent : null;
}

// Where each base64 part begins in its block; a block of thumbnails holds PER_BLOCK of them.
const PER_BLOCK = 250;
function starts(lengths, perBlock) {
  const at = new Float64Array(lengths.length + 1);
  lengths.forEach((bytes, index) => {
    const begin = index % perBlock ? at[index] : 0;
    at[index] = begin;
    at[index + 1] = begin + base64Length(bytes);
  });
  return at;
}
const base64Length = (bytes) => Math.ceil(bytes / 3) * 4;
const thumbnailStarts = starts(photos.bytes, PER_BLOCK);
const inlierStarts = starts(pairs.drawn.map((count) => count * 8), Infinity);
const overlayLengths = pairs.has_transform.map((has, pair) =>
  (has ? 36 : 0) + 2 * ((pairs.agreeing[pair] ?? 0) + (pairs.contradicting[pair] ?? 0)));
const overlayStarts = starts(overlayLengths, Infinity);
const blocks = new Map();

function part(id, start, bytes) {
  if (!blocks.has(id)) {
    const whole = block(id);
    if (whole === null) return null;
    blocks.set(id, whole);
  }
  return blocks.get(id).slice(start, start + base64Length(bytes));
}

// The URL of a thumbnail, or null while its block is not there.
function thumbnailUrl(photo) {
  const base64 = part(`thumbnails-${Math.floor(photo / PER_BLOCK)}`, thumbnailStarts[photo], photos.bytes[photo]);
  return base64 === null ? null : "data:image/jpeg;base64," + base64;
}

// The inliers of a pair: [x1, y1, x2, y2], shares of the photos' width and height.
function inliersOf(pair) {
  const bytes = atob(part("inliers", inlierStarts[pair], pairs.drawn[pair] * 8) ?? "");
  const share = (at) => (bytes.charCodeAt(at) + 256 * bytes.charCodeAt(at + 1)) / 65535;
  const inliers = [];
  for (let at = 0; at < bytes.length; at += 8) {
    inliers.push([share(at), share(at + 2), share(at + 4), share(at + 6)]);
  }
  return inliers;
}

// Of a pair with a transform: its matrix, row after row, that maps shares of photo 1's sides to shares of
// photo 2's, and the places of photo 2 that agree and that contradict; the latter null where not told.
function overlayOf(pair) {
  if (!pairs.has_transform[pair]) return null;
  const text = part("overlays", overlayStarts[pair], overlayLengths[pair]);
  if (!text) return null;
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  const matrix = Array.from({ length: 9 }, (_, at) => view.getFloat32(4 * at, true));
  const places = (from, count) =>
    Array.from({ length: count }, (_, at) => [bytes[from + 2 * at] / 255, bytes[from + 2 * at + 1] / 255]);
  const [agreeing, contradicting] = [pairs.agreeing[pair], pairs.contradicting[pair]];
  return {
    matrix,
    agreeing: agreeing === null ? null : places(36, agreeing),
    contradicting: contradicting === null ? null : places(36 + 2 * agreeing, contradicting),
  };
}

const probability = (pair) => pairs.p[pair] ?? 0;

// The verified pairs of each photo, strongest first; made when first asked for.
let pairLists = null;
function pairsOf(photo) {
  if (!pairLists) {
    pairLists = Array.from({ length: numPhotos }, () => []);
    for (let pair = 0; pair < numPairs; pair += 1) {
      pairLists[pairs.image1[pair]].push(pair);
      pairLists[pairs.image2[pair]].push(pair);
    }
  }
  return pairLists[photo];
}

const otherOf = (pair, photo) =>
  pairs.image1[pair] === photo ? pairs.image2[pair] : pairs.image1[pair];

const pairOf = (photo1, photo2) =>
  pairsOf(photo1).find((pair) => otherOf(pair, photo1) === photo2) ?? null;

// Corrections, in the order they were made: photos that go to the cluster of photo `to`, or, where it is
// null, each to a cluster of its own. They are played again on the clusters of every cut.
let moves = [];

// The clusters at a cut, with the corrections, largest first: their photos, the representative
// leading and the others from the best to the worst member.
function formClusters(cut) {
  const label = Uint32Array.from(cut.clusters);
  let next = cut.representatives.length;
  for (const move of moves) {
    const target = move.to === null ? null : label[move.to];
    for (const photo of move.photos) label[photo] = target ?? next++;
  }
  const groups = new Map();
  label.forEach((key, photo) => {
    if (groups.has(key)) groups.get(key).push(photo);
    else groups.set(key, [photo]);
  });
  const scores = cut.scores;
  const clusters = [...groups].map(([key, members]) => {
    const representative = cut.representatives[key] ?? members[0];
    members.sort((a, b) => (b === representative) - (a === representative)
      || (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
    return { key, members, weakest: null };
  });
  clusters.sort((a, b) => b.members.length - a.members.length || a.key - b.key);
  const clusterOf = new Uint32Array(numPhotos);
  clusters.forEach((one, number) => one.members.forEach((photo) => { clusterOf[photo] = number; }));
  markWeakest(clusters, clusterOf);
  const moved = new Set();
  label.forEach((key, photo) => { if (key !== cut.clusters[photo]) moved.add(photo); });
  return { clusters, clusterOf, moved, uncertain: new Set(cut.uncertain) };
}

// The pair that holds a cluster together and is weaker than all others that do: the last edge of
// its maximum spanning tree.
function markWeakest(clusters, clusterOf) {
  const parent = Uint32Array.from({ length: numPhotos }, (_, photo) => photo);
  const find = (photo) => {
    while (parent[photo] !== photo) photo = parent[photo] = parent[parent[photo]];
    return photo;
  };
  for (let pair = 0; pair < numPairs; pair += 1) {
    const [photo1, photo2] = [pairs.image1[pair], pairs.image2[pair]];
    if (clusterOf[photo1] !== clusterOf[photo2]) continue;
    const [root1, root2] = [find(photo1), find(photo2)];
    if (root1 === root2) continue;
    parent[root1] = root2;
    clusters[clusterOf[photo1]].weakest = pair;
  }
}

function labelsCsv(labels) {
  // As delfin's csv_field: a `'` before what a spreadsheet would take for a formula.
  const marked = (value) => (/^'*[=+\-@\t\r]|^''/.test(value) && !/^[-+]?[\d.]+(e[-+]?\d+)?$/i.test(value) ? `'${value}` : value);
  const quoted = (value) => (/[",\r\n]|^\s|\s$/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
  const field = (value) => quoted(marked(value));
  const rows = photos.path.map((path, photo) => `${field(path)},${field(String(labels[photo]))}\n`);
  return "path,cluster\n" + rows.join("");
}
