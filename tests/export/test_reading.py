"""What ``ganzoo.load`` opens, and what it refuses. Files are resealed, so that the hash is not what refuses them."""

import copy
import hashlib
import json
import pickle
import random
import shutil
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import ganzoo
from ganzoo.errors import CheckpointError, ExportError, GanzooError, RunError, UsageError
from ganzoo.export.archive import SEAL as PT2_SEAL
from ganzoo.export.archive import digest
from ganzoo.export.onnx import KEY, SEAL, seal
from ganzoo.export.program import DESCRIPTION
from ganzoo.export.screen import GRAPH, SAMPLES

from ..commands.conftest import Invoke
from ..test_damage import REPEATABLE, changes, outcome
from .conftest import Make

onnx = pytest.importorskip("onnx", reason="the extra 'onnx' is not installed")

CONFIG = "data/weights/model_weights_config.json"
Records = dict[str, bytes]


class Harmful:
    """What a pickle can do."""

    def __reduce__(self) -> Any:
        return Path.touch, (Path("harm"),)


def records_of(path: Path) -> Records:
    with zipfile.ZipFile(path) as archive:
        return {entry.filename.partition("/")[2]: archive.read(entry) for entry in archive.infolist()}


def write_records(path: Path, records: Records, compress: int = zipfile.ZIP_STORED) -> Path:
    """An archive with these records and the right hash."""
    records = {**records, f"extra/{PT2_SEAL}": digest(records).encode()}
    with zipfile.ZipFile(path, "w", compress) as archive:
        for name, content in records.items():
            archive.writestr(f"archive/{name}", content)
    return path


def with_json(records: Records, name: str, change: Callable[[Any], Any]) -> Records:
    content = json.loads(records[name])
    changed = change(content)
    return {**records, name: json.dumps(content if changed is None else changed).encode()}


def first_node(graph: Any) -> Any:
    return graph["graph_module"]["graph"]["nodes"][0]


def set_size(text: str) -> Callable[[Any], None]:
    def change(graph: Any) -> None:
        graph["graph_module"]["graph"]["tensor_values"]["values"]["sizes"][0]["as_expr"]["expr_str"] = text

    return change


def placed(graph: Any, *path: Any, value: Any) -> None:
    for key in path[:-1]:
        graph = graph[key]
    graph[path[-1]] = value


EVIL = "__import__('pathlib').Path('harm').touch()"
STRANGE: dict[str, tuple[str, Callable[[Any], Any], str]] = {
    "operator": (GRAPH, lambda g: placed(first_node(g), "target", value="torch.ops.aten.from_file.out"), "from_file"),
    "function": (GRAPH, lambda g: placed(first_node(g), "target", value="_operator.methodcaller"), "methodcaller"),
    "other ops": (GRAPH, lambda g: placed(first_node(g), "target", value="torch.ops.mine.evil.default"), "mine.evil"),
    "name": (GRAPH, lambda g: placed(first_node(g), "name", value=f"x = {EVIL} #"), "the name"),
    "size": (GRAPH, set_size(EVIL), "the size"),
    "nested size": (GRAPH, set_size(f"Mul(Integer(2), {EVIL})"), "the size"),
    "attribute": (GRAPH, set_size("Symbol.__class__"), "the size"),
    "power": (GRAPH, set_size("9**9**9**9"), "the size"),
    "guards": (GRAPH, lambda g: placed(g, "guards_code", value=[EVIL]), "Python code"),
    "metadata": (GRAPH, lambda g: placed(first_node(g), "metadata", value={"stack_trace": "x"}), "notes"),
    "spec": (GRAPH, lambda g: placed(g, "graph_module", "signature", value={"in_spec": f'[1, {{"type": "{EVIL}"}}]'}),
             "form"),
    "object": (GRAPH, lambda g: placed(first_node(g), "inputs", 0, "arg", value={"as_custom_obj": {"name": "x"}}),
               "as_custom_obj"),
    "device": (GRAPH, lambda g: placed(g, "graph_module", "graph", "tensor_values", "values", "device",
                                       value={"type": "cuda", "index": 0}), "cuda"),
    "no graph": (GRAPH, lambda g: [], "no table"),
    "pickle": (CONFIG, lambda c: placed(c["config"]["network.head.weight"], "use_pickle", value=True), "pickle"),
    "outside": (CONFIG, lambda c: placed(c["config"]["network.head.weight"], "path_name", value="../../x"), "stored"),
    "large": (CONFIG, lambda c: placed(c["config"]["network.head.weight"]["tensor_meta"]["sizes"][0], "as_int",
                                       value=10**9), "larger than what is stored"),
}  # fmt: skip


