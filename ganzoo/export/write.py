"""``ganzoo export``: a trained network in another form, compared with PyTorch before it gets its name."""

import hashlib
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ganzoo.errors import CheckpointError, ExportError, RunError, UnknownNameError, UsageError, printable
from ganzoo.export.archive import read_pt2, run_of, sealed
from ganzoo.export.calls import Call, call_of
from ganzoo.export.code import code_run, plain_code
from ganzoo.export.description import describe, to_text
from ganzoo.export.loaded import rebuilt
from ganzoo.export.onnx import need, onnx_bytes, onnx_run, read_onnx
from ganzoo.export.program import TOLERANCE, Run, difference, export_program, first_line, program_bytes
from ganzoo.export.source import WEIGHTS, Source, Weights, open_source
from ganzoo.export.text import public_header
from ganzoo.models.interfaces import Generator
from ganzoo.runs.run import building_name, sweep_buildings
from ganzoo.runtime.files import file_hash, replace_file, replace_text
from ganzoo.runtime.tensor_files import write_tensors

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
        sha256: of the file; of a folder that of its weights.
    """

    path: Path
    difference: float | None
    sha256: str
    fixed_sides: bool = False
    note: str = ""


def export_network(
    source: str | Path,
    to: Format,
    *,
    role: str | None = None,
    weights: Weights = "used",
    settings: Mapping[str, str] | None = None,
    output: str | Path | None = None,
    overwrite: bool = False,
) -> Exported:
    """Write a trained network of a run directory or a weights file in another form.

    Arguments as of :func:`prepare_export`.

    Raises:
        RunError, CheckpointError, UsageError, ExportError: as there; nothing is written then.
    """
    return prepare_export(
        source, to, role=role, weights=weights, settings=settings, output=output, overwrite=overwrite
    )()


def prepare_export(
    source: str | Path,
    to: Format,
    *,
    role: str | None = None,
    weights: Weights = "used",
    settings: Mapping[str, str] | None = None,
    output: str | Path | None = None,
    overwrite: bool = False,
) -> Callable[[], Exported]:
    """Make a trained network in another form ready, and return what writes it: several can so be tried before one is
    written.

    What computes is compared with PyTorch first, at batches of 1, 3 and 8. Where it differs by more than 1e-4 of the
    largest value, or of 1, nothing is written.

    Args:
        to: ``"onnx"``, ``"pt2"`` (of torch.export), ``"plain"`` (safetensors, and a Python file beside) or ``"hf"`` (a
            folder as the Hugging Face Hub has it).
        role: of a run's networks; default: the first one.
        weights: which of a run's weights; see :func:`ganzoo.export.source.open_source`.
        settings: of sampling, as typed (``{"psi": "0.7"}``): the export holds them as constants.
        output: file or folder; default: named after run and role, in the current folder.
        overwrite: replace a file that is there. Folders are never replaced.

    Raises:
        RunError, CheckpointError: no weights there, or damaged; the output cannot be written.
        UsageError: no such role, format, weights or setting; an output that exists, or of another ending; an extra that
            is not installed.
        ExportError: the network cannot be exported, or its export differs.
    """
    for name, value, choices in (("to", to, FORMATS), ("weights", weights, WEIGHTS)):
        if value not in choices:
            raise UnknownNameError(name, str(value), choices)
    if to == "onnx":
        need("onnx", "onnxscript", "onnxruntime")
    settings = settings or {}
    if to == "hf" and settings:
        key, text = next(iter(settings.items()))
        raise UsageError(f"-s {key}={text}: hf keeps all settings of the network; -s is for onnx, pt2 and plain.")
    found = open_source(Path(source), role, weights)
    target = Path(output) if output else Path(f"{found.run}-{found.role}{ENDINGS[to]}")
    refuse_target(target, to, overwrite)
    call = call_of(found.network, found.data, settings)
    if to == "hf":
        return lambda: write_folder(found, call, target)
    program, fitted = export_program(call)
    fixed = call.free_sides and not fitted.free_sides
    if to == "plain":
        return plain_files(found, program, fitted, target, fixed)
    return program_file(found, program, fitted, target, fixed)


def program_file(source: Source, program: Any, call: Call, target: Path, fixed: bool) -> Callable[[], Exported]:
    """An ONNX or pt2 file, which is run, compared, and only then ready to be given its name."""
    description = describe(source, call)
    make: Callable[[bytes], Run]
    if target.suffix == ".onnx":
        content, make, read = onnx_bytes(program, call, description), onnx_run, read_onnx
    else:
        content, make, read = sealed(program_bytes(program, description, to_text)), run_of, read_pt2
    run = make(content)
    apart = difference(call, run)
    compare_samples(source, description, run, call)

    def write() -> Exported:
        replace_file(target, lambda temporary: temporary.write_bytes(content))
        note = ""
        try:
            read(target)
        except CheckpointError as error:
            note = f"ganzoo.load refuses it, other programs open it: {error}"
        return Exported(target, apart, hashlib.sha256(content).hexdigest(), fixed, note)

    return write


def refuse_target(target: Path, format: Format, overwrite: bool) -> None:
    """Raise UsageError for an output that cannot be; nothing of the user's is replaced unasked."""
    try:
        str(target).encode()
    except UnicodeEncodeError:
        raise UsageError(f"{target!s}: this name is not UTF-8, choose another --output.") from None
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


