// The cheapest of many candidates, and by how much.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

namespace qcal::testing {

struct Winner {
  int end = 0;  // 0: no candidate had a cost
  double cost = std::numeric_limits<double>::infinity();
  double margin = std::numeric_limits<double>::infinity();  // to the best of the others

  void offer(int candidate, double candidate_cost) {
    if (std::isnan(candidate_cost)) return;
    if (candidate_cost < cost) {
      margin = cost - candidate_cost;
      cost = candidate_cost;
      end = candidate;
    } else {
      margin = std::min(margin, candidate_cost - cost);
    }
  }
};

}  // namespace qcal::testing
