"""The stubs describe the module that is there, and the examples run."""

import ast
import inspect
import multiprocessing
import pathlib
import subprocess
import sys
import threading

import pytest
from conftest import PHOTOS, ROOT

import delfin

STUB = pathlib.Path(delfin.__file__).with_name("__init__.pyi")
BODY = ast.parse(STUB.read_text()).body


def parameters(function, skip=0):
    found = function.args
    names = [arg.arg for arg in found.posonlyargs + found.args + found.kwonlyargs]
    return names[skip:]


def real(function, skip=0):
    return list(inspect.signature(function).parameters)[skip:]


def test_the_package_is_typed():
    assert STUB.with_name("py.typed").exists()
    public = [item.name for item in BODY if isinstance(item, (ast.ClassDef, ast.FunctionDef))]
    public = {name for name in public if not name.startswith("_")} | {"__version__"}
    assert public == set(delfin.__all__)
    assert all(hasattr(delfin, name) for name in delfin.__all__)


def test_stubs_have_the_parameters_of_the_functions():
    functions = [item for item in BODY if isinstance(item, ast.FunctionDef)]
    assert len(functions) > 8
    for function in functions:
        assert parameters(function) == real(getattr(delfin, function.name)), function.name
        assert getattr(delfin, function.name).__doc__ and ast.get_docstring(function)


def test_stubs_have_the_members_of_the_classes():
    for stub in (item for item in BODY if isinstance(item, ast.ClassDef)):
        if stub.name.startswith("_"):
            continue
        found = getattr(delfin, stub.name)
        assert found.__doc__, stub.name
        members = [item for item in stub.body if isinstance(item, ast.FunctionDef)]
        for member in members:
            assert hasattr(found, member.name), (stub.name, member.name)
            kinds = [getattr(kind, "id", "") for kind in member.decorator_list]
            if "property" in kinds:
                continue
            if member.name == "__init__":
                assert parameters(member, 1) == real(found), stub.name
            elif not member.name.startswith("__"):
                skip = 0 if "staticmethod" in kinds else 1
                assert parameters(member, skip) == real(getattr(found, member.name), skip), member.name
        if not issubclass(found, (tuple, Exception)):
            public = {name for name in vars(found) if not name.startswith("_")}
            assert public == {member.name for member in members if not member.name.startswith("_")}, stub.name


def test_errors_have_one_base():
    for name in delfin.__all__:
        if name.endswith("Error"):
            assert issubclass(getattr(delfin, name), delfin.Error)


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_other_processes_match_too(method, pair):
    expected = delfin.match(*pair).to_dict()
    with multiprocessing.get_context(method).Pool(1) as pool:
        assert pool.apply_async(matched, pair).get(60) == expected


def matched(photo1, photo2):
    return delfin.match(photo1, photo2).to_dict()


def test_other_threads_run_meanwhile(pair):
    """The interpreter's lock is free while delfin works."""
    ticks, done = [], threading.Event()

    def tick():
        while not done.wait(0.005):
            ticks.append(1)

    thread = threading.Thread(target=tick)
    thread.start()
    for _ in range(5):
        delfin.match(*pair)
    done.set()
    thread.join()
    assert len(ticks) > 20
    found = []
    threads = [threading.Thread(target=lambda: found.append(matched(*pair))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 and all(row == found[0] for row in found)


def test_examples(tmp_path, folder):
    def run(name, *args):
        script = ROOT / "examples" / "python" / name
        found = subprocess.run([sys.executable, script, *args], capture_output=True, text=True, check=False)
        return found.returncode, found.stdout, found.stderr

    picture = tmp_path / "matches.png"
    code, text, _ = run("match_photos.py", PHOTOS / "box.jpg", PHOTOS / "box_in_scene.jpg", picture)
    probability = delfin.match(PHOTOS / "box.jpg", PHOTOS / "box_in_scene.jpg").probability
    assert code == 0 and text.startswith(f"yes: {probability:.0%} probable") and picture.exists()
    code, text, errors = run("sort_folder.py", folder, tmp_path / "out")
    assert code == 0 and "left.png sub/right.png" in text and "damaged.jpg" in errors
    assert (tmp_path / "out" / "report.html").exists()
    assert run("match_photos.py")[0] == 1 and run("sort_folder.py")[0] == 1
