#include "cli/places.h"

#include <cstdlib>
#include <string_view>

namespace hallmark {
namespace {

// `variable` is one of XDG's; `at_home`: where that is if it is not set.
std::filesystem::path FolderOf(const char* variable, std::string_view at_home) {
  const char* const base = std::getenv(variable);
  if (base != nullptr && *base == '/') return std::filesystem::path(base) / "hallmark";
  const char* const home = std::getenv("HOME");
  if (home == nullptr || *home != '/') return {};
  return std::filesystem::path(home) / at_home / "hallmark";
}

}  // namespace

std::filesystem::path StateFolder() { return FolderOf("XDG_STATE_HOME", ".local/state"); }
std::filesystem::path CacheFolder() { return FolderOf("XDG_CACHE_HOME", ".cache"); }

TrustStore UserTrust() {
  const std::filesystem::path state = StateFolder();
  return TrustStore(state.empty() ? state : state / "trust");
}

}  // namespace hallmark
