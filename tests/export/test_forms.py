"""Every registered variant in every form gives what PyTorch gives, at other batch sizes than it was exported with."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.functional import interpolate

import ganzoo
from ganzoo.data.base import DataInfo
from ganzoo.errors import ExportError, UsageError
from ganzoo.export.calls import call_of, with_fixed_sides
from ganzoo.export.program import difference, export_program
from ganzoo.models.conditions import AttributeCondition, ClassCondition, CodeCondition, TextCondition
from ganzoo.models.interfaces import Classifier, Encoder, Generator, Scorer, Translator
from ganzoo.runtime.tensor_files import read_tensors, write_tensors

from .conftest import Make, Train, exported, roles

onnxruntime = pytest.importorskip("onnxruntime", reason="the extra 'onnx' is not installed")

BATCHES = (1, 5, 16)
NEAR = 1e-4


def trials(network: nn.Module, data: DataInfo, fixed: bool) -> list[tuple[tuple[Tensor, ...], Tensor]]:
    """Inputs and what PyTorch gives, from seeds that no export is tried with; ``fixed``: of one size."""
    call = call_of(network, data)
    call = with_fixed_sides(call) if fixed else call
    found = []
    for i, n in enumerate(BATCHES):
        inputs = call.inputs(n, 100 + i)
        with torch.no_grad():
            found.append((inputs, network(*inputs).float()))
    return found


def apart(found: Tensor, expected: Tensor) -> float:
    """The largest difference; a share of the largest value where that is above 1."""
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    return float((found - expected).abs().max()) / max(1.0, float(expected.abs().max()))


def same_use(network: nn.Module, again: nn.Module, data: DataInfo) -> None:
    """What comes back is used as what left: the same samples from a seed, the same kind and sizes."""
    assert not again.training
    if isinstance(network, Generator):
        assert isinstance(again, Generator)
        assert (again.latent_dim, again.classes) == (network.latent_dim, network.classes)
        assert apart(again.sample(7, seed=5), network.sample(7, seed=5)) <= NEAR
    elif isinstance(network, Translator):
        assert isinstance(again, Translator)
        assert (again.scale, again.multiple, again.reach) == (network.scale, network.multiple, network.reach)
    else:
        kind = next(kind for kind in (Classifier, Encoder, Scorer) if isinstance(network, kind))
        assert isinstance(again, kind)
        if isinstance(network, Classifier):
            assert isinstance(again, Classifier)
            assert again.named == network.named


@pytest.mark.parametrize(("name", "role"), roles())
def test_onnx_agrees_with_pytorch(name: str, role: str, trained: Train, made: Make) -> None:
    run, done = trained(name), made(name, role, "onnx")
    assert done.note == ""
    network = run.network(role)
    session = onnxruntime.InferenceSession(done.path.read_bytes(), providers=["CPUExecutionProvider"])
    names = [given.name for given in session.get_inputs()]
    for inputs, expected in trials(network, run.data, done.fixed_sides):
        (found,) = session.run(None, {key: value.numpy() for key, value in zip(names, inputs, strict=True)})
        assert apart(torch.from_numpy(found), expected) <= NEAR
    if isinstance(network, Generator):
        told = {ClassCondition: ["labels"], CodeCondition: ["codes"], AttributeCondition: ["attributes"]}
        told[TextCondition] = ["text"]
        assert names == ["latents", *told.get(type(network.condition), [])]
        assert session.get_inputs()[0].shape == ["batch", network.latent_dim]
    same_use(network, ganzoo.load(done.path), run.data)


@pytest.mark.parametrize(("name", "role"), roles())
def test_pt2_agrees_with_pytorch(name: str, role: str, trained: Train, made: Make) -> None:
    run, done = trained(name), made(name, role, "pt2")
    assert done.note == ""
    network = run.network(role)
    program = torch.export.load(done.path).module()
    for inputs, expected in trials(network, run.data, done.fixed_sides):
        assert apart(program(*inputs), expected) <= NEAR
    same_use(network, ganzoo.load(done.path), run.data)


@pytest.mark.parametrize("form", ["onnx", "pt2", "plain", "hf"])
def test_a_scorer_that_searches_is_refused(form: str, trained: Train, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"searches a latent for every image .* no exported program can hold"):
        exported(trained("anogan"), form, "scorer", tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_exported_scorer_has_no_maps(trained: Train, made: Make) -> None:
    again = ganzoo.load(made("f-anogan", "scorer", "pt2").path)
    assert isinstance(again, Scorer)
    with pytest.raises(UsageError, match="gives scores alone"):
        again.compare(torch.zeros(1, *trained("f-anogan").data.shape), None)


WITHOUT_GANZOO = """
import importlib.util, sys
from pathlib import Path
from safetensors.torch import load_file, save_file
for folder in sys.argv[1:]:
    (code,) = Path(folder).glob("*.py")
    spec = importlib.util.spec_from_file_location("plain", code)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function = getattr(module, code.stem)
    trials = load_file(Path(folder) / "inputs")
    found = {}
    for trial in sorted({name.split("-")[0] for name in trials}):
        inputs = [trials[name] for name in sorted(trials) if name.startswith(trial + "-")]
        found[trial] = function(*inputs).contiguous()
    save_file(found, Path(folder) / "outputs")
