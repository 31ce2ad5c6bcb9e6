"""On Ray: the clusters of one machine, whatever happens to workers, parts and sources."""

import io
import json
import os
import pathlib
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
from conftest import PHOTOS, ROOT
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import delfin

pytest.importorskip("ray", reason="Ray is not installed")

import fsspec
import pyarrow as pa
import pyarrow.fs
import pyarrow.parquet as pq
import ray
from deadly import Deadly
from fsspec.implementations.local import LocalFileSystem

import delfin.ray
from delfin import _delfin

pytestmark = pytest.mark.filterwarnings("default")
# Small and quick; bits are compared, not accuracy.
SMALL = {"max_size": 160, "max_features": 120, "scales": [1.0]}
COLUMNS = ("agreement", "contradiction", "color_difference")


@pytest.fixture(scope="module", autouse=True)
def workers():
    # Workers as urgent as this process: else they wait for whatever runs beside the tests.
    os.environ.update(RAY_USAGE_STATS_ENABLED="0", RAY_worker_niceness="0")
    # Workers import filesystems from here.
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT / "python" / "tests"), os.environ.get("PYTHONPATH", "")])
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=200 << 20)
    yield
    ray.shutdown()


def made_photos(folder, count):
    """Four photos each of many made things: whole, turned, darker and compressed, a detail."""
    tiles = []
    for path in sorted(PHOTOS.glob("*.jpg")):
        photo = Image.open(path).convert("RGB")
        photo.thumbnail((320, 320))
        tiles += [photo.crop((x, y, x + 40, y + 40)) for x in range(0, photo.width - 40, 30) for y in range(0, 160, 30)]
    folder.mkdir()
    for number in range(count):
        thing, variant = divmod(number, 4)
        random = np.random.default_rng(thing)
        picture = Image.new("RGB", (160, 120))
        for place in range(12):
            tile = tiles[random.integers(len(tiles))].rotate(int(random.integers(360)), expand=False)
            picture.paste(tile, (40 * (place % 4), 40 * (place // 4)))
        quality = 85
        if variant == 1:
            picture = picture.rotate(8).crop((13, 10, 147, 110))
        elif variant == 2:
            picture, quality = picture.point(lambda value: value * 7 // 10), 30
        elif variant == 3:
            picture = picture.crop((40, 20, 120, 80)).resize((140, 105))
        picture.save(folder / f"{thing:04}_{variant}.jpg", quality=quality)
    return folder


@pytest.fixture(scope="module")
def thousand(tmp_path_factory):
    return made_photos(tmp_path_factory.mktemp("thousand") / "photos", 1000)


@pytest.fixture(scope="module")
def hundreds(tmp_path_factory):
    """Photos of which not every pair is verified, and their clusters on one machine."""
    folder = made_photos(tmp_path_factory.mktemp("hundreds") / "photos", 300)
    return folder, delfin.cluster(folder, store=False, **SMALL)


def test_rivals_of_blocks():
    image1, image2 = np.array([0, 2, 0], np.uint32), np.array([1, 3, 2], np.uint32)
    log_odds, is_copy = np.array([5.0, 4.5, 1.0]), np.array([True, False, False])
    rivals = _delfin.Rivals(4)
    rivals.add(image1[:2], image2[:2], log_odds[:2], is_copy[:2])
    rivals.add(image1[2:], image2[2:], log_odds[2:], is_copy[2:])
    of_all, of_views = rivals.strongest(-0.5)
    assert of_all.tolist() == [4.5, 4.5, 4.0, 4.0] and of_views.tolist() == [0.5, -np.inf, 4.0, 4.0]
    pairs = image1, image2, log_odds - 0.5
    # A copy of photo 0 is no rival of its view; a stronger copy of both would be one of a copy.
    assert _delfin.lowered_by_rivals([of_all, of_views], *pairs, is_copy).tolist() == [4.5, 4.0, 0.5]
    copies = np.ones(3, bool)
    assert _delfin.lowered_by_rivals([of_all, of_views], *pairs, copies).tolist() == [4.5, 4.0, -1.0]


def test_crossing_links_of_blocks():
    links = _delfin.CrossingLinks(np.array([0, 0, 2, 2, 4], np.uint32))
    links.add(np.array([0, 1], np.uint32), np.array([1, 2], np.uint32))
    links.add(np.array([2, 1], np.uint32), np.array([3, 3], np.uint32))
    of_photos, ratio = links.balance()
    assert [values.tolist() for values in of_photos] == [[0, 0, 2, 2, 4], [2, 2, 2, 2, 0], [2, 2, 2, 2, 0]]
    pairs = np.array([0, 0], np.uint32), np.array([2, 4], np.uint32), np.array([1.0, 1.0])
    crossed, alone = _delfin.with_links(of_photos, ratio, *pairs)
    assert -1 < crossed < alone < 1
    # Of some photos alone the same.
    some = [values[[0, 4]] for values in of_photos]
    ends = np.array([0], np.uint32), np.array([1], np.uint32)
    assert _delfin.with_links(some, ratio, *ends, np.array([1.0])).tolist() == [alone]


def test_shortlist_of_blocks():
    image1 = np.array([0, 0, 0, 0, 0, 0, 0, 6], np.uint32)
    image2 = np.array([1, 2, 3, 4, 5, 6, 8, 7], np.uint32)
    worth = np.array([1, -1, np.nan, 2, 3, -2, np.inf, -2.9], np.float32)
    log_odds = np.array([-2, -2, -4, -2, 1.5, 0.5, -3, -2.0])
    best = _delfin.BestPairs(9)
    best.add(image1[:3], image2[:3], worth[:3], log_odds[:3])
    best.add(image1[3:], image2[3:], worth[3:], log_odds[3:])
    least = best.least()
    assert least.tolist() == [-1.0, *[-np.inf] * 8]
    is_listed, judged = _delfin.shortlisted(least, image1, image2, worth, log_odds)
    assert is_listed.tolist() == [True, True, False, *[True] * 5] and judged.tolist() == log_odds.tolist()
    # Were photo 6 one that has three better ones.
    least = np.array([-1, *[-np.inf] * 5, 0, *[-np.inf] * 2], np.float32)
    is_listed, judged = _delfin.shortlisted(least, image1, image2, worth, log_odds)
    assert is_listed.tolist() == [True, True, False, True, True, False, True, True] and judged[5] == -1.5


def assert_same(found, expected):
    """The same bits, but for the names of columns."""
    photos, clusters, edges = found.photos(), found.clusters(), found.edges()
    assert photos["path"].to_pylist() == clusters["path"].to_pylist() == expected.paths
    assert photos["photo"].to_pylist() == clusters["photo"].to_pylist() == list(range(len(expected.paths)))
    np.testing.assert_array_equal(clusters["cluster"].to_numpy(), expected.labels)
    np.testing.assert_array_equal(clusters["score"].to_numpy(), expected.scores)
    is_representative = clusters["is_representative"].to_numpy(zero_copy_only=False)
    assert np.flatnonzero(is_representative).tolist() == sorted(expected.representatives.tolist())
    assert found.prior_log_odds == expected.prior_log_odds
    for name, column in expected.edges.items():
        values = edges[name].to_pylist()
        if name == "relation":
            assert [value or "" for value in values] == list(column)
        elif name in COLUMNS:
            values = [np.nan if value is None else value for value in values]
            np.testing.assert_array_equal(np.array(values, dtype=column.dtype), column, err_msg=name)
        else:
            np.testing.assert_array_equal(np.array(values, dtype=column.dtype), column, err_msg=name)
    by_name = {photo["path"]: photo for photo in expected.to_dict()["photos"]}
    for photo in photos.slice(0, 50).to_pylist():
        other = by_name[photo["path"]]
        assert photo["content_hash"].hex() == other["sha256"]
        assert (photo["width"], photo["height"]) == (other["width"], other["height"])
    failures = [(row["path"], row["reason"]) for row in found.failures().to_pylist()]
    assert failures == list(expected.failures)
    assert found.num_photos == len(expected.paths) and found.num_clusters == len(found) == len(expected)
    assert (found.num_edges, found.num_failures) == (len(edges), len(failures))


def num_reused(found):
    return sum(stage["reused"] for stage in found.stages.values())


def test_every_pair_of_scenes(tmp_path):
    data = os.environ.get("DELFIN_DATA")
    if data is None or not (scenes := pathlib.Path(data) / "eval" / "scenes" / "images").is_dir():
        pytest.skip("DELFIN_DATA has no eval/scenes")
    options = {"max_size": 256, "max_features": 250}
    found = delfin.ray.cluster(scenes, tmp_path / "out", block_bytes=1 << 20, **options)
    assert found.stages["pairs"]["blocks"] > 1
    assert_same(found, delfin.cluster(scenes, store=False, **options))
    edges = found.edges()
    is_compared = edges["agreement"].is_valid().to_numpy()
    assert is_compared.any() and len(found) < found.num_photos
    # Pairs that are worth comparing and off the shortlist.
    log_odds = edges["log_odds"].to_numpy() - found.prior_log_odds
    off = log_odds[~is_compared & (log_odds > -3.9)]
    assert len(off) and off.max() <= -1.5


def test_candidates_of_a_thousand(thousand, tmp_path):
    seen = []
    found = delfin.ray.cluster(
        thousand, tmp_path / "out", progress=lambda *stage: seen.append(stage), block_bytes=1 << 20, **SMALL
    )
    expected = delfin.cluster(thousand, store=False, **SMALL)
    assert_same(found, expected)
    assert 0 < found.num_edges < 1000 * 999 // 2 and len(found) < 700
    assert ("features", 0, found.stages["features"]["blocks"]) in seen
    assert found.stages["nearest"]["blocks"] > 1 and found.stages["votes"]["blocks"] > 1 and num_reused(found) == 0
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    assert run["is_done"] and run["num_photos"] == 1000 and not list(tmp_path.rglob("*.tmp"))


def test_other_blocks_give_the_same(hundreds, tmp_path):
    folder, expected = hundreds
    found = delfin.ray.cluster(folder, tmp_path / "out", cpus_per_worker=2, block_bytes=64 << 20, **SMALL)
    assert_same(found, expected)
    assert pq.read_table(found.paths["edges"]).num_rows == found.num_edges


def test_copies_alone(hundreds, tmp_path):
    folder, _ = hundreds
    options = {"copies_only": True, "min_inliers": 20, **SMALL}
    found = delfin.ray.cluster(folder, tmp_path / "out", **options)
    assert_same(found, delfin.cluster(folder, store=False, **options))


def worker_processes():
    """Processes of this Ray that run a task."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if (entry / "cmdline").read_bytes().startswith(b"ray::delfin") and is_ours(int(entry.name)):
                found.append(int(entry.name))
        except (OSError, ValueError):
            continue
    return found


def is_ours(process):
    while process > 1:
        status = pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        process = int(status[1])
        if process == os.getpid():
            return True
    return False


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds workers in /proc")
def test_a_killed_worker_changes_nothing(hundreds, tmp_path):
    folder, expected = hundreds
    killed = []

    def kill(stage, done, total):
        if stage in ("features", "verified", "compared") and stage not in killed and 0 < done < total:
            for process in worker_processes()[:1]:
                os.kill(process, signal.SIGKILL)
                killed.append(stage)

    found = delfin.ray.cluster(folder, tmp_path / "out", progress=kill, **SMALL)
    assert killed and sum(stage["retried"] for stage in found.stages.values()) >= 1
    assert_same(found, expected)


class Stopped(Exception):
    pass


def stop_at(name):
    def stop(stage, done, total):
        if stage == name and done >= 1:
            raise Stopped(stage)

    return stop


def test_a_stopped_job_goes_on(hundreds, tmp_path):
    folder, expected = hundreds
    output = tmp_path / "out"
    for stage in ("features", "voters", "verified", "compared", "clustered"):
        with pytest.raises(Stopped):
            delfin.ray.cluster(folder, output, progress=stop_at(stage), **SMALL)
    # Another number of workers' threads changes no plan.
    found = delfin.ray.cluster(folder, output, cpus_per_worker=2, **SMALL)
    assert_same(found, expected)
    stages = found.stages
    assert stages["features"]["reused"] == stages["features"]["blocks"] > 1
    assert stages["verified"]["reused"] >= 1 and stages["clusters"]["reused"] == 0
    again = delfin.ray.cluster(folder, output, **SMALL)
    assert num_reused(again) == sum(stage["blocks"] for stage in again.stages.values())
    assert_same(again, expected)


def test_a_killed_program_goes_on(hundreds, tmp_path):
    folder, expected = hundreds
    code = """
        import sys, ray, delfin.ray
        ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, object_store_memory=100 << 20)
        def told(stage, done, total):
            print(stage, done, total, flush=True)
        options = {"max_size": 160, "max_features": 120, "scales": [1.0]}
        delfin.ray.cluster(sys.argv[1], sys.argv[2], progress=told, **options)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), folder, tmp_path / "out"]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    for line in run.stdout:
        if line.startswith("verified 2 "):
            break
    os.kill(run.pid, signal.SIGKILL)
    run.communicate(timeout=60)
    found = delfin.ray.cluster(folder, tmp_path / "out", **SMALL)
    assert found.stages["features"]["reused"] == found.stages["features"]["blocks"]
    assert found.stages["verified"]["reused"] >= 2
    assert_same(found, expected)
    assert not list((tmp_path / "out").rglob("*.tmp"))


def test_damaged_parts_are_computed_again(hundreds, tmp_path):
    folder, expected = hundreds
    output = tmp_path / "out"
    first = delfin.ray.cluster(folder, output, **SMALL)
    stages = "features", "votes", "verified", "compared"
    damaged = [sorted((output / "parts" / stage).iterdir())[0] for stage in stages]
    damaged.append(sorted((output / "edges.parquet").iterdir())[0])
    for number, path in enumerate(damaged):
        data = bytearray(path.read_bytes())
        if number % 2 == 0:
            # One byte of a value: the footer is whole.
            data[len(data) // 3] ^= 1
        else:
            del data[-10:]
        path.write_bytes(data)
    (output / "parts" / "pairs" / "000000.parquet").write_bytes(b"")
    with pytest.raises(delfin.FileError, match="edges.parquet/000000"):
        first.edges()
    found = delfin.ray.cluster(folder, output, **SMALL)
    assert num_reused(found) == sum(stage["blocks"] for stage in found.stages.values()) - 6
    assert_same(found, expected)


@pytest.fixture
def sources(folder):
    """The photos of ``folder`` in every form, and their names by that form."""
    paths = [path for path in sorted(folder.rglob("*")) if path.suffix in (".jpg", ".png")]
    names = [path.relative_to(folder).as_posix() for path in paths]
    # A picture that delfin drew is no photo of a folder.
    mark = PngInfo()
    mark.add_text("Software", "made by delfin")
    Image.new("RGB", (300, 200)).save(folder / "drawn.png", pnginfo=mark)
    order = np.random.default_rng(1).permutation(len(paths))
    contents = [path.read_bytes() for path in paths]
    shuffled = {"path": [names[i] for i in order], "bytes": [contents[i] for i in order]}
    tables = folder.parent
    pq.write_table(pa.table(shuffled), tables / "bytes.parquet", row_group_size=2)
    (tables / "many.parquet").mkdir()
    halves = {"image": [names[i] for i in order], "jpeg": [contents[i] for i in order]}
    for start in (0, 3):
        table = pa.table({name: column[start : start + 3] for name, column in halves.items()})
        pq.write_table(table, tables / "many.parquet" / f"{start}.parquet")
    dictionary = pa.array([str(paths[i]) for i in order]).dictionary_encode()
    pq.write_table(pa.table({"path": dictionary}), tables / "paths.parquet")
    local = pa.fs.LocalFileSystem()
    return {
        "folder": (folder, {}),
        "subtree": (".", {"filesystem": pa.fs.SubTreeFileSystem(str(folder), local)}),
        "fsspec": (".", {"filesystem": fsspec.filesystem("dir", path=str(folder), fs=LocalFileSystem())}),
        "list of a filesystem": (names[::-1], {"filesystem": pa.fs.SubTreeFileSystem(str(folder), local)}),
        "bytes": (tables / "bytes.parquet", {}),
        "bytes in files": (tables / "many.parquet", {"path_column": "image", "bytes_column": "jpeg"}),
        "list": ([str(path) for path in paths] * 2, {}),
        "array": (pa.array([str(path) for path in paths]), {}),
        "URIs": ([path.as_uri() for path in paths], {}),
        "paths": (tables / "paths.parquet", {}),
    }


def test_sources(folder, sources, tmp_path):
    expected = delfin.cluster(folder, store=False, **SMALL)
    for number, (kind, (source, options)) in enumerate(sources.items()):
        output = tmp_path / str(number)
        if kind == "subtree":
            # The output as a URI.
            output = output.as_uri()
        found = delfin.ray.cluster(source, output, **options, **SMALL)
        clusters = found.clusters()
        assert clusters["cluster"].to_pylist() == expected.labels.tolist(), kind
        assert clusters["score"].to_pylist() == expected.scores.tolist(), kind
        assert found.edges()["log_odds"].to_pylist() == expected.edges["log_odds"].tolist(), kind
        agreement = found.edges()["agreement"].to_pylist()
        assert [value is None for value in agreement] == np.isnan(expected.edges["agreement"]).tolist(), kind
        [failure] = found.failures().to_pylist()
        assert failure["path"].endswith("damaged.jpg") and failure["reason"] == expected.failures[0][1], kind
        if kind in ("folder", "subtree", "fsspec", "list of a filesystem", "bytes", "bytes in files"):
            assert clusters["path"].to_pylist() == expected.paths, kind
        repeated = delfin.ray.cluster(source, output, **options, **SMALL)
        assert num_reused(repeated) == sum(stage["blocks"] for stage in repeated.stages.values()), kind


def test_what_cannot_be_read_is_a_row(hundreds, tmp_path):
    folder, expected = hundreds
    names = [str(folder / path) for path in expected.paths]
    (tmp_path / "damaged.jpg").write_bytes((folder / expected.paths[0]).read_bytes()[:1000])
    (tmp_path / "empty.jpg").write_bytes(b"")
    missing = str(folder / "0000_9.jpg")
    bad = [missing, str(tmp_path / "damaged.jpg"), str(tmp_path / "empty.jpg"), str(tmp_path)]
    found = delfin.ray.cluster([*bad, *names], tmp_path / "out", **SMALL)
    failures = {row["path"]: row["reason"] for row in found.failures().to_pylist()}
    assert sorted(failures) == sorted(bad) == found.failures()["path"].to_pylist()
    assert "No such file" in failures[missing] and "not a readable photo" in failures[bad[1]]
    assert found.clusters()["cluster"].to_pylist() == expected.labels.tolist()
    np.testing.assert_array_equal(found.edges()["log_odds"].to_numpy(), expected.edges["log_odds"])


def test_bad_sources(folder, tmp_path):
    output = tmp_path / "out"

    def refuses(kind, words, source, **options):
        with pytest.raises(kind, match=words) as caught:
            delfin.ray.cluster(source, output, **options)
        assert not output.exists()
        return caught.value

    table = pa.table({"path": ["a.jpg", "b.jpg"], "bytes": [b"1", b"2"]})
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    damaged = tmp_path / "damaged.parquet"
    damaged.write_bytes(buffer.getvalue()[:-9])
    assert refuses(delfin.FormatError, "not a readable Parquet file", damaged).path == str(damaged)
    damaged.write_bytes(b"")
    refuses(delfin.FormatError, "not a readable Parquet file", damaged)
    pq.write_table(table, damaged)
    refuses(delfin.FormatError, "no column 'image'; there are path, bytes", damaged, path_column="image")
    pq.write_table(pa.table({"path": ["a", "a"], "bytes": [b"1", b"2"]}), damaged)
    refuses(delfin.FormatError, "'a' stands there twice", damaged)
    pq.write_table(pa.table({"path": ["a", None]}), damaged)
    refuses(delfin.FormatError, "has no path", damaged)
    pq.write_table(pa.table({"path": [1, 2]}), damaged)
    refuses(delfin.FormatError, "text wanted", damaged)
    refuses(delfin.FormatError, "the bytes of files wanted", damaged, bytes_column="path")
    refuses(delfin.FileError, "no such", tmp_path / "none.parquet")
    refuses(delfin.FileError, "no such folder", tmp_path / "none")
    refuses(delfin.FileError, "a file", folder / "box.jpg")
    (tmp_path / "empty").mkdir()
    refuses(delfin.FormatError, "no photos", tmp_path / "empty")
    refuses(delfin.FormatError, "no photos", [])
    refuses(delfin.OptionError, "a folder, a list", 3)
    refuses(delfin.OptionError, "no columns", ["a.jpg"], path_column="path")
    refuses(delfin.FileError, "nowhere", "nowhere://a/b")
    refuses(delfin.OptionError, "min_probability", folder, min_probability=2)
    refuses(delfin.OptionError, "max_size", folder, max_size=-1)
    refuses(delfin.OptionError, "cpus_per_worker", folder, cpus_per_worker=0)
    refuses(delfin.OptionError, "block_bytes", folder, block_bytes=10)
    refuses(delfin.OptionError, "progress", folder, progress=3)
    refuses(delfin.OptionError, "filesystem", folder, filesystem=3)
    refuses(delfin.OptionError, "filesystem", folder, output_filesystem=3)
    refuses(delfin.FileError, "none.onnx", folder, model=tmp_path / "none.onnx")
    with pytest.raises(delfin.OptionError, match="Ray has 2"):
        delfin.ray.cluster(folder, tmp_path / "many", cpus_per_worker=3)
    with pytest.raises(delfin.OptionError, match="memory_per_worker"):
        delfin.ray.cluster(folder, tmp_path / "many", memory_per_worker=1 << 50)
    with pytest.raises(delfin.FormatError, match="damaged.jpg"):
        delfin.ray.cluster([folder / "damaged.jpg"], tmp_path / "damaged", **SMALL)


def test_one_photo(tmp_path):
    found = delfin.ray.cluster([PHOTOS / "cat.jpg"], tmp_path / "out", **SMALL)
    assert found.clusters().to_pylist()[0]["cluster"] == 0 and found.num_edges == 0
    assert repr(found).startswith("<delfin.ray.RayClusterResult: 1 photo, 1 cluster, 0 failures")


def test_an_output_of_another_job_is_refused(folder, tmp_path):
    output = tmp_path / "out"
    first = delfin.ray.cluster(folder, output, **SMALL)
    for options in ({"max_features": 50}, {"min_probability": 0.6}, {"mirrored": True}):
        with pytest.raises(delfin.FileError, match="other photos or options"):
            delfin.ray.cluster(folder, output, **{**SMALL, **options})
    (folder / "new.jpg").write_bytes((folder / "cat.jpg").read_bytes())
    with pytest.raises(delfin.FileError, match="other photos or options"):
        delfin.ray.cluster(folder, output, **SMALL)
    assert len(first.edges()) == first.num_edges
    (output / "mine.txt").write_text("mine")
    found = delfin.ray.cluster(folder, output, overwrite=True, **SMALL)
    assert num_reused(found) == 0 and (output / "mine.txt").read_text() == "mine"
    assert_same(found, delfin.cluster(folder, store=False, **SMALL))
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "edges.parquet").write_text("mine")
    with pytest.raises(delfin.FileError, match="not of delfin.ray"):
        delfin.ray.cluster(folder, foreign, **SMALL)
    for below in (output / "mine.txt", output / "mine.txt" / "out"):
        with pytest.raises(delfin.FileError, match="mine.txt"):
            delfin.ray.cluster(folder, below, **SMALL)


def test_a_block_that_kills_its_worker_is_named(folder, tmp_path):
    expected = delfin.cluster(folder, store=False, **SMALL)
    for times in (1, 100):
        marks = tmp_path / str(times)
        marks.mkdir()
        options = {"filesystem": Deadly(str(marks), times), "max_retries": 2, **SMALL}
        output = tmp_path / f"out{times}"
        if times == 1:
            found = delfin.ray.cluster(str(folder), output, **options)
            assert found.stages["features"]["retried"] >= 1
            assert_same(found, expected)
            continue
        with pytest.raises(delfin.Error, match=r"block 000000 of features: its worker was lost 3 times"):
            delfin.ray.cluster(str(folder), output, **options)
        assert len(list(marks.iterdir())) == 3


def test_without_ray():
    code = """
        import sys
        sys.modules["ray"] = None
        import delfin
        try:
            import delfin.ray
        except delfin.DependencyError as error:
            assert isinstance(error, ImportError)
            print(error)
    """
    run = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    assert "pip install './python[ray]'" in run.stdout


def test_the_example(folder, tmp_path):
    script = ROOT / "examples" / "python" / "cluster_on_ray.py"
    run = subprocess.run(
        [sys.executable, script, folder, tmp_path / "out"], capture_output=True, text=True, check=False, timeout=300
    )
    assert run.returncode == 0, run.stderr
    assert "left.png sub/right.png" in run.stdout and "damaged.jpg" in run.stderr


def test_stubs():
    import ast
    import inspect

    stub = pathlib.Path(delfin.ray.__file__).with_suffix(".pyi")
    for item in ast.parse(stub.read_text()).body:
        if isinstance(item, ast.FunctionDef):
            names = [arg.arg for arg in item.args.args + item.args.kwonlyargs]
            assert names == list(inspect.signature(getattr(delfin.ray, item.name)).parameters)
        elif isinstance(item, ast.ClassDef):
            real = getattr(delfin.ray, item.name)
            members = {member.name for member in item.body if isinstance(member, ast.FunctionDef)}
            assert {name for name in vars(real) if not name.startswith("_")} == {
                name for name in members if not name.startswith("_")
            }


def test_progress_of_a_long_block_can_be_interrupted(hundreds, tmp_path):
    """An error of the callback ends the job soon, and its blocks."""
    folder, _ = hundreds
    start = time.monotonic()
    with pytest.raises(Stopped):
        delfin.ray.cluster(folder, tmp_path / "out", progress=stop_at("features"), **SMALL)
    assert time.monotonic() - start < 60
