#include "weights/scratch.h"

#include <utility>
#include <vector>

namespace hallmark {
namespace {

std::vector<PageBuffer>& Kept() {
  thread_local std::vector<PageBuffer> kept;
  return kept;
}

}  // namespace

Scratch::Scratch() {
  if (Kept().empty()) Kept().push_back(MakePageBuffer(kBytes));
  bytes_ = std::move(Kept().back());
  Kept().pop_back();
}

Scratch::~Scratch() { Kept().push_back(std::move(bytes_)); }

}  // namespace hallmark
