"""Features of one photo, and what two sets of them have in common."""

import gc
import pickle

import numpy as np
import pytest
from conftest import PHOTOS

import delfin


@pytest.fixture(scope="module")
def both():
    extractor = delfin.Extractor()
    return extractor.map([PHOTOS / "box.jpg", PHOTOS / "box_in_scene.jpg"])


def test_shapes(both):
    features = both[0]
    count, dim = features.descriptors.shape
    assert len(features) == count == 500 and dim == 48
    assert features.keypoints.shape == (count, 2) and features.scales.shape == features.scores.shape == (count,)
    assert (features.width, features.height) == (324, 223)
    assert (np.diff(features.scores) <= 0).all()
    assert features.global_descriptor.ndim == 1
    for array in (features.keypoints, features.descriptors, features.scores, features.global_descriptor):
        assert array.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(features.descriptors, axis=1), 1, atol=0.05)
    assert repr(features) == "<delfin.Features: 500 keypoints of 48 numbers, photo of 324 x 223 px>"
    assert len(delfin.Extractor(max_features=30)(PHOTOS / "box.jpg")) == 30


def test_arrays_are_views_and_read_only(both):
    features = delfin.Extractor(max_features=50)(PHOTOS / "box.jpg")
    for name in ("descriptors", "global_descriptor", "keypoints", "scales", "scores"):
        array = getattr(features, name)
        again = getattr(features, name)
        assert array.ctypes.data == again.ctypes.data, name
        with pytest.raises(ValueError):
            array[0] = 0
        with pytest.raises(ValueError):
            array.flags.writeable = True
    descriptors = features.descriptors
    copy = descriptors.copy()
    del features
    gc.collect()
    np.testing.assert_array_equal(descriptors, copy)


def test_pickles_are_small_and_exact(both):
    features = both[0]
    data = pickle.dumps(features)
    assert len(data) < 35_000
    again = pickle.loads(data)
    assert again == features and again.content_hash == features.content_hash and again.max_size == 480
    assert again.to_bytes() == features.to_bytes()
    read = delfin.Features.from_bytes(features.to_bytes(), content_hash=features.content_hash, max_size=480)
    assert read == features
    assert delfin.Features.from_bytes(bytearray(features.to_bytes())) != features  # It has no name.


@pytest.mark.parametrize("change", ["flip", "cut", "empty", "noise"])
def test_damaged_bytes_are_refused(both, change):
    data = bytearray(both[0].to_bytes())
    if change == "flip":
        data[100] ^= 1
    elif change == "cut":
        del data[-1]
    elif change == "empty":
        data.clear()
    else:
        data[:] = np.random.default_rng(1).bytes(500)
    with pytest.raises(delfin.FeaturesError, match="were changed"):
        delfin.Features.from_bytes(data)


def test_other_things_than_bytes_are_refused(both):
    with pytest.raises(delfin.FeaturesError, match="str given; bytes wanted"):
        delfin.Features.from_bytes("text")
    with pytest.raises(delfin.FeaturesError, match="3 bytes given; 32 wanted"):
        delfin.Features.from_bytes(both[0].to_bytes(), content_hash=b"abc")


def test_verify_finds_what_match_finds(both):
    found = delfin.verify(*both)
    matched = delfin.match(PHOTOS / "box.jpg", PHOTOS / "box_in_scene.jpg", refine=False)
    assert found.num_matches == matched.num_matches and found.num_inliers == matched.num_inliers
    np.testing.assert_array_equal(found.matrix, matched.matrix)
    np.testing.assert_array_equal(found.inliers, matched.inliers)
    assert found.evidence == matched.evidence["features"]
    assert found.probability == matched.probability and found.is_match == matched.is_match
    first, second = found.matches[found.inlier_indices].T
    np.testing.assert_array_equal(found.inliers[:, :2], both[0].keypoints[first])
    np.testing.assert_array_equal(found.inliers[:, 2:], both[1].keypoints[second])
    rows = found.matches
    far = np.linalg.norm(both[0].descriptors[rows[:, 0]] - both[1].descriptors[rows[:, 1]], axis=1)
    np.testing.assert_allclose(found.distances, far, atol=1e-3)
    # The other way round, and after pickling.
    back = delfin.verify(both[1], both[0])
    assert back.num_inliers == found.num_inliers and back.probability == found.probability
    again = delfin.verify(*pickle.loads(pickle.dumps(both)))
    np.testing.assert_array_equal(again.matrix, found.matrix)
    assert "inliers of" in repr(found)


