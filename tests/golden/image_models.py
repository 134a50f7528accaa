"""fqt's image models in PyTorch: torchvision's where it has them, else written out under fqt's names.

Their weights are too many to store. Both sides make them, and the images, from a formula in whole numbers, and of
gradients and of what training changes the file holds figures that no wrong tensor shares: see `figures`.
PyTorch's side runs in float64: what is compared is float32 against the truth, not two roundings of it.

A value within a rounding error of a ReLU's kink makes its gradient a matter of luck, in PyTorch's float32 as in ours:
one element of a small map is then right or wrong by all of its share, some 1e-3 of a gradient. Nets of few activations
have none such at these weights. In the others the beta of norms lies about 3 instead of 0, which leaves a value in a
thousand to be cut off; what a ReLU does to the rest is for the small models and the single layers to show.
"""

import numpy
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

SAMPLES = 4
STEPS = 5
MOMENTUM = 0.9
CLASSES = 10


def mix(x):
    """A hash of 32 bits (C. Wellons, "Prospecting for hash functions", 2018: lowbias32)."""
    x = (x ^ (x >> 16)) * numpy.uint32(0x7FEB352D)
    x = (x ^ (x >> 15)) * numpy.uint32(0x846CA68B)
    return x ^ (x >> 16)


def hashes(stream, count):
    with numpy.errstate(over="ignore"):
        return mix(numpy.arange(count, dtype=numpy.uint32) + mix(numpy.full(1, stream, numpy.uint32)))


def units(stream, count):
    """Multiples of 2^-20 in [-1, 1), as float32."""
    return ((hashes(stream, count) >> 11).astype(numpy.float32) - numpy.float32(2**20)) * numpy.float32(2**-20)


def to_ours(tensor):
    """A parameter or its gradient, in fqt's order of axes."""
    orders = {4: (2, 3, 1, 0), 2: (1, 0), 1: (0,)}
    return tensor.permute(orders[tensor.dim()])


def to_theirs(tensor):
    orders = {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}
    return tensor.permute(orders[tensor.dim()])


def our_names(model):
    """fqt's name of each parameter: only those of norms differ."""
    names = {}
    for place, module in model.named_modules():
        for name, _ in module.named_parameters(recurse=False):
            ours = {"weight": "gamma", "bias": "beta"}[name] if isinstance(module, nn.BatchNorm2d) else name
            names[f"{place}.{name}"] = f"{place}.{ours}"
    return names


def start(name, parameter, beta):
    """Offset and scale of a parameter's values; weights start with the variance 2 / fan in."""
    if parameter.dim() > 1:
        fan_in = parameter[0].numel()
        return 0.0, (6 / fan_in) ** 0.5
    offsets = {"gamma": 1.0, "beta": beta}
    return offsets.get(name.rsplit(".", 1)[1], 0.0), 0.25


def figures(stream, tensor):
    """The largest value; the sum of squares; the sum of all values with signs from the hash, which a wrong order
    changes; a few values at places from the hash."""
    values = numpy.ascontiguousarray(to_ours(tensor.detach()).numpy()).ravel()
    signs = numpy.where(hashes(stream, values.size) & 1, 1.0, -1.0)
    places = hashes(stream, SAMPLES) % values.size
    return [abs(values).max(), (values**2).sum(), (values * signs).sum(), *values[places]]


def image_model_case(model, side, batch, beta, learning_rate):
    """
    x of the tensors above stays out: images, labels and weights come from `units`, stream n being that of parameter n
    and the stream behind the last parameter's that of images and labels.

      options     images, side, classes, learning rate
      start       [P, 2]: offset and scale of each parameter
      y           logits of the first step;  evaluated: those after training, by running statistics
      gradients   [P, 3 + SAMPLES]: figures of each gradient of the first step
      losses, changes   of five steps of SGD on the one batch; figures of what they add to each parameter
    """
    names = our_names(model)
    parameters = [(names[name], parameter) for name, parameter in model.named_parameters()]
    starts = []
    for number, (name, parameter) in enumerate(parameters):
        offset, scale = (numpy.float32(value) for value in start(name, parameter, beta))
        values = offset + scale * units(number, parameter.numel())
        shape = to_ours(parameter).shape
        parameter.data = to_theirs(torch.from_numpy(values).reshape(shape)).contiguous()
        starts.append([offset, scale])
    model.double()
    before = [parameter.detach().clone() for _, parameter in parameters]

    images = 2 * units(len(parameters), batch * side * side * 3).reshape(batch, side, side, 3)
    x = torch.from_numpy(images).double().permute(0, 3, 1, 2)
    labels = torch.from_numpy((hashes(len(parameters), batch) % CLASSES).astype(numpy.int64))
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate, momentum=MOMENTUM)
    losses, gradients = [], []
    for step in range(STEPS):
        optimizer.zero_grad()
        logits = model(x)
        loss = F.cross_entropy(logits, labels)
        loss.backward()
        if step == 0:
            y = logits
            gradients = [figures(number, parameter.grad) for number, (_, parameter) in enumerate(parameters)]
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.99 * losses[0], f"it does not learn: {losses}"
    changes = [figures(number, parameter - before[number]) for number, (_, parameter) in enumerate(parameters)]
    model.eval()
    return {
        "options": torch.tensor([batch, side, CLASSES, learning_rate]),
        "start": torch.tensor(starts),
        "y": y,
        "gradients": torch.tensor(gradients),
        "losses": torch.tensor(losses),
        "changes": torch.tensor(changes),
        "evaluated": model(x),
        "names": [name for name, _ in parameters],
    }


