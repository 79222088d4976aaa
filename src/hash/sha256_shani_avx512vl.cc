// SHA instructions with the 32 registers of AVX-512VL: the state of three streams no longer fits in
// 16, and a register takes what would otherwise go to memory and back. About a fifth faster.
#if defined(__x86_64__)
#define HM_SHA_TARGET __attribute__((target("sha,avx512f,avx512vl")))
#define HM_SHA_ADVANCE AdvanceSha256ShaNiAvx512
#include "src/hash/sha256_shani_body.h"
#endif
