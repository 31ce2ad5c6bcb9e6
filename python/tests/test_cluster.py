"""A folder: the program's clusters and files, progress, and an end by Ctrl-C."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
from PIL import Image

import delfin

FILES = ["clusters.csv", "edges.csv", "labels_pred.txt", "clusters.json", "report.html"]


def test_the_program_gives_the_same_clusters_and_files(folder, program, tmp_path):
    program("cluster", folder, "-o", tmp_path / "program", "--store", tmp_path / "program.sqlite", "--quiet")
    store = tmp_path / "python.sqlite"
    found = delfin.cluster(folder, output=tmp_path / "python", store=store)
    for name in FILES:
        program_file, python_file = (tmp_path / who / name for who in ("program", "python"))
        # The store's name stands in clusters.json.
        expected = program_file.read_text().replace("program.sqlite", "python.sqlite")
        assert python_file.read_text() == expected, name
    labels = (tmp_path / "program" / "labels_pred.txt").read_text().split()
    assert found.labels.tolist() == [int(label) for label in labels]


def test_clusters(folder):
    found = delfin.cluster(folder, store=False)
    assert not (folder / ".delfin").exists()
    assert found.paths == ["box.jpg", "cat.jpg", "left.png", "sub/box_in_scene.jpg", "sub/right.png"]
    assert found.labels.dtype == np.int64 and found.scores.dtype == np.float64
    assert found.clusters[0] == [found.paths[index] for index in np.flatnonzero(found.labels == 0)]
    assert ["left.png", "sub/right.png"] in found.clusters and ["cat.jpg"] in found.clusters
    assert len(found) == len(found.clusters) == len(found.representatives)
    assert (found.labels[found.representatives] == np.arange(len(found))).all()
    [(path, reason)] = found.failures
    assert path == "damaged.jpg" and "not a readable photo" in reason
    edges = found.edges
    assert all(len(column) == 10 for column in edges.values())
    pair = (edges["image1"] == 2) & (edges["image2"] == 4)
    assert edges["probability"][pair] > 0.9 and edges["relation"][pair] in ("copy", "view")
    np.testing.assert_allclose(edges["probability"], 1 / (1 + np.exp(-edges["log_odds"])))
    assert found.to_dict()["version"] == 4 and found.folder == folder
    assert repr(found) == f"<delfin.ClusterResult: 5 photos, {len(found)} clusters, 1 failure>"
    copies = delfin.cluster(folder, store=False, min_probability=0.999999, min_inliers=500)
    assert len(copies) == 5


def test_edges_alone_give_the_same_clusters(folder):
    found = delfin.cluster(folder, store=False)
    edges = found.edges
    pairs = np.stack([edges["image1"], edges["image2"]], 1)
    again = delfin.cluster_edges(len(found.paths), pairs, log_odds=edges["log_odds"], relation=edges["relation"])
    np.testing.assert_array_equal(again.labels, found.labels)
    np.testing.assert_array_equal(again.scores, found.scores)
    np.testing.assert_array_equal(again.representatives, found.representatives)
    by_name = [(found.paths[a], found.paths[b]) for a, b in pairs]
    given = {"probability": edges["probability"], "relation": edges["relation"]}
    again = delfin.cluster_edges(found.paths, by_name, **given)
    np.testing.assert_array_equal(again.labels, found.labels)


def test_edges():
    found = delfin.cluster_edges("abcd", [("a", "b"), ("c", "d")], probability=[0.9, 0.1])
    assert found.labels.tolist() == [0, 0, 1, 2] and found.representatives.tolist() == [0, 2, 3]
    assert found.scores[2] == 1
    assert delfin.cluster_edges(2, [(0, 1)], probability=[1]).labels.tolist() == [0, 0]
    assert delfin.cluster_edges(2, [(0, 1)], probability=[0]).labels.tolist() == [0, 1]
    assert delfin.cluster_edges(3, [], probability=[]).labels.tolist() == [0, 1, 2]
    assert delfin.cluster_edges(0, [], log_odds=[]).labels.tolist() == []
    # Two things that look alike: each photo has a much stronger pair.
    alike, log_odds = [(0, 1), (2, 3), (0, 2), (0, 3), (1, 2), (1, 3)], [5, 5, 1, 1, 1, 1]
    assert delfin.cluster_edges(4, alike, log_odds=log_odds).labels.tolist() == [0, 0, 0, 0]
    assert delfin.cluster_edges(4, alike, log_odds=log_odds, relation=["view"] * 6).labels.tolist() == [0, 0, 1, 1]
    relation = ["view", None, *["view"] * 4]
    assert delfin.cluster_edges(4, alike, log_odds=log_odds, relation=relation).labels.tolist() == [0, 0, 0, 0]
    for arguments, options, words in [
        ((2, [(0, 2)]), {"probability": [0.5]}, "does not exist"),
        ((2, [(0, -1)]), {"probability": [0.5]}, "does not exist"),
        ((2, [(0, 1)]), {"probability": [1.5]}, "not from 0 to 1"),
        ((2, [(0, 1)]), {"log_odds": [float("nan")]}, "not a number"),
        ((2, [(0, 1)]), {"log_odds": [1, 2]}, "one a pair"),
        ((2, [(0.5, 1)]), {"log_odds": [1]}, "integers"),
        ((2, [(0, 1)]), {"log_odds": [1], "relation": ["twin"]}, "relation"),
        ((2, [(0, 1)]), {"log_odds": [1], "relation": []}, "relation"),
        ((2, [(0, 1)]), {}, "either"),
        ((2, [(0, 1)]), {"log_odds": [1], "min_probability": 0}, "min_probability"),
        ((-1, []), {"log_odds": []}, "from 0"),
        (("ab", [("a", "x")]), {"log_odds": [1]}, "'x' is not one"),
        (("aa", []), {"log_odds": []}, "twice"),
    ]:
        with pytest.raises(delfin.OptionError, match=words):
            delfin.cluster_edges(*arguments, **options)


def test_progress(folder, capsys):
    seen = []
    delfin.cluster(folder, store=False, progress=lambda stage, done, total: seen.append((stage, done, total)))
    stages = list(dict.fromkeys(stage for stage, _, _ in seen))
    assert stages == sorted(stages, key=["extract", "propose", "verify", "confirm"].index) and "verify" in stages
    assert ("extract", 6, 6) in seen
    delfin.cluster(folder, store=False, progress=True)
    assert "extract" in capsys.readouterr().err
    delfin.cluster(folder, store=False, progress=False)
    assert capsys.readouterr().err == ""

    def fails(*_):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        delfin.cluster(folder, store=False, progress=fails)
    with pytest.raises(delfin.OptionError, match="progress"):
        delfin.cluster(folder, store=False, progress=3)


def test_ctrl_c_ends_a_run(tmp_path):
    noise = np.random.default_rng(1)
    for number in range(40):
        pixels = noise.integers(0, 256, (150, 200, 3), np.uint8)
        Image.fromarray(pixels).resize((2000, 1500)).save(tmp_path / f"{number}.jpg", quality=70)
    code = """
        import sys, delfin
        def told(stage, done, total):
            print(stage, done, flush=True)
        try:
            delfin.cluster(sys.argv[1], store=False, progress=told)
        except KeyboardInterrupt:
            print("interrupted", flush=True)
    """
    run = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), tmp_path],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert run.stdout.readline().startswith("extract")
    start = time.monotonic()
    os.kill(run.pid, signal.SIGINT)
    lines = run.communicate(timeout=60)[0].splitlines()
    assert lines[-1] == "interrupted", lines
    assert run.returncode == 0
    assert time.monotonic() - start < 5  # About 0.4 s; the machine may be busy.


def test_what_cannot_be_sorted(folder, tmp_path):
    with pytest.raises(delfin.FileError, match="no such folder") as caught:
        delfin.cluster(tmp_path / "none")
    assert caught.value.path == str(tmp_path / "none")
    with pytest.raises(delfin.FileError, match="a file"):
        delfin.cluster(folder / "box.jpg")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(delfin.FormatError, match="no photos"):
        delfin.cluster(empty)
    assert not list(empty.iterdir())
    with pytest.raises(delfin.OptionError, match="min_probability"):
        delfin.cluster(folder, store=False, min_probability=2)
    with pytest.raises(delfin.OptionError, match="store"):
        delfin.cluster(folder, store=3.5)
    with pytest.raises(TypeError):
        delfin.cluster(3)
    output = tmp_path / "out"
    output.mkdir()
    (output / "edges.csv").write_text("mine")
    with pytest.raises(delfin.FileError, match="not made by delfin") as caught:
        delfin.cluster(folder, output=output, store=False)
    assert caught.value.path == str(output / "edges.csv")
    delfin.cluster(folder, output=output, store=False, overwrite=True)
    delfin.cluster(folder, output=output, store=False)
    with (output / "edges.csv").open("a") as table:
        table.write("mine\n")
    with pytest.raises(delfin.FileError, match="changed since") as caught:
        delfin.cluster(folder, output=output, store=False)
    assert caught.value.path == str(output / "edges.csv")
    delfin.cluster(folder, output=output, store=False, overwrite=True)
    with pytest.raises(delfin.Error, match="there"):
        delfin.cluster(folder, colmap=output / "edges.csv", store=False)
    with pytest.raises(delfin.FormatError):
        delfin.cluster(folder, judgement=output / "edges.csv", store=False)


def test_a_store_that_cannot_be_used_is_warned_of(folder):
    (folder / ".delfin").mkdir()
    (folder / ".delfin" / "store.sqlite").write_text("no database" * 100)
    with pytest.warns(RuntimeWarning, match="will not be kept"):
        delfin.cluster(folder)
    with pytest.raises(delfin.FileError):
        delfin.cluster(folder, store=folder / ".delfin" / "store.sqlite")


def test_what_is_known_is_not_computed_again(folder, tmp_path):
    first = delfin.cluster(folder)
    assert (folder / ".delfin" / "store.sqlite").exists()
    assert delfin.cluster(folder, colmap=tmp_path / "database.db").edges.keys() == first.edges.keys()
    assert (tmp_path / "database.db").stat().st_size > 10_000
