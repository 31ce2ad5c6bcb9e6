"""Writes a network as an ONNX graph, node by node.

Weights are stored as float16 with a Cast to float32 behind them, or as int8 with one scale
an output channel (Cast, then Mul); a runtime folds both into constants when it loads the
file. Convolutions carry TensorFlow's uneven padding in their own `pads`.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 13


class Graph:
    """Collects nodes and initializers; every method returns the name of its output."""

    def __init__(self):
        self.nodes, self.initializers, self.count = [], [], 0

    def name(self, stem):
        self.count += 1
        return f"{stem}_{self.count}"

    def node(self, kind, inputs, output=None, **attributes):
        output = output or self.name(kind.lower())
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def stored(self, array, stem):
        name = self.name(stem)
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def constant(self, array, stem, precision="float16"):
        """A float32 value of the graph, stored in `precision`: float32, float16 or int8."""
        array = np.asarray(array, np.float32)
        if precision == "float32":
            return self.stored(array, stem)
        if precision == "float16":
            half = array.astype(np.float16)
            return self.node("Cast", [self.stored(half, stem)], to=TensorProto.FLOAT)
        axes = tuple(range(1, array.ndim))
        scale = np.maximum(np.abs(array).max(axis=axes, keepdims=True), 1e-12) / 127.0
        levels = np.rint(array / scale).astype(np.int8)
        cast = self.node("Cast", [self.stored(levels, stem)], to=TensorProto.FLOAT)
        return self.node("Mul", [cast, self.stored(scale.astype(np.float32), stem + "_scale")])

    def conv(self, layer, x, stem, precision="float16", output=None):
        """A trunk.Conv: Conv with bias, then Clip(0, 6) where the layer has ReLU6."""
        before, after = layer.pads
        weight = layer.weight.detach().numpy()
        inputs = [x, self.constant(weight, stem + "_weight", precision)]
        inputs.append(self.constant(layer.bias.detach().numpy(), stem + "_bias", "float32"))
        y = self.node(
            "Conv", inputs, None if layer.relu6 else output,
            kernel_shape=[layer.kernel] * 2, strides=[layer.stride] * 2, group=layer.groups,
            pads=[before, before, after, after], dilations=[1, 1],
        )
        return self.clip(y, output) if layer.relu6 else y

    def clip(self, x, output=None):
        if not hasattr(self, "limits"):
            self.limits = [self.stored(np.float32(v), "limit") for v in (0.0, 6.0)]
        return self.node("Clip", [x, *self.limits], output)

    def block(self, block, x, stem, precision="float16"):
        y = x
        for index, layer in enumerate(block.layers):
            y = self.conv(layer, y, f"{stem}_{index}", precision)
        return self.node("Add", [x, y]) if block.residual else y

    def pooled(self, trunk, num_local_blocks, local, output):
        """The rest of `trunk` behind `local`, pooled over the image, weights in int8."""
        x = local
        for index, block in enumerate(trunk.blocks[num_local_blocks:], num_local_blocks):
            x = self.block(block, x, f"block{index}", "int8")
        x = self.node("GlobalAveragePool", [self.conv(trunk.head, x, "head", "int8")])
        return self.node("Flatten", [x], output, axis=1)

    def save(self, path, outputs, batch=1):
        """Writes the model; `outputs` maps names to shapes (strings are symbolic sizes)."""
        image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [batch, 3, "H", "W"])
        values = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            for name, shape in outputs.items()
        ]
        graph = helper.make_graph(self.nodes, "delfin", [image], values, self.initializers)
        model = helper.make_model(
            graph, producer_name="delfin training",
            opset_imports=[helper.make_opsetid("", OPSET)],
        )
        model.ir_version = 8
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, path)
