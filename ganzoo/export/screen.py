"""What a pt2 file may hold: a list of torch's own operators on numbers, and nothing that torch would run as code.

torch.export reads sizes as Python expressions, guards as Python code, and operators and variables by name, out of which
it writes Python. Here only that passes of which ganzoo's own files consist. Everything else is refused.
"""

import ast
import json
import keyword
import re
from collections.abc import Mapping
from math import prod
from typing import Any

GRAPH, WEIGHTS, CONSTANTS = "models/model.json", "data/weights/", "data/constants/"
CONFIGS = {WEIGHTS: f"{WEIGHTS}model_weights_config.json", CONSTANTS: f"{CONSTANTS}model_constants_config.json"}
SAMPLES = "data/sample_inputs/model.pt"
TENSOR = re.compile(r"data/(weights/weight|constants/tensor)_\d{1,6}")
DOTTED = {"target", "parameter_name", "buffer_name", "tensor_constant_name", "fqn", "type"}
"""Keys whose values are names with dots; all other texts are single names."""
FREE_TEXT = {"torch_version", "expr_str", "in_spec", "out_spec"}
"""Keys whose values have a form of their own."""
NEVER = {"as_operator", "as_custom_obj", "as_graph", "as_string_to_argument", "custom_obj", "token"}
SYMBOL = re.compile(r"s\d{1,6}|batch|height|width|height_units|width_units")
FUNCTIONS = {"Symbol", "FloorDiv", "Mod", "PythonMod", "CleanDiv", "CeilDiv", "Max", "Min", "Integer", "Mul", "Add"}
ARITHMETIC = {"add", "sub", "mul", "floordiv", "mod", "eq", "ne", "lt", "le", "gt", "ge", "and_", "getitem", "neg"}
COMPUTE = """
_adaptive_avg_pool2d _assert_tensor_metadata _log_softmax _softmax _to_copy _unsafe_view _weight_norm abs add add_
addcdiv addcmul addmm adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool2d alias amax amin
arange argmax argmin atan2 avg_pool1d avg_pool2d avg_pool3d baddbmm batch_norm bitwise_and bitwise_not bitwise_or bmm
cat ceil celu chunk clamp clamp_ clamp_max clamp_min clone concat constant_pad_nd contiguous conv1d conv2d conv3d
conv_transpose1d conv_transpose2d conv_transpose3d convolution cos cosh cumprod cumsum detach detach_ diagonal div
div_ dropout einsum elu elu_ embedding empty_like eq erf exp expand expand_as expm1 eye feature_dropout flatten flip
floor floor_divide fmod full full_like gather ge gelu glu grid_sampler grid_sampler_2d group_norm gt hardsigmoid
hardswish hardtanh hardtanh_ index index_select instance_norm isfinite isnan layer_norm le leaky_relu leaky_relu_ lerp
lift_fresh_copy linalg_norm linalg_vector_norm linear log log1p log2 log_sigmoid log_softmax logical_and logical_not
logical_or logsumexp lt masked_fill matmul max max_pool1d max_pool2d max_pool3d maximum mean meshgrid min minimum mish
mm movedim mse_loss mul mul_ mv narrow native_batch_norm native_group_norm native_layer_norm ne neg new_empty new_full
new_ones new_zeros norm normalize numel one_hot ones ones_like pad permute pixel_shuffle pixel_unshuffle pow prelu
prod rad2deg reciprocal reflection_pad1d reflection_pad2d reflection_pad3d relu relu6 relu_ remainder repeat
repeat_interleave replication_pad1d replication_pad2d replication_pad3d reshape roll round rrelu rsqrt rsub
scalar_tensor scaled_dot_product_attention scatter select selu selu_ sigmoid sigmoid_ sign silu silu_ sin sinh slice
softmax softplus softshrink split split_with_sizes sqrt square squeeze stack std sub sub_ sum sym_numel sym_size
sym_stride t tan tanh tanh_ tensor_split threshold tile to topk transpose tril triu type_as unbind unflatten unfold
unsqueeze upsample_bicubic2d upsample_bilinear2d upsample_linear1d upsample_nearest1d upsample_nearest2d
upsample_nearest3d upsample_trilinear3d _upsample_nearest_exact2d _upsample_bicubic2d_aa _upsample_bilinear2d_aa var
var_mean view view_as where zeros zeros_like
"""
OPERATORS = frozenset(COMPUTE.split())
"""Operators of torch that compute and do nothing else: none opens a file, none takes a function."""


class StrangeError(ValueError):
    """Something in a file that ganzoo never writes."""


def refuse_strange(records: Mapping[str, bytes]) -> None:
    """Raise StrangeError for anything in an archive that ganzoo does not write."""
    if lacking := [name for name in (GRAPH, SAMPLES, *CONFIGS.values()) if name not in records]:
        raise StrangeError(f"it lacks {lacking[0]}")
    if records[SAMPLES]:
        raise StrangeError(f"its {SAMPLES} is a pickle")
    for folder, config in CONFIGS.items():
        refuse_strange_payload(plain(records[config], config), folder, records)
    graph = plain(records[GRAPH], GRAPH)
    if graph.get("guards_code"):
        raise StrangeError("its guards are Python code")
    refuse_strange_values(graph, "")


