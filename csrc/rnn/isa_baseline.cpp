#define VARLEN_ISA baseline
#include "rnn/isa_table.h"

const varlen::rnn::Kernels varlen::rnn::kKernelsBaseline = {
    "baseline", baseline::forward, baseline::backward, baseline::pack, baseline::evaluate};
