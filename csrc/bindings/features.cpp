#include "bindings/bindings.h"
#include "bindings/buffers.h"

#include <nanobind/stl/string.h>

#include <memory>
#include <string>
#include <vector>

#include "features/batch.h"
#include "features/encode.h"
#include "features/profile.h"

namespace nb = nanobind;

namespace varlen::bindings {
namespace {

using features::Buffer;
using features::Column;
using features::Kind;
using features::Request;
using features::WrittenColumn;

// The bytes of every item of a list, or, of a tuple `(buffer, starts, lengths)`, the slices of the
// buffer. They are kept alive with it.
class Messages {
 public:
  explicit Messages(nb::handle serialized) {
    if (nb::isinstance<nb::tuple>(serialized))
      add_slices(nb::borrow<nb::tuple>(serialized));
    else
      add_items(nb::cast<nb::list>(serialized));
  }

  const std::vector<features::Bytes>& spans() const { return spans_; }

 private:
  void add_items(const nb::list& items) {
    items_ = nb::tuple(items);
    spans_.reserve(items_.size());
    for (nb::handle item : items_) {
      if (PyBytes_Check(item.ptr())) {
        add(PyBytes_AS_STRING(item.ptr()), static_cast<std::size_t>(PyBytes_GET_SIZE(item.ptr())));
      } else {
        const BytesView& view = *views_.emplace_back(std::make_unique<BytesView>(item));
        add(view.data(), view.size());
      }
    }
  }

  void add_slices(const nb::tuple& parts) {
    items_ = parts;
    const BytesView& buffer = *views_.emplace_back(std::make_unique<BytesView>(parts[0]));
    const auto starts = nb::cast<Numbers>(parts[1]), lengths = nb::cast<Numbers>(parts[2]);
    check_slices(starts, lengths, buffer.size());
    spans_.reserve(starts.size());
    for (std::size_t i = 0; i < starts.size(); ++i)
      add(buffer.data() + starts.data()[i], static_cast<std::size_t>(lengths.data()[i]));
  }

  void add(const void* data, std::size_t size) {
    const auto* const begin = static_cast<const std::uint8_t*>(data);
    spans_.push_back({begin, begin + size});
  }

  nb::tuple items_;  // a copy: the list may change while other threads run
  std::vector<std::unique_ptr<BytesView>> views_;
  std::vector<features::Bytes> spans_;
};

nb::object as_bytes_objects(const features::Values& values) {
  nb::list objects;
  std::int64_t begin = 0;
  const auto* const joined = reinterpret_cast<const char*>(values.bytes.data());
  for (std::size_t i = 0; i < values.ends.size(); ++i) {
    objects.append(nb::bytes(joined + begin, static_cast<std::size_t>(values.ends[i] - begin)));
    begin = values.ends[i];
  }
  return objects;
}

template <class T>
nb::object numbers(Buffer<T>& values, const Column& column, const Request& request, bool pad) {
  if (!pad) {
    const std::size_t size = values.size();
    return as_array(std::move(values), {size});
  }
  const std::size_t num_rows = column.lengths.size();
  const std::size_t num_steps = features::longest(column.lengths);
  const auto step_size = static_cast<std::size_t>(request.size);
  Buffer<T> block;
  {
    const nb::gil_scoped_release released;
    block = features::padded(values, column.lengths, num_steps, step_size);
  }
  return as_array(std::move(block), {num_rows, num_steps, step_size});
}

nb::object values_of(Column& column, const Request& request, bool pad) {
  pad = pad && request.is_list && request.size >= 0;
  if (request.kind == Kind::kInt64s) return numbers(column.values.int64s, column, request, pad);
  if (request.kind == Kind::kFloats) return numbers(column.values.floats, column, request, pad);
  return as_bytes_objects(column.values);
}

nb::tuple as_tuple(Column& column, const Request& request, bool pad) {
  nb::object values = values_of(column, request, pad);
  const std::size_t num_rows = column.lengths.size();
  const std::size_t num_steps = column.step_lengths.size();
  return nb::make_tuple(values, as_array(std::move(column.lengths), {num_rows}),
                        as_array(std::move(column.step_lengths), {num_steps}));
}

std::vector<Request> as_requests(const nb::list& described) {
  std::vector<Request> requests;
  for (nb::handle item : described) {
    const auto parts = nb::cast<nb::tuple>(item);
    const auto name = nb::cast<nb::bytes>(parts[1]);
    requests.push_back({nb::cast<bool>(parts[0]), std::string(name.c_str(), name.size()),
                        static_cast<Kind>(nb::cast<std::uint32_t>(parts[2])),
                        nb::cast<std::int64_t>(parts[3]), nb::cast<bool>(parts[4])});
  }
  return requests;
}

// The columns, or the number of the first message that is refused.
nb::object decode_features(const nb::list& described, bool has_lists, nb::handle serialized,
                           std::size_t max_threads, bool pad) {
  const std::vector<Request> requests = as_requests(described);
  const Messages messages(serialized);
  features::Decoded decoded;
  {
    const nb::gil_scoped_release released;
    decoded = features::decode_batch(requests, has_lists, messages.spans(), max_threads);
  }
  if (decoded.failure != features::kNoFailure) return nb::int_(decoded.failure);
  nb::list columns;
  for (std::size_t i = 0; i < requests.size(); ++i)
    columns.append(as_tuple(decoded.columns[i], requests[i], pad));
  return columns;
}

using Floats = nb::ndarray<const float, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

// Columns to be written, and what keeps their values alive.
class WrittenColumns {
 public:
  WrittenColumns(const nb::list& described, std::size_t num_messages) {
    for (nb::handle item : described) add(nb::cast<nb::tuple>(item), num_messages);
  }