def plain(content: bytes, name: str) -> dict[str, Any]:
    """The table in a record."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        raise StrangeError(f"its {name} is no JSON") from None
    if not isinstance(found, dict):
        raise StrangeError(f"its {name} holds no table")
    return found


def refuse_strange_payload(payload: dict[str, Any], folder: str, records: Mapping[str, bytes]) -> None:
    """Raise StrangeError for a tensor that is a pickle, an object, or larger than what is stored of it."""
    tensors = payload.get("config")
    if set(payload) != {"config"} or not isinstance(tensors, dict):
        raise StrangeError("its list of tensors has another form")
    for name, said in tensors.items():
        refuse_strange_name(name, dotted=True)
        try:
            record, meta = f"{folder}{said['path_name']}", said["tensor_meta"]
            sizes = [size["as_int"] for size in meta["sizes"]]
            numbers = [*sizes, *(stride["as_int"] for stride in meta["strides"]), meta["storage_offset"]["as_int"]]
            fits = TENSOR.fullmatch(record) and record in records and said["use_pickle"] is False
            small = all(type(number) is int and 0 <= number < 2**40 for number in numbers)
            if not fits or not small or prod(sizes) > len(records[record]):
                raise StrangeError(f"its tensor {name} is a pickle, or larger than what is stored of it")
        except (KeyError, TypeError) as error:
            raise StrangeError(f"its tensor {name} has another form ({error})") from None
        refuse_strange_values(said["tensor_meta"], "")


def refuse_strange_values(value: Any, key: str) -> None:
    """Raise StrangeError for a text that torch would take for code, at any depth."""
    if isinstance(value, dict):
        for name, item in value.items():
            refuse_strange_name(name, dotted=True)
            if name in NEVER and item is not None and item != {} and item != []:
                raise StrangeError(f"it uses {name!r}")
            if name == "metadata" and item:
                raise StrangeError("it has notes of the exporter")
            if name == "device" and isinstance(item, dict) and item.get("type") != "cpu":
                raise StrangeError(f"it needs the device {item.get('type')!r}")
            refuse_strange_values(item, name)
    elif isinstance(value, list):
        for item in value:
            refuse_strange_values(item, key)
    elif isinstance(value, str):
        refuse_strange_text(value, key)


def refuse_strange_text(text: str, key: str) -> None:
    """Raise StrangeError for a text that is not what stands under this key."""
    if key == "expr_str":
        refuse_strange_expression(text)
    elif key in ("in_spec", "out_spec"):
        refuse_strange_structure(text)
    elif key == "torch_version":
        if not re.fullmatch(r"[\w.+-]{1,60}", text):
            raise StrangeError(f"its version is {text[:60]!r}")
    elif key == "target" and text.startswith(("torch", "_operator", "math", "#")):
        parts = text.split(".")
        computes = parts[:3] == ["torch", "ops", "aten"] and len(parts) == 5 and parts[3] in OPERATORS
        if not computes and not (parts[0] == "_operator" and len(parts) == 2 and parts[1] in ARITHMETIC):
            raise StrangeError(f"it uses the operator {text[:100]!r}")
        refuse_strange_name(text, dotted=True)
    else:
        refuse_strange_name(text, dotted=key in DOTTED)


def refuse_strange_name(text: str, dotted: bool) -> None:
    """Raise StrangeError for what is not a plain name: torch writes Python out of names."""
    parts = text.split(".") if dotted else [text]
    ascii_words = all(re.fullmatch(r"\w*", part, re.ASCII) for part in parts)
    if not ascii_words or len(text) > 500 or any(keyword.iskeyword(part) or part.startswith("__") for part in parts):
        raise StrangeError(f"it has the name {text[:100]!r}")


def refuse_strange_expression(text: str) -> None:
    """Raise StrangeError for a size that is more than a sum or product of free sizes: torch runs it as Python."""
    try:
        if len(text) > 1000:
            raise SyntaxError
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise StrangeError(f"it has the size {text[:100]!r}") from None
    for node in ast.walk(tree):
        allowed = (
            ast.Expression | ast.BinOp | ast.UnaryOp | ast.Add | ast.Sub | ast.Mult | ast.FloorDiv | ast.USub | ast.Load
            | ast.keyword
        )  # fmt: skip
        if isinstance(node, ast.Call):
            fine = isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS
        elif isinstance(node, ast.Name):
            fine = node.id in FUNCTIONS or SYMBOL.fullmatch(node.id) is not None
        elif isinstance(node, ast.Constant):
            number = isinstance(node.value, int) and abs(node.value) < 2**40
            fine = number or (isinstance(node.value, str) and SYMBOL.fullmatch(node.value) is not None)
        else:
            fine = isinstance(node, allowed)
        if not fine:
            raise StrangeError(f"it has the size {text[:100]!r}")


def refuse_strange_structure(text: str) -> None:
    """Raise StrangeError for inputs or outputs that are more than tuples, lists and dictionaries."""

    def look(value: Any) -> None:
        if isinstance(value, dict):
            if set(value) != {"type", "context", "children_spec"}:
                raise StrangeError("its inputs have another form")
            if value["type"] not in (None, "builtins.tuple", "builtins.list", "builtins.dict"):
                raise StrangeError(f"its inputs are of type {str(value['type'])[:100]!r}")
            if value["context"] not in (None, "null", "[]"):
                raise StrangeError("its inputs have another form")
            look(value["children_spec"])
        elif isinstance(value, list):
            for item in value:
                look(item)
        elif value != 1:
            raise StrangeError("its inputs have another form")

    try:
        look(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise error if isinstance(error, StrangeError) else StrangeError("its inputs are no JSON") from None
