// The clusters that follow from what the page knows; nothing here touches the page.

// Corrections, in the order they were made: photos that go to the cluster of photo `to`, or, where it is
// null, each to a cluster of its own. They are played again on the clusters of every cut.
let moves = [];

// The clusters at a cut, with the corrections, largest first: their photos, the representative
// leading and the others from the best to the worst member.
function formClusters(cut) {
  const label = Uint32Array.from(cut.clusters);
  const changed = new Set();
  let next = cut.representatives.length;
  for (const move of moves) {
    const target = move.to === null ? null : label[move.to];
    for (const photo of move.photos) {
      changed.add(label[photo]);
      label[photo] = target ?? next++;
      changed.add(label[photo]);
    }
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
    return { key, members, weakest: changed.has(key) ? undefined : cut.weakest[key] };
  });
  clusters.sort((a, b) => b.members.length - a.members.length || a.key - b.key);
  const clusterOf = new Uint32Array(numPhotos);
  clusters.forEach((one, number) => one.members.forEach((photo) => { clusterOf[photo] = number; }));
  const moved = new Set();
  label.forEach((key, photo) => { if (key !== cut.clusters[photo]) moved.add(photo); });
  return { clusters, clusterOf, moved, uncertain: new Set(cut.uncertain) };
}

// The pair that holds a cluster together and is weaker than all others that do, as [photo 1, photo 2,
// probability]; null where no pair does. Of a cluster that was corrected it is found among the pairs of its photos.
async function weakestOf(one) {
  if (one.weakest !== undefined) return one.weakest;
  const members = new Set(one.members);
  const inside = new Map();
  for (const photo of one.members) {
    for (const pair of await pairsOf(photo)) if (members.has(otherOf(pair, photo))) inside.set(pair.number, pair);
  }
  const parent = new Map(one.members.map((photo) => [photo, photo]));
  const find = (photo) => {
    while (parent.get(photo) !== photo) {
      parent.set(photo, parent.get(parent.get(photo)));
      photo = parent.get(photo);
    }
    return photo;
  };
  one.weakest = null;
  for (const pair of [...inside.values()].sort(byStrength)) {
    const [root1, root2] = [find(pair.image1), find(pair.image2)];
    if (root1 === root2) continue;
    parent.set(root1, root2);
    one.weakest = [pair.image1, pair.image2, pair.p];
  }
  return one.weakest;
}

// As a table of rows that scripts read: each photo's path, its cluster and whether it stands for it.
function labelsJson(labels, isRepresentative) {
  return JSON.stringify(photos.path.map((path, photo) =>
    ({ path, cluster: labels[photo], representative: isRepresentative(photo) })), null, 1);
}

function labelsCsv(labels) {
  // As delfin's csv_field: a `'` before what a spreadsheet would take for a formula.
  const marked = (value) => (/^'*[=+\-@\t\r]|^''/.test(value) && !/^[-+]?[\d.]+(e[-+]?\d+)?$/i.test(value) ? `'${value}` : value);
  const quoted = (value) => (/[",\r\n]|^\s|\s$/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
  const field = (value) => quoted(marked(value));
  const rows = photos.path.map((path, photo) => `${field(path)},${field(String(labels[photo]))}\n`);
  return "path,cluster\n" + rows.join("");
}
