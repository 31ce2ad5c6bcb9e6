"""Makes the AVIF, HEIC and colour profile files of tests/data again from rgb8.png and its neighbours.

    apt-get install libavif-bin libjxl-tools
    pip install numpy pillow==13.0.0 pillow-heif==1.8.1 tifffile
    python benches/compare/make_format_fixtures.py

avifenc 0.11.1 and cjxl 0.7 are those of Debian 12. The colour profiles are written here from the
primaries, white points and curves that the standards give, so that no one's profile is copied.
"""

import pathlib
import struct
import subprocess
import tempfile

import numpy as np
import pillow_heif
import tifffile
from PIL import Image

TESTS = pathlib.Path(__file__).resolve().parents[2] / "tests" / "data"

D50 = (0.9642, 1.0, 0.8249)
D65 = (0.3127, 0.3290)
SRGB = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
# Primaries, white point, gamma; None is the curve of sRGB.
SPACES = {
    "p3": (((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)), D65, None),
    "adobe": (((0.64, 0.33), (0.21, 0.71), (0.15, 0.06)), D65, 563 / 256),
    "prophoto": (((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001)), (0.3457, 0.3585), 461 / 256),
}
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


def xyz_of(xy):
    return np.array([xy[0] / xy[1], 1.0, (1 - xy[0] - xy[1]) / xy[1]])


def to_d50(primaries, white):
    """Linear RGB -> XYZ as a viewer adapted to D50 sees it."""
    columns = np.stack([xyz_of(xy) for xy in primaries], axis=1)
    matrix = columns * np.linalg.solve(columns, xyz_of(white))
    cone = (BRADFORD @ D50) / (BRADFORD @ xyz_of(white))
    return np.linalg.inv(BRADFORD) @ np.diag(cone) @ BRADFORD @ matrix


def linear(samples, gamma):
    if gamma is not None:
        return samples**gamma
    return np.where(samples <= 0.04045, samples / 12.92, ((samples + 0.055) / 1.055) ** 2.4)


def encoded(light, gamma):
    light = np.clip(light, 0, 1)
    if gamma is not None:
        return light ** (1 / gamma)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def in_space(rgb, space):
    """sRGB samples, 0 to 1, as those of another space that show the same colours."""
    primaries, white, gamma = SPACES[space]
    matrix = np.linalg.inv(to_d50(primaries, white)) @ to_d50(SRGB, D65)
    return encoded(linear(rgb, None) @ matrix.T, gamma)


def fixed(number):
    return struct.pack(">i", round(number * 65536))


def curve(gamma):
    if gamma is not None:
        return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    parameters = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    return b"para\0\0\0\0\0\3\0\0" + b"".join(map(fixed, parameters))


def profile(space=None, grey_gamma=None):
    """An ICC profile of a space of SPACES, or of grey with this gamma."""
    def text(words):
        return b"mluc\0\0\0\0" + struct.pack(">II", 1, 12) + b"enUS" + struct.pack(
            ">II", 2 * len(words), 28
        ) + words.encode("utf-16-be")

    def point(xyz):
        return b"XYZ \0\0\0\0" + b"".join(map(fixed, xyz))

    tags = [(b"desc", text(f"delfin test {space or 'grey'}")), (b"cprt", text("CC0")), (b"wtpt", point(D50))]
    if space:
        primaries, white, gamma = SPACES[space]
        matrix = to_d50(primaries, white)
        tags += [(name, point(matrix[:, at])) for at, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))]
        tags += [(name, curve(gamma)) for name in (b"rTRC", b"gTRC", b"bTRC")]
    else:
        tags.append((b"kTRC", curve(grey_gamma)))
    body, entries, at = b"", b"", 128 + 4 + 12 * len(tags)
    for name, data in tags:
        entries += name + struct.pack(">II", at + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(">I", at + len(body)) + b"\0\0\0\0\4\0\0\0mntr" + (b"RGB " if space else b"GRAY") + b"XYZ "
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + b"".join(map(fixed, D50))
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + entries + body


def avif(source, name, *options):
    """One of tests/data by avifenc."""
    command = ["avifenc", "-s", "2", "-j", "1", "--ignore-exif", *options, source, TESTS / name]
    subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)


