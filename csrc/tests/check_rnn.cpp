// Checks of the time loops, which need neither torch nor Python: every cell and instruction set against
// plain loops, and equality bit for bit whatever the threads and the batch.
//
//   check_rnn [largest]   leaves out cells of more units than that
//
// `make check-native` runs it, `make sanitize` under sanitizers, `make check-aarch64` as built for another
// processor.
#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <functional>

#include "tests/rnn_naive.h"
#include "tests/rnn_problem.h"
#include "tests/rnn_threads.h"

namespace varlen::check {
namespace {

int num_checks = 0;

[[noreturn]] void fail(const std::string& where, const std::string& what) {
  std::fprintf(stderr, "check_rnn: %s: %s\n", where.c_str(), what.c_str());
  std::exit(1);
}

template <class Real>
void expect_close(const std::string& where, const Arrays<Real>& found, const Arrays<double>& wanted,
                  double tolerance) {
  if (found.size() != wanted.size()) fail(where, "expected other arrays");
  for (const auto& [name, numbers] : found) {
    const std::vector<double>& want = wanted.at(name);
    if (want.size() != numbers.size()) fail(where, name + " has another size");
    double largest = 0;
    for (const double number : want) largest = std::max(largest, std::abs(number));
    for (std::size_t i = 0; i < want.size(); ++i) {
      // Zeros are padding, or what nothing went into.
      const double allowed = want[i] == 0 ? 0 : tolerance * largest;
      if (!(std::abs(numbers[i] - want[i]) <= allowed))
        fail(where, name + "[" + std::to_string(i) + "]: expected " + std::to_string(want[i]) +
                        ", found " + std::to_string(numbers[i]));
    }
    ++num_checks;
  }
}

template <class Real>
void expect_same(const std::string& where, const Real* found, const Real* wanted, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i)
    if (std::memcmp(found + i, wanted + i, sizeof(Real)) != 0)
      fail(where + "[" + std::to_string(i) + "]", "expected exactly " + std::to_string(wanted[i]) +
                                                      ", found " + std::to_string(found[i]));
  ++num_checks;
}

template <class Real>
void expect_same(const std::string& where, const Arrays<Real>& found, const Arrays<Real>& wanted) {
  for (const auto& [name, numbers] : found)
    expect_same(where + ": " + name, numbers.data(), wanted.at(name).data(), numbers.size());
}

template <class Real>
constexpr double kTolerance = sizeof(Real) == 4 ? 3e-5 : 1e-12;

struct Team {
  const char* name;
  rnn::ParallelFor parallel_for;
  int size;
};

constexpr Team kTeams[] = {{"2 threads", threads_for, 2},  {"3 threads", threads_for, 3},
                           {"7 threads", threads_for, 7},  {"7, all inline", inline_for, 7},
                           {"7, half of them", half_for, 7}};
constexpr int kNumTeams = 5;

template <class Real>
void each_kernel(const std::function<void(const rnn::Kernels<Real>&)>& body) {
  const auto& available = rnn::available_kernels<Real>();
  for (int i = 0; i < available.count; ++i) body(*available.kernels[i]);
}

// One problem with every instruction set: against the definition alone, against itself with threads. Teams take
// turns; -1: all of them.
template <class Real>
void check(const std::string& name, const Problem<Real>& problem, int turn = -1) {
  const Arrays<double> wanted = Naive<Real>(problem).found();
  each_kernel<Real>([&](const rnn::Kernels<Real>& kernels) {
    const std::string where = name + ", " + kernels.name + (sizeof(Real) == 4 ? " float" : " double");
    const Arrays<Real> alone = run(problem, kernels, rnn::Crew(nullptr, 1), false);
    expect_close(where, alone, wanted, kTolerance<Real>);
    expect_same(where + ", gates computed again", run(problem, kernels, rnn::Crew(nullptr, 1), true),
                alone);
    for (int i = 0; i < kNumTeams; ++i) {
      if (turn >= 0 && i != turn % kNumTeams && i != (turn + 2) % kNumTeams) continue;
      const rnn::Crew crew(kTeams[i].parallel_for, kTeams[i].size);
      expect_same(where + ", " + kTeams[i].name, run(problem, kernels, crew, turn % 2 == 0), alone);
    }
  });
}

std::vector<std::int64_t> some_lengths(std::int64_t size) {
  std::vector<std::int64_t> lengths;
  for (std::int64_t b = 0; b < size; ++b) lengths.push_back(b * 7 % 16);
  return lengths;
}

const std::vector<std::vector<std::int64_t>> kBatches = {
    some_lengths(22),  // more than a thread holds at once, and more steps than a product takes at once
    {12, 0, 18}, {1}, {2}, {0, 0}, {}};

using MakeCell = CheckedCell (*)(int units);
const MakeCell kCells[] = {
    lstm, mixed, [](int units) { return projected(units, units / 2 + 1); }, reset_before, summed};

// Takes turns among everything that is independent, so that it all meets.
Options some_options(int turn) {
  Options options;
  options.reverse = turn % 2;
  options.with_bias = turn % 3 != 1;
  options.transposed = turn % 5 == 2;
  options.with_output_gradients = turn % 7 != 3;
  options.output_gradients_placed = turn % 4 != 2;
  options.with_final_gradients = turn % 5 != 4;
  options.with_input_gradients = turn % 9 != 5;
  return options;
}

template <class Real>
void check_sizes(int largest) {
  int turn = 0;
  for (const int units : {1, 3, 16, 63, 64, 130})
    for (const MakeCell make : kCells)
      for (const auto& lengths : kBatches) {
        if (units > largest) continue;
        const CheckedCell cell = make(units);
        ++turn;
        const auto layout = static_cast<Layout>(turn % 4);
        // Of a few sequences the inputs are wide, since for small products no threads are asked for.
        const int input_size = lengths.size() == 3 ? 300 : std::vector<int>{1, 5, 16, 33}[turn / 4 % 4];
        check<Real>(std::string(cell.name()) + " of " + std::to_string(units) + " units, batch of " +
                        std::to_string(lengths.size()) + ", turn " + std::to_string(turn),
                    {cell, Table(lengths, layout), some_options(turn), input_size}, turn);
      }
}

// Weights that outgrow a core's cache, or more threads than there is work for: teams share each step.
template <class Real>
void check_shared_steps() {
  const CheckedCell large = lstm(260), sums = summed(400), wide = projected(320, 340), narrow = projected(160, 5);
  const Table table({3, 1, 0, 4, 2, 1, 3}, Layout::kTimeMajor);
  const int before = num_lent;
  check<Real>("large lstm", {large, table, {}, 3});
  check<Real>("large summed", {sums, table, {}, 3});
  check<Real>("large projected", {wide, table, some_options(1), 3});
  const Problem<Real> lone(narrow, Table({30}, Layout::kJagged), {}, 300);
  const auto& kernels = *rnn::available_kernels<Real>().kernels[0];
  expect_same("20 threads", run(lone, kernels, rnn::Crew(threads_for, 20), false),
              run(lone, kernels, rnn::Crew(nullptr, 1), false));
  if (num_lent == before) fail("shared steps", "no thread was asked for");
}

// The gradients of the definition against its values.
void check_definition() {
  for (const MakeCell make : kCells) {
    const CheckedCell cell = make(3);
    Problem<double> problem(cell, Table({3, 0, 2}, Layout::kPadded), {}, 2);
    const auto loss = [&] {
      const Arrays<double> found = Naive<double>(problem).found();
      double sum = 0;
      for (std::size_t i = 0; i < problem.output_gradients.size(); ++i)
        if (problem.output_gradients[i] == problem.output_gradients[i])
          sum += found.at("outputs")[i] * problem.output_gradients[i];
      for (std::size_t s = 0; s < problem.final_gradients.size(); ++s)
        for (std::size_t i = 0; i < problem.final_gradients[s].size(); ++i)
          sum += found.at("final " + std::to_string(s))[i] * problem.final_gradients[s][i];
      return sum;
    };
    const Arrays<double> found = Naive<double>(problem).found();
    const auto compare = [&](const std::string& name, std::vector<double>& numbers) {
      constexpr double kStep = 1e-5;
      for (std::size_t i = 0; i < numbers.size(); ++i) {
        const double number = numbers[i];
        if (number != number) continue;
        numbers[i] = number + kStep;
        const double above = loss();
        numbers[i] = number - kStep;
        const double slope = (above - loss()) / (2 * kStep);
        numbers[i] = number;
        if (!(std::abs(slope - found.at(name)[i]) < 1e-8))
          fail(cell.name(), "the definition's " + name + "[" + std::to_string(i) + "] is " +
                                std::to_string(found.at(name)[i]) + ", the slope " +
                                std::to_string(slope));
      }
      ++num_checks;
    };
    compare("d_inputs", problem.inputs);
    compare("d_input", problem.input);
    compare("d_recurrent", problem.recurrent);
    compare("d_second", problem.second);
    compare("d_bias", problem.bias);
    for (std::size_t i = 0; i < problem.vectors.size(); ++i)
      compare("d_vector " + std::to_string(i), problem.vectors[i]);
    for (std::size_t s = 0; s < problem.initial_states.size(); ++s)
      compare("d_initial " + std::to_string(s), problem.initial_states[s]);
  }
}

// The rows of some sequences of a problem, in the order given, as a problem of their own.
template <class Real>
Problem<Real> part(const Problem<Real>& whole, const std::vector<std::size_t>& chosen) {
  std::vector<std::int64_t> lengths;
  for (const std::size_t b : chosen) lengths.push_back(whole.table.lengths[b]);
  Problem<Real> made = whole;
  made.table = Table(lengths, Layout::kPadded);
  made.inputs = Problem<Real>::poison(made.table.num_rows * whole.input_size);
  const int width = whole.cell.get().output_units, padded = rnn::padded(whole.cell.get().units);
  for (std::size_t i = 0; i < whole.noises.size(); ++i) {
    made.noises[i].clear();
    for (const std::size_t b : chosen) {
      const auto first = whole.noises[i].begin() + whole.table.start(b) * padded;
      made.noises[i].insert(made.noises[i].end(), first, first + whole.table.lengths[b] * padded);
    }
  }
  made.output_gradients = Problem<Real>::poison(made.table.num_rows * width);
  const auto copy = [](const std::vector<Real>& from, std::size_t row, std::vector<Real>& to,
                       std::size_t at, int columns) {
    std::copy_n(from.begin() + row * columns, columns, to.begin() + at * columns);
  };
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    for (std::int64_t t = 0; t < lengths[i]; ++t) {
      const std::int64_t from = whole.table.place(chosen[i], t), to = made.table.place(i, t);
      copy(whole.inputs, from, made.inputs, to, whole.input_size);
      copy(whole.output_gradients, from, made.output_gradients, to, width);
    }
    for (std::size_t s = 0; s < whole.initial_states.size(); ++s) {
      const int units = whole.cell.get().state_units[s];
      copy(whole.initial_states[s], chosen[i], made.initial_states[s], i, units);
      copy(whole.final_gradients[s], chosen[i], made.final_gradients[s], i, units);
    }
  }
  return made;
}

