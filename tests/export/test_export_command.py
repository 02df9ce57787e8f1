"""``ganzoo export`` as a user runs it: files, messages, and the model card."""

import hashlib
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import ganzoo
from ganzoo.errors import ExportError
from ganzoo.export import calls, write
from ganzoo.metrics.evaluate import open_target
from ganzoo.models.interfaces import Classifier
from ganzoo.runtime.tensor_files import read_tensors, write_tensors

from ..commands.conftest import Invoke
from .conftest import Make, Train


def copied(run: Any, target: Path) -> Path:
    shutil.copytree(run.path, target)
    return target


def one_error(text: str) -> str:
    """The one line of an error."""
    assert text.startswith("error: ")
    assert text.count("\n") == 1
    return text


def test_it_prints_where_the_file_lies_and_how_far_it_is_off(invoke: Invoke, trained: Train) -> None:
    run = copied(trained("cgan"), Path("my run"))
    done = invoke("export", run, "--to", "plain")
    assert done.out == "my run-generator.safetensors\n"
    said = r"differs from PyTorch by \d\.\de[+-]\d\d at most, at batches of 1, 3 and 8\nSHA-256 ([0-9a-f]{64})\n"
    found = re.fullmatch(said, done.err)
    assert found
    assert found[1] == hashlib.sha256(Path("my run-generator.safetensors").read_bytes()).hexdigest()
    assert Path("my run-generator.py").is_file()
    done = invoke("export", run / "generator.safetensors", "--to", "pt2", "--output", "a.pt2")
    assert done.out == "a.pt2\n"
    assert ganzoo.load("a.pt2").sample(3, 2).shape == (3, 1, 28, 28)  # type: ignore[union-attr,operator]


def test_all_roles_at_once(invoke: Invoke, trained: Train) -> None:
    run = copied(trained("sgan"), Path("x"))
    done = invoke("export", run, "--to", "plain", "--role", "all")
    assert done.out.split() == [f"x-{role}.safetensors" for role in ("generator", "classifier", "baseline")]
    assert isinstance(ganzoo.load("x-baseline.safetensors"), Classifier)
    said = invoke("export", run, "--to", "plain", "--role", "all", "--output", "a.safetensors", code=2).err
    assert "--output a.safetensors names one file" in one_error(said)


