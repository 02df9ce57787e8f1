"""``ganzoo export``: a trained network in another form, compared with PyTorch before it gets its name."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from ganzoo.errors import ExportError, RunError, UsageError
from ganzoo.export.archive import StrangeError, read_records, refuse_strange, run_of
from ganzoo.export.calls import Call, call_of
from ganzoo.export.code import code_run, plain_code
from ganzoo.export.description import Source, describe, open_source, public_header, to_text
from ganzoo.export.loaded import rebuilt
from ganzoo.export.onnx import need, onnx_bytes, onnx_run
from ganzoo.export.program import Run, difference, export_program, first_line, program_bytes
from ganzoo.models.interfaces import Generator
from ganzoo.runs.run import building_name, sweep_buildings
from ganzoo.runtime.files import replace_file, replace_text
from ganzoo.runtime.tensor_files import read_tensors, write_tensors

Format = Literal["onnx", "pt2", "hf", "plain"]
FORMATS: tuple[Format, ...] = ("onnx", "pt2", "hf", "plain")
ENDINGS = {"onnx": ".onnx", "pt2": ".pt2", "plain": ".safetensors", "hf": ""}
SAMPLES = 5
"""Samples that are compared between a generator and its export, from latents that each draws by itself."""


@dataclass(frozen=True)
class Exported:
    """What has been written.

    Attributes:
        path: the file or folder.
        difference: the largest absolute difference from PyTorch; None for a form that computes nothing.
        fixed_sides: it takes images of one size only, although the network takes any.
        note: what else a user should know; empty: nothing.
    """

    path: Path
    difference: float | None
    fixed_sides: bool = False
    note: str = ""


def export_network(
    source: str | Path,
    format: Format,
    *,
    role: str | None = None,
    output: str | Path | None = None,
    overwrite: bool = False,
) -> Exported:
    """Write a trained network of a run directory or a weights file in another form.

    Where the form computes (all but ``hf`` of a network that has no plain code), it is compared with PyTorch at batches
    of 1, 3 and 8 first. Where it differs by more than 1e-5 of the largest value, or of 1, nothing is written.

    Args:
        format: ``"onnx"``, ``"pt2"`` (of torch.export), ``"plain"`` (safetensors, and a Python file beside) or ``"hf"``
            (a folder as the Hugging Face Hub has it).
        role: of a run's networks; default: the first one.
        output: file or folder; default: named after run and role, in the current folder.
        overwrite: replace a file that is there. Folders are never replaced.

    Raises:
        RunError, CheckpointError: no weights there, or damaged; the output cannot be written.
        UsageError: no such role or format; an output that exists, or of another ending.
        ExportError: the network cannot be exported, or its export differs.
    """
    if format not in FORMATS:
        raise UsageError(f"format = {format!r}: choose {', '.join(FORMATS)}.")
    if format == "onnx":
        need("onnx", "onnxscript", "onnxruntime")
    found = open_source(Path(source), role)
    target = Path(output) if output else Path(f"{found.run}-{found.role}{ENDINGS[format]}")
    refuse_target(target, format, overwrite)
    call = call_of(found.network, found.data)
    if format == "hf":
        return write_folder(found, call, target)
    program, fitted = export_program(call, found.data)
    fixed = call.free_sides and not fitted.free_sides
    description = describe(found, fitted)
    if format == "plain":
        return write_plain(found, program, fitted, target, fixed)
    if format == "onnx":
        content = onnx_bytes(program, fitted, description)
        make: Callable[[bytes], Run] = onnx_run
    else:
        content, make = program_bytes(program, description, to_text), run_of
    run = make(content)
    apart = difference(fitted, run)
    compare_samples(found, description, run)
    note = ""
    replace_file(target, lambda temporary: temporary.write_bytes(content))
    if format == "pt2":
        note = refused_when_read(target)
    return Exported(target, apart, fixed, note)


def refuse_target(target: Path, format: Format, overwrite: bool) -> None:
    """Raise UsageError for an output that cannot be; nothing of the user's is replaced unasked."""
    if format == "hf":
        if target.is_symlink() or (target.exists() and (not target.is_dir() or any(target.iterdir()))):
            raise UsageError(f"{target} exists and is not an empty folder: choose another --output.")
    elif target.suffix != ENDINGS[format] or target.is_dir():
        raise UsageError(f"{target}: name a file that ends in {ENDINGS[format]} with --output.")
    beside = [target.with_suffix(".py")] if format == "plain" else []
    for path in [target, *beside] if format != "hf" else []:
        if path.exists() and not overwrite:
            raise UsageError(f"{path} exists: add --overwrite, or choose another --output.")
    if not target.absolute().parent.is_dir():
        raise UsageError(f"{target.parent}: no such folder.")