assert "ganzoo" not in sys.modules
"""


def code_of_the_docs() -> str:
    """The plain code that docs/export.md shows: networks of this variant differ in their sizes only."""
    text = (Path(__file__).parents[2] / "docs" / "export.md").read_text(encoding="utf-8")
    (found,) = re.findall(r'```python\n("""The generator of vanilla.*?)```', text, re.S)
    return str(found)


def test_plain_code_agrees_with_pytorch_in_a_process_without_ganzoo(trained: Train, made: Make, tmp_path: Path) -> None:
    folders = {}
    for name, role in roles():
        run, done = trained(name), made(name, role, "plain")
        folder = folders[name, role] = tmp_path / f"{name}-{role}"
        shutil.copytree(done.path.parent, folder)
        same_use(run.network(role), ganzoo.load(done.path), run.data)
        inputs = {
            f"{i}-{j}": value
            for i, (values, _) in enumerate(trials(run.network(role), run.data, done.fixed_sides))
            for j, value in enumerate(values)
        }
        save_file(inputs, folder / "inputs")
    shown = folders["shown in", "docs/export.md"] = tmp_path / "shown"
    shutil.copytree(folders["vanilla", "generator"], shown)
    (shown / "generator.safetensors").rename(shown / "vanilla_generator.safetensors")
    (shown / "generator.py").write_text(code_of_the_docs())
    words = [sys.executable, "-I", "-c", WITHOUT_GANZOO, *map(str, folders.values())]
    subprocess.run(words, check=True, timeout=120, cwd=tmp_path)
    folders.pop(("shown in", "docs/export.md"))
    shown_found, found = (load_file(folder / "outputs") for folder in (shown, folders["vanilla", "generator"]))
    assert all(torch.equal(value, shown_found[key]) for key, value in found.items())
    for (name, role), folder in folders.items():
        run = trained(name)
        fixed = made(name, role, "plain").fixed_sides
        for i, (_, expected) in enumerate(trials(run.network(role), run.data, fixed)):
            assert apart(load_file(folder / "outputs")[str(i)], expected) <= NEAR, f"{name}, {role}"


@pytest.mark.parametrize(
    ("name", "role", "forms"),
    [
        ("toy-cyclegan", "b2a", ("onnx", "pt2", "plain")),
        ("toy-bigan", "encoder", ("pt2", "plain")),
        ("toy-progressive", "generator", ("pt2", "plain")),
        ("toy-text", "generator", ("pt2",)),
        ("toy-infogan", "generator", ("pt2", "plain")),
        ("toy-voxels", "generator", ("pt2", "plain")),
    ],
)
def test_other_kinds_of_networks(
    toys: None, name: str, role: str, forms: tuple[str, ...], trained: Train, tmp_path: Path
) -> None:
    """Directions, encoders, embeddings, codes, solids, and a network that asks a tensor for a number."""
    run = trained(name)
    network = run.network(role)
    for form in forms:
        done = exported(run, form, role, tmp_path)
        assert done.note == ""
        assert done.difference is not None
        assert done.difference <= NEAR
        again = ganzoo.load(done.path)
        same_use(network, again, run.data)
        for inputs, expected in trials(network, run.data, done.fixed_sides):
            assert apart(again(*inputs), expected) <= NEAR


def test_images_of_any_size_go_through_an_exported_translator(trained: Train, made: Make) -> None:
    network = trained("srgan").network()
    for form in ("onnx", "pt2"):
        again = ganzoo.load(made("srgan", "generator", form).path)
        for height, width in ((9, 17), (24, 5)):
            images = torch.rand(2, 1, height, width) * 2 - 1
            assert apart(again(images), network(images)) <= NEAR


class Halved(Translator):
    """A network that torch.export can follow for one size only: a factor is no whole number of pixels for it."""

    def __init__(self) -> None:
        super().__init__(2, input="low", output="images")
        self.share = nn.Parameter(torch.tensor(0.5))

    def forward(self, images: Tensor, condition: Tensor | None = None) -> Tensor:
        size = [2 * side for side in images.shape[2:]]
        return interpolate(images, size=size) * self.share + interpolate(images, scale_factor=2, mode="bicubic")


def test_a_network_of_which_one_size_can_be_exported() -> None:
    data = DataInfo(name="glyphs", kind="images", shape=(1, 28, 20))
    call = call_of(Halved(), data)
    program, fitted = export_program(call)
    assert call.free_sides
    assert fitted.shapes == (("N", 1, 14, 10),)
    assert difference(fitted, program.module()) <= NEAR


def test_a_setting_that_changes_nothing_is_refused(toys: None, trained: Train, tmp_path: Path) -> None:
    run = trained("toy-infogan")
    with pytest.raises(UsageError, match="-s code=1 changes nothing of an export, which is called with latents"):
        exported(run, "pt2", "generator", tmp_path, settings={"code": "1"})
    with pytest.raises(UsageError, match="code = 7 is out of range"):
        exported(run, "pt2", "generator", tmp_path, settings={"code": "7"})


def test_settings_of_sampling_are_kept(toys: None, trained: Train, tmp_path: Path) -> None:
    run = trained("toy-style")
    half = exported(run, "pt2", "generator", tmp_path, settings={"psi": "0.5"})
    expected = run.sample(6, seed=2, psi=0.5)
    assert apart(run.sample(6, seed=2), expected) > 1e-3
    assert apart(ganzoo.load(half.path).sample(6, seed=2), expected) <= NEAR  # type: ignore[union-attr,operator]


def test_weights_of_the_last_step_and_of_the_average(trained: Train, made: Make, tmp_path: Path) -> None:
    run = trained("vanilla")
    used = ganzoo.load(made("vanilla", "generator", "plain").path)
    last = ganzoo.load(exported(run, "plain", "generator", tmp_path, weights="last").path)
    checkpoint = load_file(run.latest())
    for key, value in last.state_dict().items():
        assert torch.equal(value, checkpoint[f"networks/generator/{key}"])
    assert any(not torch.equal(value, used.state_dict()[key]) for key, value in last.state_dict().items())


def test_an_export_names_no_folder_of_this_machine(trained: Train, made: Make) -> None:
    run = trained("cgan")
    places = [made("cgan", "generator", form).path.parent for form in ("onnx", "pt2", "plain", "hf")]
    files = [path for place in places for path in place.rglob("*") if path.is_file()]
    assert len(files) == 9
    for path in files:
        content = path.read_bytes()
        for folder in (places[0].parent, run.path.parent, Path(ganzoo.__file__).parent, Path(torch.__file__).parent):
            assert str(folder).encode() not in content, f"{path.name} holds {folder}"


def test_equal_runs_give_equal_files(trained: Train, made: Make, tmp_path: Path) -> None:
    for form, ending in (("onnx", ".onnx"), ("plain", ".py"), ("plain", ".safetensors")):
        before = made("vanilla", "generator", form).path
        again = exported(trained("vanilla"), form, "generator", tmp_path, overwrite=True).path
        assert again.with_suffix(ending).read_bytes() == before.with_suffix(ending).read_bytes()


@pytest.mark.parametrize("role", ["torch", "F", "class", "a-b", "w"])
def test_a_role_of_any_name_has_plain_code(role: str, trained: Train, tmp_path: Path) -> None:
    run = trained("vanilla")
    tensors, header = read_tensors(run.path / "generator.safetensors")
    write_tensors(tmp_path / "odd.safetensors", tensors, {**header, "role": role})
    done = ganzoo.export_network(tmp_path / "odd.safetensors", "plain", output=tmp_path / "x.safetensors")
    name = "a_b" if role == "a-b" else "network"
    assert f"def {name}(latents):" in done.path.with_suffix(".py").read_text()


def test_networks_that_cannot_be_compared_are_refused(
    trained: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trained("vanilla")
    kind = type(run.network())
    for draw, said in (
        (torch.rand, "draws random numbers whenever it is used"),
        (lambda *shape: torch.full(shape, torch.nan), "values that are not finite"),
    ):
        monkeypatch.setattr(kind, "forward", lambda self, z, c=None, draw=draw: draw(len(z), *self.shape))
        with pytest.raises(ganzoo.errors.ExportError, match=said):
            exported(run, "pt2", "generator", tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_export_that_differs_is_not_written(trained: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = trained("vanilla")
    monkeypatch.setattr("ganzoo.export.write.run_of", lambda content: lambda z: torch.full((len(z), 1, 28, 28), 0.5))
    with pytest.raises(ganzoo.errors.ExportError, match=r"differs from PyTorch by .* at a batch of 1"):
        exported(run, "pt2", "generator", tmp_path)
    assert not list(tmp_path.iterdir())


def test_labels_are_an_input(trained: Train, made: Make) -> None:
    run = trained("cgan")
    session = onnxruntime.InferenceSession(made("cgan", "generator", "onnx").path.read_bytes())
    latents = np.zeros((2, 100), dtype=np.float32)
    (found,) = session.run(["samples"], {"latents": latents, "labels": np.array([3, 8])})
    expected = run.network()(torch.zeros(2, 100), torch.tensor([3, 8]))
    assert apart(torch.from_numpy(found), expected) <= NEAR
    assert session.get_modelmeta().custom_metadata_map["classes"] == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9"
