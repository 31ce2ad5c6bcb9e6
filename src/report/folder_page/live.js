// What `delfin open` adds to the page: corrections that the program keeps and sorts by, questions, names, and
// photos put away.

const live = { state: null, questions: null, skipped: new Set(), turn: 0 };

live.isBest = (photo) => live.best?.has(photo) ?? false;
const labelsLink = element("a", "link", "Labels", { href: `${data.run}/labels`, target: "_blank" });
labelsLink.hidden = true;

async function request(path, body, signal) {
  const isFile = body instanceof Blob;
  const options = body === undefined ? { signal } : {
    method: "POST",
    headers: { "Content-Type": isFile ? "application/octet-stream" : "application/json" },
    body: isFile ? body : JSON.stringify(body),
  };
  let answer;
  try {
    answer = await fetch(path === "sort" ? path : `${data.run}/${path}`, options);
  } catch {
    if (signal?.aborted) return null;
    throw new Error("delfin does not answer. Is it still running?");
  }
  if (answer.status === 204) return null;
  const value = await answer.json().catch(() => null);
  if (!answer.ok) throw new Error(value?.error ?? `${answer.status} ${answer.statusText}`);
  return value;
}

const toast = element("p", "toast", null, { role: "status" });
document.body.append(toast);
function tell(message) {
  toast.textContent = message;
  clearTimeout(live.telling);
  live.telling = setTimeout(() => { toast.textContent = ""; }, 8000);
}

// Runs what may fail, and tells the reader if it does.
async function attempt(work) {
  document.body.setAttribute("aria-busy", "true");
  try {
    return await work();
  } catch (error) {
    tell(error.message);
    return null;
  } finally {
    document.body.removeAttribute("aria-busy");
  }
}

function takeCut({ cut, state }, othersAreStale) {
  const distance = (one) => Math.abs(one.p - cut.p);
  const index = data.cuts.reduce((best, one, at) => (distance(one) < distance(data.cuts[best]) ? at : best), 0);
  const p = data.cuts[index].p;
  if (othersAreStale) for (const one of data.cuts) one.isStale = true;
  takeState(state);
  data.cuts[index] = { ...cut, p, isStale: false };
  return index;
}

function takeState(state) {
  // Something was done on another page: what is known of the clusters is of before.
  if (live.state && state.num_acts !== live.state.num_acts) for (const one of data.cuts) one.isStale = true;
  live.state = state;
  live.names = new Map(state.names);
  live.best = new Set(state.best);
  labelsLink.hidden = !state.has_labels;
  document.getElementById("redo").hidden = state.num_undone === 0;
  for (const warning of state.warnings) tell(warning);
}

// A correction; the clusters that follow from it are shown in place.
live.act = (act) => attempt(async () => {
  const index = takeCut(await request("act", { act, min_probability: shown.cut.p }), true);
  shown.selected = [];
  setCut(index);
  return true;
});

// Shows what was done on another page.
live.catchUp = () => attempt(async () => {
  setCut(takeCut(await request(`cut/${shown.cut.p}`), true));
});

live.move = async (moving, to) => {
  if (await live.act({ kind: "move", photos: moving, to })) select(moving.length === 1 ? moving : []);
};

live.fetchCut = (index) => attempt(async () => {
  live.turn += 1;
  const { turn } = live;
  // What was asked for before is not waited for, and so not computed.
  live.fetching?.abort();
  live.fetching = new AbortController();
  const answer = await request(`cut/${data.cuts[index].p}`, undefined, live.fetching.signal);
  // The slider has gone on meanwhile.
  if (turn !== live.turn) return;
  takeCut(answer, false);
  setCut(index);
});

// The name that most photos of the cluster have; of equally many the first in the alphabet.
live.nameOf = (members) => {
  const counts = new Map();
  for (const photo of members) {
    const name = live.names?.get(photo);
    if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const order = ([name1, count1], [name2, count2]) => count2 - count1 || (name1 < name2 ? -1 : 1);
  return [...counts].sort(order)[0]?.[0] ?? null;
};

live.heading = (heading, one) => {
  const all = element("button", "quiet", "Select all", { type: "button" });
  all.addEventListener("click", () => select(one.members.slice()));
  const name = element("button", "quiet", "Name", { type: "button" });
  name.addEventListener("click", () => {
    const input = element("input", null, null, {
      type: "text", value: live.nameOf(one.members) ?? "", maxlength: "200", "aria-label": "Name of the cluster",
      placeholder: "Enter keeps it", spellcheck: "false",
    });
    let isDone = false;
    const end = async (isKept) => {
      if (isDone) return;
      isDone = true;
      if (isKept) isDone = Boolean(await live.act({ kind: "name", photos: one.members, name: input.value }));
      else input.replaceWith(name);
    };
    input.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter") end(true);
      if (event.key === "Escape") end(false);
    });
    input.addEventListener("blur", () => end(false));
    name.replaceWith(input);
    input.focus();
    input.select();
  });
  heading.querySelector(".here").before(all, name);
};