def compare_samples(source: Source, description: dict[str, Any], run: Run) -> None:
    """Raise ExportError where a generator, read back, draws other samples from a seed than the one it was made from."""
    network = source.network
    told = description.get("condition", {}).get("kind")
    if not isinstance(network, Generator) or told in ("own", "images", "vectors"):
        return
    again = rebuilt(description, run, source.path)
    assert isinstance(again, Generator), "its description says so"
    if description["latents"]["drawn"] == "own":
        return
    expected, found = (each.sample(SAMPLES, seed=3) for each in (network, again))
    apart = float((expected - found).abs().max())
    if apart > 1e-5 * max(1.0, float(expected.abs().max())):
        raise ExportError(
            f"samples of one seed differ by {apart:.2g} from those of the run: the generator draws more than latents and "
            "conditions by its seed."
        )


def refused_when_read(target: Path) -> str:
    """Why ``ganzoo.load`` would not open a pt2 file, in words; empty when it would."""
    try:
        refuse_strange(read_records(target))
    except StrangeError as error:
        return f"ganzoo.load will refuse it, because {error}; torch.export.load opens it"
    return ""


def public_weights(source: Source, path: Path) -> dict[str, Tensor]:
    """Write the weights as they are, with a header that names no folder of this machine; returns them."""
    tensors = read_tensors(source.path)[0]
    write_tensors(path, tensors, public_header(source.header))
    return tensors


def write_plain(source: Source, program: Any, call: Call, target: Path, fixed: bool) -> Exported:
    """Weights as safetensors, and beside them the code that computes with them."""
    function = source.role.replace("-", "_") if source.role.replace("-", "_").isidentifier() else "network"
    about = f"The {source.role} of {source.run}: {source.variant.config.variant}, {source.header['step']:,} steps."
    code = plain_code(program, call, target.name, function, about)
    run = code_run(code, read_tensors(source.path)[0], function)
    apart = difference(call, run)
    beside = target.with_suffix(".py")
    new = not beside.exists()
    replace_text(beside, code)
    try:
        public_weights(source, target)
    except BaseException:
        if new:
            beside.unlink(missing_ok=True)
        raise
    return Exported(target, apart, fixed)


def write_folder(source: Source, call: Call, target: Path) -> Exported:
    """A folder in the layout of the Hugging Face Hub; it appears complete or not at all."""
    from ganzoo.export.hub import card, config_json, picture

    sweep_buildings(target)
    building = target.absolute().with_name(building_name(target.absolute()))
    apart: float | None = None
    note, fixed = "", False
    try:
        building.mkdir()
        tensors = public_weights(source, building / "model.safetensors")
        fitted, code = call, ""
        try:
            program, fitted = export_program(call, source.data)
            fixed = call.free_sides and not fitted.free_sides
            code = plain_code(program, fitted, "model.safetensors", "model", f"The {source.role} of {source.run}.")
            apart = difference(fitted, code_run(code, tensors, "model"))
            (building / "model.py").write_text(code, encoding="utf-8")
        except ExportError as error:
            code, note = "", f"no model.py, because {first_line(error).removeprefix('ExportError: ')}"
        (building / "config.json").write_text(config_json(source, fitted), encoding="utf-8")
        pictured = picture(source, building / "samples.png")
        (building / "README.md").write_text(card(source, fitted, pictured, bool(code)), encoding="utf-8")
        building.replace(target.absolute())
    except BaseException as error:  # an interrupt, too, must not leave half a folder
        shutil.rmtree(building, ignore_errors=True)
        if isinstance(error, OSError):
            raise RunError(f"{target} cannot be written: {error.strerror or error}.") from error
        raise
    return Exported(target, apart, fixed, note)
