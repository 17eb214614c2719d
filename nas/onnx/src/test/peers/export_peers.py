"""Networks of torchvision and timm with random weights as ONNX files, with an image and the logits PyTorch gives.

    python export_peers.py OUT [NAME ...]

writes OUT/NAME.onnx, OUT/NAME.image (float32 [C,H,W], little-endian) and OUT/NAME.logits. OnnxPeersTest reads
them with -Dsextant.onnx.peers=OUT. Batch norms get random statistics, so that nothing in them is the identity.
"""
import pathlib
import sys

import timm
import torch
import torchvision

NETWORKS = {
    "resnet18": lambda: torchvision.models.resnet18(),
    "mobilenet_v2": lambda: torchvision.models.mobilenet_v2(),
    "mobilenet_v3_small": lambda: torchvision.models.mobilenet_v3_small(),
    "squeezenet1_0": lambda: torchvision.models.squeezenet1_0(),
    "efficientnet_b0": lambda: torchvision.models.efficientnet_b0(),
    "mnasnet1_0": lambda: torchvision.models.mnasnet1_0(),
    "densenet121": lambda: torchvision.models.densenet121(),
    "regnet_x_400mf": lambda: torchvision.models.regnet_x_400mf(),
    "shufflenet_v2_x1_0": lambda: torchvision.models.shufflenet_v2_x1_0(),
    "mobilenetv1_100": lambda: timm.create_model("mobilenetv1_100"),
}


def randomize(network, generator):
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            for tensor, low, high in (
                (module.weight, 0.8, 1.2),
                (module.bias, -0.1, 0.1),
                (module.running_mean, -0.1, 0.1),
                (module.running_var, 0.8, 1.2),
            ):
                tensor.data.uniform_(low, high, generator=generator)


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[2:] or NETWORKS:
        torch.manual_seed(1)
        network = NETWORKS[name]()
        generator = torch.Generator().manual_seed(2)
        randomize(network, generator)
        network.eval()
        image = torch.randn(1, 3, 224, 224, generator=generator)
        torch.onnx.export(
            network, (image,), str(out / f"{name}.onnx"), input_names=["images"], output_names=["logits"],
            opset_version=17, dynamo=False)
        with torch.no_grad():
            logits = network(image)
        image.numpy().astype("<f4").tofile(out / f"{name}.image")
        logits.numpy().astype("<f4").tofile(out / f"{name}.logits")
        print(name, tuple(logits.shape))


main()
