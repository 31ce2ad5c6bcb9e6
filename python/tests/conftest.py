"""Photos and the program that the tests compare with.

``DELFIN_PROGRAM`` names the program; without it, tests that need it say so and skip.
"""

import os
import pathlib
import shutil
import subprocess

import pytest
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[2]
PHOTOS = ROOT / "examples" / "images"


@pytest.fixture(scope="session")
def pair():
    """Two photos of one thing."""
    return PHOTOS / "box.jpg", PHOTOS / "box_in_scene.jpg"


@pytest.fixture(scope="session")
def program():
    """Runs the program delfin; the exit code 2 fails the test."""
    name = os.environ.get("DELFIN_PROGRAM")
    if name is None:
        pytest.skip("no DELFIN_PROGRAM")

    def run(*args):
        found = subprocess.run([name, *map(os.fspath, args)], capture_output=True, text=True, check=False)
        assert found.returncode < 2, found.stderr
        return found.stdout

    return run


@pytest.fixture
def folder(tmp_path):
    """Photos of two things, each twice, one of something else, a damaged one and a file that is no photo."""
    photos = tmp_path / "photos"
    (photos / "sub").mkdir(parents=True)
    write_parts(photos)
    shutil.copy(PHOTOS / "box.jpg", photos / "box.jpg")
    shutil.copy(PHOTOS / "box_in_scene.jpg", photos / "sub" / "box_in_scene.jpg")
    shutil.copy(PHOTOS / "cat.jpg", photos / "cat.jpg")
    (photos / "damaged.jpg").write_bytes((PHOTOS / "cat.jpg").read_bytes()[:2000])
    (photos / "notes.txt").write_text("no photo")
    return photos


def write_parts(folder):
    """Two overlapping parts of one wall: left.png and sub/right.png."""
    wall = Image.open(PHOTOS / "graffiti_1.jpg").convert("RGB")
    width, height = wall.width * 4 // 5, wall.height * 4 // 5
    for name, (x, y) in (("left.png", (0, 0)), ("sub/right.png", (wall.width // 6, wall.height // 9))):
        wall.crop((x, y, x + width, y + height)).save(folder / name)
