#include "cli/places.h"

#include <cstdlib>

namespace hallmark {
namespace {

std::filesystem::path Folder(const char* variable, const char* below_home) {
  const char* value = std::getenv(variable);
  if (value != nullptr && *value == '/') return std::filesystem::path(value) / "hallmark";
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home != '/') return {};
  return std::filesystem::path(home) / below_home / "hallmark";
}

}  // namespace

std::filesystem::path StateFolder() { return Folder("XDG_STATE_HOME", ".local/state"); }
std::filesystem::path DataFolder() { return Folder("XDG_DATA_HOME", ".local/share"); }

}  // namespace hallmark
