#include "bindings/bindings.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "features/batch.h"

namespace nb = nanobind;

namespace varlen::bindings {
namespace {

using features::Buffer;
using features::Column;
using features::Kind;
using features::Request;

// The bytes of every item of a list, which are kept alive with it.
class Messages {
 public:
  explicit Messages(const nb::list& items) : items_(items) {
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

  const std::vector<features::Bytes>& spans() const { return spans_; }

 private:
  void add(const void* data, std::size_t size) {
    const auto* const begin = static_cast<const std::uint8_t*>(data);
    spans_.push_back({begin, begin + size});
  }

  nb::tuple items_;  // a copy: the list may change while other threads run
  std::vector<std::unique_ptr<BytesView>> views_;
  std::vector<features::Bytes> spans_;
};

template <class T>
nb::object as_array(Buffer<T> buffer, std::initializer_list<std::size_t> shape) {
  T* const data = buffer.release();
  const nb::capsule owner(data, [](void* memory) noexcept { std::free(memory); });
  return nb::cast(nb::ndarray<nb::numpy, T>(data, shape, owner));
}

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
nb::object decode_features(const nb::list& described, bool has_lists, const nb::list& serialized,
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

}  // namespace

void bind_features(nb::module_& module) {
  module.def("decode_features", decode_features, nb::arg("requests"), nb::arg("has_lists"),
             nb::arg("serialized"), nb::arg("max_threads"), nb::arg("pad"));
}

}  // namespace varlen::bindings
