#include "fqt/command.h"

namespace fqt::program {
namespace {

constexpr Command kCommands[] = {
    {"train", "train a model on low-bit integers or in float", declare_train},
    {"eval", "test accuracy of a finished run", declare_eval},
    {"info", "this program, this machine, and what can be trained", declare_info},
};

}  // namespace

std::span<const Command> commands() { return kCommands; }

}  // namespace fqt::program