@pytest.fixture
def records(made: Make) -> Records:
    return records_of(made("vanilla", "generator", "pt2").path)


@pytest.mark.parametrize("kind", STRANGE)
def test_a_pt2_file_with_anything_that_ganzoo_does_not_write(kind: str, records: Records, tmp_path: Path) -> None:
    name, change, said = STRANGE[kind]
    path = write_records(tmp_path / "x.pt2", with_json(records, name, change))
    with pytest.raises(CheckpointError, match="is not opened") as refused:
        ganzoo.load(path)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not Path("harm").exists()


def test_a_pt2_file_of_other_records(records: Records, tmp_path: Path) -> None:
    path = tmp_path / "x.pt2"
    ganzoo.load(write_records(path, records))  # resealing alone is no harm
    for changed, said in (
        ({**records, SAMPLES: pickle.dumps(Harmful())}, "is a pickle"),
        ({**records, "data/weights/weight_0.pkl": b"x"}, "none that ganzoo writes"),
        ({**records, "../../x": b"x"}, "none that ganzoo writes"),
        ({key: value for key, value in records.items() if key != CONFIG}, f"lacks {CONFIG}"),
    ):
        with pytest.raises(CheckpointError, match="is not opened") as refused:
            ganzoo.load(write_records(path, changed))
        assert said in str(refused.value)
    with pytest.raises(CheckpointError, match="is compressed"):
        ganzoo.load(write_records(path, records, zipfile.ZIP_DEFLATED))
    assert not Path("harm").exists()


def test_a_pt2_file_that_does_not_fit_its_description(records: Records, tmp_path: Path) -> None:
    path, extra = tmp_path / "x.pt2", f"extra/{DESCRIPTION}"
    for change, said in (
        (lambda d: placed(d, "inputs", 0, "shape", value=["N", 99]), "its program takes"),
        (lambda d: placed(d, "kind", value="wizard"), "its description lacks no kind of network"),
        (lambda d: placed(d, "form", value=2), "use a newer one"),
        (lambda d: placed(d, "latents", value={}), "its description lacks or misplaces 'length'"),
        (lambda d: placed(d, "condition", value={"kind": "embeddings", "length": 0, "field": "x", "examples": ""}),
         "its description"),
    ):  # fmt: skip
        with pytest.raises(CheckpointError, match=said):
            ganzoo.load(write_records(path, with_json(records, extra, change)))


def test_other_peoples_files(made: Make, tmp_path: Path) -> None:
    program = torch.export.export(nn.Linear(2, 2), (torch.zeros(1, 2),))
    torch.export.save(program, tmp_path / "other.pt2")
    torch.save({"a": torch.zeros(2)}, tmp_path / "weights.pt")
    (tmp_path / "model.bin").write_bytes(pickle.dumps(Harmful()))
    model = onnx.helper.make_model(onnx.helper.make_graph([], "empty", [], []))
    onnx.save(model, tmp_path / "other.onnx")
    (tmp_path / "text.onnx").write_text("not a model")
    (tmp_path / "text.pt2").write_text("not a model")
    (tmp_path / "empty").mkdir()
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "config.json").write_text('{"library_name": "diffusers"}')
    for name, kind, said in (
        ("other.pt2", CheckpointError, "ganzoo"),
        ("weights.pt", UsageError, "may be a pickle"),
        ("model.bin", UsageError, "may be a pickle"),
        ("other.onnx", CheckpointError, "ganzoo did not write it"),
        ("text.onnx", CheckpointError, "is no ONNX file, or is damaged"),
        ("text.pt2", CheckpointError, "is no pt2 file, or is damaged"),
        ("none.onnx", CheckpointError, "no such file"),
        ("none.pt2", CheckpointError, "no such file"),
        ("empty", RunError, "is not a run directory"),
        ("theirs", CheckpointError, "of another library"),
    ):
        with pytest.raises(kind, match=said) as refused:
            ganzoo.load(tmp_path / name)
        assert "\n" not in str(refused.value)
    assert not Path("harm").exists()


