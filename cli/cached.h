// The option --cached of the verbs that hash files.
#pragma once

#include <memory>

#include "cli/session.h"
#include "src/hash/digest_cache.h"

namespace hallmark {

Option CachedOption();

// Null without --cached and, after a note, where digests cannot be remembered: everything is read.
std::unique_ptr<DigestCache> OpenCacheAskedFor(const Arguments& arguments, Session& session);
// After the work: what was read is remembered, and a note says what went wrong with that. `cache`
// may be null.
void SaveCache(DigestCache* cache, Session& session);

}  // namespace hallmark
