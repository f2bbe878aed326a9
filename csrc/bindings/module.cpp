#include "bindings/bindings.h"

NB_MODULE(_C, module) {
  varlen::bindings::bind_features(module);
  varlen::bindings::bind_lists(module);
  varlen::bindings::bind_records(module);
  varlen::bindings::bind_rnn(module);
}