def resealed(model: Any, path: Path) -> Path:
    """An ONNX file with the right hash."""
    for i in reversed(range(len(model.metadata_props))):
        if model.metadata_props[i].key == SEAL:
            del model.metadata_props[i]
    content = model.SerializeToString(deterministic=True)
    path.write_bytes(content + seal(hashlib.sha256(content).hexdigest()))
    return path


def outside_data(model: Any) -> None:
    tensor = model.graph.initializer[0]
    onnx.external_data_helper.set_external_data(tensor, location="../../../etc/passwd")
    tensor.ClearField("raw_data")


def looped(model: Any) -> None:
    body = onnx.helper.make_graph([onnx.helper.make_node("Identity", ["x"], ["y"])], "body", [], [])
    model.graph.node.append(onnx.helper.make_node("Loop", ["", ""], ["z"], body=body))


def described(change: Callable[[Any], Any]) -> Callable[[Any], None]:
    def apply(model: Any) -> None:
        (entry,) = (entry for entry in model.metadata_props if entry.key == KEY)
        about = json.loads(entry.value)
        change(about)
        entry.value = json.dumps(about)

    return apply


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (outside_data, "numbers in another file"),
        (lambda m: placed_domain(m, "com.evil"), "operators of 'com.evil'"),
        (lambda m: m.opset_import.append(onnx.helper.make_opsetid("ai.onnx.ml", 3)), "operators of 'ai.onnx.ml'"),
        (lambda m: m.functions.append(onnx.FunctionProto(name="f", domain="")), "functions of its own"),
        (looped, "loops or branches"),
        (lambda m: placed_type(m, "NoSuchOperator"), "ONNX Runtime refuses it"),
        (described(lambda d: placed(d, "inputs", 0, "shape", value=["N", 5])), "its program takes"),
        (described(lambda d: placed(d, "inputs", value=[])), "no kind of network"),
    ],
)
def test_an_onnx_file_with_anything_that_ganzoo_does_not_write(
    change: Callable[[Any], Any], said: str, made: Make, tmp_path: Path
) -> None:
    model = onnx.load(made("vanilla", "generator", "onnx").path)
    ganzoo.load(resealed(model, tmp_path / "same.onnx"))
    change(model)
    with pytest.raises(CheckpointError, match=said) as refused:
        ganzoo.load(resealed(model, tmp_path / "x.onnx"))
    assert "\n" not in str(refused.value)


def placed_domain(model: Any, domain: str) -> None:
    model.graph.node[0].domain = domain


def placed_type(model: Any, name: str) -> None:
    model.graph.node[0].op_type = name


