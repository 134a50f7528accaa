#!/usr/bin/env python3
"""Kills training with SIGKILL at random moments, resumes it, and holds what comes out against a run that was left alone.

    kill_and_resume.py PROGRAM COUNT [--seed N] [--keep DIR]

COUNT runs are started and killed; each is then resumed, and the resumed run killed again, half the time, until one is
left to finish. After every kill each checkpoint that is there must load. In the end the hash of the weights, the result,
the log and the probes must be those of the uninterrupted run, but for times. Needs nothing but Python's own library.
"""

import argparse
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

# Small models with much that has to be carried over: hidden state, batch norm, running ranges, moments, dropout, a
# schedule of bits, probes. Steps are short and checkpoints many, so that most kills meet a file being written.
RUNS = {
    "lstm_lm": ["lstm_lm", "--batch", "2", "--steps", "150", "--set", "hidden=8", "--set", "depth=1",
                "--set", "sequence=8", "--set", "eval.tokens=64", "--set", "eval.every=7"],
    "resnet8": ["resnet8", "--batch", "2", "--steps", "40", "--set", "eval.images=2", "--set", "eval.every=5",
                "--set", "bits.schedule=cyclic", "--set", "bits.period=6", "--set", "probe.every=8"],
    "transformer_lm": ["transformer_lm", "--batch", "1", "--steps", "80", "--set", "hidden=8", "--set", "depth=1",
                       "--set", "heads=2", "--set", "feed_forward=8", "--set", "sequence=8", "--set", "warmup=4",
                       "--set", "eval.tokens=64", "--set", "eval.every=4"],
}
COMMON = ["--set", "checkpoint.every=2", "--threads", "1", "--quiet", "--json"]
TIMES = {"seconds", "items_per_second", "peak_rss_mb", "run_directory"}


def fail(message):
    print("FAILED: " + message, flush=True)
    sys.exit(1)


def without_times(record):
    return {key: value for key, value in record.items() if key not in TIMES}


def lines(path):
    return [without_times(json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []


def outcome(run, result):
    """All that has to be the same whether a run was killed or not."""
    manifest = json.loads((run / "manifest.json").read_text())
    return {"result": without_times(result), "log": lines(run / "log.jsonl"), "probes": lines(run / "probes.jsonl"),
            "status": manifest["status"], "best": manifest["best"]}


class Trials:
    def __init__(self, program, folder, chance):
        self.program, self.folder, self.chance = program, folder, chance
        self.expected, self.length = {}, {}
        self.kills = self.loaded = self.before_first = self.leftovers = 0

    def fqt(self, *arguments):
        done = subprocess.run([self.program, *map(str, arguments)], capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    def leave_alone(self, name):
        run = self.folder / (name + "-uninterrupted")
        start = time.monotonic()
        code, out, err = self.fqt("train", *RUNS[name], *COMMON, "--out", run)
        self.length[name] = time.monotonic() - start
        if code != 0:
            fail(f"{name} ends with {code}: {err}")
        self.expected[name] = outcome(run, json.loads(out))

    def kill(self, arguments, longest):
        """True where the process was killed, false where it had ended by itself; with what it printed."""
        process = subprocess.Popen([self.program, *map(str, arguments)], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        try:
            out, err = process.communicate(timeout=self.chance.uniform(0, longest))
            return False, process.returncode, out, err
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            return process.returncode == -9, process.returncode, out, err

    def check_checkpoints(self, run):
        self.leftovers += len(list(run.glob("**/*.tmp")))
        for path in sorted(run.glob("checkpoints/*.safetensors")):
            code, _, err = self.fqt("eval", run, "--weights", path, "--threads", "1", "--quiet")
            if code != 0:
                fail(f"{path} does not load: {err}")
            self.loaded += 1

    def one(self, name, number):
        run = self.folder / f"{name}-{number}"
        begin = ["train", *RUNS[name], *COMMON, "--out", run]
        resume = ["train", "--resume", run, "--threads", "1", "--quiet", "--json"]
        arguments, killed_once = begin, False
        while True:
            # The first run is started until it is killed; after that every second one may finish.
            longest = self.length[name] * (1 if not killed_once or self.chance.random() < 0.5 else 1000)
            killed, code, out, err = self.kill(arguments, longest)
            if killed:
                self.kills += 1
                self.check_checkpoints(run)
                if list(run.glob("checkpoints/step-*.safetensors")):
                    arguments, killed_once = resume, True
                else:
                    self.before_first += 1
                    shutil.rmtree(run, ignore_errors=True)
                continue
            if code != 0:
                fail(f"{run}: {' '.join(map(str, arguments))} ends with {code}: {err}")
            if killed_once:
                break
            shutil.rmtree(run)
        got = outcome(run, json.loads(out))
        for part, expected in self.expected[name].items():
            if got[part] != expected:
                fail(f"{run}: {part} is {got[part]}, uninterrupted {expected}")
        if list(run.glob("**/*.tmp")):
            fail(f"{run}: temporary files are left")
        shutil.rmtree(run)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=1, help="of the moments of killing")
    parser.add_argument("--keep", help="folder for the runs, where a failed one can be looked at")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(options.keep or temporary)
        trials = Trials(options.program, folder, random.Random(options.seed))
        names = list(RUNS)[:options.count]
        for name in names:
            trials.leave_alone(name)
        for number in range(options.count):
            trials.one(names[number % len(names)], number)
    print(f"{options.count} runs, killed {trials.kills} times (and {trials.before_first} of those before a "
          f"first checkpoint, which started again; "
          f"{trials.leftovers} temporary files left behind); {trials.loaded} checkpoints loaded; every run ended in the "
          "weights, the result and the log of the uninterrupted one")


if __name__ == "__main__":
    main()
