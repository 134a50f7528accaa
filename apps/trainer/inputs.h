#pragma once

#include <memory>
#include <string_view>

#include "data/batch.h"
#include "data/open.h"
#include "models/zoo.h"
#include "trainer/config.h"

namespace fqt::trainer {

// What training asks of its data, be they images or text.

/// "images", "tokens"
std::string_view item_name(const data::Data& data);

/// What evaluation runs on. Images have no validation set: their test set is both.
enum class Split { valid, test };

/// Pixels a side of built-in images; 0: their own.
int64_t drawn_side(const Config& config);

/// Opens the data that the configuration names. Errors as data::open_data.
data::Data open_data(const Config& config);

/// What a model is built for, as far as the configuration says.
models::ModelOptions model_options(const Config& config);
/// The same with the sizes of the data. Error(usage) where the model does not read data of this sort.
models::ModelOptions model_options(const Config& config, const data::Data& data);

/// The inputs of a whole batch: [n, height, width, channels] or [rows, tokens].
Shape training_shape(const data::Data& data, const Config& config);
/// The same of an evaluation on the test set.
Shape evaluation_shape(const data::Data& data, const Config& config);

/// Error(usage) where the data does not fill a batch.
std::unique_ptr<data::BatchSource> training_batches(const data::Data& data, const Config& config);

/// Every image once, or every token that follows another.
struct EvaluationBatches {
  std::unique_ptr<data::BatchSource> source;
  int64_t items;  ///< of them to use: as many as config.eval says
};
constexpr int64_t kTestBatchesAhead = 2;  ///< prepared before they are asked for
EvaluationBatches evaluation_batches(const data::Data& data, const Config& config, Split split);

/// Whether the data never end.
bool is_endless(const data::Data& data);

}  // namespace fqt::trainer
