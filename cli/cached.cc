#include "cli/cached.h"

#include <fmt/format.h>

#include "cli/places.h"

namespace hallmark {
namespace {

void NoteProblem(const Error& error, std::string_view consequence, Session& session) {
  session.Note(fmt::format("{}{}{}, so {}; {}", error.subject, error.subject.empty() ? "" : ": ",
                           error.message, consequence, error.hint));
}

}  // namespace

Option CachedOption() {
  return {.name = "--cached",
          .help =
              "take digests of unchanged files from earlier runs instead of reading them; the "
              "report says which, and from when"};
}

std::unique_ptr<DigestCache> OpenCacheAskedFor(const Arguments& arguments, Session& session) {
  if (!arguments.Given("--cached")) return nullptr;
  auto cache = DigestCache::Open(CacheFolder());
  if (cache) return *std::move(cache);
  NoteProblem(cache.error(), "no digests are remembered", session);
  return nullptr;
}

void SaveCache(DigestCache* cache, Session& session) {
  if (cache == nullptr) return;
  cache->Save();
  if (cache->Problem()) {
    NoteProblem(*cache->Problem(), "not all digests are remembered", session);
  }
}

}  // namespace hallmark
