#pragma once

#include <string>

#include "trainer/evaluate.h"
#include "trainer/json.h"

namespace fqt::trainer {

/// What an evaluation found, under the names of `train --json`: test_loss; of images test_accuracy, test_top5_accuracy
/// and test_images, of text test_perplexity and test_tokens, and best_perplexity where the data's entropy is known. The
/// validation text's begin with valid_.
Json figures_of(const data::Data& data, const Evaluation& evaluation, Split split = Split::test);

/// "test accuracy  71.20 % of 2,000 images, loss 0.8123"
std::string describe(const data::Data& data, const Evaluation& evaluation, Split split = Split::test);

}  // namespace fqt::trainer
