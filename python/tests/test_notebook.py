"""The notebook runs, shows its pictures, and stays small."""

import nbformat
import pytest
from conftest import ROOT
from nbclient import NotebookClient

NOTEBOOK = ROOT / "examples" / "python" / "delfin.ipynb"


def text_of(notebook):
    cells = (cell for cell in notebook.cells if cell.cell_type == "code")
    return [output.text for cell in cells for output in cell.outputs if output.output_type == "stream"]


def pictures_of(notebook):
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", []))
    return [output for output in outputs if "image/jpeg" in output.get("data", {})]


@pytest.mark.filterwarnings("default")
def test_the_notebook_prints_what_it_holds():
    stored = nbformat.read(NOTEBOOK, as_version=4)
    assert NOTEBOOK.stat().st_size < 600_000 and len(pictures_of(stored)) == 2
    run = nbformat.read(NOTEBOOK, as_version=4)
    for cell in run.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    resources = {"metadata": {"path": str(NOTEBOOK.parent)}}
    NotebookClient(run, timeout=300, kernel_name="python3", resources=resources).execute()
    assert text_of(run) == text_of(stored) and len(pictures_of(run)) == 2
