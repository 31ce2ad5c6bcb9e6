"""Makes examples/images and tests/data again from their source photos.

The sources are the sample photos of OpenCV 4.6.0, which Debian's package
opencv-doc installs, and the CC0 photos inside the scikit-image wheel:

    apt-get install opencv-doc
    pip install pillow==13.0.0 numpy scikit-image==0.26.0 tifffile
    python benches/compare/make_fixtures.py --opencv-data /usr/share/doc/opencv-doc/examples/data

With --dejavu-sans FILE it makes the font of the match picture instead, from the
DejaVuSans.ttf 2.37 of Debian's package fonts-dejavu-core (pip install fonttools).

The bytes depend on the versions of Pillow and of its codecs, so a golden test
may have to be recorded again after a run.
"""

import argparse
import pathlib
import struct
import xml.etree.ElementTree as ElementTree
import zlib

import numpy as np
import tifffile
from PIL import Image
import skimage

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples" / "images"
TESTS = ROOT / "tests" / "data"

# target name: (source, file, longest side in the examples or None, longest side in the tests or None)
PHOTOS = {
    "box.jpg": ("opencv", "box.png", 324, 324),
    "box_in_scene.jpg": ("opencv", "box_in_scene.png", 512, 512),
    "graffiti_1.jpg": ("opencv", "graf1.png", 640, 480),
    "graffiti_3.jpg": ("opencv", "graf3.png", 640, 480),
    "street_a.jpg": ("opencv", "leuvenA.jpg", 640, 400),
    "street_b.jpg": ("opencv", "leuvenB.jpg", 640, 400),
    "books_a.jpg": ("opencv", "left.jpg", 612, None),
    "books_b.jpg": ("opencv", "right.jpg", 612, None),
    "coffee.jpg": ("skimage", "coffee.png", 600, 300),
    "cat.jpg": ("skimage", "chelsea.png", 451, None),
}


def resized(image, longest_side):
    """The image with its longest side shortened to the given number of pixels."""
    scale = min(1.0, longest_side / max(image.size))
    size = tuple(round(side * scale) for side in image.size)
    return image if size == image.size else image.resize(size, Image.Resampling.LANCZOS)


def write_photos(sources):
    for name, (source, file, example_side, test_side) in PHOTOS.items():
        photo = Image.open(sources[source] / file)
        photo = photo if photo.mode == "L" else photo.convert("RGB")
        photo.info.clear()  # no colour profile: the writers would copy it
        for folder, side, quality in ((EXAMPLES, example_side, 88), (TESTS, test_side, 85)):
            if side is not None:
                resized(photo, side).save(folder / name, quality=quality, optimize=True)


def write_homography(opencv_data):
    """The homography graffiti_1 -> graffiti_3 at the size of the test photos.

    A resize maps x to (x + 1/2) s - 1/2 where (0, 0) is the centre of the first pixel.
    """
    node = ElementTree.parse(opencv_data / "H1to3p.xml").getroot().find(".//data")
    homography = np.array([float(value) for value in node.text.split()]).reshape(3, 3)
    scale = 480 / 800
    small_from_large = np.array(
        [[scale, 0, (scale - 1) / 2], [0, scale, (scale - 1) / 2], [0, 0, 1]]
    )
    homography = small_from_large @ homography @ np.linalg.inv(small_from_large)
    homography /= homography[2, 2]
    rows = (" ".join(f"{value:.12g}" for value in row) for row in homography)
    (TESTS / "graffiti_1_to_3.txt").write_text("\n".join(rows) + "\n")


def with_exif_orientation(jpeg, orientation, little_endian):
    """The JPEG file's bytes with an EXIF segment that holds one tag, the orientation."""
    order = "<" if little_endian else ">"
    tiff = (b"II" if little_endian else b"MM") + struct.pack(order + "HI", 42, 8)
    tiff += struct.pack(order + "H", 1)
    tiff += struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0)
    tiff += struct.pack(order + "I", 0)
    payload = b"Exif\0\0" + tiff
    assert jpeg[:2] == b"\xff\xd8"
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(payload) + 2) + payload + jpeg[2:], tiff


# What has to be done to the upright photo so that a reader who applies the
# orientation sees the upright photo again: the inverse of the tag's meaning.
STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def write_orientations(photo):
    for orientation, transpose in STORED.items():
        stored = photo if transpose is None else photo.transpose(transpose)
        path = TESTS / f"orientation_{orientation}.jpg"
        stored.save(path, quality=90, subsampling=0)
        jpeg, tiff = with_exif_orientation(path.read_bytes(), orientation, orientation % 2 == 0)
        path.write_bytes(jpeg)
        if orientation == 6:
            stored.save(TESTS / "orientation_6.png", exif=tiff)
            stored.save(TESTS / "orientation_6.webp", lossless=True, exif=tiff)
            tifffile.imwrite(
                TESTS / "orientation_6.tif",
                np.asarray(stored),
                photometric="rgb",
                compression="zlib",
                metadata=None,
                extratags=[(274, "H", 1, 6, True)],
            )


def cmyk(photo):
    """The photo in CMYK with a black channel of its own; (255 - c)(255 - k) / 255 gives RGB back."""
    rgb = np.asarray(photo).astype(np.float64) / 255
    black = 0.7 * (1 - rgb.max(axis=2))
    ink = 1 - rgb / (1 - black)[..., None]
    return Image.fromarray(np.round(np.dstack([ink, black]) * 255).astype(np.uint8), "CMYK")


