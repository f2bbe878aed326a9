#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "bindings/bindings.h"
#include "rnn/isa.h"
#include "rnn/pool.h"

namespace nb = nanobind;

namespace varlen::bindings {
namespace {

using rnn::Kernels;

// An address of floats, as torch's `data_ptr()` gives it; 0 stands for nothing.
using Address = std::uintptr_t;

const float* input(Address address) { return reinterpret_cast<const float*>(address); }
float* output(Address address) { return reinterpret_cast<float*>(address); }

std::vector<const float*> inputs(const std::vector<Address>& addresses) {
  std::vector<const float*> pointers;
  for (const Address address : addresses) pointers.push_back(input(address));
  return pointers;
}

std::vector<float*> outputs(const std::vector<Address>& addresses) {
  std::vector<float*> pointers;
  for (const Address address : addresses) pointers.push_back(output(address));
  return pointers;
}

const Kernels& kernels_named(const std::string& name) {
  int count = 0;
  const Kernels* const* available = rnn::kernels(&count);
  for (int i = 0; i < count; ++i)
    if (name.empty() || name == available[i]->name) return *available[i];
  throw std::invalid_argument("this processor has no kernels named '" + name + "'");
}

class Program {
 public:
  using Row = std::tuple<int, int, int, int, int, float>;

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

struct Shape {
  int num_gates, num_recurrent, units, true_units, second_units, second_true_units, product_state,
      true_terms, num_parameters;
  std::vector<std::int32_t> state_units;

  rnn::Shape get() const {
    return {num_gates,    num_recurrent,     static_cast<std::int32_t>(state_units.size()),
            num_parameters, units,           true_units,
            second_units, second_true_units, state_units.data(),
            product_state, true_terms};
  }
};

// The rows of a batch, sorted for the workers.
class Sequences {
 public:
  Sequences(Address lengths, Address starts, std::int64_t batch_size, bool reverse) {
    const auto* length = reinterpret_cast<const std::int64_t*>(lengths);
    for (std::int32_t b = 0; b < batch_size; ++b)
      if (length[b] > 0) by_length_.push_back(b);
    std::stable_sort(by_length_.begin(), by_length_.end(),
                     [length](std::int32_t a, std::int32_t b) { return length[a] > length[b]; });
    sequences_ = {by_length_.data(), static_cast<std::int64_t>(by_length_.size()), length,
                  reinterpret_cast<const std::int64_t*>(starts), reverse};
  }

  // Calls loop(next, slots) on every worker.
  template <class Loop>
  void share(int num_threads, int max_slots, Loop loop) const {
    const auto count = static_cast<int>(std::min<std::int64_t>(sequences_.count, 1 << 30));
    const int workers = std::max(1, std::min(num_threads, count));
    const int slots = std::max(1, std::min(max_slots, (count + workers - 1) / workers));
    std::int64_t next = 0;
    rnn::Pool::shared().run(workers, [&](int) { loop(&next, slots); });
  }

  const rnn::Sequences& get() const { return sequences_; }

