// The sequences of a batch: which there are, and where their steps lie.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "rnn/unroll.h"

namespace varlen::rnn {

class Batch {
 public:
  // Step t of sequence b is row bases[b] + time_offsets[t] of the arrays of the caller, which have `num_rows`
  // rows. All that is given has been checked.
  Batch(const std::int64_t* lengths, std::int64_t size, const std::int64_t* bases,
        const std::int64_t* time_offsets, std::int64_t num_rows, bool reverse)
      : lengths_(lengths, lengths + size), num_rows_(num_rows), reverse_(reverse) {
    for (std::int64_t b = 0; b < size; ++b) {
      starts_.push_back(static_cast<std::int64_t>(places_.size()));
      for (std::int64_t t = 0; t < lengths[b]; ++t) places_.push_back(bases[b] + time_offsets[t]);
      if (lengths[b] > 0) by_length_.push_back(static_cast<std::int32_t>(b));
    }
    std::stable_sort(by_length_.begin(), by_length_.end(),
                     [this](std::int32_t a, std::int32_t b) { return lengths_[a] > lengths_[b]; });
  }

  // Every step as a sequence of its own.
  Batch single_steps() const {
    const std::vector<std::int64_t> ones(places_.size(), 1);
    const std::int64_t first = 0;
    return Batch(ones.data(), num_steps(), places_.data(), &first, num_rows_, false);
  }

  std::int64_t size() const { return static_cast<std::int64_t>(lengths_.size()); }
  std::int64_t num_steps() const { return static_cast<std::int64_t>(places_.size()); }
  std::int64_t num_rows() const { return num_rows_; }
  std::int64_t num_running() const { return static_cast<std::int64_t>(by_length_.size()); }
  // Whether those with a step are about equally long.
  bool is_even() const {
    return !by_length_.empty() &&
           lengths_[by_length_.front()] * num_running() <= num_steps() + num_steps() / 4;
  }
  const std::vector<std::int64_t>& lengths() const { return lengths_; }
  const std::vector<std::int64_t>& places() const { return places_; }

  Sequences sequences() const {
    return {by_length_.data(), num_running(), lengths_.data(), starts_.data(), places_.data(),
            reverse_};
  }

  // The rows of a caller's array, step by step.
  template <class Real>
  std::vector<Real*> rows(Real* array, std::int64_t width) const {
    std::vector<Real*> found(places_.size());
    for (std::size_t step = 0; step < places_.size(); ++step)
      found[step] = array + places_[step] * width;
    return found;
  }

  // What each step began with: the row of the step before it in a jagged array, or an initial one.
  template <class Real>
  std::vector<const Real*> rows_before(const Real* jagged, std::int64_t width,
                                       const Real* const* initial) const {
    std::vector<const Real*> found(places_.size());
    const Sequences all = sequences();
    for (const std::int32_t b : by_length_)
      for (std::int64_t taken = 0; taken < lengths_[b]; ++taken)
        found[all.step(b, taken)] =
            taken == 0 ? initial[b] : jagged + all.step(b, taken - 1) * width;
    return found;
  }

  // Per row of a caller's array: whether it is no step.
  std::vector<bool> padding() const {
    std::vector<bool> is_padding(num_rows_, true);
    for (const std::int64_t place : places_) is_padding[place] = false;
    return is_padding;
  }

 private:
  std::vector<std::int64_t> lengths_;
  std::int64_t num_rows_;
  bool reverse_;
  std::vector<std::int64_t> starts_, places_;
  std::vector<std::int32_t> by_length_;
};

}  // namespace varlen::rnn
