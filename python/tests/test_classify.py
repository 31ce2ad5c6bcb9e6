"""A classifier: trained here and by the program, and the program's labels."""

import json
import warnings

import numpy as np
import pytest
from conftest import PHOTOS
from PIL import Image

import delfin


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    """Two classes of six photos, each a part of one picture."""
    root = tmp_path_factory.mktemp("classes")
    for label, name in (("wall", "graffiti_1.jpg"), ("cat", "cat.jpg")):
        picture = Image.open(PHOTOS / name).convert("RGB")
        (root / label).mkdir()
        width, height = picture.width * 3 // 4, picture.height * 3 // 4
        for number in range(6):
            x, y = picture.width * number // 24, picture.height * (number % 3) // 12
            picture.crop((x, y, x + width, y + height)).save(root / label / f"{number}.png")
    return root


@pytest.fixture(scope="module")
def trained(classes, tmp_path_factory):
    output = tmp_path_factory.mktemp("trained") / "both.delfin"
    # So few photos leave none for testing, which is warned of.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return delfin.train(classes, output=output, store=False, num_steps=60), output


def test_the_program_trains_the_same_classifier(classes, trained, program, tmp_path):
    program("train", classes, "-o", tmp_path / "program.delfin", "--steps", "60", "--cache-dir", tmp_path)
    assert (tmp_path / "program.delfin").read_bytes() == trained[1].read_bytes()


def test_the_program_gives_the_same_labels(classes, trained, program):
    classifier, path = trained
    for photo in (PHOTOS / "graffiti_3.jpg", classes / "cat" / "1.png"):
        expected = json.loads(program("classify", photo, "--classifier", path, "--json"))
        found = classifier(photo)
        assert found.label == expected["label"] and found.path == str(photo)
        assert found.probability == expected["probability"]
        assert found.fit_probability == expected["fit_probability"]
        assert found.probabilities == {row["label"]: row["score"] for row in expected["classes"]}
        assert found.softmax[expected["softmax"]["label"]] == expected["softmax"]["probability"]
        assert found.scores_disagree == expected["disagree"]
        best = expected["geometry"]
        assert found.best_match == best and best is None or found.best_match == {
            "photo": best["photo"],
            "label": best["label"],
            "num_inliers": best["inliers"],
            "probability": best["probability"],
        }


def test_classifiers(classes, trained, tmp_path):
    classifier, path = trained
    assert classifier.labels == ["cat", "wall"] and classifier.has_geometry
    assert repr(classifier).startswith("<delfin.Classifier: 2 classes")
    read = delfin.Classifier(path)
    assert read.labels == classifier.labels and read.test_accuracy == classifier.test_accuracy
    read.save(tmp_path / "again.delfin")
    assert (tmp_path / "again.delfin").read_bytes() == path.read_bytes()
    found = classifier(PHOTOS / "graffiti_1.jpg")
    assert found.label == "wall" and "wall" in repr(found)
    data = (PHOTOS / "graffiti_1.jpg").read_bytes()
    in_memory = classifier(data)
    assert in_memory.probabilities == found.probabilities and in_memory.path is None
    assert classifier(np.asarray(Image.open(PHOTOS / "cat.jpg"))).label == "cat"


def test_many_photos(classes, trained):
    classifier, path = trained
    seen = []
    found = delfin.classify(classes, path, progress=lambda *count: seen.append(count))
    assert [row.label for row in found] == ["cat"] * 6 + ["wall"] * 6 and seen[-1] == ("classify", 12, 12)
    found = delfin.classify([classes / "cat" / "0.png", Image.open(classes / "wall" / "0.png")], classifier)
    assert [row.label for row in found] == ["cat", "wall"] and found[1].path is None


def test_what_cannot_be_used(classes, trained, tmp_path):
    classifier, path = trained
    with pytest.raises(delfin.FileError, match="none.jpg"):
        delfin.classify([tmp_path / "none.jpg"], classifier)
    with pytest.raises(delfin.FileError, match="a file"):
        delfin.classify(classes / "cat" / "0.png", classifier)
    with pytest.raises(delfin.FormatError):
        delfin.Classifier(PHOTOS / "cat.jpg")
    with pytest.raises(delfin.FileError):
        delfin.Classifier(tmp_path / "none.delfin")
    with pytest.raises(delfin.FormatError, match="int given"):
        delfin.classify([], 3)
    with pytest.raises(delfin.FormatError) as caught:
        delfin.train(classes / "cat", store=False)
    assert caught.value.path == str(classes / "cat")
    with pytest.raises(delfin.OptionError, match="num_steps"):
        delfin.train(classes, store=False, num_steps=0)
    (tmp_path / "damaged.jpg").write_bytes(b"\xff\xd8\xff\xe0 damaged")
    with pytest.warns(RuntimeWarning, match="left out"):
        assert delfin.classify(tmp_path, classifier) == []
