#include "rnn/unroll.h"

namespace varlen::rnn {

// Here, and not in the header, so that it is not compiled for an instruction set that may be missing.
Loop::~Loop() = default;

}  // namespace varlen::rnn
