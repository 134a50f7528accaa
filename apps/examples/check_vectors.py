#!/usr/bin/env python3
"""Checks the test vectors that `fqt vectors -o DIR` wrote, with NumPy alone.

    python3 check_vectors.py DIR

Everything is computed here again from docs/quantization.md (the formulas) and docs/vectors.md (the keys); none of it
is taken from fqt's own code. Exits 0 where all agree, 1 where something does not, 2 where DIR cannot be read.
"""

import functools
import itertools
import json
import os
import sys

import numpy as np

F32, F64 = np.float32, np.float64
LEAST_SCALE = F32(2.0**-126)


# How values are written.


def floats(bits):
    """float32 values from hexadecimal digits: a text or a list of them."""
    return np.array([int(b, 16) for b in np.ravel(bits)], np.uint32).view(F32).reshape(np.shape(bits))


def bits_of(values):
    return [f"{b:08x}" for b in np.ravel(np.asarray(values, F32)).view(np.uint32)]


def decimals(case):
    """Wherever a float is there as decimals and as bits: (key, the bits of the decimals, the bits)."""
    parts = case.items() if isinstance(case, dict) else enumerate(case)
    for key, value in parts:
        if isinstance(case, dict) and key + "_bits" in case:
            bits = case[key + "_bits"]
            yield f"{key} as decimals", bits_of(np.array(value, F64).astype(F32)), np.ravel(bits).tolist()
        elif isinstance(value, (dict, list)):
            yield from decimals(value)


# Section 1: grids.


class Grid:
    def __init__(self, scale, zero, top):
        self.scale, self.zero, self.top = F32(scale), int(zero), top  # top: L, the highest level
        self.centre = (top + 1) // 2

    @property
    def zero_point(self):
        return self.zero - self.centre

    def decode(self, codes):
        return self.scale * (np.asarray(codes) - self.zero_point).astype(F32)


def least_float32(steps, end):
    """The least float32 t with t * steps >= end. A float32 has 24 bits and steps 16: the products here are exact."""
    t = F32(end / steps)
    while F64(t) * steps >= end:
        t = np.nextafter(t, F32(-np.inf))
    while F64(t) * steps < end:
        t = np.nextafter(t, F32(np.inf))
    return t


def symmetric(low, high, bits):
    half = 2 ** (bits - 1) - 1
    largest = max(abs(F32(low)), abs(F32(high)))
    if largest == 0:
        scale = F32(1)
    elif low == high:
        scale = largest
    else:
        scale = max(least_float32(half, F64(largest)), LEAST_SCALE)
    return Grid(scale, half, 2 * half)


def affine(low, high, bits):
    top = 2**bits - 1
    if low == high:
        return Grid(abs(F32(low)) if low != 0 else 1, 1 if low < 0 else 0, top)
    low, high = min(F64(low), 0.0), max(F64(high), 0.0)
    scale = max(F32((high - low) / top), LEAST_SCALE)
    zero = int(np.rint(-low / F64(scale)))
    zero = max(zero, 1 if low < 0 else 0)
    zero = min(zero, top - 1 if high > 0 else top)
    if low < 0:
        scale = max(scale, least_float32(zero, -low))
    if high > 0:
        scale = max(scale, least_float32(top - zero, high))
    return Grid(scale, zero, top)


FORMATS = {"symmetric": symmetric, "affine": affine}


# Section 2: rounding.


def nearest(v, words):
    return np.rint(v)


def nearest_away(v, words):
    whole = np.trunc(v)
    return whole + np.where(np.abs(v - whole) >= F32(0.5), np.sign(v), F32(0))


def toward_zero(v, words):
    return np.trunc(v)


def stochastic(v, words):
    floor = np.floor(v)
    fraction = v - floor
    return floor + (words.astype(F32) + F32(0.5) < F32(65536) * fraction)


ROUNDINGS = {f.__name__: f for f in (nearest, nearest_away, toward_zero, stochastic)}


def codes_of(values, grid, rounding, words):
    ratio = np.asarray(values, F32) / grid.scale
    v = np.minimum(np.maximum(ratio, F32(-grid.zero)), F32(grid.top - grid.zero))
    assert v.dtype == F32
    return (grid.zero + ROUNDINGS[rounding](v, words)).astype(np.int64) - grid.centre


def philox(seed, stream, first_block, blocks):
    """The 16-bit words of `blocks` blocks."""
    low, high = np.uint64(0xFFFFFFFF), np.uint64(32)
    block = np.uint64(first_block) + np.arange(blocks, dtype=np.uint64)
    c0, c1 = block & low, block >> high
    c2 = np.full(blocks, stream & 0xFFFFFFFF, np.uint64)
    c3 = np.full(blocks, stream >> 32, np.uint64)
    k0, k1 = seed & 0xFFFFFFFF, seed >> 32
    for _ in range(10):
        p, q = np.uint64(0xCD9E8D57) * c2, np.uint64(0xD2511F53) * c0
        c0, c1, c2, c3 = (p >> high) ^ c1 ^ np.uint64(k0), p & low, (q >> high) ^ c3 ^ np.uint64(k1), q & low
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    numbers = np.stack([c0, c1, c2, c3], axis=1)
    return np.stack([numbers & np.uint64(0xFFFF), numbers >> np.uint64(16)], axis=2).ravel().astype(np.uint16)


