#!/usr/bin/env python3
"""Writes the golden files of this folder: what PyTorch computes for the layers and models of fqt, in float32.

Run with a Python that has PyTorch and torchvision (Debian: python3-torch 1.13, python3-torchvision 0.14):  python3 make_golden.py [CASE...]
A case is a function that returns named tensors, under fqt's names and layouts, so that the test that reads them
(golden_test.cpp) knows nothing of PyTorch's:

  x          the input; tokens and labels are whole numbers in float32
  weight.N   the value of parameter N
  y          the output: of a layer, or the logits of a model
  dy         a layer's gradient of y;  labels: of a model, whose gradients are those of the cross-entropy loss
  grad_x, grad.N   the gradients
  losses, after.N  a model's losses in five training steps, and its parameters after them; x then is one batch a step

The cases of image models, and what their files hold, are in image_models.py.
"""

import json
import math
import os
import struct
import sys

import numpy
import torch
import torch.nn.functional as F
from torch import nn

import image_models

STEPS = 5
OPTIMIZER = dict(lr=0.01, betas=(0.9, 0.98), eps=1e-3)  # a gradient that is 0 but for rounding must not be scaled up
SMOOTHING = 0.1


def write_safetensors(path, tensors):
    metadata = {"torch": torch.__version__}
    if "names" in tensors:
        metadata["names"] = " ".join(tensors.pop("names"))
    header, data = {"__metadata__": metadata}, b""
    for name, tensor in tensors.items():
        values = numpy.ascontiguousarray(tensor.detach().numpy().astype("<f4")).tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


class Names:
    """Tensors of a torch module under fqt's names: rows of (fqt's name, a function of the module's named tensors)."""

    def __init__(self, rows):
        self.rows = rows

    def of(self, prefix, tensors):
        return {f"{prefix}.{name}": take(tensors).clone() for name, take in self.rows}


def values(module):
    return dict(module.named_parameters())


def grads(module):
    return {name: parameter.grad for name, parameter in module.named_parameters()}


def same(name):
    return lambda tensors: tensors[name]


def transposed(name):
    return lambda tensors: tensors[name].T


def linear(ours, theirs):
    return [(ours + ".weight", transposed(theirs + ".weight")), (ours + ".bias", same(theirs + ".bias"))]


def norm(ours, theirs):
    return [(ours + ".gamma", same(theirs + "weight")), (ours + ".beta", same(theirs + "bias"))]


def lstm(ours, layer, prefix=""):
    """PyTorch has two biases that are always added up; fqt's is their sum. The gradient of either is the sum's."""
    weight = [
        (f"{ours}.weight_ih", transposed(f"{prefix}weight_ih_l{layer}")),
        (f"{ours}.weight_hh", transposed(f"{prefix}weight_hh_l{layer}")),
    ]
    return weight + [(f"{ours}.bias", same(f"{prefix}bias_ih_l{layer}"))]


def attention(ours, theirs, width):
    """nn.MultiheadAttention holds the projections of q, k and v in one matrix."""
    rows = []
    for i, name in enumerate("qkv"):
        part = slice(i * width, (i + 1) * width)
        rows.append((f"{ours}.{name}.weight", lambda t, part=part: t[theirs + "in_proj_weight"][part].T))
        rows.append((f"{ours}.{name}.bias", lambda t, part=part: t[theirs + "in_proj_bias"][part]))
    return rows + linear(ours + ".out", theirs + "out_proj")


def randomize(module, scale=0.3):
    """Parameters of a size at which nothing saturates and nothing vanishes, biases and gains included."""
    for parameter in module.parameters():
        parameter.data = scale * torch.randn_like(parameter)
    for name, parameter in module.named_parameters():
        if "bias_hh" in name:  # fqt has one bias
            parameter.data.zero_()
            parameter.requires_grad = False


def future_mask(steps):
    return torch.triu(torch.ones(steps, steps, dtype=torch.bool), diagonal=1)