def test_roles_that_cannot_be_exported_are_told_before_the_others_are_written(
    invoke: Invoke, trained: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = copied(trained("sgan"), Path("x"))
    refused: list[type] = [Classifier]

    def call_of(network: Any, *rest: Any) -> Any:
        if isinstance(network, tuple(refused)):
            raise ExportError("no program can hold it.")
        return calls.call_of(network, *rest)

    monkeypatch.setattr(write, "call_of", call_of)
    done = invoke("export", run, "--to", "plain", "--role", "all")
    assert done.out == "x-generator.safetensors\n"
    first, second, *_ = done.err.splitlines()
    assert first == "note: no classifier is written: no program can hold it."
    assert second == "note: no baseline is written: no program can hold it."
    Path("x-generator.safetensors").unlink()
    refused.append(torch.nn.Module)
    said = invoke("export", run, "--to", "plain", "--role", "all", "--overwrite", code=1).err
    assert "no program can hold it" in one_error(said)
    assert not Path("x-generator.safetensors").exists()
    said = invoke("export", run, "--to", "plain", "--role", "classifier", code=1).err
    assert "no program can hold it" in one_error(said)


def test_nothing_is_replaced_unasked(invoke: Invoke, trained: Train) -> None:
    run = trained("vanilla").path
    for form, name in (("onnx", "a.onnx"), ("pt2", "a.pt2"), ("plain", "a.safetensors")):
        Path(name).write_text("mine")
        said = invoke("export", run, "--to", form, "--output", name, code=2).err
        assert one_error(said) == f"error: {name} exists: add --overwrite, or choose another --output.\n"
        assert Path(name).read_text() == "mine"
    Path("b.py").write_text("mine")
    assert "b.py exists" in invoke("export", run, "--to", "plain", "--output", "b.safetensors", code=2).err
    Path("folder").mkdir()
    Path("folder/mine").touch()
    for words in ([], ["--overwrite"]):
        said = invoke("export", run, "--to", "hf", "--output", "folder", *words, code=2).err
        assert one_error(said) == "error: folder exists and is not an empty folder: choose another --output.\n"
    invoke("export", run, "--to", "pt2", "--output", "a.pt2", "--overwrite")
    assert Path("a.pt2").read_bytes() != b"mine"
    assert sorted(path.name for path in Path("folder").iterdir()) == ["mine"]


def test_outputs_that_cannot_be(invoke: Invoke, trained: Train) -> None:
    run = trained("vanilla").path
    Path("file").touch()
    for words, said in (
        (("--to", "onnx", "--output", "a.pt2"), "a.pt2: name a file that ends in .onnx with --output."),
        (("--to", "pt2", "--output", "."), ".: name a file that ends in .pt2 with --output."),
        (("--to", "pt2", "--output", "no/a.pt2"), "no: no such folder."),
        (("--to", "hf", "--output", "file/x"), "file: no such folder."),
        (("--to", "plain", "-s", "psi=0.5"), "-s psi=0.5: this network has no sampling settings."),
        (("--to", "plain", "--output", os.fsdecode(b"\xff.safetensors")), "\\xff.safetensors: this name is not UTF-8"),
        (("--to", "plain", "-s", "psi"), "-s psi: write it as -s KEY=VALUE."),
        (("--to", "hf", "-s", "psi=1"), "-s psi=1: hf keeps all settings of the network"),
        (("--to", "pt2", "--weights", "best"), "keeps no best weights of 'generator'"),
        (("--to", "pt2", "--role", "wizard"), "exports no 'wizard'; it has: generator."),
    ):
        assert said in one_error(invoke("export", run, *words, code=2).err)
    assert "Invalid value for '--to': 'tflite' is not one of" in invoke("export", run, "--to", "tflite", code=2).err
    for output in ("/proc/a.pt2", "/proc/a"):
        form = "pt2" if output.endswith("pt2") else "hf"
        said = one_error(invoke("export", run, "--to", form, "--output", output, code=1).err)
        assert output in said
    assert sorted(path.name for path in Path.cwd().iterdir()) == ["file"]


def test_sources_that_cannot_be(invoke: Invoke, trained: Train) -> None:
    Path("other").mkdir()
    assert "other is not a run directory" in one_error(invoke("export", "other", "--to", "pt2", code=1).err)
    assert "none: no such file" in one_error(invoke("export", "none", "--to", "pt2", code=1).err)
    bare = copied(trained("vanilla"), Path("bare"))
    for path in bare.glob("*.safetensors"):
        path.unlink()
    said = one_error(invoke("export", bare, "--to", "pt2", code=1).err)
    assert "bare has no weights: its training has not reached a checkpoint." in said
    checkpoint = trained("vanilla").latest()
    said = one_error(invoke("export", checkpoint, "--to", "pt2", code=1).err)
    assert "is a checkpoint, not trained weights" in said
    shutil.copy(trained("vanilla").path / "generator.safetensors", "a.safetensors")
    for words, wrong in (
        (("--role", "b2a"), "holds role 'generator', not 'b2a'"),
        (("--weights", "last"), "--weights last is for run directories; a.safetensors is one file."),
    ):
        assert wrong in one_error(invoke("export", "a.safetensors", "--to", "pt2", *words, code=2).err)


def test_damaged_weights_and_checkpoints(invoke: Invoke, trained: Train) -> None:
    run = copied(trained("vanilla"), Path("run"))
    weights, (checkpoint,) = run / "generator.safetensors", ganzoo.open_run(run).checkpoints()[-1:]
    sound = checkpoint.read_bytes()
    for path, words in ((weights, ()), (checkpoint, ("--weights", "last"))):
        content = bytearray(path.read_bytes())
        content[-5] ^= 1
        path.write_bytes(content)
        said = one_error(invoke("export", run, "--to", "pt2", *words, code=1).err)
        assert f"{path} is damaged: its content is not what was written (SHA-256)." in said
        path.write_bytes(content[: len(content) // 3])
        assert f"{path} is" in one_error(invoke("export", run, "--to", "pt2", *words, code=1).err)
        shutil.copy(trained("vanilla").path / "generator.safetensors", weights)
    checkpoint.write_bytes(sound)
    tensors, header = read_tensors(checkpoint)
    for change, said in (
        ({"config": {**header["config"], "variant": "dcgan"}}, "belongs to variant 'dcgan'"),
        ({"machine": None}, "is damaged"),
    ):
        write_tensors(checkpoint, tensors, {**header, **change})
        assert said in one_error(invoke("export", run, "--to", "pt2", "--weights", "last", code=1).err)
    bad = {key: value * float("nan") if "generator/head.weight" in key else value for key, value in tensors.items()}
    write_tensors(checkpoint, bad, header)
    said = one_error(invoke("export", run, "--to", "pt2", "--weights", "last", code=1).err)
    assert "holds a value that is not finite" in said
    checkpoint.unlink()
    for left in run.glob("checkpoints/*"):
        left.unlink()
    assert "holds no checkpoint" in one_error(invoke("export", run, "--to", "pt2", "--weights", "last", code=1).err)
    assert not list(Path.cwd().glob("*.pt2"))


@pytest.mark.parametrize(
    "change",
    [
        {"step": "x"},
        {"images": None},
        {"role": "../x"},
        {"versions": []},
        {"machine": 3},
        {"best": 3},
        {"odd": "\ud800"},
    ],
)
def test_a_header_that_is_not_what_was_written(change: dict[str, Any], invoke: Invoke, trained: Train) -> None:
    tensors, header = read_tensors(trained("vanilla").path / "generator.safetensors")
    write_tensors(Path("a.safetensors"), tensors, {**header, **change})
    for form in ("hf", "plain"):
        assert "a.safetensors is damaged: " in one_error(invoke("export", "a.safetensors", "--to", form, code=1).err)
    assert [path.name for path in Path.cwd().iterdir()] == ["a.safetensors"]


def front_matter(card: str) -> dict[str, Any]:
    """The YAML at the top of a card: only words, quoted texts without quotes and backslashes, and lists of such."""
    start, text, _ = card.split("---\n", 2)
    assert start == ""
    found: dict[str, Any] = {}
    for line in text.splitlines():
        if item := re.fullmatch(r'  - "([^"\\]*)"', line):
            found[list(found)[-1]].append(item[1])
        elif key := re.fullmatch(r"([a-z_]+):", line):
            found[key[1]] = []
        else:
            pair = re.fullmatch(r'([a-z_]+): (?:([a-z0-9.-]+)|"([^"\\]*)")', line)
            assert pair, line
            found[pair[1]] = pair[2] or pair[3]
    return found


def test_the_folder_for_the_hub(trained: Train, made: Make) -> None:
    run, folder = trained("cgan"), made("cgan", "generator", "hf").path
    assert {path.name for path in folder.iterdir()} == {
        "README.md", "config.json", "model.py", "model.safetensors", "samples.png",
    }  # fmt: skip
    card = (folder / "README.md").read_text()
    assert front_matter(card) == {
        "library_name": "ganzoo", "license": "apache-2.0", "pipeline_tag": "unconditional-image-generation",
        "tags": ["ganzoo", "gan", "pytorch", "cgan", "unconditional-image-generation"], "datasets": ["glyphs"],
    }  # fmt: skip
    for said in (
        "# cgan", "Trained with ganzoo", "`glyphs`", "| steps | 4 of 4 |", "| seed | 0 |", "(EMA)", "## Limits",
        "## Licence", "nothing was measured", "`model()` takes `latents` [N, 100]; `labels` [N].",
        "$ ganzoo train cgan --dataset glyphs", "-o steps=4",
    ):  # fmt: skip
        assert said in card, said
    about = json.loads((folder / "config.json").read_text())
    assert about["library_name"] == "ganzoo"
    assert about["config"]["steps"] == 4
    with Image.open(folder / "samples.png") as picture:
        assert picture.width > 10 * 28
    again = ganzoo.load(folder)
    assert torch.equal(again.sample(6, seed=3), run.sample(6, seed=3))  # type: ignore[union-attr,operator]


def test_a_folder_for_the_hub_is_used_like_a_run(made: Make, trained: Train, invoke: Invoke) -> None:
    folder = Path(shutil.copytree(made("cgan", "generator", "hf").path, "folder"))
    invoke("sample", folder, "-n", 3, "--class", 4, "--output", "a.npy")
    assert np.allclose(np.load("a.npy"), trained("cgan").sample(3, 4).numpy())
    about = open_target(folder)[0].about
    assert (about["kind"], about["variant"]) == ("weights", "cgan"), "not the one picture in it"
    assert invoke("export", folder, "--to", "plain", "--role", "all").out == "folder-generator.safetensors\n"


def test_a_card_tells_what_was_measured(trained: Train, invoke: Invoke) -> None:
    run = copied(trained("vanilla"), Path("run"))
    details = json.loads((run / "run.json").read_text())
    details["metrics"] = {
        "step": 4,
        "final": [{"metric": "fd-x|y", "value": 12.3456}, {"metric": 3}, "odd"],
        "best": [],
    }
    details["metrics"]["best"], details["metrics"]["chosen by"] = [{"metric": "fd-x|y", "value": 9.5}], "fd-x|y"
    (run / "run.json").write_text(json.dumps(details))
    tensors, header = read_tensors(run / "generator.safetensors")
    said = {**header, "step": 2, "best": {"metric": "fd-x|y", "value": 9.5, "latents": "x"}}
    write_tensors(run / "generator-best.safetensors", tensors, said)
    invoke("export", run, "--to", "hf", "--output", "a")
    assert "| `fd-x y` | 12.35 |" in Path("a/README.md").read_text()
    invoke("export", run, "--to", "hf", "--weights", "last", "--output", "b")
    card = Path("b/README.md").read_text()
    invoke("export", run, "--to", "hf", "--weights", "best", "--output", "c")
    best = Path("c/README.md").read_text()
    assert "| `fd-x y` | 9.5 |" in best
    assert "(EMA), those with the best fd-x y" in best
    assert "12.35" not in best
    assert "12.35" not in card, "the last step's weights are not those that were measured"
    assert "as a step left them" in card


ODD = '<script>alert(1)</script> ![x](y) "\\n'


@pytest.mark.parametrize(
    "name",
    [
        "@torch.no_grad()",
        "![x](http: a)", "# --- \n---", 'a"b\n- c: [d]', "<img src=x onerror=alert(1)>", "``` \n$ rm", "ü💥 ☃\x1b[31mb",
        '"""\nimport os\n"""',
    ],
)  # fmt: skip
def test_names_of_runs_stay_text(name: str, trained: Train, invoke: Invoke) -> None:
    run = copied(trained("vanilla"), Path.cwd() / name)
    invoke("export", run, "--to", "hf", "--output", "a")
    card = Path("a/README.md").read_text()
    about = front_matter(card)
    assert set(about) == {"library_name", "license", "pipeline_tag", "tags", "datasets"}
    assert about["tags"][3] == "vanilla"
    for mark in ("<", ">", "```\n$ rm", "\x1b"):
        assert mark not in card.replace("```console\n$ ganzoo", "")
    text = re.sub(r"(?ms)^```.*?^```$", "", card)
    assert len(re.findall(r"(?<!\\)!\[", text)) == 1, "the picture of the samples is the only one"
    headings = [line for line in card.splitlines() if line.startswith("#")]
    assert headings[1:] == ["## Use it", "## Training", "## Measured", "## Limits", "## Licence"]
    ganzoo.load("a")
    invoke("export", run, "--to", "plain", "--output", "ü💥.safetensors")
    assert '"ü💥.safetensors"' in Path("ü💥.py").read_text()
    invoke("export", run, "--to", "plain", "--output", "a.safetensors")
    compile(Path("a.py").read_text(), "a.py", "exec")
    assert "import os" not in Path("a.py").read_text().splitlines()


def test_data_of_a_folder_is_named_without_its_place(trained: Train, invoke: Invoke) -> None:
    run = copied(trained("vanilla"), Path("run"))
    path = run / "generator.safetensors"
    tensors, header = read_tensors(path)
    header["data"]["name"] = header["config"]["dataset"] = "folder:/home/somebody/my photos"
    header["data"]["classes"] = [ODD]
    write_tensors(path, tensors, header)
    invoke("export", run, "--to", "hf", "--output", "a")
    card = Path("a/README.md").read_text()
    assert "somebody" not in card + Path("a/config.json").read_text()
    assert "somebody" not in Path("a/model.safetensors").read_bytes()[:20_000].decode(errors="replace")
    about = front_matter(card)
    assert (about["license"], "datasets" in about) == ("other", False)
    assert "'folder:my photos'" in card, "the command that repeats it is quoted for a shell"
    assert "whoever trained this must say" in card


def test_an_export_without_plain_code_has_a_folder_all_the_same(
    trained: Train, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot(*_: Any) -> None:
        raise ganzoo.errors.ExportError("torch.export cannot follow this network: it dances")

    monkeypatch.setattr("ganzoo.export.write.export_program", cannot)
    run = trained("vanilla").path
    done = invoke("export", run, "--to", "hf", "--output", "a")
    assert "note: no model.py, because torch.export cannot follow this network: it dances" in done.err
    assert not Path("a/model.py").exists()
    assert "model.py" not in Path("a/README.md").read_text()
    ganzoo.load("a")
    said = one_error(invoke("export", run, "--to", "onnx", code=1).err)
    assert "cannot follow this network: it dances" in said


def test_the_command_runs_quietly(ganzoo_cli: Any, trained: Train) -> None:
    """In a process of its own, with warnings as errors: exporters talk a lot."""
    done = ganzoo_cli(
        "export", trained("dcgan").path, "--to", "onnx", "--output", "a.onnx", env={"PYTHONWARNINGS": "error"}
    )
    assert done.stdout == "a.onnx\n"
    assert done.stderr.startswith("differs from PyTorch by ")
    assert done.stderr.count("\n") == 2
