"""Names and shapes of the tensors of timm's and torchvision's networks, and the logits that PyTorch gives for values
by a formula that PretrainedTest knows too, so that no weights need be kept.

    python pretrained.py ../resources/dev/sextant/runtime/pretrained [NAME ...]
"""
import pathlib
import sys

import numpy
import timm
import torch
import torchvision

SIDE = 64
NETWORKS = {
    "timm-mobilenetv2_100": lambda: timm.create_model("mobilenetv2_100"),
    "timm-mnasnet_100": lambda: timm.create_model("mnasnet_100"),
    "timm-spnasnet_100": lambda: timm.create_model("spnasnet_100"),
    "timm-mobilenetv3_large_100": lambda: timm.create_model("mobilenetv3_large_100"),
    "timm-mobilenetv3_small_100": lambda: timm.create_model("mobilenetv3_small_100"),
    "timm-efficientnet_b0": lambda: timm.create_model("efficientnet_b0"),
    "timm-resnet18": lambda: timm.create_model("resnet18"),
    "torchvision-mobilenet_v3_large": lambda: torchvision.models.mobilenet_v3_large(),
    "torchvision-mobilenet_v3_small": lambda: torchvision.models.mobilenet_v3_small(),
    "torchvision-efficientnet_b0": lambda: torchvision.models.efficientnet_b0(),
    "torchvision-resnet18": lambda: torchvision.models.resnet18(),
    "torchvision-resnet50": lambda: torchvision.models.resnet50(),
    "torchvision-mobilenet_v2": lambda: torchvision.models.mobilenet_v2(),
    "torchvision-mnasnet1_0": lambda: torchvision.models.mnasnet1_0(),
}


def uniform(name, count):
    """From -1/2 to 1/2, by the name and the index."""
    seed = 2166136261
    for byte in name.encode():
        seed = ((seed ^ byte) * 16777619) & 0xFFFFFFFF
    x = (seed + numpy.arange(count, dtype=numpy.uint64) * 2654435761) & 0xFFFFFFFF
    x ^= x >> 16
    x = (x * 0x45D9F3B) & 0xFFFFFFFF
    x ^= x >> 16
    return x.astype(numpy.float64) / 2**32 - 0.5


def values(name, shape):
    u = uniform(name, int(numpy.prod(shape, dtype=numpy.int64)))
    if len(shape) > 1:
        u = u * numpy.sqrt(24 / numpy.prod(shape[1:], dtype=numpy.float64))
    elif name.endswith("running_var"):
        u = 1 + 0.4 * u
    elif name.endswith("weight"):
        u = 1 + 0.4 * u
    else:
        u = 0.2 * u
    return torch.from_numpy(u.astype(numpy.float32).reshape(shape))


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[2:] or NETWORKS:
        network = NETWORKS[name]()
        state = network.state_dict()
        lines = []
        for key, tensor in state.items():
            lines.append(" ".join([key, *map(str, tensor.shape)]))
            if not key.endswith("num_batches_tracked"):
                state[key] = values(key, tuple(tensor.shape))
        network.load_state_dict(state)
        network.eval()
        image = torch.from_numpy(
            (4 * uniform("image", 3 * SIDE * SIDE)).astype(numpy.float32).reshape(1, 3, SIDE, SIDE))
        with torch.no_grad():
            logits = network(image)[0, :20]
        lines.append("logits " + " ".join(repr(float(value)) for value in logits))
        (out / f"{name}.txt").write_text("\n".join(lines) + "\n")
        print(name, len(lines), logits[:3])


main()
