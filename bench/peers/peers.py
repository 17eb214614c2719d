#!/usr/bin/env python3
"""The work of `sextant gpu-check` in PyTorch, on the same machine, and the table of both.

    peers.py run OURS.json PEER.json    times what OURS.json has, in PyTorch
    peers.py table OURS.json PEER.json  prints ours / peer / ratio

Each step is timed eager (channels first, PyTorch's default), with channels_last, and as a CUDA
graph of the latter; --compile adds torch.compile. The fastest of them is the peer. TF32 is off, as
it is in sextant, unless --tf32 is given to both.
"""

import argparse
import json
import platform
import statistics
import sys
import time


# ---- timing


def timed(torch, device, run, quick, seconds=2.0, least=5, most=50):
    """Median ms of one run, after three to warm up."""
    for _ in range(1 if quick else 3):
        run()
    samples = []
    start = time.perf_counter()
    while len(samples) < (1 if quick else most) and (
        len(samples) < least or time.perf_counter() - start < seconds
    ):
        if device == "cuda":
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            torch.cuda.synchronize()
            before = time.perf_counter()
            begin.record()
            run()
            end.record()
            torch.cuda.synchronize()
            samples.append((time.perf_counter() - before) * 1e3)
        else:
            before = time.perf_counter()
            run()
            samples.append((time.perf_counter() - before) * 1e3)
    return statistics.median(samples)


def timed_kernel(torch, device, run, quick):
    """Median ms of one run among many that are queued together, by the device's clock."""
    once = timed(torch, device, run, True)
    if device != "cuda" or quick:
        return once
    repeats = int(min(2000, max(1, 10 / max(once, 1e-3))))
    rounds = []
    for _ in range(5):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        for _ in range(repeats):
            run()
        end.record()
        torch.cuda.synchronize()
        rounds.append(begin.elapsed_time(end) / repeats)
    return statistics.median(rounds)


# ---- kernels, by the names that gpu-check gives them