// A row is the same bit for bit alone, in another order, and with any others.
template <class Real>
void check_company(int units) {
  for (const MakeCell make : kCells) {
    const CheckedCell cell = make(units);
    const Problem<Real> whole(cell, Table(some_lengths(22), Layout::kJagged), {}, 5);
    std::vector<std::vector<std::size_t>> choices;
    std::vector<std::size_t> backwards;
    for (std::size_t b = 0; b < whole.table.lengths.size(); ++b) {
      if (b % 3 == 0) choices.push_back({b});
      backwards.insert(backwards.begin(), b);
    }
    choices.push_back(backwards);
    choices.push_back({3, 3, 9, 0, 12, 3});
    each_kernel<Real>([&](const rnn::Kernels<Real>& kernels) {
      const Arrays<Real> wanted = run(whole, kernels, rnn::Crew(nullptr, 1), false);
      for (const auto& chosen : choices) {
        const Problem<Real> few = part(whole, chosen);
        const Arrays<Real> found = run(few, kernels, rnn::Crew(threads_for, 3), false);
        for (std::size_t i = 0; i < chosen.size(); ++i) {
          const std::string where = std::string(cell.name()) + ", " + kernels.name + ", row " +
                                    std::to_string(chosen[i]) + " of " + std::to_string(units) +
                                    " units among " + std::to_string(chosen.size());
          const auto same = [&](const std::string& name, int width, std::size_t at,
                                std::size_t wanted_at) {
            expect_same(where + ": " + name, found.at(name).data() + at * width,
                        wanted.at(name).data() + wanted_at * width, width);
          };
          for (std::int64_t t = 0; t < few.table.lengths[i]; ++t) {
            const std::size_t at = few.table.place(i, t), at_whole = whole.table.place(chosen[i], t);
            same("outputs", cell.get().output_units, at, at_whole);
            same("d_inputs", whole.input_size, at, at_whole);
          }
          for (std::size_t s = 0; s < whole.initial_states.size(); ++s) {
            const int width = cell.get().state_units[s];
            same("final " + std::to_string(s), width, i, chosen[i]);
            same("d_initial " + std::to_string(s), width, i, chosen[i]);
          }
        }
      }
    });
  }
}

