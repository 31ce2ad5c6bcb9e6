"""The photos that the pictures are made of: train/ and clothing/train/ of the data folder, nothing else."""

import functools
import pathlib

import numpy as np
from PIL import Image

from .copies import HARDER

# eval/listings was made from the first eight files of every class of clothing/train (listings.py, seed 3, no skip).
LEFT_OUT = 8


class Bank:
    """Lists the photos by folder and hands out decks of them; knows how copies are made."""

    def __init__(self, data, harder=None):
        self.harder = harder
        train, clothing = pathlib.Path(data) / "train", pathlib.Path(data) / "clothing" / "train"
        for folder in (train, clothing):
            if not folder.is_dir():
                raise SystemExit(
                    f"no folder {folder}; --data names the folder that holds train/ and clothing/train/"
                )
        self.folders = {
            folder.name: sorted(folder.glob("*.jpg")) for folder in sorted(train.iterdir())
        }
        self.clothing = {
            folder.name: sorted(folder.glob("*.jpg"))[LEFT_OUT:]
            for folder in sorted(clothing.iterdir())
            if folder.is_dir()
        }

    def ways(self, ways):
        """How copies are made: the ways of a kind, or harder ones."""
        return tuple(HARDER[self.harder].get(way, way) for way in ways) if self.harder else ways

    def paths(self, *names):
        """The files of some folders of train/; Faces and Faces_easy show few people many times, so only ids use them."""
        files = [path for name in names for path in self.folders[name]]
        return [path for path in files if not path.name.startswith("Faces")]

    def scenes(self, r, least=0):
        return Deck(r, self.paths("wallpapers", "popos"), least)

    def objects(self, r, least=0):
        return Deck(r, self.paths("caltech101", "grocery_store"), least, a_class=2)

    def mixed(self, r, least=0):
        """Scenes and objects, about half and half."""
        scenes, things = self.paths("wallpapers", "popos"), self.paths(
            "caltech101", "grocery_store"
        )
        return Deck(
            r, r.sample(scenes, min(len(scenes), 500)) + r.sample(things, 500), least, a_class=2
        )

    def garments(self, r, kinds):
        return Deck(r, [path for kind in kinds for path in self.clothing[kind]])

    def faces(self, r):
        """Portraits. Files of one person stand together in the list, so every fourth is taken; drawn again when all are used."""
        files = [path for path in self.folders["caltech101"] if path.name.startswith("Faces_easy")]
        start = r.randrange(4)
        return Deck(r, files[start::4], alike=False)


class Deck:
    """Photos in random order, without plain ones, without near copies of one that was drawn, few of each class.

    Of groceries one a class, because several photos of a class may show one crate.
    """

    def __init__(self, r, paths, least=0, a_class=10**6, alike=True):
        self.left = list(paths)
        r.shuffle(self.left)
        self.again = list(self.left)
        self.least, self.a_class, self.alike = least, a_class, alike
        self.seen, self.classes = [], {}

    def draw(self):
        while self.left or not self.alike:
            if not self.left:
                self.left = list(self.again)
            path = self.left.pop()
            name = class_of(path)
            if self.classes.get(name, 0) >= (
                1 if path.parent.name == "grocery_store" else self.a_class
            ):
                continue
            photo = load(path)
            if max(photo.size) < self.least:
                continue
            sign, contrast = signature(photo)
            if self.alike and (
                contrast < 22 or any(float(sign @ other) > 0.85 for other in self.seen)
            ):
                continue
            self.seen.append(sign)
            self.classes[name] = self.classes.get(name, 0) + 1
            return photo
        raise SystemExit("not enough photos for that many things")

    def any(self, r):
        """A photo that only serves as decoration and may have been drawn before."""
        return load(r.choice(self.again))


def class_of(path):
    """What the name of a file says it shows; wallpapers have no classes."""
    parts = path.name.split("__")
    if path.parent.name == "caltech101":
        return parts[0]
    if path.parent.name == "grocery_store":
        return "/".join(parts[2:-1])
    return path.name


@functools.lru_cache(maxsize=256)
def load(path):
    photo = Image.open(path).convert("RGB")
    photo.load()
    return photo


def signature(photo):
    """A unit vector that near copies share, and the contrast of the photo."""
    small = np.asarray(photo.convert("L").resize((16, 16), Image.BOX), np.float32)
    centred = small - small.mean()
    return (centred / (np.linalg.norm(centred) + 1e-6)).ravel(), float(
        np.asarray(photo.convert("L")).std()
    )
