"""A network as torch.export sees it: the graph that ONNX, pt2 and plain code are made from, and the pt2 file itself."""

import io
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any

import torch
from torch import Tensor

from ganzoo.errors import ExportError
from ganzoo.export.calls import BATCHES, Call, frozen, with_fixed_sides

TOLERANCE = 1e-4
"""How far an export may be from PyTorch, as a share of the largest value, or of 1 where all are smaller.
Rounding alone brings deep networks to 1.3e-5, by ONNX on a processor with AVX2."""
DESCRIPTION = "ganzoo.json"
"""Where the description lies in an archive."""
TRACES = ("stack_trace", "nn_module_stack", "source_fn_stack", "torch_fn", "from_node", "custom")
"""What a graph remembers of the machine that it was made on: paths of files, names of classes."""

Run = Callable[..., Tensor]


def export_program(call: Call) -> tuple[Any, Call]:
    """The exported program, and the call that it answers: with fewer free sizes where the network allows no more.

    Raises:
        ExportError: torch.export cannot follow the network.
    """
    first: Exception | None = None
    ways: list[Callable[[Call], Call]] = [lambda c: c, frozen]
    if call.free_sides:
        ways += [with_fixed_sides, lambda c: with_fixed_sides(frozen(c))]
    for way in ways:
        try:
            tried = way(call)
            return captured(tried), tried
        except Exception as error:  # torch raises many kinds, and a network is a plugin's code
            first = first or error
    assert first is not None, "there is a way to try"
    raise ExportError(f"torch.export cannot follow this network: {first_line(first)}") from first


def captured(call: Call) -> Any:
    """The program, without what it remembers of this machine and without its trial inputs, which would be a pickle."""
    with torch.no_grad(), quiet():
        program = torch.export.export(call.module, call.inputs(2, 0), dynamic_shapes=call.dynamic(), strict=False)
    for node in program.graph_module.graph.nodes:
        for trace in TRACES:
            node.meta.pop(trace, None)
    program._example_inputs = None
    for size in [size for size in program.range_constraints if not size.is_symbol]:
        del program._range_constraints[size]  # 2 * height, say: it follows from that of the height
    program._guards_code = []  # code as text, which a reader would have to run
    return program


def program_bytes(program: Any, description: Mapping[str, Any], to_text: Callable[[Any], str]) -> bytes:
    """The content of a pt2 file."""
    buffer = io.BytesIO()
    with quiet():
        torch.export.save(program, buffer, extra_files={DESCRIPTION: to_text(description)})
    return buffer.getvalue()


def difference(call: Call, run: Run) -> float:
    """The largest absolute difference between PyTorch and ``run`` on the same inputs, at batches of 1, 3 and 8.

    Raises:
        ExportError: it is too large, the shapes differ, or ``run`` raises.
    """
    worst = 0.0
    for trial, n in enumerate(BATCHES):
        inputs = call.inputs(n, trial)
        expected = call(*inputs)
        try:
            found = run(*inputs)
        except Exception as error:  # a library's own kinds of errors
            raise ExportError(f"the exported network fails at a batch of {n}: {first_line(error)}") from error
        if found.shape != expected.shape or found.dtype != expected.dtype:
            said = f"{list(found.shape)} {found.dtype}, PyTorch gives {list(expected.shape)} {expected.dtype}"
            raise ExportError(f"the exported network gives {said} at a batch of {n}.")
        apart = float((found - expected).abs().max())
        largest = float(expected.abs().max())
        if not apart <= TOLERANCE * max(1.0, largest):
            raise ExportError(
                f"the exported network differs from PyTorch by {apart:.2g} at a batch of {n}, where values reach "
                f"{largest:.2g}: more than {TOLERANCE:g} of that is no rounding."
            )
        worst = max(worst, apart)
    return worst


def first_line(error: Exception) -> str:
    """An error of a library in one line; torch adds pages of advice."""
    text = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return f"{type(error).__name__}: {text[:300]}"


@contextmanager
def quiet() -> Iterator[None]:
    """Without what exporters print, log and warn of: it is addressed to their own authors."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
