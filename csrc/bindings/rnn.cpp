#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "bindings/bindings.h"
#include "rnn/driver.h"

namespace nb = nanobind;

namespace varlen::bindings {
namespace {

// Addresses as torch's `data_ptr()` gives them; 0 stands for nothing. The callers have checked sizes and types.
using Address = std::uintptr_t;
using Addresses = std::vector<Address>;
// Of a matrix: address, row stride, column stride, rows, columns.
using MatrixAt = std::tuple<Address, std::ptrdiff_t, std::ptrdiff_t, int, int>;

template <class T>
T* at(Address address) {
  return reinterpret_cast<T*>(address);
}

template <class T>
std::vector<T*> at(const Addresses& addresses) {
  std::vector<T*> pointers;
  for (const Address address : addresses) pointers.push_back(at<T>(address));
  return pointers;
}

template <class Real>
rnn::Matrix<Real> matrix(const std::optional<MatrixAt>& given) {
  if (!given) return {};
  const auto& [address, row_stride, column_stride, rows, columns] = *given;
  return {at<const Real>(address), row_stride, column_stride, rows, columns};
}

template <class Real>
const rnn::Kernels<Real>& kernels_named(const std::string& name) {
  const auto& available = rnn::available_kernels<Real>();
  for (int i = 0; i < available.count; ++i)
    if (name.empty() || name == available.kernels[i]->name) return *available.kernels[i];
  throw std::invalid_argument("this processor has no kernels named '" + name + "'");
}

class Program {
 public:
  using Row = std::tuple<int, int, int, int, int, double>;

  Program(const std::vector<Row>& rows, int num_inputs, int num_outputs, int num_temporaries) {
    const int registers = num_inputs + num_outputs + num_temporaries;
    for (const auto& [op, target, a, b, c, constant] : rows) {
      if (op < 0 || op >= static_cast<int>(rnn::Op::kCount))
        throw std::invalid_argument("unknown operation " + std::to_string(op));
      for (const int name : {target, a, b, c})
        if (name < 0 || name >= registers)
          throw std::invalid_argument("no register " + std::to_string(name));
      instructions_.push_back({op, target, a, b, c, constant});
    }
    program_ = {instructions_.data(), static_cast<std::int32_t>(instructions_.size()), num_inputs,
                num_outputs, num_temporaries};
  }

  const rnn::Program* get() const { return &program_; }

 private:
  std::vector<rnn::Instruction> instructions_;
  rnn::Program program_;
};

const rnn::Program* get(const Program* program) { return program ? program->get() : nullptr; }

rnn::Batch make_batch(Address lengths, std::int64_t size, Address bases, Address time_offsets,
                      std::int64_t num_steps, std::int64_t num_rows, bool reverse) {
  const auto* length = at<const std::int64_t>(lengths);
  const auto* base = at<const std::int64_t>(bases);
  const auto* offset = at<const std::int64_t>(time_offsets);
  std::vector<bool> taken(num_rows, false);
  for (std::int64_t b = 0; b < size; ++b) {
    if (length[b] < 0 || length[b] > num_steps)
      throw std::invalid_argument("lengths: expected 0 to " + std::to_string(num_steps) + ", found " +
                                  std::to_string(length[b]) + " in row " + std::to_string(b));
    for (std::int64_t t = 0; t < length[b]; ++t) {
      const std::int64_t place = base[b] + offset[t];
      if (place < 0 || place >= num_rows || taken[place])
        throw std::invalid_argument("step " + std::to_string(t) + " of row " + std::to_string(b) +
                                    " is at place " + std::to_string(place) +
                                    ", which is taken or none of " + std::to_string(num_rows));
      taken[place] = true;
    }
  }
  return rnn::Batch(length, size, base, offset, num_rows, reverse);
}

struct Weights {
  std::optional<MatrixAt> input, recurrent, second;
  Address bias;
  Addresses vectors, noises;

  template <class Real>
  rnn::CellWeights<Real> get() const {
    return {matrix<Real>(input), matrix<Real>(recurrent), matrix<Real>(second),
            at<const Real>(bias), at<const Real>(vectors), at<const Real>(noises)};
  }
};

struct Saved {
  Address gates;
  Addresses states;
  Address operands, products;

