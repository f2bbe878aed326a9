// The one place where C++ meets Python: it turns buffers into pointers and sizes, and nothing else.
#include <nanobind/nanobind.h>

#include "records/crc32c.h"

namespace nb = nanobind;

namespace {

// A read-only, contiguous view of any object with the buffer protocol (bytes, memoryview, mmap, array).
class BytesView {
 public:
  explicit BytesView(nb::handle object) {
    if (PyObject_GetBuffer(object.ptr(), &view_, PyBUF_SIMPLE) != 0) nb::raise_python_error();
  }
  ~BytesView() { PyBuffer_Release(&view_); }
  BytesView(const BytesView&) = delete;
  BytesView& operator=(const BytesView&) = delete;

  const std::uint8_t* data() const { return static_cast<const std::uint8_t*>(view_.buf); }
  std::size_t size() const { return static_cast<std::size_t>(view_.len); }

 private:
  Py_buffer view_{};
};

using Crc32cFunction = std::uint32_t(std::uint32_t, const std::uint8_t*, std::size_t);

std::uint32_t checksum(Crc32cFunction* function, nb::handle data, std::uint32_t crc) {
  const BytesView bytes(data);
  const nb::gil_scoped_release released;
  return function(crc, bytes.data(), bytes.size());
}

}  // namespace

NB_MODULE(_C, module) {
  namespace records = varlen::records;
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
}
