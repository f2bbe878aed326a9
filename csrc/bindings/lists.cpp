// Numbers out of Python's lists, the way in for those who have no arrays.
#include <nanobind/nanobind.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "bindings/bindings.h"
#include "bindings/buffers.h"
#include "features/buffer.h"

namespace nb = nanobind;

namespace varlen::bindings {
namespace {

using features::Buffer;

// Collects numbers of one kind: Python's own ints that fit int64, or its floats that fit float32.
// No function of anybody's class is called, so that the lists cannot change meanwhile.
class ListReader {
 public:
  // False: there is something else.
  bool read_features(PyObject* rows) {
    return for_each(rows, [this](PyObject* row) {
      const std::size_t before = num_numbers();
      if (!read_values(row)) return false;
      const std::size_t count = num_numbers() - before;
      lengths_.push(count == 0 ? -1 : static_cast<std::int64_t>(count));
      return true;
    });
  }

  bool read_lists(PyObject* rows) {
    return for_each(rows, [this](PyObject* row) { return is_sequence(row) && read_steps(row); });
  }

  bool has_numbers() const { return num_numbers() != 0; }

  nb::tuple take() {
    nb::object values =
        floats_.size() == 0 ? as_array(std::move(int64s_)) : as_array(std::move(floats_));
    return nb::make_tuple(values, as_array(std::move(lengths_)), as_array(std::move(step_lengths_)));
  }

 private:
  static bool is_sequence(PyObject* object) {
    return PyList_CheckExact(object) || PyTuple_CheckExact(object);
  }

  template <class Visit>
  static bool for_each(PyObject* sequence, Visit visit) {
    const Py_ssize_t size = PySequence_Fast_GET_SIZE(sequence);
    for (Py_ssize_t i = 0; i < size; ++i)
      if (!visit(PySequence_Fast_GET_ITEM(sequence, i))) return false;
    return true;
  }

  std::size_t num_numbers() const { return int64s_.size() + floats_.size(); }

  // A number, or a list of numbers.
  bool read_values(PyObject* value) {
    if (!is_sequence(value)) return read_number(value);
    return for_each(value, [this](PyObject* item) { return read_number(item); });
  }

  bool read_steps(PyObject* row) {
    const std::size_t first_step = step_lengths_.size();
    const std::size_t before_row = num_numbers();
    const bool are_numbers = for_each(row, [this](PyObject* step) {
      const std::size_t before = num_numbers();
      if (!read_values(step)) return false;
      step_lengths_.push(static_cast<std::int64_t>(num_numbers() - before));
      return true;
    });
    const std::size_t num_steps = step_lengths_.size() - first_step;
    lengths_.push(static_cast<std::int64_t>(num_steps));
    if (num_numbers() == before_row) {  // then nothing says of what kind they are
      step_lengths_.truncate(first_step);
      for (std::size_t i = 0; i < num_steps; ++i) step_lengths_.push(-1);
    }
    return are_numbers;
  }

  bool read_number(PyObject* number) {
    if (PyLong_CheckExact(number)) {
      int overflow = 0;
      const long long value = PyLong_AsLongLongAndOverflow(number, &overflow);
      int64s_.push(value);
      return overflow == 0 && floats_.size() == 0;
    }
    if (!PyFloat_CheckExact(number)) return false;
    const double value = PyFloat_AS_DOUBLE(number);
    const auto rounded = static_cast<float>(value);
    floats_.push(rounded);
    return (std::isfinite(rounded) || !std::isfinite(value)) && int64s_.size() == 0;
  }

  Buffer<std::int64_t> int64s_;
  Buffer<float> floats_;
  Buffer<std::int64_t> lengths_;
  Buffer<std::int64_t> step_lengths_;
};

// `(values, lengths, step lengths)` of rows that hold numbers of one kind; None if they do not.
nb::object read_numbers(nb::handle rows, bool are_lists) {
  if (!PyList_CheckExact(rows.ptr()) && !PyTuple_CheckExact(rows.ptr())) return nb::none();
  ListReader reader;
  const bool are_numbers =
      are_lists ? reader.read_lists(rows.ptr()) : reader.read_features(rows.ptr());
  if (!are_numbers || !reader.has_numbers()) return nb::none();
  return reader.take();
}

}  // namespace

void bind_lists(nb::module_& module) {
  module.def("read_numbers", read_numbers, nb::arg("rows"), nb::arg("are_lists"));
}

}  // namespace varlen::bindings
