// What `delfin open` adds to the head of the page: dialogs, and what changed in the folder.

// Photos put away: one folder a cluster, planned first.
const away = element("dialog", "away", null, { "aria-labelledby": "away-title" });
const destination = element("input", null, null, { type: "text", id: "away-to", value: "sorted", spellcheck: "false" });
const choice = (id, options) =>
  element("select", null, options.map(([value, text]) => element("option", null, text, { value })), { id });
const method = choice("away-method", [["hard-link", "Hard links: a second name, no space"],
  ["symlink", "Symbolic links"], ["copy", "Copies"], ["move", "Moved: the photos themselves"]]);
const which = choice("away-which", [["all", "All photos"], ["others", "All but the best of each cluster"]]);
const plan = element("div", "plan", null, { role: "status" });
const awayButton = (text, className, work) => {
  const button = element("button", className, text, { type: "button" });
  button.addEventListener("click", work);
  return button;
};
const wanted = () => ({ to: destination.value, method: method.value, which: which.value, min_probability: shown.cut.p });
const inDialog = (work) => async () => {
  try { await work(); } catch (error) { plan.replaceChildren(element("p", "fault", error.message)); }
};
const MOST_MOVES = 2000;
let numberOf = null;
function numberOfPath(path) {
  numberOf ??= new Map(photos.path.map((one, photo) => [one, photo]));
  return numberOf.get(path);
}
const sizeOf = (path) => {
  const photo = numberOfPath(path);
  return photo === undefined ? "" : `${photos.width[photo]} × ${photos.height[photo]}`;
};
// What the preview shows.
let previewed = null;
const apply = awayButton("Put away", "primary", inDialog(async () => {
  const { told, num_copied_instead, failures } = await request("organize/apply", previewed);
  const more = num_copied_instead ? [`; ${plural(num_copied_instead, "photo")} copied, as no hard link to them can be made there`] : [];
  plan.replaceChildren(element("p", null, [told, ...more]), ...failures.map((reason) => element("p", "fault", reason)));
  apply.disabled = true;
}));
const preview = awayButton("Preview", null, inDialog(async () => {
  const asked = wanted();
  const found = await request("organize/plan", asked);
  // The fields have changed meanwhile.
  if (JSON.stringify(asked) !== JSON.stringify(wanted())) return;
  previewed = asked;
  const row = (className, photo, words) => element("tr", className, [photo, sizeOf(photo), words].map((cell) => element("td", null, cell)));
  const rows = found.places.slice(0, MOST_MOVES).map(({ photo, target }) => row(null, photo, target));
  const left = found.left_out.slice(0, MOST_MOVES).map(({ photo, reason }) => row("fault", photo, reason));
  const kept = found.kept.slice(0, MOST_MOVES).map(({ photo, reason }) => row("kept", photo, `stays: ${reason}`));
  const count = `${plural(found.places.length, "photo")} into ${plural(found.num_folders, "folder")} below ${found.destination}`;
  const rest = [found.already_there.length && `${found.already_there.length} there already`,
    found.left_out.length && `${found.left_out.length} left out`,
    found.kept.length && `the best of ${plural(found.kept.length, "cluster")} ${found.kept.length === 1 ? "stays" : "stay"}`].filter(Boolean);
  plan.replaceChildren(element("p", null, [count, ...rest].join("; ")),
    element("table", null, element("tbody", null, [...left, ...kept, ...rows])));
  apply.disabled = found.places.length === 0;
}));
away.append(
  element("h2", null, "Put the photos away", { id: "away-title" }),
  element("p", "hint", "One folder a cluster, by its name or number. The photos themselves stay where they are, unless they are moved; nothing is deleted or written over, and all of it can be taken back. The best of a cluster is the one you marked, else the largest, of equally large ones the sharpest."),
  element("div", "fields", [
    element("label", null, "Folder", { for: "away-to" }), destination,
    element("label", null, "Which", { for: "away-which" }), which,
    element("label", null, "How", { for: "away-method" }), method,
  ]),
  element("div", "dock-actions", [preview, apply,
    awayButton("Take back the last", null, inDialog(async () => {
      const { told } = await request("organize/undo", { to: destination.value });
      plan.replaceChildren(element("p", null, told));
    })),
    awayButton("Close", null, () => away.close())]),
  plan);
