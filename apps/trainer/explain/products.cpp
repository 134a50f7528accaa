#include <fmt/format.h>

#include "quant/plan/metric.h"
#include "trainer/bit_schedule.h"
#include "trainer/explain/explain.h"
#include "trainer/explain/page.h"
#include "trainer/plan_file.h"
#include "trainer/recipes.h"
#include "trainer/text.h"

namespace fqt::trainer {
namespace {

constexpr std::string_view kMetrics[] = {"A", "F", "D"};

/// A row of the table: one product of one site.
struct Row {
  quant::ProductKind kind;
  quant::ProductShape shape;
  const quant::ProductPrecision& precision;
  bool computed;
  double metrics[std::size(kMetrics)];
};

std::vector<Row> rows_of(const Experiment& experiment, const quant::SiteShape& site) {
  const int64_t batch = experiment.config.train.batch;
  const bool depth_layer = depth_in_layers(experiment.config.plan);
  std::vector<Row> rows;
  for (const quant::ProductKind kind : quant::kProducts) {
    Row row{
        kind, site.product(kind, batch), experiment.precision.at(site.name).products[kind], site.computes(kind), {}};
    for (size_t i = 0; i < std::size(kMetrics); ++i)
      row.metrics[i] = quant::find_metric(kMetrics[i]).value({site, kind, batch, depth_layer});
    rows.push_back(row);
  }
  return rows;
}

std::string bits_of(const Row& row) {
  const quant::ProductPrecision& precision = row.precision;
  if (!row.computed) return "-";
  return precision.lhs.is_float() ? "fp32" : fmt::format("{} x {}", precision.lhs.bits, precision.rhs.bits);
}

}  // namespace

std::string describe_layer(const quant::SiteShape& site) {
  const ConvGeometry& g = site.geometry;
  if (site.rhs_is_activation)
    return fmt::format("{}, {} matrices of {} x {} times {} x {} a sample", site.kind, site.calls, g.m(), g.k(), g.k(),
                       g.n());
  if (!site.is_convolution())
    return fmt::format("{}, {} inputs to {} outputs{}", site.kind, g.in_channels, g.out_channels,
                       site.calls > 1 ? fmt::format(", {} times", site.calls) : "");
  return fmt::format("{0}x{0} {1}, {2} channels to {3}{4}{5}, of {6}x{7} pixels", g.kernel, site.kind, g.in_channels,
                     g.out_channels, g.groups > 1 ? fmt::format(" in {} groups", g.groups) : "",
                     g.stride > 1 ? fmt::format(", stride {}", g.stride) : "", g.height, g.width);
}

std::string explain_model(const Experiment& experiment, bool color) {
  const Config& config = experiment.config;
  Page page(color);
  page.heading(fmt::format("{} on {}: its matrix products", config.model, experiment.data_name()));
  page.fact("plan", config.plan, 2);
  page.fact("recipe", describe_recipe(config), 2);
  if (config.bits.schedule != "constant")
    page.fact("schedule", fmt::format("{}; below are the planned ones", describe_schedule(config)), 2);
  page.fact("batch", describe_batch(experiment), 2);
  page.line();
  page.paragraph(
      "Each layer X -> Y = X W has three products in a step of training: forward, Y = X W; grad_lhs, the gradient of "
      "its input, dX = dY W^T; grad_rhs, the gradient of its weights, dW = X^T dY. An [M x K] matrix times a [K x N] "
      "one is M x N sums of K terms. bits: of the left and of the right operand; of the first layer's grad_lhs, which "
      "nobody needs, there are none: it is not computed.");
  for (const std::string_view name : kMetrics) {
    const quant::Metric& metric = quant::find_metric(name);
    page.paragraph(
        fmt::format("{}: {}, {}", metric.name, metric.title, quant::describe(metric, depth_in_layers(config.plan))));
  }
  page.heading(fmt::format("{:<10} {:>9} x {:>5} x {:>9} {:>9} {:>9} {:>9} {:>5}", "  product", "M", "N", "K", "bits",
                           "A", "F", "D"));
  for (const quant::SiteShape& site : experiment.sites) {
    page.line(site.name);
    page.paragraph(describe_layer(site));
    for (const Row& row : rows_of(experiment, site))
      page.line(fmt::format("  {:<8} {:>9} x {:>5} x {:>9} {:>9} {:>9.6g} {:>9.6g} {:>5.4g}",
                            quant::kProductNames[static_cast<size_t>(row.kind)], grouped(row.shape.m),
                            grouped(row.shape.n), grouped(row.shape.terms), bits_of(row), row.metrics[0],
                            row.metrics[1], row.metrics[2]));
  }
  page.line();
  page.paragraph(fmt::format("`fqt explain {} {}` walks through the products of a layer.", config.model,
                             experiment.sites[experiment.sites.size() / 2].name));
  return page.text();
}

Json model_json(const Experiment& experiment) {
  const Config& config = experiment.config;
  Json sites = Json::array();
  for (const quant::SiteShape& site : experiment.sites) {
    Json products = Json::array();
    for (const Row& row : rows_of(experiment, site)) {
      Json product{{"product", quant::kProductNames[static_cast<size_t>(row.kind)]},
                   {"m", row.shape.m},
                   {"n", row.shape.n},
                   {"terms", row.shape.terms},
                   {"lhs_bits", row.precision.lhs.bits},
                   {"rhs_bits", row.precision.rhs.bits},
                   {"computed", row.computed},
                   {"lhs_uses", row.shape.lhs_uses},
                   {"rhs_uses", row.shape.rhs_uses}};
      for (size_t i = 0; i < std::size(kMetrics); ++i) product[std::string(kMetrics[i])] = row.metrics[i];
      products.push_back(std::move(product));
    }
    sites.push_back(
        {{"site", site.name}, {"kind", site.kind}, {"layer", describe_layer(site)}, {"products", products}});
  }
  return {{"model", config.model},
          {"data", experiment.data_name()},
          {"plan", config.plan},
          {"recipe", describe_recipe(config)},
          {"schedule", schedule_json(config)},
          {"batch", config.train.batch},
          {"sites", sites}};
}

}  // namespace fqt::trainer