def layer_case(module, x, names, run=None):
    """A layer's output and gradients. `x` is a constant where it holds whole numbers."""
    randomize(module)
    x.requires_grad = x.is_floating_point()
    y = run(module, x) if run else module(x)
    dy = torch.randn_like(y)
    y.backward(dy)
    tensors = {"x": x, "y": y, "dy": dy}
    if x.requires_grad:
        tensors["grad_x"] = x.grad
    tensors.update(names.of("weight", values(module)))
    tensors.update(names.of("grad", grads(module)))
    return tensors


def model_case(module, tokens, words, names, run):
    """Logits and gradients of the first batch of [STEPS, B, T + 1] tokens, then training on each in turn."""
    randomize(module)
    tensors = {"x": tokens[:, :, :-1].float(), "labels": tokens[:, :, 1:].float()}
    tensors.update(names.of("weight", values(module)))
    optimizer = torch.optim.Adam([p for p in module.parameters() if p.requires_grad], **OPTIMIZER)
    losses = []
    for step in range(STEPS):
        optimizer.zero_grad()
        logits = run(module, tokens[step, :, :-1]).reshape(-1, words)
        loss = F.cross_entropy(logits, tokens[step, :, 1:].reshape(-1), label_smoothing=SMOOTHING)
        loss.backward()
        if step == 0:
            tensors["y"] = logits
            tensors.update(names.of("grad", grads(module)))
        optimizer.step()
        losses.append(loss.item())
    tensors["losses"] = torch.tensor(losses)
    tensors.update(names.of("after", values(module)))
    return tensors


def nhwc(x):
    return x.permute(0, 2, 3, 1)


def nchw(x):
    return x.permute(0, 3, 1, 2)


def image_case(module, shape, names=Names([]), scale=1.0):
    """A layer of images; x, y and their gradients are [N, H, W, C]."""
    return layer_case(module, scale * torch.randn(shape), names, lambda m, x: nhwc(m(nchw(x))))


