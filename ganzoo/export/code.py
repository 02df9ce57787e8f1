"""A network as plain PyTorch code: a function of some lines, and the weights file that it reads.

The lines come from the exported program, one for each operator. What changes nothing (a cast to the type that a value
has, dropout in eval mode) is left out, and the usual layers are written as one writes them by hand.
"""

import json
import keyword
import operator
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ganzoo.errors import ExportError
from ganzoo.export.calls import Call
from ganzoo.export.program import Run
from ganzoo.export.text import one_line

PREFIX = "network."
"""What the names of weights begin with in a program; in the weights file they do not."""
SKIPPED = ("aten._assert_tensor_metadata.default",)
CASTS = ("aten.to.", "aten._to_copy.", "aten.alias.", "aten.detach.", "aten.contiguous.")
TAKEN = ("Path", "torch", "F", "load_file", "operator", "w")
"""Names of the module that the function must not have."""
LONGEST = 2**62
"""The end of a slice that goes to the end."""

CONVOLUTION = (("stride", 1), ("padding", 0), ("dilation", 1), ("groups", 1))
TRANSPOSED = (("stride", 1), ("padding", 0), ("output_padding", 0), ("groups", 1), ("dilation", 1))
CALLS: Mapping[str, tuple[str, tuple[tuple[str, Any], ...]]] = {
    **{f"aten.conv{n}d.default": (f"F.conv{n}d", CONVOLUTION) for n in (1, 2, 3)},
    "aten.conv_transpose1d.default": ("F.conv_transpose1d", TRANSPOSED),
    **{f"aten.conv_transpose{n}d.input": (f"F.conv_transpose{n}d", TRANSPOSED) for n in (2, 3)},
    "aten.linear.default": ("F.linear", ()),
    "aten.leaky_relu.default": ("F.leaky_relu", (("negative_slope", 0.01),)),
    "aten.relu.default": ("torch.relu", ()),
    "aten.relu_.default": ("torch.relu_", ()),
    "aten.tanh.default": ("torch.tanh", ()),
    "aten.sigmoid.default": ("torch.sigmoid", ()),
    "aten.prelu.default": ("F.prelu", ()),
    "aten.one_hot.default": ("F.one_hot", (("num_classes", -1),)),
    "aten.pixel_shuffle.default": ("F.pixel_shuffle", (("upscale_factor", None),)),
    "aten.cat.default": ("torch.cat", (("dim", 0),)),
}
"""How usual operators are written: the function, and its last arguments with the values that need no saying."""
METHODS = {
    "aten.view.default": "view", "aten.reshape.default": "reshape", "aten.unsqueeze.default": "unsqueeze",
    "aten.flatten.using_ints": "flatten", "aten.to.dtype": "to", "aten.unflatten.int": "unflatten",
}  # fmt: skip
INFIX = {"aten.add.Tensor": "+", "aten.sub.Tensor": "-", "aten.mul.Tensor": "*", "aten.div.Tensor": "/"}


def plain_code(program: Any, call: Call, weights: str, function: str, about: str) -> str:
    """A module of Python that needs torch and safetensors alone: ``function(inputs)`` gives what the network gives.

    Args:
        weights: name of the weights file, which lies beside the module.
        function: its name.
        about: a line of description.

    Raises:
        ExportError: a program that cannot be written as a list of calls.
    """
    nodes = list(program.graph_module.graph.nodes)
    names, given = inputs_of(program, nodes, call)
    lines: list[str] = []
    same = {node: before for node in nodes if (before := unchanged(node)) is not None}
    for node, before in same.items():
        same[node] = same.get(before, before)  # nodes stand in the order in which they are computed
    emitted = [
        node for node in nodes
        if node.op != "placeholder" and node not in same and str(node.target) not in SKIPPED
    ]  # fmt: skip
    used: dict[Any, list[int]] = {}
    for i, node in enumerate(emitted):
        for each in node.all_input_nodes:
            used.setdefault(same.get(each, each), []).append(i)
    for i, node in enumerate(emitted):
        for alias, before in same.items():
            if before in names:
                names[alias] = names[before]
        if node.op == "output":
            found = node.args[0]
            lines.append(f"return {names[found[0] if isinstance(found, tuple | list) else found]}")
        elif node.op == "call_function":
            text = called(node, names)
            names[node] = "x" if used.get(node) == [i + 1] else f"{node.name}_" if node.name in given else node.name
            lines.append(f"{names[node]} = {text}")
        else:
            raise ExportError(f"this network holds a part that is no list of calls: {node.op} {node.name}.")
    return module_text(lines, given, call, weights, function, about)


def inputs_of(program: Any, nodes: list[Any], call: Call) -> tuple[dict[Any, str], list[str]]:
    """What weights, constants and inputs are called, and the names of the inputs."""
    signature = program.graph_signature
    stored = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
    constants = dict(signature.inputs_to_lifted_tensor_constants)
    for name in [name for name, buffer in stored.items() if buffer in signature.non_persistent_buffers]:
        constants[name] = stored.pop(name)  # no weights file holds it
    names: dict[Any, str] = {}
    given: list[str] = []
    for node in nodes:
        if node.op != "placeholder":
            continue
        if node.name in stored:
            names[node] = f"w[{json.dumps(stored[node.name].removeprefix(PREFIX))}]"
        elif node.name in constants:
            names[node] = literal(program.constants[constants[node.name]])
        else:
            names[node] = call.names[len(given)]
            given.append(names[node])
    return names, given