def test_verify_refuses_what_does_not_fit(both):
    small = delfin.Extractor(max_size=256)(PHOTOS / "box.jpg")
    with pytest.raises(delfin.OptionError, match="480 and at 256"):
        delfin.verify(both[0], small)
    assert delfin.verify(both[0], small, max_size=480).num_inliers > 20
    other = delfin.Features([[1, 2]], [[0.6, 0.8]], width=10, height=10)
    with pytest.raises(delfin.FeaturesError):
        delfin.verify(both[0], other)
    with pytest.raises(TypeError):
        delfin.verify(both[0], PHOTOS / "box.jpg")


def test_features_of_ones_own(both):
    theirs = both[0]
    own = delfin.Features(
        theirs.keypoints,
        theirs.descriptors.astype(np.float64)[::-1][::-1],
        width=theirs.width,
        height=theirs.height,
        scales=theirs.scales,
        scores=list(theirs.scores),
        global_descriptor=theirs.global_descriptor,
    )
    np.testing.assert_array_equal(own.descriptors, theirs.descriptors)
    assert own.content_hash is None and own.max_size is None
    assert pickle.loads(pickle.dumps(own)) == own
    # Without a content hash samples are drawn from another seed.
    found, known = delfin.verify(own, both[1]), delfin.verify(*both)
    assert found.num_inliers == known.num_inliers and abs(found.probability - known.probability) < 0.1
    empty = delfin.Features(np.zeros((0, 2)), np.zeros((0, 48)), width=5, height=5)
    assert len(empty) == 0 and delfin.verify(empty, both[1]).matrix is None
    for arguments, words in [
        (([[1, 2, 3]], [[1.0]]), "N x 2 wanted"),
        (([1, 2], [[1.0]]), "N x 2 wanted"),
        (([[1, 2]], [[1.0], [2.0]]), "1 keypoints have 2 descriptors"),
        (([[1, 2]], [[float("nan")]]), "not finite"),
        (([[1, "x"]], [[1.0]]), "numbers wanted"),
        (([[1, 2]], np.zeros((1, 0))), "at least one dimension"),
    ]:
        with pytest.raises(delfin.FeaturesError, match=words):
            delfin.Features(*arguments, width=5, height=5)
    with pytest.raises(delfin.FeaturesError, match="scores: 2 numbers"):
        delfin.Features([[1, 2]], [[1.0]], width=5, height=5, scores=[1, 2])
    with pytest.raises(delfin.OptionError, match="width"):
        delfin.Features([[1, 2]], [[1.0]], width=-5, height=5)


def test_many_photos_at_once(both, tmp_path):
    seen = []
    paths = [PHOTOS / "box.jpg", PHOTOS / "box_in_scene.jpg"]
    found = delfin.Extractor().map(iter(paths), progress=lambda *count: seen.append(count))
    assert found == both and seen[-1] == ("extract", 2, 2)
    assert delfin.Extractor().map([]) == []
    missing = tmp_path / "missing.jpg"
    with pytest.raises(delfin.FileError) as caught:
        delfin.Extractor().map([paths[0], missing])
    assert caught.value.path == str(missing)
    with pytest.raises(delfin.ImageError, match="image 1: int given"):
        delfin.Extractor().map([paths[0], 7])
    for one in (np.zeros((9, 9, 3), np.uint8), str(paths[0]), paths[0].read_bytes()):
        with pytest.raises(delfin.ImageError, match="one image given; a list of images wanted"):
            delfin.Extractor().map(one)
    batch = np.random.default_rng(1).integers(0, 256, (2, 60, 80, 3), np.uint8)
    assert len(delfin.Extractor().map(batch)) == 2
    with pytest.raises(delfin.OptionError, match="max_features"):
        delfin.Extractor(max_features=0)


def test_delf_files(both, tmp_path):
    path = tmp_path / "box.delf"
    delfin.write_delf(path, both[0])
    read = delfin.read_delf(path, size=(324, 223))
    assert len(read) == 500 and (read.width, read.height) == (324, 223)
    np.testing.assert_array_equal(read.keypoints, both[0].keypoints)
    np.testing.assert_array_equal(read.descriptors, both[0].descriptors)
    np.testing.assert_allclose(read.scales, both[0].scales, rtol=1e-6)
    assert 300 < delfin.read_delf(path).width <= 325
    with pytest.raises(delfin.FileError, match="overwrite=True"):
        delfin.write_delf(path, both[1])
    delfin.write_delf(path, both[1], overwrite=True)
    with pytest.raises(delfin.FileError) as caught:
        delfin.read_delf(tmp_path / "none.delf")
    assert caught.value.path == str(tmp_path / "none.delf")
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(delfin.FormatError) as caught:
        delfin.read_delf(path)
    assert caught.value.path == str(path)


def test_threads_change_nothing(both):
    for count in (1, 3):
        delfin.set_num_threads(count)
        assert delfin.Extractor()(PHOTOS / "box.jpg") == both[0]
    for count in (0, -1, 2000):
        with pytest.raises(delfin.OptionError, match="1 to 1024"):
            delfin.set_num_threads(count)