def conv(channels_in, channels_out, kernel, stride, shape, groups=1):
    module = nn.Conv2d(channels_in, channels_out, kernel, stride, kernel // 2, groups=groups, bias=False)
    names = Names([("conv.weight", lambda tensors: tensors["weight"].permute(2, 3, 1, 0))])
    return image_case(module, shape + [channels_in], names)


def conv_3x3():
    return conv(3, 4, 3, 1, [2, 4, 3])


def conv_3x3_stride_2():
    return conv(3, 4, 3, 2, [2, 5, 4])


def conv_1x1():
    return conv(3, 5, 1, 1, [2, 3, 2])


def conv_7x7_stride_2():
    return conv(1, 3, 7, 2, [2, 9, 8])


def conv_grouped():
    return conv(4, 6, 3, 1, [2, 4, 3], groups=2)


def conv_depthwise():
    return conv(4, 4, 3, 2, [2, 5, 4], groups=4)


def fully_connected():
    names = Names([("fc.weight", transposed("weight")), ("fc.bias", same("bias"))])
    return layer_case(nn.Linear(9, 7), torch.randn(4, 9), names)


def batch_norm_case(relu=False, add=False, training=True):
    """before.N and after.N: the running statistics; residual: what is added, where anything is."""
    module = nn.BatchNorm2d(3)
    randomize(module)
    module.running_mean.copy_(torch.randn(3))
    module.running_var.copy_(torch.rand(3) + 0.5)
    module.train(training)
    statistics = Names([("norm.running_mean", same("running_mean")), ("norm.running_var", same("running_var"))])
    tensors = statistics.of("before", dict(module.named_buffers()))
    x, residual = (torch.randn(2, 4, 3, 3).mul(2).add(1).requires_grad_() for _ in range(2))
    y = nhwc(module(nchw(x))) + (residual if add else 0)
    y = y.relu() if relu else y
    dy = torch.randn_like(y)
    y.backward(dy)
    names = Names(norm("norm", ""))
    tensors.update({"x": x, "residual": residual, "y": y, "dy": dy, "grad_x": x.grad})
    if add:
        tensors["grad_residual"] = residual.grad
    tensors.update(names.of("weight", values(module)))
    tensors.update(names.of("grad", grads(module)))
    tensors.update(statistics.of("after", dict(module.named_buffers())))
    return tensors


def batch_norm():
    return batch_norm_case()


def batch_norm_relu():
    return batch_norm_case(relu=True)


def batch_norm_add_relu():
    return batch_norm_case(relu=True, add=True)


def batch_norm_evaluated():
    return batch_norm_case(training=False)


def batch_norm_add_relu_evaluated():
    return batch_norm_case(relu=True, add=True, training=False)


def max_pool():
    return image_case(nn.MaxPool2d(3, 2, 1), [2, 5, 4, 3])


def global_avg_pool():
    return layer_case(nn.Identity(), torch.randn(2, 3, 4, 5), Names([]), lambda m, x: x.mean((1, 2)))


def relu6():
    return image_case(nn.ReLU6(), [2, 4, 5, 3], scale=4.0)


def upsample():
    return image_case(nn.Upsample(scale_factor=2, mode="nearest"), [2, 2, 3, 3])


def layer_norm():
    return layer_case(nn.LayerNorm(24), torch.randn(3, 5, 24), Names(norm("norm", "")))


def embedding():
    tokens = torch.tensor([[3, 0, 3, 7], [6, 3, 2, 0]])
    return layer_case(nn.Embedding(9, 5), tokens, Names([("embedding.weight", same("weight"))]))


def lstm_layer():
    return layer_case(nn.LSTM(6, 8, batch_first=True), torch.randn(3, 7, 6), Names(lstm("lstm", 0)), lambda m, x: m(x)[0])


def causal_attention():
    module = nn.MultiheadAttention(12, 3, batch_first=True)
    run = lambda m, x: m(x, x, x, attn_mask=future_mask(7), need_weights=False)[0]
    return layer_case(module, torch.randn(2, 7, 12), Names(attention("attention", "", 12)), run)


def cross_entropy():
    x = (3 * torch.randn(6, 7)).requires_grad_()
    labels = torch.tensor([0, 6, 3, 3, 1, 5])
    y = F.cross_entropy(x, labels, label_smoothing=SMOOTHING)
    y.backward()
    return {"x": x, "labels": labels.float(), "y": y, "grad_x": x.grad}


class LstmLm(nn.Module):
    def __init__(self, words, hidden, depth):
        super().__init__()
        self.embedding = nn.Embedding(words, hidden)
        self.lstm = nn.LSTM(hidden, hidden, depth, batch_first=True)
        self.head = nn.Linear(hidden, words)
        self.state = None

    def forward(self, tokens):
        y, state = self.lstm(self.embedding(tokens), self.state)
        self.state = tuple(part.detach() for part in state)
        return self.head(y)


def lstm_lm():
    rows = [("embedding.weight", same("embedding.weight"))]
    for layer in range(2):
        rows += lstm(f"lstm.layer{layer}", layer, "lstm.")
    names = Names(rows + linear("head", "head"))
    return model_case(LstmLm(11, 8, 2), torch.randint(11, (STEPS, 3, 7)), 11, names, lambda m, tokens: m(tokens))


class TransformerLm(nn.Module):
    def __init__(self, words, width, heads, inner, depth, steps, positions, activation):
        super().__init__()
        self.embedding = nn.Embedding(words, width)
        self.positions = nn.Embedding(steps, width) if positions == "learned" else None
        block = lambda: nn.TransformerEncoderLayer(
            width, heads, inner, dropout=0.0, activation=activation, batch_first=True, norm_first=True
        )
        self.blocks = nn.ModuleList(block() for _ in range(depth))
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens):
        x, steps = self.embedding(tokens), tokens.shape[1]
        if self.positions:
            x = x + self.positions.weight[:steps]
        else:
            width = x.shape[2]
            angle = torch.arange(steps)[:, None] / 10000 ** (torch.arange(0, width, 2) / width)
            x = x * math.sqrt(width) + torch.stack([angle.sin(), angle.cos()], 2).reshape(steps, width)
        for block in self.blocks:
            x = block(x, src_mask=future_mask(steps))
        return self.norm(x) @ self.embedding.weight.T