def unchanged(node: Any) -> Any:
    """The value that an operator hands on as it is; None where it computes."""
    target = str(node.target)
    if node.op != "call_function" or not node.args or not isinstance(node.args[0], torch.fx.Node):
        return None
    before, value = node.args[0].meta.get("val"), node.meta.get("val")
    if target.startswith(CASTS) and isinstance(before, Tensor) and isinstance(value, Tensor):
        return node.args[0] if before.dtype == value.dtype and "contiguous" not in target else None
    if target == "aten.slice.Tensor":
        given = list(node.args[2:])
        start, end, step = given + [None, None, 1][len(given) :]
        return (
            node.args[0]
            if start in (None, 0) and (end is None or (isinstance(end, int) and end >= LONGEST)) and step == 1
            else None
        )
    return node.args[0] if target == "aten.dropout.default" and node.args[2] is False else None


def module_text(lines: list[str], given: list[str], call: Call, weights: str, function: str, about: str) -> str:
    """The module around the lines of the function."""
    if not function.isidentifier() or keyword.iskeyword(function) or function in TAKEN:
        function = "network"
    takes = "; ".join(f"{name} {shape_text(shape)}" for name, shape in zip(call.names, call.shapes, strict=True))
    head = f'''"""{one_line(about)}

It needs torch and safetensors, not ganzoo. Takes {takes}.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file

w = load_file(Path(__file__).with_name({json.dumps(weights, ensure_ascii=False)}))


@torch.no_grad()
def {function}({", ".join(given)}):
'''
    if any("operator." in line for line in lines):
        head = head.replace("from pathlib", "import operator\nfrom pathlib", 1)
    return head + "".join(f"    {line}\n" for line in lines)


def shape_text(shape: tuple[int | str, ...]) -> str:
    """``[N, 100]``."""
    return f"[{', '.join(map(str, shape))}]"


def called(node: Any, names: dict[Any, str]) -> str:
    """A call as Python."""
    target = node.target
    if isinstance(target, torch._ops.OpOverload) and target.namespace == "aten":
        if (usual := as_usual(node, names)) is not None:
            return usual
        word = f"torch.ops.{target}".removesuffix(".default")
    elif getattr(target, "__module__", "") == "_operator" and hasattr(operator, target.__name__):
        word = f"operator.{target.__name__}"
    else:
        raise ExportError(f"this network uses {target}, which is not an operator of torch: it has no plain code.")
    arguments = [value_text(value, names) for value in node.args]
    arguments += [f"{key}={value_text(value, names)}" for key, value in node.kwargs.items()]
    return f"{word}({', '.join(arguments)})"


def as_usual(node: Any, names: dict[Any, str]) -> str | None:
    """A call as one writes it by hand; None where it has arguments that are seldom given."""
    target, arguments = str(node.target), list(node.args)
    if node.kwargs:
        return None
    if target == "aten.batch_norm.default":
        x, weight, bias, mean, variance, training, _, eps, _ = arguments
        if training or mean is None:
            return None
        texts = [value_text(value, names) for value in (x, mean, variance, weight, bias)]
        return f"F.batch_norm({', '.join(texts)}{'' if eps == 1e-5 else f', eps={eps!r}'})"
    if target == "aten.leaky_relu_.default":
        texts = [value_text(value, names) for value in arguments]
        return f"F.leaky_relu({', '.join(texts)}, inplace=True)"
    if target in INFIX and len(arguments) == 2:
        return f" {INFIX[target]} ".join(value_text(value, names) for value in arguments)
    if target in METHODS and isinstance(arguments[0], torch.fx.Node) and not any(v is None for v in arguments):
        first, *rest = arguments
        flat = rest[0] if len(rest) == 1 and isinstance(rest[0], list | tuple) else rest
        return f"{names[first]}.{METHODS[target]}({', '.join(value_text(value, names) for value in flat)})"
    if target == "aten.sym_size.int":
        return f"{names[arguments[0]]}.shape[{arguments[1]}]"
    if target not in CALLS:
        return None
    word, last = CALLS[target]
    leading = len(arguments) if not last else min(len(arguments), len(node.target._schema.arguments) - len(last))
    texts = [value_text(value, names) for value in arguments[:leading]]
    while texts and texts[-1] == "None":
        texts.pop()
    for (key, usual), value in zip(last, arguments[leading:], strict=False):
        if (short := shortened(value)) != usual:
            texts.append(f"{key}={value_text(short, names)}")
    return f"{word}({', '.join(texts)})"


def shortened(value: Any) -> Any:
    """``[2, 2]`` as ``2``."""
    if isinstance(value, list | tuple) and value and all(type(v) is int and v == value[0] for v in value):
        return value[0]
    return value


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


def code_run(code: str, weights: dict[str, Tensor]) -> Run:
    """The function in code that :func:`plain_code` has just written, with these weights in place of the file's."""
    space: dict[str, Any] = {"w": weights}
    start = code.index("\n@torch.no_grad()\n")
    imports = "import operator\nimport torch\nimport torch.nn.functional as F\n"
    exec(compile(imports + code[start:], "plain code", "exec"), space)
    known = {"w", "operator", "torch", "F", "__builtins__"}
    (found,) = (value for name, value in space.items() if name not in known)
    return found
