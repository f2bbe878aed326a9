// Where C++ meets Python: one file per area turns buffers into pointers and sizes, and nothing else.
#pragma once

#include <nanobind/nanobind.h>

namespace varlen::bindings {

void bind_features(nanobind::module_& module);
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

}  // namespace varlen::bindings
