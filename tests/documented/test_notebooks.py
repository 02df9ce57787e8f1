"""The notebooks of the documentation run from their first cell to their last, with few steps.

Their first cell reads the number of steps from ``GANZOO_NOTEBOOK_STEPS``. ``make docs-run`` runs all of them.
"""

import os
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from .pages import ROOT

NOTEBOOKS = sorted(path.stem for path in (ROOT / "docs" / "notebooks").glob("*.ipynb"))
CHOSEN = NOTEBOOKS if os.environ.get("GANZOO_DOCS") == "all" else ["own-loss"]
STEPS = "GANZOO_NOTEBOOK_STEPS"


@pytest.mark.parametrize("name", CHOSEN)
@pytest.mark.filterwarnings("ignore::DeprecationWarning:zmq", "ignore::DeprecationWarning:jupyter_client")
def test_the_notebook_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STEPS, "12")
    notebook = nbformat.read(ROOT / "docs" / "notebooks" / f"{name}.ipynb", 4)
    notebook.metadata.kernelspec = {"name": "python3", "display_name": Path(sys.executable).name}
    client = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()  # raises with the cell and its error
    assert any((tmp_path / "runs" / name).iterdir())


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_notebook_says_how_it_is_shortened_and_shows_no_machine(name: str) -> None:
    notebook = nbformat.read(ROOT / "docs" / "notebooks" / f"{name}.ipynb", 4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert STEPS in code[0].source
    for cell in code:
        for output in cell.outputs:
            assert output.output_type != "error"
            assert output.get("name") != "stderr", "warnings name files of the machine"
