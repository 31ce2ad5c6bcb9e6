// Search by a photo from elsewhere, which is dropped onto the page or chosen.
live.searchBy = (file) => attempt(async () => {
  select([]);
  tell(`Searching for what ${file.name} shows …`);
  const hits = await request(`search/${encodeURIComponent(file.name)}`, file);
  tell("");
  select([]);
  const pictures = await Promise.all(hits.map(({ photo }) => picturesOf(photo)));
  const found = hits.map(({ photo, p, inliers, relation }, index) => {
    const kind = { copy: "edited copy", view: "other view" }[relation] ?? "pixels not compared";
    const button = neighborTile(photo, pictures[index], p, {
      "data-hit": photo, "aria-label": `${photos.path[photo]}, ${percent(p)}, ${kind}`,
      title: `${photos.path[photo]}\n${kind}, ${plural(inliers, "inlier")}`,
    });
    button.addEventListener("click", () => goTo(photo));
    return button;
  });
  const query = element("img", "query", null, { alt: file.name, src: URL.createObjectURL(file) });
  query.addEventListener("load", () => URL.revokeObjectURL(query.src));
  const words = hits.length
    ? `${plural(hits.length, "photo shows", "photos show")} what it shows, most probable first. Choose one to go to it.`
    : "No photo of the folder shows what it shows.";
  dock.hidden = false;
  document.getElementById("dock-title").textContent = file.name;
  dockBody.replaceChildren(element("p", "hint", words), element("div", "neighbors", [query, ...found]));
  document.body.style.paddingBottom = `${dock.offsetHeight + 24}px`;
});

// Selects a photo and brings its row onto the screen.
function goTo(photo) {
  const number = shown.state.clusterOf[photo];
  const id = shown.state.clusters[number].members.length === 1 ? "single" : `cluster-${number}`;
  bringNear(id);
  select([photo]);
  requestAnimationFrame(() => tiles[photo]?.scrollIntoView({ block: "center" }));
}

const chooser = element("input", null, null, { type: "file", accept: "image/*,.jxl,.avif,.heic,.dng,.cr2,.nef,.arw", hidden: "" });
chooser.addEventListener("change", () => {
  if (chooser.files.length) live.searchBy(chooser.files[0]);
  chooser.value = "";
});
const holdsFile = (event) => event.dataTransfer?.types.includes("Files");
document.addEventListener("dragover", (event) => { if (holdsFile(event)) event.preventDefault(); });
document.addEventListener("drop", (event) => {
  if (!holdsFile(event)) return;
  event.preventDefault();
  if (event.dataTransfer.files.length) live.searchBy(event.dataTransfer.files[0]);
});
