// hallmark_gendocs: writes man pages, docs/cli and completions from the declared verbs, or checks
// that those in the tree are fresh.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cli/generate/help.h"

namespace {

namespace fs = std::filesystem;

std::string Slurp(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

int Write(const fs::path& docs) {
  for (const auto& [name, text] : hallmark::GeneratedDocs()) {
    fs::create_directories((docs / name).parent_path());
    std::ofstream out(docs / name, std::ios::binary);
    if (!(out << text).flush()) {
      std::fprintf(stderr, "gendocs: error: %s: cannot be written\n", name.c_str());
      return 1;
    }
  }
  return 0;
}

// Files that differ, are missing, or belong to a verb that is gone.
int Check(const fs::path& docs) {
  int stale = 0;
  std::set<fs::path> expected;
  for (const auto& [name, text] : hallmark::GeneratedDocs()) {
    expected.insert(docs / name);
    if (Slurp(docs / name) == text) continue;
    std::fprintf(stderr, "gendocs: stale: %s\n", name.c_str());
    ++stale;
  }
  for (const char* folder : {"cli", "man", "completions"}) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(docs / folder, error)) {
      if (expected.count(entry.path()) != 0) continue;
      std::fprintf(stderr, "gendocs: not generated: %s\n", entry.path().c_str());
      ++stale;
    }
  }
  if (stale > 0) std::fputs("gendocs: hint: run hallmark_gendocs docs\n", stderr);
  return stale > 0 ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2) return Write(argv[1]);
  if (argc == 3 && std::string_view(argv[1]) == "--check") return Check(argv[2]);
  std::fputs("usage: hallmark_gendocs [--check] DOCS\n", stderr);
  return 2;
}
