#!/usr/bin/env python3
"""Checks what `delfin train --summaries-dir` and `delfin export-classifier` write with the programs
that are to read it: TensorBoard's own reader and ONNX Runtime.

    pip install numpy pillow onnxruntime tensorboard
    python benches/compare/check_classifier.py --photos FOLDER [--delfin target/release/delfin]

FOLDER has a sub-folder of photos for each class. Fails when TensorBoard does not find every kind of
data, or probabilities differ by more than 1e-3.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

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
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        classifier, network = folder / "c.delfin", folder / "c.onnx"
        run(arguments.delfin, "train", arguments.photos, "-o", classifier, "--no-geometry",
            "--summaries-dir", folder / "runs")
        check_tensorboard(folder / "runs")
        run(arguments.delfin, "export-classifier", classifier, "-o", network)
        photos = sorted(p for p in arguments.photos.rglob("*") if p.suffix.lower() in (".jpg", ".png"))
        for photo in photos[:: max(1, len(photos) // 5)]:
            check_onnx(arguments.delfin, classifier, network, photo, folder)


if __name__ == "__main__":
    main()