def kernels(torch, device, quick):
    """Name to ms, for the work that PyTorch has an operator for."""
    functional = torch.nn.functional
    batch, side, channels = (1, 8, 96) if quick else (256, 32, 96)
    results = {}

    def image(side=side):
        return torch.rand(batch, channels, side, side, device=device).to(
            memory_format=torch.channels_last
        )

    def add(name, run):
        results[name] = timed_kernel(torch, device, run, quick)

    elements = 1 << 10 if quick else 256 << 20
    source = torch.rand(elements, device=device)
    target = torch.empty_like(source)
    add("copy by the driver", lambda: target.copy_(source))
    del source, target

    x, y, out = image(), image(), image()
    add("fill", lambda: out.fill_(1))
    add("copy", lambda: out.copy_(x))
    add("scale", lambda: torch.mul(x, 2, out=out))
    add("axpy", lambda: out.add_(x, alpha=1e-3))
    add("add", lambda: torch.add(x, y, out=out))
    add("multiply", lambda: torch.mul(x, y, out=out))
    add("activate RELU6", lambda: torch.clamp(x, 0, 6, out=out))
    add("sum", lambda: x.sum().item())
    add("dot", lambda: torch.dot(x.permute(0, 2, 3, 1).reshape(-1), y.permute(0, 2, 3, 1).reshape(-1)).item())
    add("channel sum", lambda: x.sum((0, 2, 3)))
    add("global average", lambda: x.mean((2, 3)))
    mean, variance, gamma, beta = (torch.rand(channels, device=device) for _ in range(4))
    add("norm statistics", lambda: torch.var_mean(x, (0, 2, 3), correction=0))
    add(
        "norm, RELU6",
        lambda: functional.relu6(
            functional.batch_norm(x, mean, variance, gamma, beta, False, 0, 1e-3), inplace=True
        ),
    )
    add(
        "norm, IDENTITY",
        lambda: functional.batch_norm(x, mean, variance, gamma, beta, False, 0, 1e-3),
    )
    for activation in ("IDENTITY", "RELU6"):
        leaf = x.detach().requires_grad_()
        scale, offset = (v.detach().requires_grad_() for v in (gamma, beta))
        z = functional.batch_norm(leaf, None, None, scale, offset, True, 0, 1e-3)
        z = functional.relu6(z) if activation == "RELU6" else z
        add(
            "norm, %s backward" % activation,
            lambda: torch.autograd.grad(z, (leaf, scale, offset), y, retain_graph=True),
        )
        del z
    convolution = torch.ops.aten.convolution_backward
    for stride in (1, 2):
        small = image(side // stride)
        for k in (3, 5, 7):
            w = torch.rand(channels, 1, k, k, device=device)
            name = "depthwise %dx%d s%d" % (k, k, stride)
            shape = ([stride, stride], [k // 2, k // 2], [1, 1], False, [0, 0], channels)
            add(name, lambda: functional.conv2d(x, w, None, stride, k // 2, 1, channels))
            for what, mask in (("data", [True, False, False]), ("filter", [False, True, False])):
                add(
                    "%s backward %s" % (name, what),
                    lambda: convolution(small, x, w, None, *shape, mask),
                )
            if stride == 1:
                add(
                    "normalised depthwise %dx%d" % (k, k),
                    lambda: torch.var_mean(
                        functional.conv2d(
                            functional.relu6(
                                functional.batch_norm(
                                    x, mean, variance, gamma, beta, False, 0, 1e-3
                                ),
                                inplace=True,
                            ),
                            w,
                            None,
                            1,
                            k // 2,
                            1,
                            channels,
                        ),
                        (0, 2, 3),
                        correction=0,
                    ),
                )
        pooled = lambda: functional.max_pool2d(x, 3, stride, 1)
        add("max pool 3x3 s%d" % stride, pooled)
        add("average pool 3x3 s%d" % stride, lambda: functional.avg_pool2d(x, 3, stride, 1))
    inputs = 4 if quick else 24
    narrow = torch.rand(batch, inputs, side, side, device=device).to(
        memory_format=torch.channels_last
    )
    for k in (1, 3):
        w = torch.rand(channels, inputs, k, k, device=device).to(memory_format=torch.channels_last)
        name = "convolution %dx%d" % (k, k)
        shape = ([1, 1], [k // 2, k // 2], [1, 1], False, [0, 0], 1)
        add(name, lambda: functional.conv2d(narrow, w, None, 1, k // 2))
        for what, mask in (("data", [True, False, False]), ("filter", [False, True, False])):
            add(
                "%s backward %s" % (name, what),
                lambda: convolution(x, narrow, w, None, *shape, mask),
            )
    del x, y, out, narrow, small
    optimizers(torch, device, quick, add)
    return results


def optimizers(torch, device, quick, add):
    elements = 1000 if quick else 24 << 20
    fused = {"fused": True} if device == "cuda" else {"foreach": True}
    for name, make in (
        ("SGD", lambda p: torch.optim.SGD(p, 1e-9, momentum=0.9, nesterov=True, **fused)),
        ("Adam", lambda p: torch.optim.Adam(p, 1e-9, **fused)),
        (
            "RMSProp",
            lambda p: torch.optim.RMSprop(p, 1e-9, alpha=0.9, momentum=0.9, eps=1e-3, foreach=True),
        ),
    ):
        parameter = torch.rand(elements, device=device, requires_grad=True)
        parameter.grad = torch.rand(elements, device=device)
        optimizer = make([parameter])
        add(name, optimizer.step)


# ---- supernets


def build(torch, network):
    """Modules of each position's candidates; None stands for skip."""
    nn = torch.nn
    epsilon = network["epsilon"]

    def activation(name):
        return {"relu6": nn.ReLU6, "relu": nn.ReLU, "hswish": nn.Hardswish}[name](inplace=True)

    def normalised(convolution, act):
        parts = [convolution, nn.BatchNorm2d(convolution.out_channels, eps=epsilon)]
        if act != "none":
            parts.append(activation(act))
        return parts

    class Block(nn.Module):
        def __init__(self, layer, inputs):
            super().__init__()
            k, s, mid = layer["kernel"], layer.get("stride", 1), inputs * layer["expand"]
            parts = []
            if layer["expand"] != 1:
                parts += normalised(nn.Conv2d(inputs, mid, 1, bias=False), layer["act"])
            parts += normalised(
                nn.Conv2d(mid, mid, k, s, k // 2, groups=mid, bias=False), layer["act"]
            )
            parts += normalised(nn.Conv2d(mid, layer["out"], 1, bias=False), "none")
            self.inside = nn.Sequential(*parts)
            self.residual = layer.get("residual", s == 1 and inputs == layer["out"])

        def forward(self, x):
            y = self.inside(x)
            return y + x if self.residual else y

    def module(layer, inputs):
        op = layer["op"]
        if op == "conv":
            k, bare = layer["kernel"], layer["norm"] == "none"
            convolution = nn.Conv2d(
                inputs, layer["out"], k, layer.get("stride", 1), k // 2, bias=bare
            )
            if bare:
                return nn.Sequential(convolution, activation(layer["act"]))
            return nn.Sequential(*normalised(convolution, layer["act"]))
        if op == "mbconv":
            return Block(layer, inputs)
        if op == "linear":
            return nn.Linear(inputs, layer["out"])
        if op == "global-avg-pool":
            return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        if op == "skip":
            return nn.Identity()
        raise SystemExit("peers: no module for " + op)

    channels = network["input"][2]
    positions = nn.ModuleList()
    for position in network["positions"]:
        made = nn.ModuleList(module(layer, channels) for layer in position["candidates"])
        positions.append(made)
        for layer in position["candidates"]:
            channels = layer.get("out", channels)
    return positions


class Supernet:
    def __init__(self, torch, entry, device, channels_last):
        self.torch = torch
        self.network = entry["network"]
        self.positions = build(torch, self.network).to(device)
        height, width, channels = self.network["input"]
        self.x = torch.randn(entry["batch"], channels, height, width, device=device)
        if channels_last:
            self.positions = self.positions.to(memory_format=torch.channels_last)
            self.x = self.x.to(memory_format=torch.channels_last)
        self.labels = torch.arange(entry["batch"], device=device) % self.network["classes"]
        self.positions.train()
        self.path = [
            candidates[position.get("active", 0) if position["choice"] else 0]
            for position, candidates in zip(self.network["positions"], self.positions)
        ]

    def loss(self, logits, smoothing):
        return self.torch.nn.functional.cross_entropy(
            logits, self.labels, label_smoothing=smoothing
        )

    def weight_step(self):
        torch = self.torch
        parameters = [p for module in self.path for p in module.parameters()]
        fused = {"fused": True} if self.x.is_cuda else {"foreach": True}
        sgd = torch.optim.SGD(
            parameters, 1e-9, momentum=0.9, weight_decay=4e-5, nesterov=True, **fused
        )

        def step():
            sgd.zero_grad(set_to_none=True)
            y = self.x
            for module in self.path:
                y = module(y)
            self.loss(y, 0.1).backward()
            sgd.step()

        return step

    def architecture_step(self):
        """ProxylessNAS, Appendix D: the inactive candidates one at a time, unrecorded."""
        torch = self.torch
        for parameter in self.positions.parameters():
            parameter.requires_grad_(False)
        decided = [i for i, p in enumerate(self.network["positions"]) if p["choice"]]
        alphas = [
            torch.zeros(len(self.positions[i]), device=self.x.device, requires_grad=True)
            for i in decided
        ]
        costs = [
            0.1 * torch.arange(1, len(a) + 1, device=self.x.device, dtype=torch.float32)
            for a in alphas
        ]
        fused = {"fused": True, "capturable": True} if self.x.is_cuda else {"foreach": True}
        adam = torch.optim.Adam(alphas, 1e-9, betas=(0.0, 0.999), **fused)

        def step():
            entered, outputs = [], []
            y = self.x
            for i, module in enumerate(self.path):
                if self.network["positions"][i]["choice"]:
                    entered.append(y)
                    y = module(y)
                    y = y.detach().requires_grad_() if not outputs else y.view_as(y)
                    outputs.append(y)
                else:
                    y = module(y)
            gradients = torch.autograd.grad(self.loss(y, 0), outputs)
            with torch.no_grad():
                for n, i in enumerate(decided):
                    products = []
                    active = self.network["positions"][i]["active"]
                    for j, candidate in enumerate(self.positions[i]):
                        out = outputs[n] if j == active else candidate(entered[n])
                        products.append((out.detach() * gradients[n]).sum())
                    q = torch.softmax(alphas[n], 0)
                    slope = torch.stack(products) + costs[n]
                    alphas[n].grad = q * (slope - (q * slope).sum())
            adam.step()

        return step

    def averaged_step(self, rematerialised):
        torch = self.torch
        from torch.utils.checkpoint import checkpoint

        parameters = list(self.positions.parameters())

        def step():
            for parameter in parameters:
                parameter.grad = None
            y = self.x.detach().requires_grad_()
            for position, candidates in zip(self.network["positions"], self.positions):
                if not position["choice"]:
                    y = candidates[0](y)
                    continue
                outs = [
                    checkpoint(c, y, use_reentrant=False) if rematerialised else c(y)
                    for c in candidates
                ]
                total = outs[0]
                for out in outs[1:]:
                    total = total + out
                y = total * (1 / len(outs))
            self.loss(y, 0.1).backward()

        return step

    def step(self, name):
        if name == "weight":
            return self.weight_step()
        if name == "architecture":
            return self.architecture_step()
        return self.averaged_step(name.endswith("rematerialized"))


def captured(torch, step):
    """The step as one CUDA graph."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def steps(torch, device, entries, quick, compiled):
    results = []
    modes = ["eager", "channels_last"] + (["graph"] if device == "cuda" else [])
    if compiled:
        modes.append("compile")
    for entry in entries:
        result = {key: entry[key] for key in ("space", "step", "batch")}
        result["modes"] = {}
        for mode in modes:
            try:
                if device == "cuda":
                    torch.cuda.empty_cache()
                    torch.cuda.reset_peak_memory_stats()
                supernet = Supernet(torch, entry, device, mode != "eager")
                step = supernet.step(entry["step"])
                if mode == "graph":
                    step = captured(torch, step)
                elif mode == "compile":
                    step = torch.compile(step)
                ms = timed(torch, device, step, quick)
                peak = torch.cuda.max_memory_allocated() if device == "cuda" else 0
                result["modes"][mode] = {"ms": ms, "peakBytes": peak}
            except Exception as error:  # what one mode cannot do the others may
                result["modes"][mode] = {"error": str(error).splitlines()[0][:200]}
            finally:
                supernet = step = None
        results.append(result)
        print("peers: %(space)s %(step)s %(batch)d" % result, file=sys.stderr)
    return results


# ---- commands


def run(arguments):
    import torch

    device = arguments.device
    if device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("peers: PyTorch sees no CUDA device")
    torch.backends.cuda.matmul.allow_tf32 = arguments.tf32
    torch.backends.cudnn.allow_tf32 = arguments.tf32
    torch.backends.cudnn.benchmark = True
    with open(arguments.ours) as file:
        ours = json.load(file)
    quick = ours.get("quick", False)
    found = ours.get("steps", [])
    report = {
        "format": "sextant-peers/1",
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
        "device": torch.cuda.get_device_name() if device == "cuda" else platform.processor(),
        "tf32": arguments.tf32,
        "kernels": kernels(torch, device, quick),
    }
    write(arguments.peer, report)
    report["steps"] = steps(
        torch, device, found if isinstance(found, list) else [], quick, arguments.compile
    )
    write(arguments.peer, report)


def write(path, report):
    with open(path, "w") as file:
        json.dump(report, file, indent=1)


def table(arguments):
    with open(arguments.ours) as file:
        ours = json.load(file)
    with open(arguments.peer) as file:
        peer = json.load(file)
    print("%s; PyTorch %s, TF32 %s" % (ours["description"], peer["torch"], peer["tf32"]))
    if ours.get("quick"):
        print("quick: tiny operands, each once; the times say nothing of speed")
    print("\n%-44s%12s%12s%8s%10s" % ("kernel", "ours ms", "peer ms", "ratio", "of copy"))
    for entry in ours.get("kernels", []):
        theirs = peer["kernels"].get(entry["work"])
        print(
            "%-44s%12.4f%12s%8s%9.1f%%"
            % (
                entry["work"],
                entry["ms"],
                "" if theirs is None else "%.4f" % theirs,
                "" if theirs is None else "%.2f" % (theirs / entry["ms"]),
                100 * entry["shareOfCopy"],
            )
        )
    print(
        "\n%-20s%-32s%6s%11s%11s%8s %-14s%12s%12s"
        % ("space", "step", "batch", "ours ms", "peer ms", "ratio", "peer", "ours MiB", "peer MiB")
    )
    theirs = {(s["space"], s["step"], s["batch"]): s["modes"] for s in peer.get("steps", [])}
    for entry in ours.get("steps", []):
        modes = theirs.get((entry["space"], entry["step"], entry["batch"]), {})
        good = {name: mode for name, mode in modes.items() if "ms" in mode}
        if not good:
            print("%-20s%-32s no peer: %s" % (entry["space"], entry["step"], modes))
            continue
        best = min(good, key=lambda name: good[name]["ms"])
        # A graph's memory is a pool of its own: eager says what a step holds.
        peak = good.get("channels_last", good[best])["peakBytes"]
        print(
            "%-20s%-32s%6d%11.3f%11.3f%8.2f %-14s%12.1f%12.1f"
            % (
                entry["space"],
                entry["step"],
                entry["batch"],
                entry["ms"],
                good[best]["ms"],
                good[best]["ms"] / entry["ms"],
                best,
                entry["peakBytes"] / 2**20,
                peak / 2**20,
            )
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("run", "table"):
        command = commands.add_parser(name)
        command.add_argument("ours")
        command.add_argument("peer")
        if name == "run":
            command.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
            command.add_argument("--compile", action="store_true")
            command.add_argument("--tf32", action="store_true")
    arguments = parser.parse_args()
    (run if arguments.command == "run" else table)(arguments)


if __name__ == "__main__":
    main()
