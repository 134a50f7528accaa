#include "fqt/command.h"

namespace fqt::program {
namespace {

constexpr Command kCommands[] = {
    {"train", "train a model on low-bit integers or in float", declare_train},
    {"eval", "test accuracy of a finished run", declare_eval},
    {"verify", "run a run again, and see whether it comes to the same bits", declare_verify},
    {"export", "the weights of a finished run, for PyTorch", declare_export},
    {"sweep", "many runs: a grid of models, plans and seeds, that can be stopped and gone on with", declare_sweep},
    {"report", "what runs come to: one HTML file of figures and tables", declare_report},
    {"plan", "the bits of each layer under a plan, before it is run", declare_plan},
    {"recipes", "the ways to train on integers that are built in", declare_recipes},
    {"explain", "a model's matrix products, and one of them walked through", declare_explain},
    {"quantize", "round an array to a grid, and see what is lost", declare_quantize},
    {"vectors", "test vectors to check other implementations with", declare_vectors},
    {"data", "data built in, found, downloaded, verified, written", declare_data},
    {"bench", "how fast the kernels and whole training steps are here", declare_bench},
    {"info", "this program, this machine, and what can be trained", declare_info},
};

}  // namespace

std::span<const Command> commands() { return kCommands; }

}  // namespace fqt::program
