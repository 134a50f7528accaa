#!/bin/sh
# Trains one network on integers and in float32, and prints both results side by side.
#
#   scripts/first_light.sh [PROGRAM]       build/release/fqt by default
#
# MODEL, PLANS (two of them), STEPS and SEED may be set in the environment.
set -eu

fqt=${1:-build/release/fqt}
model=${MODEL:-resnet20}
plans=${PLANS:-U:6 fp32}
steps=${STEPS:-400}
seed=${SEED:-1}

results=$(mktemp)
trap 'rm -f "$results"' EXIT
# A terminal's Ctrl-C reaches fqt too: it stops at the end of its step, and then this does.
trap 'exit 130' INT

for plan in $plans; do
  echo "fqt train $model --plan $plan --steps $steps --seed $seed" >&2
  status=0
  "$fqt" train "$model" --plan "$plan" --steps "$steps" --seed "$seed" --json >>"$results" || status=$?
  [ $status -eq 0 ] || exit $status
done

# Each line of results is one flat JSON object; numbers and plain strings are all that is read here.
awk '
  function value(key,    rest) {
    if (!match($0, "\"" key "\" *: *(\"[^\"]*\"|[^,}]*)")) return "-"
    rest = substr($0, RSTART, RLENGTH)
    sub("^\"" key "\" *: *", "", rest)
    gsub("\"", "", rest)
    return rest
  }
  function number(key, format,    v) { v = value(key); return v == "-" ? v : sprintf(format, v) }
  function row(name, a, b) { printf "  %-22s %18s %18s\n", name, a, b }
  {
    ++runs
    if (runs == 1) title = value("model") " on " value("data") ", " value("steps") " steps, seed " value("seed")
    plan[runs] = value("plan")
    accuracy[runs] = number("test_accuracy", "%.2f %%")
    loss[runs] = number("train_loss", "%.4f")
    time[runs] = number("seconds", "%.1f s")
    rate[runs] = number("items_per_second", "%.0f")
    memory[runs] = number("peak_rss_mb", "%.0f MB")
    hash[runs] = value("weights_hash")
    seconds[runs] = value("seconds")
  }
  END {
    print "\n" title "\n"
    row("", plan[1], plan[2])
    row("test accuracy", accuracy[1], accuracy[2])
    row("training loss", loss[1], loss[2])
    row("time", time[1], time[2])
    row("images a second", rate[1], rate[2])
    row("peak memory", memory[1], memory[2])
    row("hash of the weights", hash[1], hash[2])
    if (seconds[1] > 0 && seconds[2] > 0)
      printf "\n%s took %.2f times as long as %s. Same seed, same bits: run it again and compare the hashes.\n",
             plan[2], seconds[2] / seconds[1], plan[1]
  }
' "$results"