def write_avif():
    photo, transparent = TESTS / "rgb8.png", TESTS / "rgba8.png"
    lossy = ("--min", "8", "--max", "12")
    avif(photo, "lossless.avif", "-l")
    avif(photo, "yuv420.avif", *lossy, "-y", "420", "--cicp", "1/13/6")
    avif(photo, "yuv422_10.avif", *lossy, "-y", "422", "-d", "10", "-r", "limited", "--cicp", "1/13/1")
    avif(photo, "yuv444_12.avif", *lossy, "-y", "444", "-d", "12", "--cicp", "1/13/9")
    avif(photo, "grey.avif", *lossy, "-y", "400", "-r", "limited")
    avif(transparent, "alpha.avif", *lossy, "-y", "444")
    avif(transparent, "premultiplied.avif", *lossy, "-y", "444", "-p")
    avif(photo, "cropped.avif", *lossy, "-y", "444", "--crop", "8,4,64,48")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        image = Image.open(photo)
        # Turned against the clock and mirrored by the reader: stored the other way round.
        stored = image.transpose(Image.Transpose.FLIP_TOP_BOTTOM).transpose(Image.Transpose.ROTATE_270)
        stored.save(folder / "stored.png")
        avif(folder / "stored.png", "turned.avif", *lossy, "-y", "444", "--irot", "1", "--imir", "0")
        # Two tiles of 64 x 64, the last rows of pixels and columns beyond the photo.
        large = Image.open(TESTS / "coffee.jpg").resize((128, 64))
        large.save(folder / "large.png")
        large.save(TESTS / "grid_reference.png", optimize=True)
        avif(folder / "large.png", "grid.avif", *lossy, "-y", "444", "--grid", "2x1")


def write_profiles():
    image = Image.open(TESTS / "rgb8.png").convert("RGB")
    rgb = np.asarray(image) / 255
    for space, name, options in (
        ("p3", "p3.png", {"optimize": True}),
        ("p3", "p3.jpg", {"quality": 95, "subsampling": 0}),
        ("adobe", "adobe.webp", {"lossless": True}),
        ("prophoto", "prophoto.jpg", {"quality": 98, "subsampling": 0}),
    ):
        pixels = np.rint(in_space(rgb, space) * 255).astype(np.uint8)
        Image.fromarray(pixels).save(TESTS / name, icc_profile=profile(space), **options)
    wide = np.rint(in_space(rgb, "prophoto") * 65535).astype(np.uint16)
    icc = profile("prophoto")
    tifffile.imwrite(
        TESTS / "prophoto16.tif", wide, photometric="rgb", compression="zlib",
        metadata=None, extratags=[(34675, 7, len(icc), icc, True)],
    )
    grey = np.asarray(image.convert("L")) / 255
    pixels = np.rint(encoded(linear(grey, None), 461 / 256) * 255).astype(np.uint8)
    Image.fromarray(pixels).save(TESTS / "grey_gamma_1.8.png", icc_profile=profile(None, 461 / 256))
    subprocess.run(["cjxl", "-d", "0", "--quiet", TESTS / "p3.png", TESTS / "p3.jxl"], check=True)
    avif(TESTS / "p3.png", "p3_icc.avif", "--min", "0", "--max", "6", "-y", "444")
    avif(TESTS / "p3.png", "p3_nclx.avif", "--min", "0", "--max", "6", "-y", "444", "--ignore-icc", "--cicp", "12/13/6")


def write_heic():
    image = Image.open(TESTS / "rgb8.png").convert("RGB")
    pillow_heif.register_heif_opener()
    image.save(TESTS / "rgb8.heic", quality=92, chroma="444")
    Image.open(TESTS / "p3.png").save(TESTS / "p3.heic", quality=95, chroma="444")
    stored = image.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    stored.save(TESTS / "orientation_6.heic", quality=92, chroma="444", exif=exif.tobytes())


if __name__ == "__main__":
    write_avif()
    write_profiles()
    write_heic()
