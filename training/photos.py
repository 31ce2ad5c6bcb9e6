"""Training photos: listing, decoding, resizing."""

import os
import pathlib

import cv2
import numpy as np

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


def list_photos(folders):
    """Every photo below `folders`, in a fixed order."""
    paths = []
    for folder in folders:
        folder = pathlib.Path(folder)
        if not folder.is_dir():
            raise FileNotFoundError(f"{folder}: no such folder of photos")
        paths += sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)
    return paths


def training(config):
    """The photos that the configuration trains on, below DELFIN_DATA or its own `root`."""
    root = pathlib.Path(os.environ.get("DELFIN_DATA", config["data"]["root"]))
    return list_photos([root / name for name in config["data"]["folders"]])


def read_rgb(path):
    """[H, W, 3] uint8 RGB; EXIF orientation applied."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"{path}: cannot be decoded")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def fit(image, max_side, multiple=32):
    """Scales the longest side to `max_side`, both sides rounded to `multiple`.

    Returns the image and the (x, y) factors from its pixels to the original's.
    """
    height, width = image.shape[:2]
    scale = max_side / max(height, width)
    size = [max(multiple, round(side * scale / multiple) * multiple) for side in (width, height)]
    area = size[0] * size[1] < width * height
    resized = cv2.resize(image, size, interpolation=cv2.INTER_AREA if area else cv2.INTER_LINEAR)
    return resized, np.array([width / size[0], height / size[1]], np.float32)
