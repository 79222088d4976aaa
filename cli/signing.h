// What signing verbs share: keys, passwords and dates as options give them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/session.h"
#include "sign/keys/signer.h"

namespace hallmark {

// --password-file and --password-fd.
std::vector<Option> PasswordOptions();
// Where a password comes from: the file or descriptor asked for, else the terminal. `twice`: one
// that is new, and typed again. What it gives has no line end and may be empty.
Result<PasswordSource> PasswordAskedFor(const Arguments& arguments, bool twice);

// --key, --pkcs11-module and PasswordOptions().
std::vector<Option> SigningKeyOptions();
// The key of --key, a file or a token's, unlocked.
Result<SigningKey> OpenKeyAskedFor(const Arguments& arguments);

// For whom a statement speaks, which of its statements it is, and how long it counts.
Option OriginOption(std::string_view help);
Option RevisionOption();
Option ExpiresOption();
Result<std::string> OriginAskedFor(std::string_view verb, const Arguments& arguments);
Result<std::optional<std::uint64_t>> RevisionAskedFor(std::string_view verb,
                                                      const Arguments& arguments);
Result<std::optional<std::uint64_t>> ExpiryAskedFor(std::string_view verb,
                                                    const Arguments& arguments);

// --time, else SOURCE_DATE_EPOCH, in unix seconds; nullopt: none is to be written.
Option TimeOption();
Result<std::optional<std::uint64_t>> TimeAskedFor(std::string_view verb,
                                                  const Arguments& arguments);
// Unix seconds by this machine's clock.
std::uint64_t Now();

}  // namespace hallmark