// Calls from a thread that is lent itself, and from several threads at once.
void check_calls_at_once() {
  const CheckedCell cell = lstm(130);
  const Problem<float> problem(cell, Table({10, 6, 0, 4}, Layout::kPadded), {}, 300);
  const auto& kernels = *rnn::available_kernels<float>().kernels[0];
  const Arrays<float> wanted = run(problem, kernels, rnn::Crew(nullptr, 1), false);
  const auto call = [&](const char* where) {
    expect_same(where, run(problem, kernels, rnn::Crew(threads_for, 7), false), wanted);
  };
  rnn::Crew(threads_for, 2).run([&](int member) {
    if (member == 0) call("a call inside a call");
  });
  std::vector<std::thread> callers;
  std::vector<Arrays<float>> found(4);
  for (Arrays<float>& each : found)
    callers.emplace_back(
        [&] { each = run(problem, kernels, rnn::Crew(threads_for, 3), false); });
  for (std::thread& caller : callers) caller.join();
  for (const Arrays<float>& each : found) expect_same("calls at once", each, wanted);
}

void check_fork() {
  const CheckedCell cell = lstm(130);
  const Problem<float> problem(cell, Table({10, 6}, Layout::kPadded), {}, 300);
  const auto& kernels = *rnn::available_kernels<float>().kernels[0];
  const Arrays<float> wanted = run(problem, kernels, rnn::Crew(threads_for, 2), false);
  const pid_t child = fork();
  if (child == 0) {
    const rnn::Crew crew(threads_for, 2);
    if (crew.size() != 1) fail("fork", "the child means to use threads that are not there");
    expect_same("fork", run(problem, kernels, crew, false), wanted);
    _exit(0);
  }
  int status = 1;
  waitpid(child, &status, 0);
  if (status != 0) fail("fork", "the child has failed");
  ++num_checks;
}

