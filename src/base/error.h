// Errors are values: one failure, told once, with enough for a person to act on it.
// Libraries return Result<T>; they never print, exit or throw across their boundary.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace hallmark {

enum class Errc {
  kUsage,        // the request itself makes no sense
  kNotFound,     // a named file, shard or entry is not there
  kIo,           // the system could not read or write; also a file that changed underfoot
  kMalformed,    // the bytes break their own format
  kUnsupported,  // well-formed, but not known here
  kUntrusted,    // signature, key, expiry or rollback
  kDangerous,    // loading it elsewhere could run code
  kInterrupted,  // asked to stop
};

// Lower case, no full stop, never "failed to"; `message` reads "got X, limit Y" where it can.
struct Error {
  Errc code;
  std::string subject;  // file, URL or tensor, as the user named it
  std::string message;
  std::optional<std::uint64_t> offset = std::nullopt;  // byte in `subject`, if known
  std::string hint = {};                               // next step, or empty
};

// A T or an Error. An Error converts implicitly, so functions `return Error{...}`.
template <typename T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
  using Base = tl::expected<T, Error>;

 public:
  using Base::Base;
  Result(Error error) : Base(tl::unexpect, std::move(error)) {}  // NOLINT: implicit by design
};

template <>
class [[nodiscard]] Result<void> : public tl::expected<void, Error> {
  using Base = tl::expected<void, Error>;

 public:
  using Base::Base;
  Result(Error error) : Base(tl::unexpect, std::move(error)) {}  // NOLINT: implicit by design
};

// Aborts with "a bug in hallmark" and the place. Hostile input must never reach it.
[[noreturn]] void ReportBug(const char* condition, const char* file, int line);

namespace internal {
template <typename T>
T TakeValue(Result<T>& result) {
  return std::move(*result);
}
inline void TakeValue(Result<void>&) {}
}  // namespace internal

}  // namespace hallmark

// Evaluates to the value of a Result, or returns its error from the enclosing function:
//   auto size = HM_TRY(cursor.U64());
#define HM_TRY(expression) HM_TRY_NAMED(expression, __COUNTER__)
#define HM_TRY_NAMED(expression, id) HM_TRY_EXPANDED(expression, id)
#define HM_TRY_EXPANDED(expression, id) HM_TRY_IN(expression, hm_try_##id)
#define HM_TRY_IN(expression, result)              \
  __extension__({                                  \
    auto result = (expression);                    \
    if (!result) return std::move(result).error(); \
    ::hallmark::internal::TakeValue(result);       \
  })

// States an invariant of hallmark itself.
#define HM_CHECK(condition) \
  ((condition) ? void() : ::hallmark::ReportBug(#condition, __FILE__, __LINE__))
