"""hloc's files, read as hloc reads them."""

import h5py
import numpy as np
import pytest

import delfin


def check(output, found):
    """Reads the three files as hloc does; the number of matches of the pair of parts."""
    counts = {}
    with h5py.File(output / "features.h5") as features, h5py.File(output / "matches.h5") as matches:

        def count(name, item):
            if isinstance(item, h5py.Dataset) and name.endswith("/keypoints"):
                group = item.parent
                number = len(item)
                assert item.shape == (number, 2) and group["scores"].shape == (number,)
                assert group["descriptors"].shape == (48, number) and group["image_size"].shape == (2,)
                counts[group.name.strip("/")] = number

        features.visititems(count)
        assert features["sub/right.png"]["image_size"][0] > 100
        lines = (output / "pairs.txt").read_text().splitlines()
        total = 0
        for line in lines:
            name0, name1 = line.split(" ")
            group = matches["/".join(name.replace("/", "-") for name in (name0, name1))]
            partners = group["matches0"][()]
            assert partners.shape == group["matching_scores0"].shape == (counts[name0],)
            assert partners.min() >= -1 and partners.max() < counts[name1]
            total += int((partners >= 0).sum())
        assert "left.png sub/right.png" in lines
        number = int((matches["left.png/sub-right.png"]["matches0"][()] >= 0).sum())
    assert found == (len(counts), len(lines), total)
    return number


def test_every_source_of_features(folder, program, tmp_path):
    (folder / "damaged.jpg").unlink()
    clusters = delfin.cluster(folder, output=tmp_path / "out", store=False)
    numbers = []
    features = dict(zip(clusters.paths, delfin.Extractor().map([folder / name for name in clusters.paths])))
    numbers.append(check(tmp_path / "a", delfin.export_hloc(clusters, tmp_path / "a", features=features)))
    clusters_file = tmp_path / "out" / "clusters.json"
    numbers.append(check(tmp_path / "b", delfin.export_hloc(clusters_file, tmp_path / "b")))
    for form in ("json", "delf"):
        program("extract", folder, "-o", tmp_path / form, "--format", form)
        output = tmp_path / f"hloc_{form}"
        numbers.append(check(output, delfin.export_hloc(clusters_file, output, features=tmp_path / form)))
    output = tmp_path / "csv"
    edges = tmp_path / "out" / "edges.csv"
    numbers.append(check(output, delfin.export_hloc(edges, output, features=tmp_path / "json")))
    # Features of files are not rounded as the store rounds them.
    assert min(numbers) >= 40 and np.ptp(numbers) <= 5 and numbers[0] == numbers[1], numbers


def test_what_cannot_be_exported(folder, tmp_path):
    clusters = delfin.cluster(folder, output=tmp_path / "out", store=False)
    edges = tmp_path / "out" / "edges.csv"
    output = tmp_path / "hloc"
    for arguments, options, words in [
        ((tmp_path / "none.json",), {}, "none.json"),
        ((edges,), {}, "name a folder of features"),
        ((clusters,), {"features": {}}, "no features given"),
        ((clusters,), {"features": tmp_path}, "neither .json nor .delf"),
        ((clusters,), {"min_probability": 2}, "min_probability"),
        ((folder / "notes.txt",), {}, "not a clusters.json"),
        ((folder / "cat.jpg",), {}, "neither clusters.json nor edges.csv"),
    ]:
        with pytest.raises(delfin.Error, match=words):
            delfin.export_hloc(*arguments, output, **options)
        assert not output.exists()
    delfin.export_hloc(clusters, output)
    with pytest.raises(delfin.FileError, match="there already"):
        delfin.export_hloc(clusters, output)