def png(header, *chunks):
    """A PNG file from an IHDR payload and (type, payload) chunks."""
    out = b"\x89PNG\r\n\x1a\n"
    for kind, payload in ((b"IHDR", header), *chunks, (b"IEND", b"")):
        checksum = zlib.crc32(kind + payload)
        out += struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", checksum)
    return out


def png16(pixels):
    """A 16-bit PNG file from a [h, w] or [h, w, 3] array of uint16."""
    height, width = pixels.shape[:2]
    rows = pixels.astype(">u2").reshape(height, -1)
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    header = struct.pack(">IIBBBBB", width, height, 16, 2 if pixels.ndim == 3 else 0, 0, 0, 0)
    return png(header, (b"IDAT", zlib.compress(raw, 9)))


def write_formats(photo):
    grey = photo.convert("L")
    deep = np.asarray(photo).astype(np.uint16) * 257
    alpha = Image.new("L", photo.size, 255)
    alpha.paste(0, (0, 0, photo.width // 4, photo.height // 2))
    rgba = photo.copy()
    rgba.putalpha(alpha)
    grey_alpha = grey.copy()
    grey_alpha.putalpha(alpha)

    photo.save(TESTS / "rgb8.png", optimize=True)
    photo.save(TESTS / "progressive.jpg", quality=90, progressive=True)
    grey.save(TESTS / "grey8.jpg", quality=90)
    cmyk(photo).save(TESTS / "cmyk.jpg", quality=90)
    (TESTS / "rgb16.png").write_bytes(png16(deep))
    (TESTS / "grey16.png").write_bytes(png16(np.asarray(grey).astype(np.uint16) * 257))
    rgba.save(TESTS / "rgba8.png", optimize=True)
    grey_alpha.save(TESTS / "grey_alpha8.png", optimize=True)
    photo.quantize(64, dither=Image.Dither.NONE).save(TESTS / "palette.png", optimize=True)
    grey.convert("1").save(TESTS / "bilevel.png", optimize=True)
    first = photo.quantize(64, dither=Image.Dither.NONE)
    second = Image.eval(photo, lambda value: 255 - value).quantize(64, dither=Image.Dither.NONE)
    first.save(TESTS / "two_frames.gif", save_all=True, append_images=[second], duration=200)
    tifffile.imwrite(
        TESTS / "rgb8.tif", np.asarray(photo), photometric="rgb", compression="zlib", metadata=None
    )
    tifffile.imwrite(
        TESTS / "rgb16.tif", deep, photometric="rgb", compression="zlib", metadata=None
    )
    photo.save(TESTS / "rgb8.bmp")
    photo.save(TESTS / "lossy.webp", quality=85)
    photo.save(TESTS / "lossless.webp", lossless=True)
    rgba.save(TESTS / "rgba_lossless.webp", lossless=True, exact=True)


def write_bad_files(photo):
    photo.crop((0, 0, 1, 1)).save(TESTS / "one_pixel.png")
    whole = (TESTS / "coffee.jpg").read_bytes()
    (TESTS / "truncated.jpg").write_bytes(whole[: len(whole) // 2])
    whole = (TESTS / "rgb8.png").read_bytes()
    (TESTS / "truncated.png").write_bytes(whole[: len(whole) // 2])
    (TESTS / "text.jpg").write_text("This is a line of plain text, not a photo.\n")
    (TESTS / "empty.jpg").write_bytes(b"")
    (TESTS / "header_only.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    (TESTS / "declares_60000x60000.png").write_bytes(
        png(header, (b"IDAT", zlib.compress(bytes(1000))))
    )
    # A whole and valid file: 20000 rows of white, one bit a pixel.
    header = struct.pack(">IIBBBBB", 20000, 20000, 1, 0, 0, 0, 0)
    rows = (b"\0" + b"\xff" * 2500) * 20000
    (TESTS / "white_20000x20000.png").write_bytes(
        png(header, (b"IDAT", zlib.compress(rows, 9)))
    )


# Latin, Greek and Cyrillic letters for file names, and the signs that captions use.
FONT_CHARACTERS = (
    "U+0020-007E,U+00A0-017F,U+0384-03CE,U+0400-045F,U+2013,U+2014,U+2018,U+2019,"
    "U+201C,U+201D,U+2022,U+2026,U+2192,U+2212,U+2248,U+2264,U+2265"
)


def write_font(dejavu_sans):
    from fontTools import subset

    subset.main(
        [
            str(dejavu_sans),
            f"--unicodes={FONT_CHARACTERS}",
            "--no-hinting",
            "--layout-features=",
            "--drop-tables+=GSUB,GPOS,GDEF,kern,FFTM",
            "--no-glyph-names",
            f"--output-file={ROOT / 'src' / 'report' / 'DejaVuSans-subset.ttf'}",
        ]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    job = parser.add_mutually_exclusive_group(required=True)
    job.add_argument("--opencv-data", type=pathlib.Path)
    job.add_argument("--dejavu-sans", type=pathlib.Path)
    arguments = parser.parse_args()
    if arguments.dejavu_sans:
        write_font(arguments.dejavu_sans)
        return
    sources = {
        "opencv": arguments.opencv_data,
        "skimage": pathlib.Path(skimage.__file__).parent / "data",
    }
    EXAMPLES.mkdir(parents=True, exist_ok=True)
    TESTS.mkdir(parents=True, exist_ok=True)
    write_photos(sources)
    write_homography(arguments.opencv_data)
    cat = Image.open(sources["skimage"] / "chelsea.png").convert("RGB")
    small = resized(cat, 96)
    small.info.clear()  # no colour profile: the writers would copy it
    write_orientations(small)
    write_formats(small)
    write_bad_files(small)


if __name__ == "__main__":
    main()
