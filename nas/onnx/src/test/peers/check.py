"""ONNX's own checker with full shape inference, and with data propagation, on files.

    python check.py FILE.onnx ...
"""
import sys

import onnx

for path in sys.argv[1:]:
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    said = {value.name: str(value.type) for value in model.graph.value_info}
    found = {value.name: str(value.type) for value in inferred.graph.value_info}
    differ = [name for name in said if said[name] != found.get(name)]
    print(f"{path}: {len(model.graph.node)} nodes, {len(said)} values, {len(differ)} shapes that differ {differ[:3]}")
