#define VARLEN_ISA avx2
#include "rnn/isa_table.h"

const varlen::rnn::Kernels varlen::rnn::kKernelsAvx2 = {
    "avx2", avx2::forward, avx2::backward, avx2::pack, avx2::evaluate};