document.body.append(away);
for (const field of [destination, which, method]) field.addEventListener("input", () => { apply.disabled = true; });
which.addEventListener("input", () => {
  if (which.value === "others" && destination.value === "sorted") [destination.value, method.value] = ["others", "move"];
  if (which.value === "all" && destination.value === "others") [destination.value, method.value] = ["sorted", "hard-link"];
});

// A classifier from the named clusters or the sub-folders, and the page of what it says.
const labelling = element("dialog", "away", null, { "aria-labelledby": "label-title" });
const classes = choice("label-classes", [["names", "The clusters with a name"], ["folders", "The sub-folders"]]);
const learned = element("div", "plan", null, { role: "status" });
const learn = awayButton("Train", "primary", async () => {
  learn.disabled = true;
  const progress = element("p", null, "Reading photos …");
  learned.replaceChildren(progress);
  const events = new EventSource("events");
  events.onmessage = ({ data: text }) => {
    const { phase, done, total } = JSON.parse(text);
    if (phase === "learning" && total) progress.textContent = done < total ? `${done} of ${plural(total, "photo")} read …` : "Learning and checking …";
  };
  try {
    const { told } = await request("train", { classes: classes.value, min_probability: shown.cut.p });
    learned.replaceChildren(element("p", null, told), element("p", null, labelsLink.cloneNode(true)));
    await live.catchUp();
    learned.querySelector("a").hidden = false;
  } catch (error) {
    learned.replaceChildren(element("p", "fault", error.message));
  } finally {
    events.close();
    learn.disabled = false;
  }
});
labelling.append(
  element("h2", null, "Learn labels", { id: "label-title" }),
  element("p", "hint", "Trains a classifier from what has a name, and shows what both of its scores say: test photos with a wrong label, labels to check, and labels for photos without one."),
  element("div", "fields", [element("label", null, "Classes", { for: "label-classes" }), classes]),
  element("div", "dock-actions", [learn,
    awayButton("Stop", null, () => fetch("cancel", { method: "POST" })),
    awayButton("Close", null, () => labelling.close())]),
  learned);
document.body.append(labelling);

const tools = document.querySelector(".export");
const changed = awayButton("", "changed", () => attempt(async () => {
  await request("sort", {});
  location.reload();
}));
changed.hidden = true;
tools.prepend(
  changed,
  awayButton("Ask me", "primary", () => { live.skipped.clear(); live.ask(); }),
  awayButton("Put away …", null, () => { plan.replaceChildren(); apply.disabled = true; away.showModal(); }),
  awayButton("Learn labels …", null, () => { learned.replaceChildren(); labelling.showModal(); }),
  labelsLink);
document.querySelector(".search label").after(chooser, awayButton("by a photo", "link", () => chooser.click()));
document.body.classList.add("live");
document.getElementById("undo").after(
  Object.assign(awayButton("redo", "link", () => live.act({ kind: "redo" })), { id: "redo", hidden: true }));

// What changes in the folder meanwhile.
let isLooking = false;
async function lookForChanges() {
  // The program may be busy with something long.
  if (isLooking) return;
  isLooking = true;
  const found = await request("changes").catch(() => null);
  isLooking = false;
  if (!found) return;
  const { num_added, num_gone, num_changed, num_acts } = found;
  // Something was done on another page.
  if (live.state && num_acts > live.state.num_acts) await live.catchUp();
  const parts = [num_added && plural(num_added, "new photo"), num_changed && `${num_changed} changed`, num_gone && `${num_gone} gone`].filter(Boolean);
  changed.hidden = parts.length === 0;
  changed.textContent = `${parts.join(", ")}: sort again`;
}
setInterval(lookForChanges, 10000);
live.start = () => attempt(async () => {
  takeState(await request("state"));
  showClusters();
});
