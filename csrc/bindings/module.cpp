#include "bindings/bindings.h"

NB_MODULE(_C, module) {
  // What Python's caches hold at the end is no leak.
  nanobind::set_leak_warnings(false);
  varlen::bindings::bind_features(module);
  varlen::bindings::bind_lists(module);
  varlen::bindings::bind_records(module);
  varlen::bindings::bind_rnn(module);
}
