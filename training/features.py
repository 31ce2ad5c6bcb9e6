"""The frozen part of the trunk in ONNX Runtime, several times faster than PyTorch on a CPU."""

import pathlib
import tempfile

import numpy as np
import onnxruntime

import trunk as lite0
from onnx_graph import Graph

# Blocks whose outputs are kept: stride 8 with 40, stride 16 with 80 and with 112 channels.
TAPS = {5: "stride8", 8: "middle", 11: "local"}


class Features:
    """Maps [N, H, W, 3] uint8 to {"stride8": .., "middle": .., "local": ..} in float32."""

    def __init__(self, trunk):
        graph = Graph()
        x = graph.conv(trunk.stem, "image", "stem", "float32")
        for index, block in enumerate(trunk.blocks[: lite0.NUM_LOCAL_BLOCKS], 1):
            x = graph.block(block, x, f"block{index}", "float32")
            if index in TAPS:
                graph.node("Identity", [x], TAPS[index])
        channels = {"stride8": 40, "middle": 80, "local": 112}
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "features.onnx"
            shapes = {name: ["N", c, f"h_{name}", f"w_{name}"] for name, c in channels.items()}
            graph.save(path, shapes, batch="N")
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            self.session = onnxruntime.InferenceSession(
                path.read_bytes(), options, ["CPUExecutionProvider"]
            )
        self.names = list(channels)

    def __call__(self, images):
        x = (np.asarray(images, np.float32) - lite0.MEAN) / lite0.STD
        x = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
        return dict(zip(self.names, self.session.run(self.names, {"image": x}), strict=True))
