// Where C++ meets Python: one file per area turns buffers into pointers and sizes, and nothing else.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstdint>
#include <stdexcept>

namespace varlen::bindings {

void bind_features(nanobind::module_& module);
void bind_lists(nanobind::module_& module);
void bind_records(nanobind::module_& module);
void bind_rnn(nanobind::module_& module);

// A read-only, contiguous view of any object with the buffer protocol (bytes, memoryview, mmap, array).
class BytesView {
 public:
  explicit BytesView(nanobind::handle object) {
    if (PyObject_GetBuffer(object.ptr(), &view_, PyBUF_SIMPLE) != 0) nanobind::raise_python_error();
  }
  ~BytesView() { PyBuffer_Release(&view_); }
  BytesView(const BytesView&) = delete;
  BytesView& operator=(const BytesView&) = delete;

  const unsigned char* data() const { return static_cast<const unsigned char*>(view_.buf); }
  std::size_t size() const { return static_cast<std::size_t>(view_.len); }

 private:
  Py_buffer view_{};
};

using Numbers = nanobind::ndarray<const std::int64_t, nanobind::ndim<1>, nanobind::c_contig,
                                  nanobind::device::cpu>;

inline void check_position(std::int64_t position, std::size_t size) {
  if (position < 0 || static_cast<std::size_t>(position) > size)
    throw std::out_of_range("a position outside the buffer");
}

inline void check_slices(const Numbers& starts, const Numbers& lengths, std::size_t size) {
  if (starts.size() != lengths.size())
    throw std::invalid_argument("expected as many lengths as starts");
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const std::int64_t start = starts.data()[i], length = lengths.data()[i];
    check_position(start, size);
    if (length < 0 || static_cast<std::size_t>(length) > size - static_cast<std::size_t>(start))
      throw std::out_of_range("a slice outside the buffer");
  }
}

}  // namespace varlen::bindings
