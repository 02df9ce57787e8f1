"""A network as plain PyTorch code: a function of twenty lines or so, and the weights that it reads."""

import operator
from typing import Any

import torch
from torch import Tensor

from ganzoo.errors import ExportError
from ganzoo.export.calls import Call
from ganzoo.export.program import Run

INDENT = "    "
PREFIX = "network."
"""What the names of weights begin with in a program; in the weights file they do not."""
SKIPPED = ("aten._assert_tensor_metadata.default",)


def plain_code(program: Any, call: Call, weights: str, function: str, about: str) -> str:
    """A module of Python that needs torch and safetensors alone: ``function(inputs)`` gives what the network gives.

    Args:
        weights: name of the weights file, which lies beside the module.
        function: its name.
        about: a line of description.

    Raises:
        ExportError: a program that cannot be written as a list of calls.
    """
    signature = program.graph_signature
    stored = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
    constants = dict(signature.inputs_to_lifted_tensor_constants)
    for name in [name for name, buffer in stored.items() if buffer in signature.non_persistent_buffers]:
        constants[name] = stored.pop(name)  # no weights file holds it
    lines: list[str] = []
    given: list[str] = []
    names: dict[Any, str] = {}
    for node in program.graph_module.graph.nodes:
        if node.op == "placeholder":
            if node.name in stored:
                names[node] = f'w["{stored[node.name].removeprefix(PREFIX)}"]'
            elif node.name in constants:
                names[node] = literal(program.constants[constants[node.name]])
            else:
                names[node] = call.names[len(given)]
                given.append(names[node])
        elif node.op == "call_function":
            if str(node.target) not in SKIPPED:
                names[node] = node.name
                lines.append(f"{node.name} = {called(node, names)}")
        elif node.op == "output":
            found = node.args[0]
            lines.append(f"return {names[found[0] if isinstance(found, tuple | list) else found]}")
        else:
            raise ExportError(f"this network holds a part that is no list of calls: {node.op} {node.name}.")
    takes = "; ".join(f"{name} {shape_text(shape)}" for name, shape in zip(call.names, call.shapes, strict=True))
    return f'''"""{about}

It needs torch and safetensors, not ganzoo. Takes {takes}.
"""

import operator
from pathlib import Path

import torch
from safetensors.torch import load_file

w = load_file(Path(__file__).with_name("{weights}"))


@torch.no_grad()
def {function}({", ".join(given)}):
    a = torch.ops.aten
''' + "".join(f"{INDENT}{line}\n" for line in lines)


def shape_text(shape: tuple[int | str, ...]) -> str:
    """``[N, 100]``."""
    return f"[{', '.join(map(str, shape))}]"


def called(node: Any, names: dict[Any, str]) -> str:
    """A call as Python."""
    target = node.target
    if isinstance(target, torch._ops.OpOverload) and target.namespace == "aten":
        word = f"a.{str(target).removeprefix('aten.')}".removesuffix(".default")
    elif getattr(target, "__module__", "") == "_operator" and hasattr(operator, target.__name__):
        word = f"operator.{target.__name__}"
    else:
        raise ExportError(f"this network uses {target}, which is not an operator of torch: it has no plain code.")
    arguments = [value_text(value, names) for value in node.args]
    arguments += [f"{key}={value_text(value, names)}" for key, value in node.kwargs.items()]
    return f"{word}({', '.join(arguments)})"


def value_text(value: Any, names: dict[Any, str]) -> str:
    """An argument as Python."""
    if isinstance(value, torch.fx.Node):
        return names[value]
    if isinstance(value, list | tuple):
        return f"[{', '.join(value_text(item, names) for item in value)}]"
    if isinstance(value, torch.dtype | torch.memory_format | torch.layout):
        return str(value)
    if isinstance(value, torch.device):
        return f'torch.device("{value}")'
    if value is None or isinstance(value, bool | int | float | str):
        return repr(value) if value not in (float("inf"), float("-inf")) else f'float("{value}")'
    raise ExportError(f"this network passes a {type(value).__name__} to an operator: it has no plain code.")


def literal(tensor: Tensor) -> str:
    """A small constant as Python.

    Raises:
        ExportError: it is large; such numbers belong in a buffer.
    """
    if tensor.numel() > 1024:
        raise ExportError(
            f"this network holds a constant of {tensor.numel():,} numbers outside its weights: make it a buffer."
        )
    return f"torch.tensor({tensor.tolist()!r}, dtype={tensor.dtype})"


def code_run(code: str, weights: dict[str, Tensor], function: str) -> Run:
    """The function in code that :func:`plain_code` has just written, with these weights in place of the file's."""
    space: dict[str, Any] = {"__file__": "."}
    start = code.index("@torch.no_grad()")
    exec(compile("import operator\nimport torch\n" + code[start:], function, "exec"), space)
    space["w"] = weights
    found: Run = space[function]
    return found