class ConvNorm(nn.Module):
    def __init__(self, channels_in, channels_out, kernel=3, stride=1, groups=1):
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(channels_out)

    def forward(self, x):
        return self.bn(self.conv(x))


class AlexNet(nn.Module):
    POOLED = (1, 2, 5)

    def __init__(self):
        super().__init__()
        channels = [3, 64, 192, 384, 256, 256]
        for i in range(1, 6):
            setattr(self, f"conv{i}", nn.Conv2d(channels[i - 1], channels[i], 3, padding=1, bias=False))
            setattr(self, f"bn{i}", nn.BatchNorm2d(channels[i]))
        self.fc1, self.fc2, self.head = nn.Linear(4096, 1024), nn.Linear(1024, 512), nn.Linear(512, CLASSES)

    def forward(self, x):
        for i in range(1, 6):
            x = F.relu(getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(x)))
            if i in self.POOLED:
                x = F.max_pool2d(x, 2)
        x = x.permute(0, 2, 3, 1).flatten(1)  # a pixel's channels lie together
        return self.head(F.relu(self.fc2(F.relu(self.fc1(x)))))


class Block(nn.Module):
    def __init__(self, channels_in, channels_out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels_out)
        self.shortcut = nn.Identity() if stride == 1 else ConvNorm(channels_in, channels_out, 1, stride)

    def forward(self, x):
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))) + self.shortcut(x))


class ResNet8(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = ConvNorm(3, 16)
        channels = 16
        for stage in range(3):
            block = Block(channels, 16 << stage, 2 if stage else 1)
            setattr(self, f"stage{stage + 1}", nn.ModuleDict({"block0": block}))
            channels = 16 << stage
        self.head = nn.Linear(64, CLASSES)

    def forward(self, x):
        x = F.relu(self.stem(x))
        for stage in (self.stage1, self.stage2, self.stage3):
            x = stage["block0"](x)
        return self.head(x.mean((2, 3)))


class Custom(nn.Module):
    """Layers of (resolution as a divisor, groups); the order is that of half the layers, and back."""

    def __init__(self, half):
        super().__init__()
        self.design = half + half[::-1]
        self.stem = ConvNorm(3, 64, stride=2)
        for i, (_, groups) in enumerate(self.design):
            setattr(self, f"layer{i + 1}", ConvNorm(64, 64, groups=groups))
        self.head = nn.Linear(64, CLASSES)

    def forward(self, x):
        x = F.relu(self.stem(x))
        side = x.shape[2]
        for i, (shrink, _) in enumerate(self.design):
            wanted = side // shrink
            if wanted < x.shape[2]:
                x = F.max_pool2d(x, x.shape[2] // wanted)
            if wanted > x.shape[2]:
                x = F.interpolate(x, scale_factor=wanted // x.shape[2], mode="nearest")
            x = F.relu(getattr(self, f"layer{i + 1}")(x))
        return self.head(x.mean((2, 3)))


def resnet(name):
    return getattr(torchvision.models, name)(num_classes=CLASSES)


def mobilenet_v2(width, side):
    model = torchvision.models.mobilenet_v2(num_classes=CLASSES, width_mult=width, dropout=0.0)
    if side < 64:  # neither the stem nor the second stage makes the image smaller
        model.features[0][0].stride = model.features[2].conv[1][0].stride = (1, 1)
    return model


def custom_a():
    return Custom([(1, 4), (1, 1), (1, 16), (1, 16), (1, 1), (1, 4)])


def custom_f():
    return Custom([(2, 1), (1, 1), (4, 1), (4, 1), (1, 1), (2, 1)])


def custom_d():
    return Custom([(1, 1)] * 6)


# name of the file: what builds the model, side and number of the images, where the beta of norms lies, learning rate
MODELS = {
    "alexnet": (AlexNet, 32, 4, 0.0, 5e-5),
    "resnet8": (ResNet8, 32, 8, 0.0, 5e-3),
    "resnet18": (lambda: resnet("resnet18"), 64, 4, 3.0, 2e-5),
    "resnet50": (lambda: resnet("resnet50"), 64, 4, 3.0, 2e-6),
    "mobilenet_v2": (lambda: mobilenet_v2(1.0, 32), 32, 2, 3.0, 5e-5),
    "mobilenet_v2_0.5": (lambda: mobilenet_v2(0.5, 32), 32, 2, 3.0, 5e-5),
    "mobilenet_v2_64": (lambda: mobilenet_v2(1.0, 64), 64, 4, 3.0, 5e-5),
    "mobilenet_v2_0.5_64": (lambda: mobilenet_v2(0.5, 64), 64, 4, 3.0, 5e-5),
    "custom_a": (custom_a, 32, 4, 3.0, 5e-4),
    "custom_f": (custom_f, 32, 4, 0.0, 5e-3),
    "custom_d": (custom_d, 32, 4, 3.0, 5e-4),
}


def write_torchvision_state(path):
    """Names and shapes of the state dictionaries that fqt's weights are exchanged with, a tensor a line."""
    with open(path, "w") as file:
        for model in ("resnet18", "resnet34", "resnet50", "mobilenet_v2"):
            for name, tensor in getattr(torchvision.models, model)().state_dict().items():
                if not name.endswith(".num_batches_tracked"):
                    print(model, name, *tensor.shape, file=file)