def transformer(positions, activation):
    rows = [("embedding.weight", same("embedding.weight"))]
    if positions == "learned":
        rows.append(("positions.weight", same("positions.weight")))
    for i in range(2):
        ours, theirs = f"block{i}", f"blocks.{i}."
        rows += norm(ours + ".norm1", theirs + "norm1.")
        rows += attention(ours + ".attention", theirs + "self_attn.", 12)
        rows += norm(ours + ".norm2", theirs + "norm2.")
        rows += linear(ours + ".linear1", theirs + "linear1") + linear(ours + ".linear2", theirs + "linear2")
    names = Names(rows + norm("norm", "norm."))
    model = TransformerLm(11, 12, 3, 16, 2, 6, positions, activation)
    return model_case(model, torch.randint(11, (STEPS, 3, 7)), 11, names, lambda m, tokens: m(tokens))


def transformer_lm():
    return transformer("learned", "relu")


def transformer_lm_sinusoidal():
    return transformer("sinusoidal", "gelu")


def optimizer_case(make, clip=None):
    """x: the gradients of five steps; after.w: the parameter after them."""
    w = nn.Parameter(torch.randn(40))
    gradients, start = torch.randn(STEPS, 40), w.detach().clone()
    optimizer = make([w])
    for gradient in gradients:
        w.grad = gradient.clone()
        if clip:
            torch.nn.utils.clip_grad_norm_([w], clip)
        optimizer.step()
    return {"x": gradients, "weight.w": start, "after.w": w}


def sgd():
    return optimizer_case(lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=0.01))


def adam():
    return optimizer_case(lambda p: torch.optim.Adam(p, lr=0.05, betas=(0.8, 0.98), eps=1e-6, weight_decay=0.01))


def adamw():
    return optimizer_case(lambda p: torch.optim.AdamW(p, lr=0.05, betas=(0.8, 0.98), eps=1e-6, weight_decay=0.01))


def sgd_clipped():
    return optimizer_case(lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9), clip=2.0)


CASES = [
    conv_3x3,
    conv_3x3_stride_2,
    conv_1x1,
    conv_7x7_stride_2,
    conv_grouped,
    conv_depthwise,
    fully_connected,
    batch_norm,
    batch_norm_relu,
    batch_norm_add_relu,
    batch_norm_evaluated,
    batch_norm_add_relu_evaluated,
    max_pool,
    global_avg_pool,
    relu6,
    upsample,
    layer_norm,
    embedding,
    lstm_layer,
    causal_attention,
    cross_entropy,
    lstm_lm,
    transformer_lm,
    transformer_lm_sinusoidal,
    sgd,
    adam,
    adamw,
    sgd_clipped,
]


def main():
    torch.set_num_threads(1)
    folder = os.path.dirname(os.path.abspath(__file__))
    cases = {case.__name__: case for case in CASES}
    for name, row in image_models.MODELS.items():
        cases[name] = lambda row=row: image_models.image_model_case(row[0](), *row[1:])
    for name, case in cases.items():
        if len(sys.argv) > 1 and name not in sys.argv[1:]:
            continue
        torch.manual_seed(1)  # a case's tensors do not depend on the others
        write_safetensors(os.path.join(folder, name + ".safetensors"), case())
    image_models.write_torchvision_state(os.path.join(folder, "torchvision_state.txt"))


if __name__ == "__main__":
    main()
