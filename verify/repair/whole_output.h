// A file that is written from bytes that are there already.
#pragma once

#include <string>
#include <utility>

#include "transform/write_files.h"

namespace hallmark {

// `contents` outlives it.
inline OutputFile WholeOutput(std::string name, const BlockSource& contents) {
  OutputFile output;
  output.path = std::move(name);
  output.layout.size = contents.Size();
  output.layout.payloads.push_back({0, 0});
  output.payloads.push_back(Borrow(contents));
  return output;
}

}  // namespace hallmark