// What a thread throws arrives at the caller; threads that do not come are no silent success.
void check_failures() {
  try {
    rnn::Crew(threads_for, 3).run([](int member) {
      if (member == 2) throw std::out_of_range("two");
    });
    fail("failures", "what a thread threw was lost");
  } catch (const std::out_of_range&) {
    ++num_checks;
  }
  const CheckedCell cell = lstm(130);
  const Problem<float> problem(cell, Table({10}, Layout::kPadded), {}, 300);
  try {
    run(problem, *rnn::available_kernels<float>().kernels[0], rnn::Crew(failing_for, 2), false);
    fail("failures", "nothing was computed, and nothing said");
  } catch (const std::runtime_error&) {
    ++num_checks;
  }
  if (rnn::Crew(failing_for, 2).run_together([](int) {}))
    fail("failures", "a meeting at which nobody was has taken place");
}

}  // namespace
}  // namespace varlen::check

int main(int count, char** arguments) {
  using namespace varlen::check;
#if defined(M_PERTURB)
  mallopt(M_PERTURB, 0x100);  // new memory is filled with ones, which make NaN
#endif
  const int largest = count > 1 ? std::atoi(arguments[1]) : 1000;
  check_definition();
  check_failures();
  check_sizes<float>(largest);
  check_sizes<double>(largest);
  check_company<float>(std::min(largest, 63));
  check_company<double>(std::min(largest, 19));
  if (largest >= 260) {
    check_shared_steps<float>();
    check_shared_steps<double>();
  }
  check_calls_at_once();
  check_fork();
  std::printf("check_rnn: %d arrays as they should be, with", num_checks);
  const auto& available = varlen::rnn::available_kernels<float>();
  for (int i = 0; i < available.count; ++i) std::printf(" %s", available.kernels[i]->name);
  std::printf("\n");
}
