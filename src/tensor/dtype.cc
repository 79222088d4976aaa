#include "src/tensor/dtype.h"

namespace hallmark {

std::optional<Dtype> DtypeByName(std::string_view name) {
  for (const DtypeInfo& info : kDtypes) {
    if (info.name == name) return info.dtype;
  }
  return std::nullopt;
}

bool IsFloatFamily(Dtype dtype) {
  return dtype == Dtype::kF64 || dtype == Dtype::kF32 || dtype == Dtype::kF16 ||
         dtype == Dtype::kBf16;
}

}  // namespace hallmark
