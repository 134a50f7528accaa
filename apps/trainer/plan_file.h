#pragma once

#include <span>
#include <string>
#include <string_view>

#include "quant/plan/shape.h"
#include "quant/site_bits.h"
#include "trainer/config.h"

namespace fqt::trainer {

/// Whether a plan is the path of a file: it ends with ".toml".
bool is_plan_file(std::string_view plan);

/// Whether depth counts layers instead of stages under a plan, be it a text or a file. Error(usage) as parse_plan.
bool depth_in_layers(const std::string& plan);

/// `bits`, those of config.plan, as a plan file: a rule for each site, and above each its metrics, with depth as the
/// plan counts it. Comments say where it comes from, and what schedule the bits follow.
std::string plan_toml(const Config& config, const quant::BitTable& bits, std::span<const quant::SiteShape> sites);

/// The bits that a plan file's rules give a model's sites. Rules have a pattern of names ("stage1.*", with * and ?) and
/// either bits, or both widths of each product, or float = true; a later rule goes over an earlier one. Error(missing)
/// where there is no such file; Error(usage) with the line for what is no rule, for a rule that matches no site, for
/// one given twice, and for a site that no rule matches, each with what may have been meant.
quant::BitTable read_plan_file(const std::string& path, std::span<const quant::SiteShape> sites);

}  // namespace fqt::trainer
