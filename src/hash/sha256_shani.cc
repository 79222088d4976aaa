// SHA and SSE4.1 instructions: AMD since 2017, Intel since 2019 (Ice Lake).
#if defined(__x86_64__)
#define HM_SHA_TARGET __attribute__((target("sha,sse4.1")))
#define HM_SHA_ADVANCE AdvanceSha256ShaNi
#include "src/hash/sha256_shani_body.h"
#endif
