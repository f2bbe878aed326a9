// How the sequences of a batch are shared out among threads: in teams, each with a loop of its own.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "rnn/batch.h"
#include "rnn/crew.h"
#include "rnn/unroll.h"

namespace varlen::rnn {

class Teams {
 public:
  Teams(const Crew& crew, const Batch& batch) : crew_(crew), batch_(batch) {}

  // Runs the loops that make(deal, team size) makes, for a cell of so many units that a team may share, whose
  // steps read weights of so many bytes.
  template <class Make>
  void run(std::int64_t weight_bytes, int units, Make make) const {
    const std::int64_t count = batch_.num_running();
    if (count == 0) return;
    const std::int64_t most = std::min<std::int64_t>(crew_.size(), count);
    std::int64_t teams = most;
    if (weight_bytes > kOwnCacheBytes)
      teams = std::min(teams, std::max<std::int64_t>(1, count / kTeamRows));
    const int size = units < kTeamUnits ? 1 : static_cast<int>(crew_.size() / teams);
    if (size > 1 && run(static_cast<int>(teams), size, make)) return;
    run(static_cast<int>(most), 1, make);
  }

 private:
  static constexpr int kSlots = 12;
  static constexpr int kEvenSlots = 18;
  // Weights beyond this are read from a cache that the cores share, at each step; then fewer teams with more
  // rows each, whose members hold a part of the weights, are faster.
  static constexpr std::int64_t kOwnCacheBytes = 768 << 10;
  static constexpr int kTeamRows = 6;
  static constexpr int kTeamUnits = 128;

  // Gives false if the members of teams cannot all run at once.
  template <class Make>
  bool run(int num_teams, int size, Make make) const {
    const int slots = num_slots((batch_.num_running() + num_teams - 1) / num_teams);
    std::int64_t next = std::int64_t{num_teams} * slots;
    std::vector<std::unique_ptr<Loop>> loops;
    for (int team = 0; team < num_teams; ++team)
      loops.emplace_back(make(Deal{team, num_teams, slots, &next}, size));
    const auto work = [&](int worker) {
      const int team = worker / size;
      if (team < num_teams) loops[team]->run(worker % size);
    };
    if (size > 1) return crew_.run_together(work);
    crew_.run(work);
    return true;
  }

  // For `count` sequences. Those of about one length end together, and are best dealt in even rounds.
  int num_slots(std::int64_t count) const {
    if (!batch_.is_even()) return static_cast<int>(std::min<std::int64_t>(kSlots, count));
    const std::int64_t rounds = (count + kEvenSlots - 1) / kEvenSlots;
    return static_cast<int>((count + rounds - 1) / rounds);
  }

  const Crew& crew_;
  const Batch& batch_;
};

}  // namespace varlen::rnn
