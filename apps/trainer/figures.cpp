#include "trainer/figures.h"

#include <fmt/format.h>

#include "engine/math.h"
#include "trainer/text.h"

namespace fqt::trainer {

Json figures_of(const data::Data& data, const Evaluation& evaluation, Split split) {
  const data::TextData* text = data.text();
  const std::string prefix = text && split == Split::valid ? "valid_" : "test_";
  Json json{{prefix + "loss", evaluation.loss}};
  if (!text) {
    json[prefix + "accuracy"] = evaluation.accuracy;
    json[prefix + "top5_accuracy"] = evaluation.top5;
    json[prefix + "images"] = evaluation.items;
    return json;
  }
  json[prefix + "perplexity"] = evaluation.perplexity();
  json[prefix + "tokens"] = evaluation.items;
  if (text->entropy) json["best_perplexity"] = math::exp(*text->entropy);
  return json;
}

std::string describe(const data::Data& data, const Evaluation& evaluation, Split split) {
  const data::TextData* text = data.text();
  if (!text)
    return fmt::format("test accuracy  {:.2f} % of {} images, loss {:.4f}", evaluation.accuracy, evaluation.items,
                       evaluation.loss);
  const std::string best =
      text->entropy ? fmt::format("; no model can do better than {:.2f}", math::exp(*text->entropy)) : "";
  return fmt::format("{}  {:.2f} of {} tokens, loss {:.4f}{}",
                     split == Split::valid ? "valid perplexity" : "test perplexity", evaluation.perplexity(),
                     grouped(evaluation.items), evaluation.loss, best);
}

}  // namespace fqt::trainer
