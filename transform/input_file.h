// A file that a conversion reads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace hallmark {

struct InputFile {
  std::string path;  // as a listing of the model names it
  std::filesystem::path full_path;
  std::uint64_t size = 0;
};

}  // namespace hallmark
