"""Torch modules to ONNX graphs whose numbers lie once, in few bits, in a safetensors file beside the graph.

`NAME.onnx` holds operations and small constants; every parameter and buffer is external data that points into
`NAME.safetensors` under the name that torch knows it by, so that both runtimes read the same file. Matrices are
stored as float16 (or int8 rows with a scale) and turned into float32 in the graph, which ONNX Runtime does once,
when it loads.
"""

import contextlib
import copy
import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx_ir
import torch
from onnx import NodeProto, TensorProto, helper, numpy_helper
from onnxscript.optimizer import optimize_ir
from torch import Tensor, nn
from torch.onnx import symbolic_helper

from vitascope.runtime.onnx import OnnxNetwork
from vitascope.runtime.torch import TorchNetwork, load_weights
from vitascope.weights.tensors import SCALE, quantise_rows, write_tensors

OPSET = 20
INLINE_BYTES = 1024
"""Constants that are no parameters stay in the graph up to this size."""


@dataclass(frozen=True)
class Exported:
    """The two files of an exported network."""

    graph: Path
    numbers: Path


def export(
    module: nn.Module,
    example_inputs: Mapping[str, Tensor],
    input_names: Sequence[str],
    output_names: Sequence[str],
    dynamic_axes: Mapping[str, Mapping[int, str]],
    path: str | Path,
    name: str,
    *,
    int8: Sequence[str] = (),
    integer_products: bool = False,
) -> Exported:
    """Write `path/name.onnx` and `path/name.safetensors` and return where they lie.

    `example_inputs` maps `input_names` to arguments, in the order of the module's `forward`; `dynamic_axes` names
    the axes of inputs whose size is free (which must be at least 2 in the example). Tensors whose names match one
    of the patterns `int8` are stored as int8 rows; with `integer_products` the matrix products with them are done
    in integers too, on activations quantised as they come. Raises `ValueError` if the example cannot show that an
    axis is free, or a number does not fit into float16.
    """
    module = copy.deepcopy(module).cpu().float().eval()
    arguments = [example_inputs[given].cpu() for given in input_names]
    model = trace(module, arguments, input_names, output_names, dynamic_axes)
    numbers = {each: tensor.numpy() for each, tensor in module.state_dict().items()}
    for each in model.graph.initializer:
        value = numpy_helper.to_array(each)
        if value.dtype.kind == "f" and value.nbytes > INLINE_BYTES:
            numbers.setdefault(each.name, value)
    stored = store(numbers, int8)
    nodes = _read_stored(list(model.graph.node), stored, integer_products)
    inline = [each for each in model.graph.initializer if each.name not in numbers]
    Path(path).mkdir(parents=True, exist_ok=True)
    exported = Exported(Path(path) / f"{name}.onnx", Path(path) / f"{name}.safetensors")
    spans = write_tensors(exported.numbers, stored)
    used = {each for node in nodes for each in node.input}
    outside = [
        _outside(each, value, exported.numbers.name, spans[each])
        for each, value in stored.items()
        if each in used
    ]
    _shorten(nodes, inline, {*input_names, *output_names, *stored})
    graph = helper.make_graph(
        nodes, name, list(model.graph.input), list(model.graph.output), [*inline, *outside]
    )
    rebuilt = helper.make_model(graph, opset_imports=list(model.opset_import), ir_version=model.ir_version)
    exported.graph.write_bytes(rebuilt.SerializeToString(deterministic=True))
    return exported


