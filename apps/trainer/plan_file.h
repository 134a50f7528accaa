#pragma once

#include <string>
#include <vector>

#include "quant/precision.h"
#include "quant/site.h"

namespace fqt::trainer {

/// plan.toml: the precision of every site, in the order of the model.
std::string plan_toml(const std::string& plan, const quant::PrecisionTable& precision,
                      const std::vector<quant::Site*>& sites);

}  // namespace fqt::trainer
