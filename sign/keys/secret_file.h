// Files of secrets: nobody else may read them, and none is ever replaced.
#pragma once

#include <filesystem>

#include "sign/keys/secret.h"

namespace hallmark {

inline constexpr std::size_t kMaxSecretFileBytes = 65536;

// Errors: kNotFound; kIo (no regular file, no permission); kUntrusted (its group or others may
// read or write it); kUnsupported (it is too large).
Result<Secret> ReadSecretFile(const std::filesystem::path& path);

// Readable by its owner alone, whole or not at all. Errors: kUsage (`target` exists), kIo.
Result<void> WriteSecretFile(const std::filesystem::path& target, const Secret& text);

}  // namespace hallmark
