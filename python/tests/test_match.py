"""Two photos: the program's bits, every form of a photo, and what is refused."""

import io
import json

import numpy as np
import pytest
from conftest import PHOTOS
from PIL import Image

import delfin


def test_the_program_gives_the_same_object(pair, program, tmp_path):
    photos = [*pair, PHOTOS / "cat.jpg"]
    options = {
        (): {},
        ("--mirrored", "--max-features", "300", "--seed", "7"): {"mirrored": True, "max_features": 300, "seed": 7},
        ("--preset", "delf", "--model-kind", "similarity"): {"preset": "delf", "model_kind": "similarity"},
        ("--no-refine", "--min-inliers", "5", "--max-error-px", "9"): {
            "refine": False,
            "min_inliers": 5,
            "max_error_px": 9.0,
        },
        ("--max-size", "256", "--scales", "0.7071,1", "--max-distance", "0.8", "--ratio", "0.95"): {
            "max_size": 256,
            "scales": [0.7071, 1],
            "max_distance": 0.8,
            "ratio": 0.95,
        },
        ("--min-probability", "0.99"): {"min_probability": 0.99},
    }
    for flags, arguments in options.items():
        for a, b in ((photos[0], photos[1]), (photos[1], photos[0]), (photos[0], photos[2])):
            expected = json.loads(program("match", a, b, "--json", *flags))
            expected.pop("times_ms")
            result = delfin.match(a, str(b), **arguments)
            assert result.to_dict() == expected, flags
    assert not result.is_match


def test_the_program_draws_the_same_picture(pair, program, tmp_path):
    program("match", *pair, "-o", tmp_path / "program.png")
    expected = np.asarray(Image.open(tmp_path / "program.png"))
    result = delfin.match(*pair)
    picture = result.plot()
    assert picture.dtype == np.uint8 and picture.flags.writeable
    np.testing.assert_array_equal(picture, expected)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(result._repr_png_()))), expected)
    result.save(tmp_path / "python.png")
    assert (tmp_path / "python.png").read_bytes() == (tmp_path / "program.png").read_bytes()
    result.save(tmp_path / "python.png")  # Over a picture that delfin made.


def test_attributes_are_those_of_the_object(pair):
    result = delfin.match(*pair)
    found = result.to_dict()
    assert result.is_match is True and result.relation == "copy" == found["relation"]
    assert result.probability == found["probability"]
    assert (result.num_matches, result.num_inliers) == (found["num_matches"], found["num_inliers"])
    assert result.matrix.shape == (3, 3) and result.matrix.dtype == np.float64
    assert result.matrix.tolist() == found["model"]["matrix"]
    assert result.inliers.shape == (result.num_inliers, 4) and result.inliers.dtype == np.float32
    np.testing.assert_array_equal(result.inliers, np.float32(found["inliers"]))
    assert result.evidence == found["evidence"]
    assert not result.matrix.flags.writeable and not result.inliers.flags.writeable
    told = f"yes, the same thing: {100 * result.probability:.0f} % probable, edited copy; 18 inliers of 62 matches"
    assert 0.5 < result.probability < 0.99 and repr(result) == f"<delfin.MatchResult: {told}>"


def test_nothing_in_common():
    plain = np.full((90, 120, 3), 128, np.uint8)
    result = delfin.match(plain, PHOTOS / "cat.jpg")
    assert not result.is_match and result.matrix is None and result.evidence is None and result.relation is None
    assert result.inliers.shape == (0, 4) and result.num_matches == 0
    assert result.plot().shape[2] == 3


def same(a, b):
    a, b = a.to_dict(), b.to_dict()
    for found in (a, b):
        for image in ("image1", "image2"):
            found[image].pop("path")
    return a == b


def test_bytes_are_the_file(pair):
    expected = delfin.match(*pair)
    data = [path.read_bytes() for path in pair]
    assert same(delfin.match(*data), expected)
    assert same(delfin.match(bytearray(data[0]), memoryview(data[1])), expected)


def test_arrays_and_pil_images_are_their_pixels(pair):
    images = [Image.open(path) for path in pair]
    arrays = [np.asarray(image.convert("RGB")) for image in images]
    expected = delfin.match(*arrays, seed=1)
    assert expected.num_inliers > 10
    assert same(delfin.match(*images, seed=1), expected)
    # The same pixels behind other strides.
    wide = np.zeros((arrays[0].shape[0], 2 * arrays[0].shape[1], 3), np.uint8)
    wide[:, ::2] = arrays[0]
    turned = np.asfortranarray(arrays[1])
    assert not wide[:, ::2].flags.c_contiguous
    assert same(delfin.match(wide[:, ::2], turned, seed=1), expected)
    assert same(delfin.match(arrays[0][::-1][::-1], arrays[1], seed=1), expected)
    read_only = arrays[0].copy()
    read_only.flags.writeable = False
    assert same(delfin.match(read_only, arrays[1], seed=1), expected)


def test_grey_is_repeated(pair):
    grey = [np.asarray(Image.open(path).convert("L")) for path in pair]
    expected = delfin.match(*(np.repeat(image[..., None], 3, 2) for image in grey))
    assert same(delfin.match(*grey), expected)
    assert same(delfin.match(grey[0][..., None], grey[1]), expected)
    assert same(delfin.match(*(Image.fromarray(image) for image in grey)), expected)