// The answers about a pair, and whether a question asks for them.
live.answers = (photo1, photo2) => {
  const question = live.questions?.[0];
  const isAsked = question !== undefined && question.photos.includes(photo1) && question.photos.includes(photo2);
  const answer = (text, key, is_same) => {
    const button = element("button", isAsked ? "primary" : null, text, { type: "button", "aria-keyshortcuts": key });
    button.addEventListener("click", () => live.answer([photo1, photo2], is_same, isAsked));
    return button;
  };
  const buttons = [answer("Same thing", "y", true), answer("Not the same", "n", false)];
  if (isAsked) {
    const skip = element("button", null, "Skip", { type: "button", "aria-keyshortcuts": "s" });
    skip.addEventListener("click", () => live.skip());
    buttons.push(skip);
  }
  const change = isAsked && element("p", "hint",
    `The answer is expected to change ${plural(Math.max(1, Math.round(question.expected_change)), "pair")} of photos. Keys: y, n, s.`);
  return element("div", "answers", change ? [element("div", null, buttons), change] : [element("div", null, buttons)]);
};

live.answer = async (photos, is_same, isAsked) => {
  // One answer at a time, and to what is seen.
  if (live.isAnswering) return;
  live.isAnswering = true;
  const isKept = await live.act({ kind: "pair", photos, is_same });
  if (isKept && isAsked) await live.ask();
  else if (!isAsked) {
    select(photos);
    document.getElementById("dock-title").focus();
  }
  live.isAnswering = false;
};

const keyOf = ({ photos: [a, b] }) => `${a} ${b}`;

live.ask = () => attempt(async () => {
  live.turn += 1;
  const { turn } = live;
  const asked = await request(`questions/${shown.cut.p}`);
  // The reader has gone on meanwhile.
  if (turn !== live.turn) return;
  live.questions = asked.filter((question) => !live.skipped.has(keyOf(question)));
  if (live.questions.length) {
    await select(live.questions[0].photos.slice());
    dock.querySelector(".answers button")?.focus();
  } else {
    live.questions = null;
    select([]);
    tell(live.skipped.size ? "Nothing else is left to ask." : "Nothing is left to ask.");
  }
});

live.skip = () => {
  live.skipped.add(keyOf(live.questions[0]));
  live.ask();
};

// The best of a cluster: what is kept when the others are moved away.
live.photoActions = (photo) => {
  const button = element("button", null, live.isBest(photo) ? "Marked as the best of its cluster" : "Best of its cluster",
    { type: "button", "aria-keyshortcuts": "b" });
  button.disabled = live.isBest(photo);
  button.addEventListener("click", () => live.markBest(photo));
  return [element("div", "dock-actions", button)];
};
live.markBest = async (photo) => { if (await live.act({ kind: "best", photo })) select([photo]); };

document.addEventListener("keydown", (event) => {
  if (event.target.closest("input, dialog") || event.ctrlKey || event.metaKey || event.altKey) {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && !event.target.closest("input")) {
      live.act({ kind: event.shiftKey ? "redo" : "undo" });
      event.preventDefault();
    }
    return;
  }
  if (event.key === "Escape") {
    live.turn += 1;
    live.questions = null;
    // What was found by a photo.
    if (!shown.selected.length) select([]);
  }
  const [photo1, photo2] = shown.selected;
  if (event.key === "b" && shown.selected.length === 1 && !event.repeat && !live.isBest(photo1)) live.markBest(photo1);
  if (shown.selected.length !== 2 || event.repeat) return;
  const isAsked = live.questions?.[0]?.photos.includes(photo1) && live.questions[0].photos.includes(photo2);
  if (event.key === "y" || event.key === "n") live.answer([photo1, photo2], event.key === "y", isAsked);
  if (event.key === "s" && isAsked) live.skip();
});
