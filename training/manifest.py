"""Writes models/manifest.toml, the contract between a model file and the program."""

import hashlib

SCALES = "[0.5, 0.7071, 1.0, 1.4142]"


def numbers(values):
    return "[" + ", ".join(f"{float(v):.6g}" if v % 1 else f"{float(v):.1f}" for v in values) + "]"


def model_entry(entry, folder):
    """One [[model]] of the manifest."""
    digest = hashlib.sha256((folder / entry["file"]).read_bytes()).hexdigest()
    optional = "".join(
        f'{name} = "{name}"\n' for name in ("offsets", "global") if entry.get(name)
    )
    return f"""
[[model]]
name = "{entry['name']}"
file = "{entry['file']}"
sha256 = "{digest}"
summary = "{entry['summary']}"
licence = "{entry['licence']}"
provenance = "{entry['provenance']}"

[model.input]
name = "image"
layout = "nchw"
channels = "rgb"
mean = {numbers(entry['mean'])}
std = {numbers(entry['std'])}
size_multiple = 32

[model.grid]
stride = {entry.get('stride', 16.0)}
offset = {entry['offset']}

[model.outputs]
descriptors = "descriptors"
attention = "attention"
{optional}
[model.defaults]
max_size = 480
scales = {SCALES}
max_features = 500
max_distance = {entry['max_distance']}
min_inliers = {entry.get('min_inliers', 18)}
"""


def write(path, entries, folder):
    """Writes `entries`; the first is the default. Hashes are those of the files in `folder`."""
    text = f'version = 1\ndefault = "{entries[0]["name"]}"\n'
    path.write_text(text + "".join(model_entry(entry, folder) for entry in entries))