@pytest.mark.parametrize("form", ["onnx", "pt2", "plain", "hf"])
def test_a_changed_byte_is_noticed(form: str, made: Make, tmp_path: Path) -> None:
    whole = made("vanilla", "generator", form).path
    weights = whole / "model.safetensors" if form == "hf" else whole
    content = weights.read_bytes()
    rng = random.Random(0)
    if form == "hf":
        shutil.copytree(whole, tmp_path / "x")
    target = tmp_path / "x" / "model.safetensors" if form == "hf" else tmp_path / f"x{whole.suffix}"
    for _ in range(12):
        place = rng.randrange(len(content))
        changed = bytearray(content)
        changed[place] ^= 1 << rng.randrange(8)
        target.write_bytes(changed)
        try:
            again = ganzoo.load(tmp_path / "x" if form == "hf" else target)
        except GanzooError:
            continue
        else:  # a byte of padding, or of a name that no one reads
            assert form == "pt2"
            assert torch.equal(again.sample(3), ganzoo.load(whole).sample(3))  # type: ignore[union-attr,operator]
    target.write_bytes(content[: len(content) // 2])
    with pytest.raises(CheckpointError):
        ganzoo.load(tmp_path / "x" if form == "hf" else target)


@given(change=changes(), name=st.sampled_from([GRAPH, CONFIG, f"extra/{DESCRIPTION}"]))
@REPEATABLE
def test_a_pt2_file_changed_at_random(change: Callable[[Any], Any], name: str, made: Make, tmp_path: Path) -> None:
    """It is read as before, or refused in a word; torch's own errors do not come through."""
    records = records_of(made("vanilla", "generator", "pt2").path)
    changed = change(copy.deepcopy(json.loads(records[name])))
    path = write_records(tmp_path / "x.pt2", {**records, name: json.dumps(changed).encode()})

    def use() -> None:
        network = ganzoo.load(path)
        network.sample(2) if hasattr(network, "sample") else network(torch.zeros(2, 1, 28, 28))

    said = outcome(use)
    assert "\n" not in said
    assert not Path("harm").exists()


def test_what_is_loaded_takes_what_it_says(made: Make) -> None:
    for form in ("onnx", "pt2"):
        network: Any = ganzoo.load(made("cgan", "generator", form).path)
        good, labels = torch.zeros(2, 100), torch.tensor([0, 1])
        assert network(good, labels).shape == (2, 1, 28, 28)
        for inputs in (
            (good,),
            (torch.zeros(2, 99), labels),
            (good, torch.tensor([0])),
            (good, labels.float()),
            (good.double(), labels),
            (torch.zeros(100), labels),
            (torch.zeros(0, 100), labels[:0]),
        ):
            with pytest.raises(UsageError, match=r"takes a condition|takes latents float32 \[N, 100\]"):
                network(*inputs)
        with pytest.raises(UsageError, match="class 10 is out of range"):
            network.sample(2, 10)
        with pytest.raises(UsageError, match="unknown setting"):
            network.sample(2, psi=0.5)


@pytest.mark.parametrize("form", ["onnx", "pt2", "plain"])
def test_a_hash_from_elsewhere(form: str, made: Make, tmp_path: Path) -> None:
    done = made("vanilla", "generator", form)
    ganzoo.load(done.path, sha256=done.sha256.upper())
    with pytest.raises(CheckpointError, match=f"its SHA-256 is {done.sha256}, not {'0' * 64}"):
        ganzoo.load(done.path, sha256="0" * 64)
    with pytest.raises(UsageError, match="give the 64 digits of a SHA-256"):
        ganzoo.load(done.path, sha256="abc")
    with pytest.raises(UsageError, match="sha256 is for a file"):
        ganzoo.load(tmp_path, sha256=done.sha256)
    with pytest.raises(CheckpointError, match="cannot be read"):
        ganzoo.load(tmp_path / "none.onnx", sha256=done.sha256)


def test_a_role_is_for_run_directories(made: Make) -> None:
    with pytest.raises(UsageError, match="is for run directories"):
        ganzoo.load(made("cgan", "generator", "onnx").path, "generator")


def test_without_the_extra(made: Make, monkeypatch: pytest.MonkeyPatch, invoke: Invoke, trained: Any) -> None:
    path = made("vanilla", "generator", "onnx").path
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(UsageError, match=r"ONNX needs onnxruntime: pip install 'ganzoo\[onnx\]'\."):
        ganzoo.load(path)
    said = invoke("export", trained("vanilla").path, "--to", "onnx", code=2).err
    assert said == "error: ONNX needs onnxruntime: pip install 'ganzoo[onnx]'.\n"
    invoke("export", trained("vanilla").path, "--to", "plain")


def test_a_pt2_file_that_ganzoo_would_not_open_is_said_so(
    trained: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from .conftest import exported

    monkeypatch.setattr("ganzoo.export.screen.OPERATORS", frozenset({"linear"}))
    done = exported(trained("vanilla"), "pt2", "generator", tmp_path)
    assert "ganzoo.load refuses it, other programs open it" in done.note
    assert done.path.exists()


def test_errors_are_of_ganzoo() -> None:
    assert issubclass(ExportError, GanzooError)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(CheckpointError):
            ganzoo.load("nothing.onnx")