def words_of_elements(seed, count):
    return philox(seed, 0, 0, (count + 7) // 8)[:count]


# Section 3: ranges. An estimator takes values of any shape.


def extremes(x, **_):
    return (x.min() + F32(0), x.max() + F32(0)) if x.size else (F32(0), F32(0))  # + 0: -0 becomes 0


def sample_mean(x, **_):
    samples = x.reshape(x.shape[0] if x.ndim > 1 else 1, -1)
    low = high = F64(0)
    for sample in samples:
        low, high = low + F64(sample.min()), high + F64(sample.max())
    return F32(low / len(samples)) + F32(0), F32(high / len(samples)) + F32(0)


def percentile(x, percentile, **_):
    ordered = np.sort(x.ravel())
    t = int((100 - F64(percentile)) * (x.size - 1) / 200)
    return ordered[t] + F32(0), ordered[x.size - 1 - t] + F32(0)


def mse(x, format, bits, **_):
    low, high = extremes(x)
    if low == high:
        return low, high
    step = (F64(high) - F64(low)) / 2048
    x = x[x != 0].astype(F64)
    counts = np.bincount(np.minimum(np.floor((x - F64(low)) / step), 2047).astype(int), minlength=2048).astype(F64)
    centres = F64(low) + (np.arange(2048) + 0.5) * step
    best = None
    for k in range(64, 0, -1):
        share = F32(k / 64)
        ends = F32(low * share), F32(high * share)
        grid = FORMATS[format](*ends, bits)
        scale = F64(grid.scale)
        d = centres - scale * np.rint(np.clip(centres / scale, -grid.zero, grid.top - grid.zero))
        error = np.cumsum((counts * d) * d)[-1]  # one addition after the other
        if best is None or error < best[0]:
            best = error, ends
    return best[1]


RANGES = {f.__name__: f for f in (extremes, sample_mean, percentile, mse)}


# The files, and sections 5 and 6. Each check yields (what, as computed here, as the file has it).


def check_grid(case, format):
    low, high, values = (floats(case[key + "_bits"]) for key in ("low", "high", "values"))
    grid = FORMATS[format](low, high, case["bits"])
    yield "scale", bits_of(grid.scale), [case["scale_bits"]]
    yield "zero_point", grid.zero_point, case["zero_point"]
    words = np.array(case["words"], np.uint16)
    yield "roundings", sorted(case["results"]), sorted(ROUNDINGS)
    for rounding, result in case["results"].items():
        codes = codes_of(values, grid, rounding, words)
        yield rounding + " codes", codes.tolist(), result["codes"]
        yield rounding + " decoded", bits_of(grid.decode(codes)), result["decoded_bits"]


def check_ranges(case):
    values = floats(case["values_bits"]).reshape(case["shape"])
    for estimate in case["estimates"]:
        low, high = RANGES[estimate["range"]](values, **{k: v for k, v in estimate.items() if k != "range"})
        what = " ".join(str(estimate[k]) for k in ("range", "percentile", "format", "bits") if k in estimate)
        yield what, bits_of([low, high]), [estimate["low_bits"], estimate["high_bits"]]


def check_running_range(case):
    momentum, running = floats(case["momentum_bits"]), (F32(0), F32(0))
    for i, batch in enumerate(zip(floats(case["low_bits"]), floats(case["high_bits"]))):
        if running == (0, 0):
            running = batch
        else:
            running = tuple(momentum * r + (F32(1) - momentum) * b for r, b in zip(running, batch))
        yield f"step {i}", bits_of(running), [case["running_low_bits"][i], case["running_high_bits"][i]]


def check_tensor(case):
    values = floats(case["values_bits"]).reshape(case["shape"])
    words = words_of_elements(case["seed"], values.size).reshape(values.shape)
    pieces = [np.index_exp[...]]
    if case["per_channel"] and values.ndim > 0:
        pieces = [np.index_exp[..., c] for c in range(values.shape[-1])]
    grids, codes, decoded = [], np.zeros(values.shape, np.int64), np.zeros(values.shape, F32)
    for piece in pieces:
        x = values[piece]
        samples = x.reshape(1, -1) if case["per_channel"] else x  # a channel is one sample
        estimate = RANGES[case["range"]] if x.size else extremes
        low, high = estimate(samples, percentile=case["percentile"], format=case["format"], bits=case["bits"])
        grid = FORMATS[case["format"]](low, high, case["bits"])
        grids.append(grid)
        codes[piece] = codes_of(x, grid, case["rounding"], words[piece])
        decoded[piece] = grid.decode(codes[piece])
    yield "scale", bits_of([grid.scale for grid in grids]), case["scale_bits"]
    yield "zero_point", [grid.zero_point for grid in grids], case["zero_point"]
    yield "codes", codes.ravel().tolist(), case["codes"]
    yield "decoded", bits_of(decoded), case["decoded_bits"]


def check_philox(case):
    seed, stream, block = (int(case[key], 16) for key in ("seed", "stream", "first_block"))
    yield "words", philox(seed, stream, block, len(case["words"]) // 8).tolist(), case["words"]


def differences(operand):
    """code - zero point, for a product."""
    codes = np.array(operand["codes"], np.int64).reshape(operand["shape"])
    half = 2 ** (operand["bits"] - 1)
    assert -half <= codes.min() and codes.max() < half
    return codes - np.array(operand["zero_point"], np.int64)  # one for each column where per channel


def check_product(case):
    sums = differences(case["lhs"]) @ differences(case["rhs"])
    yield "sums", sums.ravel().tolist(), case["sums"]
    scales = floats(case["lhs"]["scale_bits"]).astype(F64) * floats(case["rhs"]["scale_bits"]).astype(F64)
    yield "result", bits_of((sums.astype(F64) * scales).astype(F32)), case["result_bits"]


def check_accumulator(case):
    half, overflows = 2 ** (case["accumulator_bits"] - 1), 0

    def add(accumulator, term):
        nonlocal overflows
        total = accumulator + term
        if -half <= total < half:
            return total
        overflows += 1
        if case["accumulator_overflow"] == "saturate":
            return half - 1 if total > 0 else -half
        return (total + half) % (2 * half) - half

    def held(terms):
        if case["accumulator_chunk"] == 0:
            return functools.reduce(add, terms, 0)
        chunks = range(0, len(terms), case["accumulator_chunk"])
        runs = (functools.reduce(add, terms[k : k + case["accumulator_chunk"]], 0) for k in chunks)
        return functools.reduce(add, runs, 0)

    assert case["accumulator_overflow"] in ("wrap", "saturate")
    lhs, rhs = differences(case["lhs"]), differences(case["rhs"])
    sums = [held((row * column).tolist()) for row in lhs for column in rhs.T]  # whole numbers of Python
    yield "sums", sums, case["sums"]
    yield "overflows", overflows, case["overflows"]


CHECKS = {
    "ranges.json": check_ranges,
    "running_range.json": check_running_range,
    "tensors.json": check_tensor,
    "philox.json": check_philox,
    "products.json": check_product,
    "accumulators.json": check_accumulator,
}
for _name in FORMATS:
    CHECKS[f"quantize_{_name}.json"] = lambda case, name=_name: check_grid(case, name)


def first_difference(computed, expected):
    """Where two results differ, for a person to read."""
    if isinstance(computed, list) and isinstance(expected, list) and len(computed) == len(expected):
        at = next(i for i in range(len(computed)) if computed[i] != expected[i])
        return f"[{at}]: computed {computed[at]}, the file has {expected[at]}"
    return f": computed {computed}, the file has {expected}"


def load(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return json.load(file)


def main(folder):
    files_wrong = 0
    index = load(folder, "index.json")
    missing = sorted(set(CHECKS) - {entry["name"] for entry in index["files"]})
    if missing:
        print(f"{folder}: index.json does not list {', '.join(missing)}", file=sys.stderr)
        return 1
    if index["version"] != 1:
        print(f"{folder}: version {index['version']} of the vectors, expected 1", file=sys.stderr)
        return 2
    for entry in index["files"]:
        name = entry["name"]
        if name not in CHECKS:
            print(f"{name:<26} not checked: this script does not know it")
            continue
        cases = load(folder, name)["cases"]
        results = agree = 0
        first = None
        for number, case in enumerate(cases):
            for what, computed, expected in itertools.chain(decimals(case), CHECKS[name](case)):
                results += 1
                agree += computed == expected
                if computed != expected and first is None:
                    first = f"case {number}, {what}{first_difference(computed, expected)}"
        print(f"{name:<26} {len(cases):>4} cases, {agree:>5} of {results:>5} agree")
        if len(cases) != entry["cases"]:
            first = f"{len(cases)} cases, but index.json says {entry['cases']}"
        if first is not None:
            print("  " + first)
            files_wrong += 1
    return 1 if files_wrong else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # ratios beyond float32, ends of grids wider than it
            sys.exit(main(sys.argv[1]))
    except (ValueError, KeyError) as error:
        print(f"{sys.argv[1]}: this is not what `fqt vectors` writes: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        print(f"{error.filename}: {error.strerror}; write vectors with `fqt vectors -o DIR`", file=sys.stderr)
        sys.exit(2)
