"use strict";
// What the page knows at once, and the parts that it reads when they are looked at: from behind this script, from
// a folder beside the page, or from the program that answers it.

const data = JSON.parse(document.getElementById("data").textContent);
const photos = data.photos;
const numPhotos = photos.path.length;

// Parts that were read last, as promises; the oldest are given up and read again when needed.
const MOST_PARTS = 300;
const parts = new Map();

function part(name) {
  if (!parts.has(name)) {
    const reading = { inline: inlinePart, folder: folderPart, server: serverPart }[data.parts](name);
    parts.set(name, reading);
    if (parts.size > MOST_PARTS) parts.delete(parts.keys().next().value);
    reading.catch((error) => {
      tellFault(error.message);
      if (data.parts === "server") parts.delete(name);
    });
  }
  return parts.get(name);
}

function tellFault(message) {
  const fault = document.getElementById("fault");
  fault.textContent = message;
  fault.hidden = false;
}

// Parts in the page come after this script, so that it can be seen before they are read. One is whole when
// something follows it.
const awaited = new Map();
const isRead = () => document.readyState !== "loading";

function inlinePart(name) {
  return new Promise((resolve, reject) => {
    awaited.set(name, { resolve, reject });
    takeInline();
  });
}

function takeInline() {
  for (const [name, { resolve, reject }] of awaited) {
    const found = document.getElementById(name);
    if (!found && !isRead()) continue;
    if (found && !found.nextElementSibling && !isRead()) continue;
    awaited.delete(name);
    if (found) resolve(JSON.parse(found.textContent));
    else reject(new Error(`This page is not whole: ${name} is missing.`));
  }
}

if (data.parts === "inline" && !isRead()) {
  const reading = new MutationObserver(takeInline);
  reading.observe(document.body, { childList: true });
  document.addEventListener("DOMContentLoaded", () => { reading.disconnect(); takeInline(); });
}

// A page that lies on the disk may run files beside it, but not read them.
function folderPart(name) {
  return new Promise((resolve, reject) => {
    const file = `${data.folder}/${name}.js`;
    const script = document.createElement("script");
    script.src = `${encodeURIComponent(data.folder)}/${name}.js`;
    const end = (reason) => {
      script.remove();
      if (awaited.delete(name)) reject(new Error(reason));
    };
    script.onload = () => end(`${file} belongs to another report: make the report again.`);
    script.onerror = () => end(`${file} cannot be read. The folder ${data.folder} belongs beside this page.`);
    awaited.set(name, { resolve });
    document.head.append(script);
  });
}

// Called by the files of that folder.
function delfinPart(report, name, value) {
  if (report !== data.id) return;
  awaited.get(name)?.resolve(value);
  awaited.delete(name);
}

async function serverPart(name) {
  const answer = await fetch(`${data.run}/part/${name}`).catch(() => null);
  if (!answer) throw new Error("delfin does not answer. Is it still running?");
  const value = await answer.json().catch(() => null);
  if (!answer.ok) throw new Error(value?.error ?? `${answer.status} ${answer.statusText}`);
  return value;
}

// Where each photo stands among the parts.
const slotOf = new Uint32Array(numPhotos);
data.order.forEach((photo, slot) => { slotOf[photo] = slot; });
const partOf = (photo) => Math.floor(slotOf[photo] / data.photos_per_part);

// The URLs of a photo's thumbnail and of the photo itself, null where there is none.
async function picturesOf(photo) {
  const { thumbnails, href } = await part(`photos-${partOf(photo)}`);
  const place = slotOf[photo] % data.photos_per_part;
  const thumbnail = thumbnails[place] === "" ? null : "data:image/jpeg;base64," + thumbnails[place];
  return { thumbnail, href: href[place] };
}

// The verified pairs of a photo, from the strongest to the weakest.
async function pairsOf(photo) {
  const columns = await part(`pairs-${partOf(photo)}`);
  columns.ofPhoto ??= pairsByPhoto(columns);
  return columns.ofPhoto.get(photo) ?? [];
}

function pairsByPhoto(columns) {
  const names = Object.keys(columns);
  const pairs = columns.number.map((_, row) => Object.fromEntries(names.map((name) => [name, columns[name][row]])));
  pairs.sort(byStrength);
  const ofPhoto = new Map();
  for (const pair of pairs) {
    for (const photo of [pair.image1, pair.image2]) {
      if (ofPhoto.has(photo)) ofPhoto.get(photo).push(pair);
      else ofPhoto.set(photo, [pair]);
    }
  }
  return ofPhoto;
}

const byStrength = (a, b) => b.p - a.p || b.inliers - a.inliers || a.image1 - b.image1 || a.image2 - b.image2;
const otherOf = (pair, photo) => (pair.image1 === photo ? pair.image2 : pair.image1);
const pairOf = async (photo1, photo2) =>
  (await pairsOf(photo1)).find((pair) => otherOf(pair, photo1) === photo2) ?? null;

// What the picture of a pair shows: inliers as [x1, y1, x2, y2], shares of the photos' width and height, and, where
// there is a transform, its matrix, row after row, that maps shares of photo 1's sides to shares of photo 2's, and
// the places of photo 2 that agree and that contradict, null where not told.
async function drawingOf(pair) {
  const rows = await part(`drawings-${Math.floor(pair.number / data.drawings_per_part)}`);
  const row = rows[pair.number % data.drawings_per_part];
  const view = (base64) => new DataView(Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)).buffer);
  const numbers = view(row.inliers);
  const inliers = Array.from({ length: numbers.byteLength / 8 }, (_, at) =>
    [0, 2, 4, 6].map((offset) => numbers.getUint16(8 * at + offset, true) / 65535));
  if (row.transform === null) return { inliers, overlay: null };
  const floats = view(row.transform);
  const places = (base64) => {
    if (base64 === null) return null;
    const bytes = view(base64);
    return Array.from({ length: bytes.byteLength / 2 }, (_, at) => [bytes.getUint8(2 * at) / 255, bytes.getUint8(2 * at + 1) / 255]);
  };
  const matrix = Array.from({ length: 9 }, (_, at) => floats.getFloat32(4 * at, true));
  return { inliers, overlay: { matrix, agreeing: places(row.agreeing), contradicting: places(row.contradicting) } };
}
