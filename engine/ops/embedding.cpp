#include "engine/ops/embedding.h"

#include "engine/check.h"
#include "engine/kernels/table.h"
#include "engine/ops/support.h"
#include "engine/profile.h"

namespace fqt::ops {
namespace {

std::vector<int32_t> row_numbers(const Tensor& ids, int64_t rows) {
  std::vector<int32_t> numbers;
  numbers.reserve(static_cast<size_t>(ids.size()));
  for (const float id : ids.values()) {
    if (!(id >= 0 && id < static_cast<float>(rows)) || id != static_cast<float>(static_cast<int32_t>(id)))
      fail(ErrorKind::data, "[embedding] token {} at place {} is no whole number from 0 to {}", id, numbers.size(),
           rows - 1);
    numbers.push_back(static_cast<int32_t>(id));
  }
  return numbers;
}

/// Places in `numbers` grouped by number, in order within a group: those of number r are
/// places[first[r]] ... places[first[r + 1] - 1].
struct Occurrences {
  std::vector<int32_t> first, places;
  Occurrences(const std::vector<int32_t>& numbers, int64_t rows)
      : first(static_cast<size_t>(rows) + 1), places(numbers.size()) {
    for (const int32_t number : numbers) ++first[static_cast<size_t>(number) + 1];
    for (size_t r = 1; r < first.size(); ++r) first[r] += first[r - 1];
    std::vector<int32_t> next(first.begin(), first.end() - 1);
    for (size_t i = 0; i < numbers.size(); ++i)
      places[static_cast<size_t>(next[static_cast<size_t>(numbers[i])]++)] = static_cast<int32_t>(i);
  }
};

Tensor scatter(const std::vector<int32_t>& numbers, const Tensor& grad, int64_t rows) {
  const int64_t width = grad.dim(1);
  const Occurrences occurrences(numbers, rows);
  Tensor sums({rows, width});
  const auto add = kernels::active().vector.add;
  parallel_for(rows, grain(width), [&](int64_t begin, int64_t end) {
    std::fill_n(sums.data() + begin * width, (end - begin) * width, 0.0f);
    for (int64_t row = begin; row < end; ++row)
      for (int32_t i = occurrences.first[static_cast<size_t>(row)]; i < occurrences.first[static_cast<size_t>(row) + 1];
           ++i)
        add(sums.data() + row * width, grad.data() + int64_t{occurrences.places[static_cast<size_t>(i)]} * width,
            width);
  });
  return sums;
}

}  // namespace

Var embedding(Tape& tape, const Var& weight, const Tensor& ids) {
  const profile::Scope scope(profile::Phase::pointwise, "embedding");
  check(weight.value().rank() == 2, "[embedding] the weight has shape {}, expected [words, width]",
        to_string(weight.shape()));
  const int64_t rows = weight.value().dim(0), width = weight.value().dim(1);
  std::vector<int32_t> numbers = row_numbers(ids, rows);
  Tensor y({ids.size(), width});
  parallel_for(ids.size(), grain(width), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      std::copy_n(weight.value().data() + int64_t{numbers[static_cast<size_t>(i)]} * width, width,
                  y.data() + i * width);
  });
  return tape.record(std::move(y), {weight}, [numbers = std::move(numbers), rows](const Tensor& grad) {
    return std::vector<Tensor>{scatter(numbers, grad, rows)};
  });
}

}  // namespace fqt::ops