def test_pil_images_are_upright_and_lie_on_white():
    extractor = delfin.Extractor(max_features=20)
    turned = extractor(Image.open(PHOTOS.parents[1] / "tests/data/orientation_6.jpg"))
    upright = extractor(PHOTOS.parents[1] / "tests/data/orientation_6.jpg")
    assert (turned.width, turned.height) == (upright.width, upright.height)
    clear = Image.new("RGBA", (60, 40), (0, 0, 0, 0))
    clear.paste((200, 30, 30, 255), (10, 10, 30, 30))
    white = Image.new("RGB", (60, 40), "white")
    white.paste((200, 30, 30), (10, 10, 30, 30))
    np.testing.assert_array_equal(extractor(clear).descriptors, extractor(np.asarray(white)).descriptors)


@pytest.mark.parametrize(
    "image, words",
    [
        (np.zeros((4, 4, 4), np.uint8), "shape (4, 4, 4) given; H x W x 3 or H x W wanted"),
        (np.zeros((4,), np.uint8), "shape (4,) given"),
        (np.zeros((2, 4, 4, 3), np.uint8), "shape (2, 4, 4, 3) given"),
        (np.zeros((0, 4, 3), np.uint8), "it has no pixels"),
        (np.zeros((4, 0), np.uint8), "it has no pixels"),
        (np.zeros((4, 4, 3), np.float32), "array of float32 given; uint8 from 0 to 255 wanted"),
        (np.zeros((4, 4, 3), np.int64), "array of int64 given"),
        (np.zeros((4, 4), bool), "array of bool given"),
        (np.array([["a"]]), "given; uint8"),
        (3, "int given; a path, the bytes of a file"),
        (None, "NoneType given"),
        ([1, 2], "list given"),
        (b"", "not a readable photo"),
        (b"\xff\xd8\xff\xe0 damaged", "not a readable photo"),
    ],
)
def test_images_that_cannot_be_used(pair, image, words):
    for call in (lambda: delfin.match(pair[0], image), lambda: delfin.Extractor()(image)):
        with pytest.raises(delfin.ImageError) as caught:
            call()
        assert words in str(caught.value) and "image" in str(caught.value)
        assert caught.value.path is None
        assert isinstance(caught.value, (delfin.Error, ValueError))


def test_files_that_cannot_be_used(pair, tmp_path):
    missing = tmp_path / "missing.jpg"
    with pytest.raises(delfin.FileError) as caught:
        delfin.match(missing, pair[1])
    assert caught.value.path == str(missing) and str(missing) in str(caught.value)
    assert isinstance(caught.value, OSError) and caught.value.errno == 2
    with pytest.raises(delfin.FileError, match="directory") as caught:
        delfin.match(pair[0], tmp_path)
    assert caught.value.path == str(tmp_path)
    damaged = tmp_path / "damaged.jpg"
    damaged.write_bytes(pair[0].read_bytes()[:3000])
    with pytest.raises(delfin.ImageError) as caught:
        delfin.match(damaged, pair[1])
    assert caught.value.path == str(damaged)
    with pytest.raises(delfin.Error):
        delfin.match("a\0b", pair[1])


@pytest.mark.parametrize(
    "options, name",
    [
        ({"max_features": 0}, "max_features"),
        ({"max_features": -1}, "max_features"),
        ({"max_size": 2**40}, "max_size"),
        ({"scales": []}, "scales"),
        ({"scales": [float("nan")]}, "scales"),
        ({"min_probability": 1.5}, "min_probability"),
        ({"min_probability": 0.5, "min_inliers": 4}, "min_inliers"),
        ({"min_inliers": 0}, "min_inliers"),
        ({"model_kind": "cube"}, "cube"),
        ({"preset": "sift"}, "preset"),
        ({"seed": -1}, "seed"),
        ({"max_error_px": float("nan")}, "max_error_px"),
        ({"max_distance": -1.0}, "max_distance"),
        ({"ratio": 2.0}, "ratio"),
    ],
)
def test_options_out_of_range_are_named(pair, options, name):
    with pytest.raises(delfin.OptionError, match=name):
        delfin.match(*pair, **options)


def test_models_that_cannot_be_used(pair, tmp_path):
    with pytest.raises(delfin.FileError):
        delfin.match(*pair, model=tmp_path / "none.onnx")
    with pytest.raises(delfin.ModelError, match="int given"):
        delfin.match(*pair, model=3)
    model = delfin.Model()
    assert model.name and len(model.sha256) == 64 and model.license == "Apache-2.0"
    assert same(delfin.match(*pair, model=model), delfin.match(*pair))


def test_pictures_lose_nothing(pair, tmp_path):
    result = delfin.match(*pair)
    foreign = tmp_path / "mine.png"
    Image.new("RGB", (4, 4)).save(foreign)
    with pytest.raises(delfin.FileError, match="not made by delfin"):
        result.save(foreign)
    result.save(foreign, overwrite=True)
    with pytest.raises(delfin.FileError, match="no such folder"):
        result.save(tmp_path / "none" / "a.png")
    with pytest.raises(delfin.FileError, match="does not end in"):
        result.save(tmp_path / "a.txt")
    own = tmp_path / "own.jpg"
    own.write_bytes(pair[0].read_bytes())
    result = delfin.match(own, pair[1])
    with pytest.raises(delfin.FileError, match="was matched"):
        result.save(own, overwrite=True)
    own.write_bytes(pair[1].read_bytes())
    with pytest.raises(delfin.ImageError, match="changed since"):
        result.plot()


def test_png_of_memory(pair):
    stream = io.BytesIO()
    Image.open(pair[0]).save(stream, "png")
    assert delfin.match(stream.getvalue(), pair[0]).relation == "copy"
