// The folder in which a user's trust is kept: one file an origin, changed by one process at a time.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sign/trust/origin_trust.h"

namespace hallmark {

class TrustStore {
 public:
  // `folder` need not be there; empty: nothing is kept, and nothing is trusted.
  explicit TrustStore(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // By name. Errors: as Find.
  Result<std::vector<OriginTrust>> List() const;
  // nullopt: nothing is known of that origin. Errors: kUntrusted where its file cannot be read or
  // is damaged, which is never taken for an empty one; kIo.
  Result<std::optional<OriginTrust>> Find(std::string_view origin) const;
  // Reads what is known of `origin`, or begins it, lets `change` change it, and writes it back if
  // that went well, all while no other process does. Errors: those of Find and of `change`; kIo.
  Result<void> Change(const std::string& origin,
                      const std::function<Result<void>(OriginTrust&)>& change) const;
  // Errors: kNotFound.
  Result<void> Forget(std::string_view origin) const;

 private:
  std::filesystem::path FileOf(std::string_view origin) const;

  std::filesystem::path folder_;
};

}  // namespace hallmark