def compare_samples(source: Source, description: dict[str, Any], run: Run, call: Call) -> None:
    """Raise ExportError where a generator, read back, draws other samples from a seed than the one it was made from."""
    network = source.network
    told = description.get("condition", {}).get("kind")
    if not isinstance(network, Generator) or told in ("own", "images", "vectors"):
        return
    again = rebuilt(description, run, source.path)
    assert isinstance(again, Generator), "its description says so"
    if description["latents"]["drawn"] == "own":
        return
    expected, found = network.sample(SAMPLES, seed=3, **call.settings), again.sample(SAMPLES, seed=3)
    apart = float((expected - found).abs().max())
    if apart > TOLERANCE * max(1.0, float(expected.abs().max())):
        raise ExportError(
            f"samples of one seed differ by {apart:.2g} from those of the run: the generator draws more by its "
            "seed than latents and conditions."
        )


def write_weights(source: Source, path: Path) -> None:
    """Write the weights with a header that names no folder of this machine."""
    write_tensors(path, source.network.state_dict(), public_header(source.header))


def plain_files(source: Source, program: Any, call: Call, target: Path, fixed: bool) -> Callable[[], Exported]:
    """Weights as safetensors, and beside them the code that computes with them."""
    function = source.role.replace("-", "_")
    about = (
        f"The {source.role} of {source.run}: {source.variant.config.variant}, {source.header.get('step', 0):,} steps."
    )
    code = plain_code(program, call, target.name, function, about)
    run = code_run(code, source.network.state_dict())
    apart = difference(call, run)

    def write() -> Exported:
        beside = target.with_suffix(".py")
        new = not beside.exists()
        replace_text(beside, code)
        try:
            write_weights(source, target)
        except BaseException:
            if new:
                beside.unlink(missing_ok=True)
            raise
        return Exported(target, apart, file_hash(target), fixed)

    return write


def write_folder(source: Source, call: Call, target: Path) -> Exported:
    """A folder in the layout of the Hugging Face Hub; it appears complete or not at all."""
    from ganzoo.export.hub import card, config_json, picture

    sweep_buildings(target)
    building = target.absolute().with_name(building_name(target.absolute()))
    apart: float | None = None
    note, fixed = "", False
    try:
        building.mkdir()
        write_weights(source, building / "model.safetensors")
        fitted, code = call, ""
        try:
            program, fitted = export_program(call)
            fixed = call.free_sides and not fitted.free_sides
            code = plain_code(program, fitted, "model.safetensors", "model", f"The {source.role} of {source.run}.")
            apart = difference(fitted, code_run(code, source.network.state_dict()))
            (building / "model.py").write_text(code, encoding="utf-8")
        except ExportError as error:
            code, note = "", f"no model.py, because {first_line(error).removeprefix('ExportError: ')}"
        about = config_json(source, fitted, building / "model.safetensors")
        (building / "config.json").write_text(about, encoding="utf-8")
        pictured = picture(source, building / "samples.png")
        (building / "README.md").write_text(
            card(source, fitted, printable(target.name), pictured, bool(code)), encoding="utf-8"
        )
        building.replace(target.absolute())
    except BaseException as error:  # an interrupt, too, must not leave half a folder
        shutil.rmtree(building, ignore_errors=True)
        if isinstance(error, OSError):
            raise RunError(f"{target} cannot be written: {error.strerror or error}.") from error
        raise
    return Exported(target, apart, file_hash(target / "model.safetensors"), fixed, note)