def trace(
    module: nn.Module,
    arguments: Sequence[Tensor],
    input_names: Sequence[str],
    output_names: Sequence[str],
    dynamic_axes: Mapping[str, Mapping[int, str]],
) -> onnx.ModelProto:
    """Return the graph of a float32 module on the CPU; its parameters keep their names, other constants are folded.

    Raises `ValueError` for an example input that has size 1 where an axis should be free.
    """
    for given, argument in zip(input_names, arguments, strict=True):
        for axis in dynamic_axes.get(given, {}):
            if argument.shape[axis] < 2:
                raise ValueError(f"axis {axis} of the example input {given} is to be free: give it 2 or more")
    buffer = io.BytesIO()
    # The tracing exporter takes a tenth of the newer one's time; `difference` at other sizes than the example's shows
    # whether it has baked one in.
    torch.onnx.register_custom_op_symbolic("aten::rms_norm", _rms_norm, OPSET)  # pyright: ignore[reportPrivateImportUsage]
    torch.onnx.register_custom_op_symbolic("aten::grid_sampler", _grid_sampler, OPSET)  # pyright: ignore[reportPrivateImportUsage]
    with _quietly(), torch.no_grad():
        torch.onnx.export(
            module,
            tuple(arguments),
            buffer,  # pyright: ignore[reportArgumentType]
            input_names=list(input_names),
            output_names=list(output_names),
            dynamic_axes={given: dict(axes) for given, axes in dynamic_axes.items()},
            opset_version=OPSET,
            dynamo=False,
            do_constant_folding=False,
        )
    model = onnx_ir.from_proto(onnx.load_from_string(buffer.getvalue()))
    parameters = set(module.state_dict())

    def keep_parameters(node: onnx_ir.Node) -> bool | None:
        return False if any(value is not None and value.name in parameters for value in node.inputs) else None

    optimize_ir(model, num_iterations=1, should_fold=keep_parameters)
    return onnx_ir.to_proto(model)


def _rms_norm(graph: Any, x: Any, shape: Any, weight: Any, epsilon: Any) -> Any:
    """Write RMSNorm, which the exporter does not know, as ONNX Runtime likes it: it runs this as one operation."""
    least = symbolic_helper._maybe_get_const(epsilon, "f")
    least = least if isinstance(least, float) else torch.finfo(torch.float32).eps
    if symbolic_helper._is_none(weight):
        sizes: list[int] = symbolic_helper._parse_arg(shape, "is")  # pyright: ignore[reportAssignmentType]
        weight = graph.op("Constant", value_t=torch.ones(sizes))
    axes = graph.op("Constant", value_t=torch.tensor([-1]))
    mean = graph.op("ReduceMean", graph.op("Pow", x, graph.op("Constant", value_t=torch.tensor(2.0))), axes)
    root = graph.op("Sqrt", graph.op("Add", mean, graph.op("Constant", value_t=torch.tensor(least))))
    return graph.op("Mul", graph.op("Div", x, root), weight).setType(x.type())


def _grid_sampler(graph: Any, x: Any, grid: Any, mode: Any, padding: Any, align_corners: Any) -> Any:
    """Write a linear look-up with zeros around, which the exporter knows in two dimensions only."""
    choices = [symbolic_helper._maybe_get_const(name, "i") for name in (mode, padding, align_corners)]
    if choices != [0, 0, 0]:
        raise ValueError(f"only linear sampling with zeros around is written, not {choices}")
    return graph.op("GridSample", x, grid, mode_s="linear", padding_mode_s="zeros", align_corners_i=0)


