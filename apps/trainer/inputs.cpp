#include "trainer/inputs.h"

#include <algorithm>

#include "engine/check.h"

namespace fqt::trainer {
namespace {

constexpr int64_t kTestImages = 100;  ///< a batch, at most
constexpr int64_t kTestRows = 10;     ///< of text, a batch

data::LoaderOptions training_options(const Config& config) {
  return {.batch = config.train.batch,
          .sequence = config.train.sequence,
          .seed = static_cast<uint64_t>(config.seed),
          .shuffle = true,
          .augment = config.train.augment == "on",
          .drop_last = false};
}

data::LoaderOptions evaluation_options(const Config& config, int64_t batch) {
  return {.batch = batch,
          .sequence = config.train.sequence,
          .seed = static_cast<uint64_t>(config.seed),
          .shuffle = false,
          .augment = false,
          .drop_last = false,
          .every_token = true};
}

/// `limit` 0: all.
int64_t limited(int64_t all, int64_t limit) { return limit > 0 ? std::min(limit, all) : all; }

/// A batch of evaluation. No more than training takes at once: what fits into memory there fits here, where nothing is
/// kept for gradients.
int64_t test_images(const data::ImageData& images, const Config& config) {
  return std::min({kTestImages, config.train.batch, limited(images.test->size(), config.eval.images)});
}

int64_t test_rows(const data::TokenStream& stream) { return std::min(kTestRows, stream.size() - 1); }

Shape text_shape(const data::TokenStream& stream, int64_t rows, int64_t sequence) {
  return {rows, std::min(sequence, (stream.size() - 1) / rows)};
}

Shape image_shape(const data::ImageDataset& images, int64_t count) {
  return {count, images.height(), images.width(), images.channels()};
}

}  // namespace

std::string_view item_name(const data::Data& data) { return data.images() ? "images" : "tokens"; }

bool is_endless(const data::Data& data) {
  return data.images() ? data.images()->train->endless() : data.text()->train->endless();
}

int64_t drawn_side(const Config& config) {
  return config.images.side > 0 ? config.images.side : config.images.drawn_side;
}

data::Data open_data(const Config& config) {
  const auto kinds = data::data_kinds();
  const auto kind = std::ranges::find(kinds, config.data, &data::DataKind::name);
  const bool built_in = kind != kinds.end() && kind->built_in;
  return data::open_data(config.data, {.seed = static_cast<uint64_t>(config.seed),
                                       .side = built_in ? drawn_side(config) : config.images.side,
                                       .coarse = config.images.coarse,
                                       .level = config.text.level});
}

models::ModelOptions model_options(const Config& config) {
  const LayerOptions& layers = config.layers;
  return {.sequence = config.train.sequence,
          .norm = layers.norm,
          .dropout = layers.dropout,
          .hidden = layers.hidden,
          .depth = layers.depth,
          .heads = layers.heads,
          .feed_forward = layers.feed_forward,
          .positions = layers.positions};
}

models::ModelOptions model_options(const Config& config, const data::Data& data) {
  const bool reads_images = models::find_model_kind(config.model).input == models::ModelInput::images;
  check(reads_images == (data.images() != nullptr), "[config] {} reads {}, and {} is {}; give other data with --data",
        config.model, reads_images ? "images" : "text", data.name(), reads_images ? "text" : "images");
  models::ModelOptions options = model_options(config);
  if (const data::TextData* text = data.text()) {
    check(config.images.side == 0, "[config] images.side is {}, but {} is text, which has no pixels; leave it out",
          config.images.side, data.name());
    options.classes = text->vocabulary.size();
    return options;
  }
  const data::ImageDataset& train = *data.images()->train;
  options.height = train.height();
  options.width = train.width();
  options.channels = train.channels();
  options.classes = train.classes();
  return options;
}

std::unique_ptr<data::BatchSource> training_batches(const data::Data& data, const Config& config) {
  const data::LoaderOptions options = training_options(config);
  if (const data::TextData* text = data.text()) return data::token_batches(*text->train, options);
  const data::ImageDataset& train = *data.images()->train;
  check(config.train.batch <= train.size(),
        "[config] train.batch: {} images a step, but {} has {}; give fewer with --batch", config.train.batch,
        data.name(), train.size());
  return data::image_batches(train, data.images()->normalization, options);
}

Shape training_shape(const data::Data& data, const Config& config) {
  const TrainOptions& train = config.train;
  return data.images() ? image_shape(*data.images()->train, train.batch)
                       : text_shape(*data.text()->train, train.batch, train.sequence);
}

Shape evaluation_shape(const data::Data& data, const Config& config) {
  if (const data::ImageData* images = data.images()) return image_shape(*images->test, test_images(*images, config));
  const data::TokenStream& stream = *data.text()->test;
  return text_shape(stream, test_rows(stream), config.train.sequence);
}

EvaluationBatches evaluation_batches(const data::Data& data, const Config& config, Split split) {
  if (const data::TextData* text = data.text()) {
    const data::TokenStream& stream = split == Split::valid ? *text->valid : *text->test;
    const int64_t predicted = stream.size() - 1;
    return {data::token_batches(stream, evaluation_options(config, test_rows(stream))),
            limited(predicted, config.eval.tokens)};
  }
  const data::ImageData& images = *data.images();
  return {
      data::image_batches(*images.test, images.normalization, evaluation_options(config, test_images(images, config))),
      limited(images.test->size(), config.eval.images)};
}

}  // namespace fqt::trainer
