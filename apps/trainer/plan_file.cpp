#include "trainer/plan_file.h"

#include <fmt/format.h>

namespace fqt::trainer {
namespace {

std::string operand_toml(const quant::OperandPrecision& operand) {
  if (operand.is_float()) return "{ format = \"fp32\" }";
  return fmt::format("{{ format = \"{}\", bits = {}, rounding = \"{}\", range = \"{}\", per_channel = {} }}",
                     operand.format->name, operand.bits, quant::rounding_name(operand.rounding), operand.range->name,
                     operand.per_channel);
}

}  // namespace

std::string plan_toml(const std::string& plan, const quant::PrecisionTable& precision,
                      const std::vector<quant::Site*>& sites) {
  std::string toml = fmt::format("# The precision of every matrix product, from the plan {}.\n", plan);
  for (const quant::Site* site : sites) {
    const quant::Precision& row = precision.at(site->name);
    toml += fmt::format("\n[[site]]\nname = \"{}\"\nlhs = {}\nrhs = {}\ngrad = {}\n", site->name, operand_toml(row.lhs),
                        operand_toml(row.rhs), operand_toml(row.grad));
    if (row.grad_for_rhs) toml += fmt::format("grad_for_rhs = {}\n", operand_toml(*row.grad_for_rhs));
  }
  return toml;
}

}  // namespace fqt::trainer
