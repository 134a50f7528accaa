#!/usr/bin/env python3
"""Times training steps of fqt's models and writes a table of medians and spread, as Markdown.

    scripts/bench.py [--program build/release/fqt] [--rounds 3] [--repeats 5] [--models resnet20,lstm_lm]
                     [--pytorch torch_step.py] [--out table.md]

With --pytorch, a script that prints {"ms_median": ...} for `--threads N --steps R MODEL` runs in turn with fqt, model by
model and round by round, so that what else the machine does meets both sides alike.
"""
import argparse
import json
import statistics
import subprocess
import sys

# PyTorch's side has neither dropout nor clipping.
PLAIN = ["--set", "layers.dropout=0", "--set", "train.clip=0"]
# model of fqt, flags, plans, the script's name of the same step
STEPS = [
    ("resnet20", ["--batch", "128", *PLAIN], ["U:6", "fp32"], "resnet20"),
    ("alexnet", ["--batch", "128", *PLAIN], ["U:6", "fp32"], "alexnet"),
    ("mobilenet_v2", ["--batch", "64", *PLAIN], ["U:6", "fp32"], "mobilenet_v2"),
    ("resnet50", ["--batch", "8", "--set", "images.side=224", *PLAIN], ["U:6", "fp32"], "resnet50_224"),
    ("lstm_lm", ["--batch", "20", *PLAIN], ["U:7", "fp32"], "lstm"),
    ("transformer_lm", ["--batch", "8", *PLAIN], ["U:7", "fp32"], "transformer"),
]


def run_json(command):
    try:
        result = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    except OSError as error:
        sys.exit(f"bench: {command[0]}: {error.strerror}")
    if result.returncode != 0:
        sys.exit(f"bench: {' '.join(command)} ended with {result.returncode}")
    return json.loads(result.stdout.strip().splitlines()[-1])


def spread(values):
    low, high = min(values), max(values)
    return f"{statistics.median(values):.0f} ({low:.0f} - {high:.0f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="build/release/fqt")
    parser.add_argument("--pytorch", metavar="SCRIPT")
    parser.add_argument("--models", help="only these, with commas between them")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=5, help="steps a round")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", help="file for the table; it is printed in any case")
    args = parser.parse_args()
    wanted = [name for name in args.models.split(",") if name] if args.models else [step[0] for step in STEPS]
    unknown = set(wanted) - {step[0] for step in STEPS}
    if unknown:
        sys.exit(f"bench: no such model: {', '.join(sorted(unknown))}; there are {', '.join(s[0] for s in STEPS)}")

    times = {}
    isa = ""
    for number in range(args.rounds):
        for model, flags, plans, peer in STEPS:
            if model not in wanted:
                continue
            for plan in plans:
                print(f"round {number + 1}/{args.rounds}: {model} {plan}", file=sys.stderr)
                report = run_json([args.program, "bench", "step", model, "--plan", plan, "--threads", str(args.threads),
                                   "--repeats", str(args.repeats), "--json", *flags])
                isa = report["isa"]
                times.setdefault((model, plan), []).append(report["ms_median"])
            if args.pytorch:
                print(f"round {number + 1}/{args.rounds}: {model} in PyTorch", file=sys.stderr)
                report = run_json([sys.executable, args.pytorch, "--threads", str(args.threads), "--steps",
                                   str(args.repeats), peer])
                times.setdefault((model, "PyTorch"), []).append(report["ms_median"])

    threads = "1 thread" if args.threads == 1 else f"{args.threads} threads"
    lines = [f"ms a step: median of {args.rounds} rounds of {args.repeats} steps (least and most), {threads}, {isa}", ""]
    lines.append("| step | fqt |" + (" PyTorch, float32 | ratio |" if args.pytorch else ""))
    lines.append("|---|---|" + ("---|---|" if args.pytorch else ""))
    for model, flags, plans, _ in STEPS:
        for plan in plans:
            if model not in wanted:
                continue
            own = times[model, plan]
            line = f"| `{model}` {' '.join(flags[:2])}, `{plan}` | {spread(own)} |"
            if args.pytorch:
                other = times[model, "PyTorch"]
                line += f" {spread(other)} | {statistics.median(other) / statistics.median(own):.2f} |"
            lines.append(line)
    table = "\n".join(lines) + "\n"
    print(table, end="")
    if args.out:
        with open(args.out, "w", encoding="utf-8") as file:
            file.write(table)


if __name__ == "__main__":
    main()
