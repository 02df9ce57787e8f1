"""ONNX files: written from an exported program, tried in ONNX Runtime, read back without trusting them."""

import hashlib
import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganzoo.errors import CheckpointError, ExportError, UsageError
from ganzoo.export.calls import FREE, Call
from ganzoo.export.description import free_sides, read_description, refuse_other_inputs, to_text
from ganzoo.export.program import Run, first_line, quiet

OPSET = 18
"""The version of ONNX's operators, which torch writes without converting. ONNX Runtime >= 1.14 reads it."""
LARGEST = 2**31 - 2**20
"""Bytes of a file: what protobuf can hold. Larger networks would need files beside it."""
KEY, SEAL = "ganzoo", "ganzoo.sha256"
"""The entries of the metadata that hold the description, and the hash of the rest of the file."""
TYPES = {"tensor(float)": "float32", "tensor(int64)": "int64"}


def need(*modules: str) -> None:
    """Raise UsageError where the extra for ONNX is not installed."""
    for name in modules:
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise UsageError(f"ONNX needs {name}: pip install 'ganzoo[onnx]'.") from error


def onnx_bytes(program: Any, call: Call, description: Mapping[str, Any]) -> bytes:
    """The content of an ONNX file.

    Raises:
        ExportError: the exporter knows no way to say it in ONNX, or it is too large.
    """
    need("onnx", "onnxscript", "onnxruntime")
    try:
        with quiet(), torch.no_grad():
            exported = torch.onnx.export(
                program, dynamo=True, verbose=False, opset_version=OPSET, input_names=list(call.names),
                output_names=[call.output],
            )  # fmt: skip
        assert exported is not None, "with dynamo=True a program comes back"
        model = exported.model_proto
    except Exception as error:  # the exporter's many kinds
        raise ExportError(f"this network cannot be said in ONNX: {first_line(error)}") from error
    forget_origin(model)
    name_dimensions(model, call)
    said = {
        KEY: to_text(description), "variant": description["variant"], "run": description["run"],
        "role": description["role"], "step": description["step"], "classes": ", ".join(description["classes"]),
        "range": description["output"]["range"] or "as the data",
    }  # fmt: skip
    del model.metadata_props[:]
    for key, value in said.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, str(value)
    if model.ByteSize() > LARGEST:
        raise ExportError(f"{model.ByteSize():,} bytes are more than one ONNX file holds: use --to pt2.")
    content: bytes = model.SerializeToString(deterministic=True)
    return content + seal(hashlib.sha256(content).hexdigest())


def seal(digest: str) -> bytes:
    """A model that has one line of metadata: the hash of what stands before it in the file.

    Two serialised models, one behind the other, are one model with the fields of both.
    """
    import onnx

    model = onnx.ModelProto()
    entry = model.metadata_props.add()
    entry.key, entry.value = SEAL, digest
    found: bytes = model.SerializeToString(deterministic=True)
    return found


def refuse_changed(content: bytes, digest: str, path: Path) -> None:
    """Raise CheckpointError for a file whose content is not that of which it holds the hash."""
    end = seal(digest)
    if not content.endswith(end) or hashlib.sha256(content[: -len(end)]).hexdigest() != digest:
        raise CheckpointError(f"{path} is damaged or was changed: its content is not what was written (SHA-256).")


def forget_origin(model: Any) -> None:
    """Remove what the exporter notes of the machine: paths in stack traces, names of classes."""
    del model.graph.value_info[:]
    for part in [model.graph, *model.graph.node, *model.graph.input, *model.graph.output, *model.graph.initializer]:
        part.doc_string = ""
        del part.metadata_props[:]


def name_dimensions(model: Any, call: Call) -> None:
    """``batch``, ``height`` and ``width`` instead of the exporter's symbols."""
    names: dict[str, str] = {}
    for given, shape in zip(model.graph.input, call.shapes, strict=True):
        for dim, side in zip(given.type.tensor_type.shape.dim, shape, strict=True):
            if dim.dim_param and isinstance(side, str):
                names[dim.dim_param] = FREE[side]
                dim.dim_param = FREE[side]
    for i, dim in enumerate(model.graph.output[0].type.tensor_type.shape.dim):
        if dim.dim_param:
            dim.dim_param = names.get(dim.dim_param, f"{call.output}_{i}")


