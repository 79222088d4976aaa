// Where hallmark keeps things between runs: the XDG base directories.
#pragma once

#include <filesystem>

#include "sign/trust/trust_store.h"

namespace hallmark {

// $XDG_STATE_HOME/hallmark, else ~/.local/state/hallmark; empty where neither is known. A relative
// path in the variable is ignored, as the XDG specification says. Nothing is created.
std::filesystem::path StateFolder();
// The same of $XDG_CACHE_HOME and ~/.cache.
std::filesystem::path CacheFolder();
// What is trusted: a folder of the state folder.
TrustStore UserTrust();

}  // namespace hallmark
