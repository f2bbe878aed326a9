#include <nanobind/ndarray.h>
#include <nanobind/stl/pair.h>

#include <stdexcept>
#include <utility>
#include <vector>

#include "bindings/bindings.h"
#include "records/crc32c.h"
#include "records/frames.h"
#include "records/steps.h"

namespace nb = nanobind;

namespace varlen::bindings {
namespace {

using Crc32cFunction = std::uint32_t(std::uint32_t, const std::uint8_t*, std::size_t);
using NewNumbers = nb::ndarray<nb::numpy, std::int64_t, nb::ndim<1>>;

std::uint32_t checksum(Crc32cFunction* function, nb::handle data, std::uint32_t crc) {
  const BytesView bytes(data);
  const nb::gil_scoped_release released;
  return function(crc, bytes.data(), bytes.size());
}

NewNumbers as_array(std::vector<std::int64_t>&& values) {
  auto* kept = new std::vector<std::int64_t>(std::move(values));
  const nb::capsule owner(
      kept, [](void* held) noexcept { delete static_cast<std::vector<std::int64_t>*>(held); });
  return NewNumbers(kept->data(), {kept->size()}, owner);
}

std::pair<NewNumbers, NewNumbers> scan_frames(nb::handle buffer, std::int64_t begin) {
  const BytesView bytes(buffer);
  check_position(begin, bytes.size());
  std::vector<std::int64_t> starts, lengths;
  {
    const nb::gil_scoped_release released;
    records::scan_frames(bytes.data(), bytes.size(), static_cast<std::size_t>(begin), starts,
                         lengths);
  }
  return {as_array(std::move(starts)), as_array(std::move(lengths))};
}

std::int64_t find_header(nb::handle buffer, std::int64_t begin) {
  const BytesView bytes(buffer);
  check_position(begin, bytes.size());
  const nb::gil_scoped_release released;
  return records::find_header(bytes.data(), bytes.size(), static_cast<std::size_t>(begin));
}

NewNumbers frame_lengths(nb::handle buffer, const Numbers& offsets) {
  const BytesView bytes(buffer);
  std::vector<std::int64_t> lengths(offsets.size());
  {
    const nb::gil_scoped_release released;
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      const std::int64_t offset = offsets.data()[i];
      const bool inside = offset >= 0 && static_cast<std::size_t>(offset) <= bytes.size();
      lengths[i] = inside ? records::frame_length(bytes.data() + offset,
                                                  bytes.size() - static_cast<std::size_t>(offset))
                          : -1;
    }
  }
  return as_array(std::move(lengths));
}

nb::list slice_bytes(nb::handle buffer, const Numbers& starts, const Numbers& lengths) {
  const BytesView bytes(buffer);
  check_slices(starts, lengths, bytes.size());
  nb::list slices = nb::steal<nb::list>(PyList_New(static_cast<Py_ssize_t>(starts.size())));
  if (!slices.is_valid()) nb::raise_python_error();
  for (std::size_t i = 0; i < starts.size(); ++i) {
    PyObject* slice =
        PyBytes_FromStringAndSize(reinterpret_cast<const char*>(bytes.data()) + starts.data()[i],
                                  static_cast<Py_ssize_t>(lengths.data()[i]));
    if (slice == nullptr) nb::raise_python_error();
    PyList_SET_ITEM(slices.ptr(), static_cast<Py_ssize_t>(i), slice);
  }
  return slices;
}

nb::bytes frame_records(const nb::list& records) {
  // A tuple of its own: while the lock is released, another thread may change the list.
  const nb::tuple held(records);
  std::vector<std::pair<const std::uint8_t*, std::size_t>> data;
  data.reserve(held.size());
  std::size_t size = 0;
  for (nb::handle record : held) {
    if (!PyBytes_Check(record.ptr())) throw nb::type_error("expected a list of bytes");
    const auto length = static_cast<std::size_t>(PyBytes_GET_SIZE(record.ptr()));
    data.emplace_back(reinterpret_cast<const std::uint8_t*>(PyBytes_AS_STRING(record.ptr())),
                      length);
    size += records::kHeaderSize + length + records::kFooterSize;
  }
  nb::bytes frames =
      nb::steal<nb::bytes>(PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(size)));
  if (!frames.is_valid()) nb::raise_python_error();
  {
    auto* end = reinterpret_cast<std::uint8_t*>(PyBytes_AS_STRING(frames.ptr()));
    const nb::gil_scoped_release released;
    for (const auto& [record, length] : data) end = records::write_frame(record, length, end);
  }
  return frames;
}

NewNumbers count_steps(nb::handle buffer, const Numbers& starts, const Numbers& lengths,
                       const nb::bytes& name) {
  const BytesView bytes(buffer);
  check_slices(starts, lengths, bytes.size());
  std::vector<std::int64_t> steps(starts.size());
  {
    const std::string_view wanted(name.c_str(), name.size());
    const nb::gil_scoped_release released;
    const char* const begin = reinterpret_cast<const char*>(bytes.data());
    for (std::size_t i = 0; i < steps.size(); ++i)
      steps[i] = records::count_steps(
          {begin + starts.data()[i], static_cast<std::size_t>(lengths.data()[i])}, wanted);
  }
  return as_array(std::move(steps));
}

}  // namespace

void bind_records(nb::module_& module) {
  module.def(
      "crc32c",
      [](nb::handle data, std::uint32_t crc) { return checksum(records::crc32c, data, crc); },
      nb::arg("data"), nb::arg("crc") = 0);
  // The table version alone, so that a test can compare it where the instruction would be chosen.
  module.def(
      "crc32c_portable",
      [](nb::handle data, std::uint32_t crc) {
        return checksum(records::crc32c_portable, data, crc);
      },
      nb::arg("data"), nb::arg("crc") = 0);
  module.def(
      "masked_crc32c",
      [](nb::handle data) {
        const BytesView bytes(data);
        const nb::gil_scoped_release released;
        return records::masked_crc32c(bytes.data(), bytes.size());
      },
      nb::arg("data"));
  module.def("scan_frames", scan_frames, nb::arg("buffer"), nb::arg("begin"));
  module.def("find_header", find_header, nb::arg("buffer"), nb::arg("begin"));
  module.def("frame_lengths", frame_lengths, nb::arg("buffer"), nb::arg("offsets"));
  module.def("slice_bytes", slice_bytes, nb::arg("buffer"), nb::arg("starts"), nb::arg("lengths"));
  module.def("frame_records", frame_records, nb::arg("records"));
  module.def("count_steps", count_steps, nb::arg("buffer"), nb::arg("starts"), nb::arg("lengths"),
             nb::arg("name"));
}

}  // namespace varlen::bindings