def onnx_run(content: bytes) -> Run:
    """What calls an ONNX model in ONNX Runtime on the CPU: tensors in, a tensor out.

    Raises:
        CheckpointError: ONNX Runtime refuses it.
    """
    return session_run(session_of(content))


def session_of(content: bytes) -> Any:
    """A session of ONNX Runtime, on the CPU, with as many threads as torch has.

    Raises:
        CheckpointError: ONNX Runtime refuses it.
    """
    need("onnxruntime")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = torch.get_num_threads()
    try:
        with quiet():
            return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # it has its own kinds, which it does not export
        raise CheckpointError(f"ONNX Runtime refuses it: {first_line(error)}") from error


def session_run(session: Any) -> Run:
    """What calls a session."""
    names = [given.name for given in session.get_inputs()]

    def run(*inputs: Tensor) -> Tensor:
        values = {name: value.detach().cpu().numpy() for name, value in zip(names, inputs, strict=True)}
        return torch.from_numpy(session.run(None, values)[0])

    return run


def read_onnx(path: Path) -> tuple[dict[str, Any], Run]:
    """The description of an ONNX file that ganzoo wrote, and what calls it.

    Raises:
        CheckpointError: too large, no ONNX, damaged, none of ganzoo's, with data in other files, or with operators that
            are not ONNX's own.
        UsageError: the extra is not installed.
    """
    need("onnx", "onnxruntime")
    import onnx

    if not path.is_file():
        raise CheckpointError(f"{path}: no such file.")
    if path.stat().st_size > LARGEST:
        raise CheckpointError(f"{path} has {path.stat().st_size:,} bytes: an ONNX file has at most {LARGEST:,}.")
    content = path.read_bytes()
    if not content:
        raise CheckpointError(f"{path} is empty.")
    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
        refuse_strange(model, path)
        said = {entry.key: entry.value for entry in model.metadata_props}
    except CheckpointError:
        raise
    except Exception as error:  # protobuf's own kinds
        raise CheckpointError(f"{path} is no ONNX file, or is damaged.") from error
    if KEY not in said:
        raise CheckpointError(f"{path} is an ONNX file, but ganzoo did not write it: open it with onnxruntime itself.")
    refuse_changed(content, said.get(SEAL, ""), path)
    description = read_description(said[KEY], path)
    # What was looked at is what runs: not the file, which may be another one by now.
    try:
        session = session_of(content)
        shapes = [(free_sides(given.shape), TYPES.get(given.type, given.type)) for given in session.get_inputs()]
    except (CheckpointError, UnicodeError) as error:
        said_of_it = str(error) if isinstance(error, CheckpointError) else first_line(error)
        raise CheckpointError(f"{path} is damaged: {said_of_it}") from error
    refuse_other_inputs(description, shapes, path)
    return description, session_run(session)


def refuse_strange(model: Any, path: Path) -> None:
    """Raise CheckpointError for a model that reaches outside its file, or needs code that is not ONNX's own."""
    domains = {entry.domain for entry in model.opset_import} | {node.domain for node in model.graph.node}
    if strange := sorted(domains - {"", "ai.onnx"}):
        raise CheckpointError(f"{path} uses operators of {strange[0]!r}, which are not ONNX's own: it is not opened.")
    if any(graphs_of(node) for node in model.graph.node):
        raise CheckpointError(f"{path} has loops or branches, which ganzoo never writes: it is not opened.")
    if model.functions:
        raise CheckpointError(f"{path} brings functions of its own, which ganzoo never writes: it is not opened.")
    for tensor in tensors(model.graph):
        if tensor.external_data or tensor.data_location:
            raise CheckpointError(f"{path} has numbers in another file, which ganzoo never writes: it is not opened.")


def graphs_of(node: Any) -> list[Any]:
    """The graphs that a node holds."""
    held = [graph for attribute in node.attribute for graph in (attribute.g, *attribute.graphs)]
    return [graph for graph in held if graph.ByteSize()]


def tensors(graph: Any) -> Iterator[Any]:
    """All tensors that are stored in a graph."""
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for node in graph.node:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)