  const std::vector<WrittenColumn>& columns() const { return columns_; }

 private:
  void add(const nb::tuple& parts, std::size_t num_messages) {
    const auto name = nb::cast<nb::bytes>(parts[1]);
    WrittenColumn column{nb::cast<bool>(parts[0]), std::string(name.c_str(), name.size()),
                         static_cast<Kind>(nb::cast<std::uint32_t>(parts[2]))};
    const Numbers lengths = keep<Numbers>(parts[4]), step_lengths = keep<Numbers>(parts[5]);
    column.lengths = lengths.data();
    column.step_lengths = step_lengths.data();
    const std::size_t num_values = take_values(column, parts[3]);
    const bool fits = lengths.size() == num_messages &&
                      (column.is_list ? total(lengths) == step_lengths.size() &&
                                            total(step_lengths) == num_values
                                      : total(lengths) == num_values);
    if (!fits) throw nb::value_error("lengths and values do not go together");
    columns_.push_back(std::move(column));
  }

  std::size_t take_values(WrittenColumn& column, nb::handle values) {
    if (column.kind == Kind::kInt64s) {
      const Numbers numbers = keep<Numbers>(values);
      column.int64s = numbers.data();
      return numbers.size();
    }
    if (column.kind == Kind::kFloats) {
      const Floats numbers = keep<Floats>(values);
      column.floats = numbers.data();
      return numbers.size();
    }
    const Messages& strings = *strings_.emplace_back(
        std::make_unique<Messages>(values));
    column.bytes = strings.spans().data();
    return strings.spans().size();
  }

  template <class Array>
  Array keep(nb::handle object) {
    auto array = nb::cast<Array>(object);
    kept_.push_back(nb::borrow(object));
    return array;
  }

  static std::size_t total(const Numbers& lengths) {
    std::size_t sum = 0;
    for (std::size_t i = 0; i < lengths.size(); ++i)
      if (lengths.data()[i] > 0) sum += static_cast<std::size_t>(lengths.data()[i]);
    return sum;
  }

  std::vector<WrittenColumn> columns_;
  std::vector<std::unique_ptr<Messages>> strings_;
  std::vector<nb::object> kept_;
};

nb::list encode_features(const nb::list& described, std::size_t num_messages) {
  const WrittenColumns written(described, num_messages);
  features::Encoded encoded;
  {
    const nb::gil_scoped_release released;
    encoded = features::encode_batch(written.columns(), num_messages);
  }
  nb::list messages;
  const auto* const bytes = reinterpret_cast<const char*>(encoded.bytes.data());
  std::size_t begin = 0;
  for (std::size_t i = 0; i < encoded.ends.size(); ++i) {
    messages.append(nb::bytes(bytes + begin, encoded.ends[i] - begin));
    begin = encoded.ends[i];
  }
  return messages;
}

template <class T>
nb::object as_range(const features::Range<T>& range) {
  if (range.empty()) return nb::none();
  return nb::make_tuple(range.least, range.most);
}

nb::tuple as_tuple(features::Profile& profile) {
  const features::Extents& found = profile.extents;
  nb::list num_of_kind, first;
  for (const std::int64_t count : found.num_of_kind) num_of_kind.append(count);
  for (const std::int64_t number : profile.first) first.append(number);
  const std::size_t num_lengths = profile.lengths.size();
  return nb::make_tuple(profile.is_list, nb::bytes(profile.name.data(), profile.name.size()),
                        nb::tuple(num_of_kind), nb::tuple(first),
                        as_array(std::move(profile.lengths), {num_lengths}),
                        as_range(found.sizes), as_range(found.int64s), as_range(found.floats),
                        as_range(found.bytes), found.num_nans);
}

// The numbers of the messages that are refused, and the profiles of the features of all others.
nb::tuple profile_features(const nb::list& serialized) {
  const Messages messages(serialized);
  features::Profiler profiler;
  std::vector<features::Profile> profiles;
  {
    const nb::gil_scoped_release released;
    for (const features::Bytes& message : messages.spans()) profiler.read(message);
    profiles = profiler.take_profiles();
  }
  Buffer<std::int64_t> refused = profiler.take_refused();
  const std::size_t num_refused = refused.size();
  nb::list described;
  for (features::Profile& profile : profiles) described.append(as_tuple(profile));
  return nb::make_tuple(as_array(std::move(refused), {num_refused}), described);
}

}  // namespace

void bind_features(nb::module_& module) {
  module.def("decode_features", decode_features, nb::arg("requests"), nb::arg("has_lists"),
             nb::arg("serialized"), nb::arg("max_threads"), nb::arg("pad"));
  module.def("encode_features", encode_features, nb::arg("columns"), nb::arg("num_messages"));
  module.def("profile_features", profile_features, nb::arg("serialized"));
}

}  // namespace varlen::bindings
