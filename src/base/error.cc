#include "src/base/error.h"

#include <cstdio>
#include <cstdlib>

namespace hallmark {

void ReportBug(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "hallmark: a bug in hallmark: %s does not hold at %s:%d\n", condition, file,
               line);
  std::abort();
}

}  // namespace hallmark
