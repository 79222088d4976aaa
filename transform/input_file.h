// A file that a conversion reads.
#pragma once

#include <filesystem>
#include <string>

#include "src/io/file.h"

namespace hallmark {

struct InputFile {
  std::string path;  // as a listing of the model names it
  std::filesystem::path full_path;
  FileStamp stamp = {};  // of what was read or planned with
};

}  // namespace hallmark