  template <class Real>
  rnn::Saved<Real> get() const {
    return {at<Real>(gates), at<Real>(states), at<Real>(operands), at<Real>(products)};
  }
};

struct Gradients {
  Address input, recurrent, second, bias;
  Addresses vectors;

  template <class Real>
  rnn::WeightGradients<Real> get() const {
    return {at<Real>(input), at<Real>(recurrent), at<Real>(second), at<Real>(bias),
            at<Real>(vectors)};
  }
};

template <class Real>
void forward(const std::string& kernels, const rnn::Crew& crew, const rnn::Batch& batch,
             const rnn::Cell& cell, const Weights& weights, Address inputs,
             const Addresses& initial_states, const Addresses& final_states, Address outputs,
             const Saved* saved) {
  const rnn::Kernels<Real>& chosen = kernels_named<Real>(kernels);
  const auto weight = weights.get<Real>();
  const auto initial = at<const Real>(initial_states);
  const auto final_ = at<Real>(final_states);
  const auto kept =
      saved ? saved->get<Real>()
            : rnn::Saved<Real>{nullptr, std::vector<Real*>(initial.size()), nullptr, nullptr};
  const nb::gil_scoped_release released;
  rnn::Driver<Real>(chosen, crew, batch, cell, weight, at<const Real>(inputs))
      .forward(initial, final_, at<Real>(outputs), kept);
}

template <class Real>
void backward(const std::string& kernels, const rnn::Crew& crew, const rnn::Batch& batch,
              const rnn::Cell& cell, const Weights& weights, Address inputs,
              const Addresses& initial_states, Address output_gradients,
              bool output_gradients_placed, const Addresses& final_gradients,
              const Addresses& initial_gradients, const Saved& saved, Address input_gradients,
              const Gradients& gradients) {
  const rnn::Kernels<Real>& chosen = kernels_named<Real>(kernels);
  const auto weight = weights.get<Real>();
  const auto initial = at<const Real>(initial_states);
  const auto final_ = at<const Real>(final_gradients);
  const auto initial_gradient = at<Real>(initial_gradients);
  const auto kept = saved.get<Real>();
  const auto found = gradients.get<Real>();
  const nb::gil_scoped_release released;
  rnn::Driver<Real>(chosen, crew, batch, cell, weight, at<const Real>(inputs))
      .backward(initial, at<const Real>(output_gradients), output_gradients_placed, final_,
                initial_gradient, kept, at<Real>(input_gradients), found);
}

void evaluate(const std::string& kernels, const Program& program, const Addresses& in,
              const Addresses& out, int units) {
  kernels_named<float>(kernels).evaluate(*program.get(), at<const float>(in).data(),
                                         at<float>(out).data(), units);
}

std::vector<std::string> kernel_names() {
  const auto& available = rnn::available_kernels<float>();
  std::vector<std::string> names;
  for (int i = 0; i < available.count; ++i) names.emplace_back(available.kernels[i]->name);
  return names;
}

template <class Real>
void bind_loops(nb::module_& module, const char* forward_name, const char* backward_name) {
  module.def(forward_name, forward<Real>, nb::kw_only(), nb::arg("kernels"),
             nb::arg("crew"), nb::arg("batch"), nb::arg("cell"), nb::arg("weights"),
             nb::arg("inputs"), nb::arg("initial_states"), nb::arg("final_states"),
             nb::arg("outputs"), nb::arg("saved").none());
  module.def(backward_name, backward<Real>, nb::kw_only(), nb::arg("kernels"),
             nb::arg("crew"), nb::arg("batch"), nb::arg("cell"), nb::arg("weights"),
             nb::arg("inputs"), nb::arg("initial_states"), nb::arg("output_gradients"),
             nb::arg("output_gradients_placed"), nb::arg("final_gradients"),
             nb::arg("initial_gradients"), nb::arg("saved"), nb::arg("input_gradients"),
             nb::arg("gradients"));
}

}  // namespace

void bind_rnn(nb::module_& parent) {
  rnn::Crew::watch_forks();
  nb::module_ module = parent.def_submodule("rnn");
  nb::class_<Program>(module, "Program")
      .def(nb::init<const std::vector<Program::Row>&, int, int, int>(), nb::arg("rows"),
           nb::arg("num_inputs"), nb::arg("num_outputs"), nb::arg("num_temporaries"));
  nb::class_<rnn::Crew>(module, "Crew")
      .def(
          "__init__",
          [](rnn::Crew* self, Address parallel_for, int size) {
            new (self) rnn::Crew(reinterpret_cast<rnn::ParallelFor>(parallel_for), size);
          },
          nb::kw_only(), nb::arg("parallel_for"), nb::arg("size"));
  nb::class_<rnn::Batch>(module, "Batch")
      .def(nb::new_(&make_batch), nb::kw_only(), nb::arg("lengths"), nb::arg("size"),
           nb::arg("bases"), nb::arg("time_offsets"), nb::arg("num_steps"), nb::arg("num_rows"),
           nb::arg("reverse"))
      .def_prop_ro("num_steps", &rnn::Batch::num_steps);
  nb::class_<rnn::Cell>(module, "Cell")
      .def(
          "__init__",
          [](rnn::Cell* self, int num_gates, int num_recurrent_gates, int num_input_gates, int units,
             int num_vectors, int num_noises, const std::vector<int>& state_units, int product_state,
             int second_units, int output_units, int output_state, const Program& forward,
             const Program* second_forward, const Program& backward,
             const Program* second_backward) {
            new (self) rnn::Cell{num_gates,         num_recurrent_gates, num_input_gates,
                                 units,             num_vectors,         num_noises, state_units,
                                 product_state,     second_units,        output_units,
                                 output_state,      get(&forward),       get(second_forward),
                                 get(&backward),    get(second_backward)};
          },
          nb::kw_only(), nb::arg("num_gates"), nb::arg("num_recurrent_gates"),
          nb::arg("num_input_gates"), nb::arg("units"), nb::arg("num_vectors"), nb::arg("num_noises"),
          nb::arg("state_units"), nb::arg("product_state"), nb::arg("second_units"),
          nb::arg("output_units"), nb::arg("output_state"), nb::arg("forward"),
          nb::arg("second_forward").none(), nb::arg("backward"), nb::arg("second_backward").none(),
          nb::keep_alive<1, 13>(), nb::keep_alive<1, 14>(), nb::keep_alive<1, 15>(),
          nb::keep_alive<1, 16>());
  nb::class_<Weights>(module, "Weights")
      .def(
          "__init__",
          [](Weights* self, const MatrixAt& input, const MatrixAt& recurrent,
             const std::optional<MatrixAt>& second, Address bias, const Addresses& vectors,
             const Addresses& noises) {
            new (self) Weights{input, recurrent, second, bias, vectors, noises};
          },
          nb::kw_only(), nb::arg("input"), nb::arg("recurrent"), nb::arg("second").none(),
          nb::arg("bias"), nb::arg("vectors"), nb::arg("noises"));
  nb::class_<Saved>(module, "Saved")
      .def(
          "__init__",
          [](Saved* self, Address gates, const Addresses& states, Address operands,
             Address products) { new (self) Saved{gates, states, operands, products}; },
          nb::kw_only(), nb::arg("gates"), nb::arg("states"), nb::arg("operands"),
          nb::arg("products"));
  nb::class_<Gradients>(module, "Gradients")
      .def(
          "__init__",
          [](Gradients* self, Address input, Address recurrent, Address second, Address bias,
             const Addresses& vectors) {
            new (self) Gradients{input, recurrent, second, bias, vectors};
          },
          nb::kw_only(), nb::arg("input"), nb::arg("recurrent"), nb::arg("second"), nb::arg("bias"),
          nb::arg("vectors"));
  module.def("kernel_names", kernel_names);
  module.def("evaluate", evaluate, nb::kw_only(), nb::arg("kernels"), nb::arg("program"),
             nb::arg("inputs"), nb::arg("outputs"), nb::arg("units"));
  bind_loops<float>(module, "forward_float32", "backward_float32");
  bind_loops<double>(module, "forward_float64", "backward_float64");
}

}  // namespace varlen::bindings
