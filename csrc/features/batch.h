// Whole batches of messages: by several threads if there is much to do, and into one column or one
// padded block for each request.
#pragma once

#include <algorithm>
#include <cstring>
#include <exception>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "features/decode.h"

namespace varlen::features {

constexpr std::size_t kNoFailure = static_cast<std::size_t>(-1);
// A thread takes about as long to start as this much to decode, times ten.
constexpr std::size_t kBytesPerThread = std::size_t{1} << 19;

struct Decoded {
  std::vector<Column> columns;  // one for each request
  std::size_t failure = kNoFailure;  // the first message that was refused; then columns mean nothing
};

// Cuts the messages into at most `num_parts` runs of about as many bytes; where each one begins.
inline std::vector<std::size_t> cut_evenly(const std::vector<Bytes>& messages, std::size_t num_bytes,
                                           std::size_t num_parts) {
  std::vector<std::size_t> cuts{0};
  std::size_t passed = 0;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    if (passed * num_parts >= num_bytes * cuts.size() && i > cuts.back()) cuts.push_back(i);
    passed += messages[i].size();
  }
  cuts.push_back(messages.size());
  return cuts;
}

inline Decoded decode_run(const std::vector<Request>& requests, bool has_lists,
                          const std::vector<Bytes>& messages, std::size_t begin, std::size_t end) {
  Decoder decoder(requests, has_lists);
  Decoded run;
  for (std::size_t i = begin; i < end; ++i)
    if (!decoder.read(messages[i])) {
      run.failure = i;
      return run;
    }
  run.columns = decoder.take();
  return run;
}

inline void append(Column& to, const Column& from) {
  Values& values = to.values;
  const auto shift = static_cast<std::int64_t>(values.bytes.size());
  values.int64s.append(from.values.int64s.data(), from.values.int64s.size());
  values.floats.append(from.values.floats.data(), from.values.floats.size());
  values.bytes.append(from.values.bytes.data(), from.values.bytes.size());
  for (std::size_t i = 0; i < from.values.ends.size(); ++i)
    values.ends.push(from.values.ends[i] + shift);
  to.lengths.append(from.lengths.data(), from.lengths.size());
  to.step_lengths.append(from.step_lengths.data(), from.step_lengths.size());
}

inline Decoded join(std::vector<Decoded> runs) {
  Decoded joined = std::move(runs.front());
  for (std::size_t run = 1; run < runs.size(); ++run) {
    joined.failure = std::min(joined.failure, runs[run].failure);
    if (joined.failure != kNoFailure) continue;
    for (std::size_t i = 0; i < joined.columns.size(); ++i)
      append(joined.columns[i], runs[run].columns[i]);
  }
  return joined;
}

// Decodes all messages, on at most `max_threads` threads.
inline Decoded decode_batch(const std::vector<Request>& requests, bool has_lists,
                            const std::vector<Bytes>& messages, std::size_t max_threads) {
  std::size_t num_bytes = 0;
  for (const Bytes& message : messages) num_bytes += message.size();
  const std::size_t num_parts =
      std::max<std::size_t>(1, std::min(max_threads, num_bytes / kBytesPerThread));
  const std::vector<std::size_t> cuts = cut_evenly(messages, num_bytes, num_parts);
  const std::size_t num_runs = cuts.size() - 1;

  std::vector<Decoded> runs(num_runs);
  std::vector<std::exception_ptr> errors(num_runs);
  const auto work = [&](std::size_t run) {
    try {
      runs[run] = decode_run(requests, has_lists, messages, cuts[run], cuts[run + 1]);
    } catch (...) {
      errors[run] = std::current_exception();  // a thread must not end with an exception
    }
  };
  std::vector<std::thread> threads;
  for (std::size_t run = 1; run < num_runs; ++run) {
    try {
      threads.emplace_back(work, run);
    } catch (const std::system_error&) {
      work(run);  // the system has no more threads to give
    }
  }
  work(0);
  for (std::thread& thread : threads) thread.join();
  for (const std::exception_ptr& error : errors)
    if (error) std::rethrow_exception(error);
  return join(std::move(runs));
}

inline std::size_t longest(const Buffer<std::int64_t>& lengths) {
  std::int64_t most = 0;
  for (std::size_t i = 0; i < lengths.size(); ++i) most = std::max(most, lengths[i]);
  return static_cast<std::size_t>(most);
}

// `[rows, num_steps, step_size]`: each row's steps, and zeros after them.
template <class T>
Buffer<T> padded(const Buffer<T>& values, const Buffer<std::int64_t>& lengths,
                 std::size_t num_steps, std::size_t step_size) {
  const std::size_t row_size = num_steps * step_size;
  Buffer<T> block;
  block.room_for(lengths.size() * row_size);
  std::size_t taken = 0;
  for (std::size_t row = 0; row < lengths.size(); ++row) {
    const std::size_t count = static_cast<std::size_t>(std::max<std::int64_t>(lengths[row], 0)) * step_size;
    block.append(values.data() + taken, count);
    block.append_zeros(row_size - count);
    taken += count;
  }
  return block;
}

}  // namespace varlen::features
