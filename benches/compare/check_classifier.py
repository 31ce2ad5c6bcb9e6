#!/usr/bin/env python3
"""Checks what `delfin train --summaries-dir` and `delfin export-classifier` write with the programs
that are to read it: TensorBoard's own reader and ONNX Runtime.

    pip install numpy pillow onnxruntime tensorboard
    python benches/compare/check_classifier.py --photos FOLDER [--delfin target/release/delfin] \
        [--pictures DIR]

FOLDER has a sub-folder of photos for each class. Fails when TensorBoard does not find every kind of
data, finds nothing while training goes on or after it was killed, or probabilities differ by more than
1e-3. With --pictures TensorBoard's page is opened in headless Chromium, by tests/report/tensorboard.mjs
(npm install there first), and a screenshot of each tab is put into DIR.
"""

import argparse
import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnxruntime
from google.protobuf import text_format
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

ROUNDING = 1e-3


def run(*command):
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout


def check_tensorboard(folder):
    found = {}
    for side in ("train", "validation"):
        events = EventAccumulator(str(folder / side), size_guidance={"images": 0, "scalars": 0}).Reload()
        tags = events.Tags()
        assert {"accuracy_1", "cross_entropy_1"} <= set(tags["scalars"]), tags
        found[side] = len(events.Scalars("accuracy_1"))
        if side == "train":
            assert tags["graph"] and len(events.Graph().node) > 5
            assert {"layer/weights", "layer/biases", "layer/pre_activations"} <= set(tags["histograms"]), tags
        else:
            for tag in tags["images"]:
                picture = events.Images(tag)[0]
                assert picture.encoded_image_string[:4] == b"\x89PNG" and picture.width > 0
            assert "confusion_matrix" in tags["images"], tags
            found["images"] = len(tags["images"])
    config = text_format.Parse((folder / "train/projector_config.pbtxt").read_text(), ProjectorConfig())
    embedding = config.embeddings[0]
    rows = np.loadtxt(folder / "train" / embedding.tensor_path, delimiter="\t", ndmin=2)
    metadata = (folder / "train" / embedding.metadata_path).read_text().splitlines()
    assert len(metadata) == len(rows) + 1
    side = embedding.sprite.single_image_dim[0]
    sprite = Image.open(folder / "train" / embedding.sprite.image_path)
    assert (sprite.width // side) ** 2 >= len(rows)
    print(f"TensorBoard reads {found}, projector: {rows.shape[0]} descriptors of {rows.shape[1]} numbers")


def check_while_training(delfin, photos, folder):
    """Steps are read before the run ends, and after it was killed."""
    command = [delfin, "train", photos, "-o", folder / "long.delfin", "--no-geometry", "--steps", 1_000_000,
               "--eval-step-interval", 50, "--cache-dir", folder / "store", "--summaries-dir", folder / "long"]
    training = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL)
    steps = lambda side: len(EventAccumulator(str(folder / "long" / side)).Reload().Scalars("accuracy_1"))
    try:
        while not (folder / "long/validation").is_dir():
            assert training.poll() is None
            time.sleep(0.1)
        time.sleep(3)
        first = [steps(side) for side in ("train", "validation")]
        time.sleep(3)
        second = [steps(side) for side in ("train", "validation")]
        assert training.poll() is None, "training has ended too soon to tell"
    finally:
        training.kill()
        training.wait()
    third = [steps(side) for side in ("train", "validation")]
    assert 0 < first[0] < second[0] <= third[0] and 0 < first[1] < second[1] <= third[1], (first, second, third)
    assert not (folder / "long.delfin").exists()
    print(f"while training goes on TensorBoard reads {first} steps, then {second}; {third} after it was killed")


def check_page(runs, pictures):
    pictures.mkdir(parents=True, exist_ok=True)
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "tensorboard.main", "--logdir", str(runs), "--port", str(port)],
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(120):
            with socket.socket() as connection:
                if connection.connect_ex(("localhost", port)) == 0:
                    break
            time.sleep(0.5)
        script = pathlib.Path(__file__).parents[2] / "tests/report/tensorboard.mjs"
        subprocess.run(["node", str(script), f"http://localhost:{port}/", str(pictures)], check=True)
    finally:
        server.kill()
        server.wait()


def check_onnx(delfin, classifier, network, photo, folder):
    session = onnxruntime.InferenceSession(str(network))
    labels = json.loads(session.get_modelmeta().custom_metadata_map["labels"])
    longest = int(session.get_modelmeta().custom_metadata_map["longest_side_px"])
    # At this size nothing is resized, so that both see the same pixels.
    pixels = Image.open(photo).convert("RGB").resize((longest, longest * 3 // 4 // 32 * 32))
    pixels.save(folder / "sized.png")
    values = np.asarray(pixels, np.float32).transpose(2, 0, 1)[None]
    theirs = dict(zip(labels, session.run(["probabilities"], {"pixels": values})[0][0]))
    text = run(delfin, "classify", folder / "sized.png", "-c", classifier, "--json", "--top", len(labels))
    ours = {entry["label"]: entry["score"] for entry in json.loads(text)["classes"]}
    difference = max(abs(ours[label] - theirs[label]) for label in labels)
    print(f"ONNX Runtime {onnxruntime.__version__}: largest difference of a probability {difference:.1e}")
    assert difference < ROUNDING


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=pathlib.Path, required=True)
    parser.add_argument("--delfin", type=pathlib.Path, default="target/release/delfin")
    parser.add_argument("--pictures", type=pathlib.Path)
    arguments = parser.parse_args()
    arguments.delfin = arguments.delfin.resolve()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        classifier, network = folder / "c.delfin", folder / "c.onnx"
        run(arguments.delfin, "train", arguments.photos, "-o", classifier, "--no-geometry",
            "--cache-dir", folder / "store", "--summaries-dir", folder / "runs")
        check_tensorboard(folder / "runs")
        check_while_training(arguments.delfin, arguments.photos, folder)
        if arguments.pictures:
            check_page(folder / "runs", arguments.pictures)
        run(arguments.delfin, "export-classifier", classifier, "-o", network)
        photos = sorted(p for p in arguments.photos.rglob("*") if p.suffix.lower() in (".jpg", ".png"))
        for photo in photos[:: max(1, len(photos) // 5)]:
            check_onnx(arguments.delfin, classifier, network, photo, folder)


if __name__ == "__main__":
    main()
