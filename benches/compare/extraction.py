#!/usr/bin/env python3
"""Times delfin's extraction against ONNX Runtime on the same model file, one thread each.

    pip install numpy onnxruntime
    python benches/compare/extraction.py [--rounds N] [--model FILE.onnx] [--executable FILE]
        [--beside FILE.onnx]

Both take photos of the sizes that `delfin match` makes of a 4:3 photo, as bytes, and give
descriptors, attention and the global descriptor. ONNX Runtime's time is that of normalising the
bytes and of running the network; delfin's is that of the whole of `extract` at one scale, with
reading the bytes and ranking the keypoints. They run in turn, round after round; the table gives
medians of time on the processor, which other load on the machine disturbs less than the clock.

Attention and unit descriptors of every cell must agree to 1e-4 of the largest value. With
--beside, ONNX Runtime runs that other model, say the one in DELF's shape, and only times compare.
"""

import os

for variable in ("OMP_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import tomllib

import numpy as np
import onnxruntime

ROOT = pathlib.Path(__file__).resolve().parents[2]
SIZES = [(256, 192), (352, 256), (480, 352), (672, 512)]
TOLERANCE = 1e-4


class Delfin:
    """The `extraction_cases` bench, which extracts once for each line it reads."""

    def __init__(self, executable, model):
        self.process = subprocess.Popen(
            [executable, model], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        # The clock of another process, as clock_getcpuclockid(3) makes it on Linux.
        self.clock = (~self.process.pid << 3) | 2

    def run(self, photo, path, quiet=True):
        start = time.clock_gettime(self.clock)
        height, width, _ = photo.shape
        self.process.stdin.write(f"{'quiet ' if quiet else ''}{width} {height} {path}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        return time.clock_gettime(self.clock) - start, answer

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class OnnxRuntime:
    def __init__(self, model, entry):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )
        self.input = entry["input"]
        outputs = entry["outputs"]
        keys = ("descriptors", "attention", "global")
        self.names = [outputs[key] for key in keys if key in outputs]

    def run(self, photo):
        start = time.process_time()
        mean = np.array(self.input["mean"], np.float32)
        std = np.array(self.input["std"], np.float32)
        values = ((photo - mean) / std).transpose(2, 0, 1)[None]
        outputs = self.session.run(self.names, {self.input["name"]: np.ascontiguousarray(values)})
        return time.process_time() - start, outputs


def check(photo, answer, outputs, grid):
    """The largest differences of attention and of unit descriptors, relative to the largest value."""
    descriptors, attention, _ = outputs
    dim = descriptors.shape[1]
    rows = np.array(answer.split(), np.float64).reshape(-1, 3 + dim)
    cells = np.rint((rows[:, :2] - grid["offset"]) / grid["stride"]).astype(int)
    assert len(rows) == attention.size == len(np.unique(cells, axis=0)), "a keypoint a cell"
    expected = descriptors[0][:, cells[:, 1], cells[:, 0]].T.astype(np.float64)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    scores = attention[0, 0][cells[:, 1], cells[:, 0]]
    difference = max(
        np.abs(rows[:, 2] - scores).max() / np.abs(scores).max(),
        np.abs(rows[:, 3:] - expected).max() / np.abs(expected).max(),
    )
    assert difference < TOLERANCE, f"outputs differ by {difference} at {photo.shape}"
    return difference


def photo_of(width, height):
    """Something with edges at every scale, the same every time."""
    rng = np.random.default_rng(width)
    photo = np.zeros((height, width, 3))
    for cell in (4, 16, 64):
        noise = rng.uniform(0, 85, (height // cell + 1, width // cell + 1, 3))
        photo += noise.repeat(cell, 0).repeat(cell, 1)[:height, :width]
    return photo.astype(np.uint8)


def build():
    command = ["cargo", "bench", "--bench", "extraction_cases", "--no-run"]
    command += ["--message-format", "json"]
    output = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True).stdout
    artifacts = [json.loads(line) for line in output.splitlines()]
    return next(
        a["executable"]
        for a in artifacts
        if a.get("executable") and a["target"]["name"] == "extraction_cases"
    )


def described(path):
    """A model file, by default the default one, and its manifest entry."""
    folder = pathlib.Path(path).parent if path else ROOT / "models"
    manifest = tomllib.loads((folder / "manifest.toml").read_text())
    key, value = ("file", pathlib.Path(path).name) if path else ("name", manifest["default"])
    entry = next(model for model in manifest["model"] if model[key] == value)
    return str(folder / entry["file"]), entry


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--model", help="default: the default model of models/manifest.toml")
    parser.add_argument("--beside", help="another model for ONNX Runtime")
    parser.add_argument("--executable", help="extraction_cases, built already")
    arguments = parser.parse_args()
    model, entry = described(arguments.model)
    beside, beside_entry = described(arguments.beside) if arguments.beside else (model, entry)

    delfin = Delfin(arguments.executable or build(), model)
    runtime = OnnxRuntime(beside, beside_entry)
    files = " beside ".join(dict.fromkeys([entry["file"], beside_entry["file"]]))
    print(f"ONNX Runtime {onnxruntime.__version__}, {files}, median ms on the processor")
    print(f"| {'size':9} | {'ONNX Runtime':>12} | {'delfin':>8} | {'ratio':>5} | {'difference':>10} |")
    print("|-----------|-------------:|---------:|------:|-----------:|")
    totals = np.zeros(2)
    with tempfile.TemporaryDirectory() as directory:
        for width, height in SIZES:
            photo = photo_of(width, height)
            path = os.path.join(directory, "photo.rgb")
            photo.tofile(path)
            answer, outputs = delfin.run(photo, path, quiet=False)[1], runtime.run(photo)[1]
            difference = ""
            if beside == model:
                difference = f"{check(photo, answer, outputs, entry['grid']):.1e}"
            times = [
                (runtime.run(photo)[0], delfin.run(photo, path)[0]) for _ in range(arguments.rounds)
            ]
            medians = 1e3 * np.median(times, axis=0)
            totals += medians
            print_row(f"{width} x {height}", medians, difference)
        print_row("all four", totals, "")
    delfin.close()
    return 0


def print_row(name, times, difference):
    runtime, delfin = times
    ratio = delfin / runtime
    print(f"| {name:9} | {runtime:12.1f} | {delfin:8.1f} | {ratio:5.2f} | {difference:>10} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
