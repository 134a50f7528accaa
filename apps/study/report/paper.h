#pragma once

#include <span>
#include <string>

#include "study/report/setups.h"

namespace fqt::study {

/// The tables of Shen, Lai and Zhang (Applied Sciences 2024, 14, 10025) as HTML, with our figures below theirs; tables
/// of none of whose models there is a run are left out. Empty where none is left.
std::string paper_tables(std::span<const Setup> setups);

}  // namespace fqt::study
