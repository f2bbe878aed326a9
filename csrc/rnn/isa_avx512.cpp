#define VARLEN_ISA avx512
#include "rnn/isa_table.h"

const varlen::rnn::Kernels varlen::rnn::kKernelsAvx512 = {
    "avx512", avx512::forward, avx512::backward, avx512::pack, avx512::evaluate};