def difference(module: nn.Module, exported: Exported, inputs: Mapping[str, Tensor]) -> dict[str, float]:
    """Return by how much the graph's outputs differ at most from those of `module` with the stored numbers.

    `inputs` are named as the graph's and in the order of the module's `forward`; use other sizes than the example's.
    """
    module = copy.deepcopy(module).cpu().float()
    load_weights(module, exported.numbers)
    network = OnnxNetwork(exported.graph)
    arrays = {name: tensor.cpu().numpy() for name, tensor in inputs.items()}
    ours = network(**arrays)
    theirs = TorchNetwork(module, tuple(inputs), network.outputs)(**arrays)
    return {name: float(np.abs(ours[name] - theirs[name]).max(initial=0)) for name in network.outputs}


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Keep the exporter's notes about itself (parts not installed, coming changes) off the screen."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def store(numbers: Mapping[str, np.ndarray], int8: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """Return tensors as they are stored: matrices as float16 or int8 rows and scales, vectors as float32.

    Raises `ValueError` naming a tensor that does not fit into float16.
    """
    stored: dict[str, np.ndarray] = {}
    for name, value in numbers.items():
        if value.dtype.kind != "f" or value.size == max(value.shape, default=1):
            stored[name] = value
        elif any(fnmatchcase(name, pattern) for pattern in int8):
            stored[name], stored[name + SCALE] = quantise_rows(value)
        elif np.abs(value).max(initial=0) <= np.finfo(np.float16).max:
            stored[name] = value.astype(np.float16)
        else:
            raise ValueError(f"{name} does not fit into float16")
    return stored


def _shorten(nodes: Sequence[NodeProto], inline: Sequence[TensorProto], keep: set[str]) -> None:
    """Drop what a graph only tells its readers, and number its values but for those to `keep`: names are half of it."""
    short: dict[str, str] = {"": ""}

    def named(name: str) -> str:
        return name if name in keep else short.setdefault(name, f"v{len(short):x}")

    for node in nodes:
        for field in ("name", "doc_string", "metadata_props"):
            node.ClearField(field)
        node.input[:] = [named(each) for each in node.input]
        node.output[:] = [named(each) for each in node.output]
    for each in inline:
        each.name = named(each.name)


def _outside(name: str, value: np.ndarray, file: str, span: tuple[int, int]) -> TensorProto:
    """Return an initialiser whose bytes are `span` (offset, length) of `file`."""
    kind = helper.np_dtype_to_tensor_dtype(value.dtype)
    tensor = TensorProto(name=name, data_type=kind, dims=value.shape, data_location=TensorProto.EXTERNAL)
    for key, entry in {"location": file, "offset": span[0], "length": span[1]}.items():
        tensor.external_data.add(key=key, value=str(entry))
    return tensor


def _read_stored(
    nodes: Sequence[NodeProto], stored: Mapping[str, np.ndarray], integer_products: bool
) -> list[NodeProto]:
    """Return the graph's nodes, reading what is stored in few bits and going on in float32."""
    halves = {name for name, value in stored.items() if value.dtype == np.float16}
    rows = {name for name in stored if name + SCALE in stored}
    transposed = {n.output[0]: n.input[0] for n in nodes if n.op_type == "Transpose" and n.input[0] in rows}
    body: list[NodeProto] = []
    for node in nodes:
        if node.op_type == "Gather" and node.input[0] in rows and _axis(node) == 0:
            body += _gather_rows(node)
        elif integer_products and node.op_type == "MatMul" and node.input[1] in transposed:
            body += _multiply_integers(node, transposed[node.input[1]])
        else:
            renamed = [f"{each}/float" if each in halves | rows else each for each in node.input]
            del node.input[:]
            node.input.extend(renamed)
            body.append(node)
    used = {each for node in body for each in node.input}
    body = [node for node in body if not (node.output[0] in transposed and node.output[0] not in used)]
    used = {each for node in body for each in node.input}
    head: list[NodeProto] = []
    for name in sorted(halves | rows):
        if f"{name}/float" in used and name in halves:
            head.append(helper.make_node("Cast", [name], [f"{name}/float"], to=TensorProto.FLOAT))
        elif f"{name}/float" in used:
            head += _scale(name, name + SCALE, f"{name}/float")
    return head + body


def _axis(node: NodeProto) -> int:
    return next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 0)


def _scale(rows: str, scale: str, result: str) -> list[NodeProto]:
    """Turn int8 rows into float32 and multiply them by their scales."""
    return [
        helper.make_node("Cast", [rows], [f"{result}/rows"], to=TensorProto.FLOAT),
        helper.make_node("Mul", [f"{result}/rows", scale], [result]),
    ]


def _gather_rows(node: NodeProto) -> list[NodeProto]:
    """Look rows up in int8 and scale only those that were asked for."""
    table, ids = node.input
    result = node.output[0]
    return [
        helper.make_node("Gather", [table, ids], [f"{result}/int8"], axis=0),
        helper.make_node("Gather", [table + SCALE, ids], [f"{result}/scale"], axis=0),
        *_scale(f"{result}/int8", f"{result}/scale", result),
    ]


def _multiply_integers(node: NodeProto, rows: str) -> list[NodeProto]:
    """Multiply by int8 rows in integers: activations get one scale and zero point for the whole tensor."""
    result = node.output[0]
    quantised, step, zero = (f"{result}/{part}" for part in ("uint8", "step", "zero"))
    return [
        helper.make_node("DynamicQuantizeLinear", [node.input[0]], [quantised, step, zero]),
        helper.make_node("Transpose", [rows], [f"{result}/weight"], perm=[1, 0]),
        helper.make_node("MatMulInteger", [quantised, f"{result}/weight", zero], [f"{result}/int32"]),
        helper.make_node("Cast", [f"{result}/int32"], [f"{result}/whole"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", [rows + SCALE], [f"{result}/scales"], axis=0),
        helper.make_node("Mul", [step, f"{result}/scales"], [f"{result}/steps"]),
        helper.make_node("Mul", [f"{result}/whole", f"{result}/steps"], [result]),
    ]