 private:
  std::vector<std::int32_t> by_length_;
  rnn::Sequences sequences_;
};

constexpr int kSlots = 12;

void forward(const std::string& kernels, int num_threads, const Sequences& sequences,
             const Shape& shape, const Program& program, const Program* second_program,
             Address recurrent, Address second, Address projected, int num_blocks,
             const std::vector<std::int32_t>& block_of, Address bias,
             const std::vector<Address>& parameters, const std::vector<Address>& initial_states,
             const std::vector<Address>& final_states, const std::vector<Address>& states,
             Address out, int output_units, Address gates, Address operands, Address products) {
  const Kernels& chosen = kernels_named(kernels);
  const auto parameter = inputs(parameters), initial = inputs(initial_states);
  const auto final_ = outputs(final_states), state = outputs(states);
  const rnn::Forward unroll{shape.get(),
                            program.get(),
                            second_program ? second_program->get() : nullptr,
                            input(recurrent),
                            input(second),
                            input(projected),
                            num_blocks,
                            block_of.data(),
                            input(bias),
                            parameter.data(),
                            initial.data(),
                            final_.data(),
                            state.data(),
                            output(out),
                            output_units,
                            output(gates),
                            output(operands),
                            output(products)};
  const nb::gil_scoped_release released;
  sequences.share(num_threads, kSlots, [&](std::int64_t* next, int slots) {
    chosen.forward(unroll, sequences.get(), next, slots);
  });
}

void backward(const std::string& kernels, int num_threads, const Sequences& sequences,
              const Shape& shape, const Program& program, const Program* second_program,
              Address recurrent, Address second, const std::vector<Address>& parameters,
              const std::vector<Address>& initial_states, const std::vector<Address>& states,
              Address output_gradients, int output_units,
              const std::vector<Address>& final_gradients,
              const std::vector<Address>& initial_gradients, Address gates, Address products,
              Address gate_gradients, Address product_gradients,
              const std::vector<Address>& parameter_gradients) {
  const Kernels& chosen = kernels_named(kernels);
  const auto parameter = inputs(parameters), initial = inputs(initial_states);
  const auto state = inputs(states), final_ = inputs(final_gradients);
  const auto initial_gradient = outputs(initial_gradients);
  const auto parameter_gradient = outputs(parameter_gradients);
  const rnn::Backward unroll{shape.get(),
                             program.get(),
                             second_program ? second_program->get() : nullptr,
                             input(recurrent),
                             input(second),
                             parameter.data(),
                             initial.data(),
                             state.data(),
                             input(output_gradients),
                             output_units,
                             final_.data(),
                             initial_gradient.data(),
                             input(gates),
                             input(products),
                             output(gate_gradients),
                             output(product_gradients),
                             parameter_gradient.data()};
  const nb::gil_scoped_release released;
  sequences.share(num_threads, kSlots, [&](std::int64_t* next, int slots) {
    chosen.backward(unroll, sequences.get(), next, slots);
  });
}

void pack(const std::string& kernels, Address weights, std::ptrdiff_t row_stride,
          std::ptrdiff_t column_stride, int num_rows, int num_columns, Address packed) {
  kernels_named(kernels).pack(input(weights), row_stride, column_stride, num_rows, num_columns,
                              output(packed));
}

void evaluate(const std::string& kernels, const Program& program, const std::vector<Address>& in,
              const std::vector<Address>& out, int units) {
  const auto from = inputs(in);
  const auto to = outputs(out);
  kernels_named(kernels).evaluate(*program.get(), from.data(), to.data(), units);
}

std::vector<std::string> kernel_names() {
  int count = 0;
  const Kernels* const* available = rnn::kernels(&count);
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i) names.emplace_back(available[i]->name);
  return names;
}

}  // namespace

void bind_rnn(nb::module_& parent) {
  nb::module_ module = parent.def_submodule("rnn");
  nb::class_<Program>(module, "Program")
      .def(nb::init<const std::vector<Program::Row>&, int, int, int>(), nb::arg("rows"),
           nb::arg("num_inputs"), nb::arg("num_outputs"), nb::arg("num_temporaries"));
  nb::class_<Shape>(module, "Shape")
      .def(
          "__init__",
          [](Shape* self, int num_gates, int num_recurrent, int units, int true_units,
             int second_units, int second_true_units, int product_state, int true_terms,
             int num_parameters, const std::vector<std::int32_t>& state_units) {
            new (self) Shape{num_gates,         num_recurrent, units,      true_units, second_units,
                             second_true_units, product_state, true_terms, num_parameters,
                             state_units};
          },
          nb::kw_only(), nb::arg("num_gates"), nb::arg("num_recurrent"), nb::arg("units"),
          nb::arg("true_units"), nb::arg("second_units"), nb::arg("second_true_units"),
          nb::arg("product_state"), nb::arg("true_terms"), nb::arg("num_parameters"),
          nb::arg("state_units"));
  nb::class_<Sequences>(module, "Sequences")
      .def(nb::init<Address, Address, std::int64_t, bool>(), nb::arg("lengths"), nb::arg("starts"),
           nb::arg("batch_size"), nb::arg("reverse"));
  module.def("kernel_names", kernel_names);
  module.def("pack", pack, nb::kw_only(), nb::arg("kernels"), nb::arg("weights"),
             nb::arg("row_stride"), nb::arg("column_stride"), nb::arg("num_rows"),
             nb::arg("num_columns"), nb::arg("packed"));
  module.def("evaluate", evaluate, nb::kw_only(), nb::arg("kernels"), nb::arg("program"),
             nb::arg("inputs"), nb::arg("outputs"), nb::arg("units"));
  module.def("forward", forward, nb::kw_only(), nb::arg("kernels"), nb::arg("num_threads"),
             nb::arg("sequences"), nb::arg("shape"), nb::arg("program"),
             nb::arg("second_program").none(), nb::arg("recurrent"), nb::arg("second"),
             nb::arg("projected"), nb::arg("num_blocks"), nb::arg("block_of"), nb::arg("bias"),
             nb::arg("parameters"), nb::arg("initial_states"), nb::arg("final_states"),
             nb::arg("states"), nb::arg("outputs"), nb::arg("output_units"), nb::arg("gates"),
             nb::arg("operands"), nb::arg("products"));
  module.def("backward", backward, nb::kw_only(), nb::arg("kernels"), nb::arg("num_threads"),
             nb::arg("sequences"), nb::arg("shape"), nb::arg("program"),
             nb::arg("second_program").none(), nb::arg("recurrent"), nb::arg("second"),
             nb::arg("parameters"), nb::arg("initial_states"), nb::arg("states"),
             nb::arg("output_gradients"), nb::arg("output_units"), nb::arg("final_gradients"),
             nb::arg("initial_gradients"), nb::arg("gates"), nb::arg("products"),
             nb::arg("gate_gradients"), nb::arg("product_gradients"),
             nb::arg("parameter_gradients"));
}

}  // namespace varlen::bindings
