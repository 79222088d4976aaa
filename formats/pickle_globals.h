// What a name in a pickle is worth: rebuilt here, unknown, or able to do harm when called.
#pragma once

#include <string>
#include <string_view>

namespace hallmark {

enum class GlobalKind : unsigned char {
  kAllowed,    // one of the exact names that rebuild tensors or plain values
  kUnknown,    // a third party's; what it does cannot be told
  kDangerous,  // calling it has effects beyond the value it returns, or may have
};

struct GlobalName {
  std::string_view module;
  std::string_view name;
};

// As Python 3 maps Python 2's names when it loads protocols 0 to 2 (_compat_pickle). Applied to
// every protocol: a name that only exists on Python 2 means the same there. The result views the
// arguments or static text.
GlobalName MapPython2Name(std::string_view module, std::string_view name);

// Of a name already mapped. Exact (module, name) pairs are allowed. Dangerous are: all else in
// Python's standard library; torch and numpy outside their harmless parts; packages that load,
// compile or run things; attribute paths ("a.b") and names of such functions anywhere else.
GlobalKind ClassifyGlobal(std::string_view module, std::string_view name);

// Whether getattr(type, name) is the member of an enumeration that checkpoints hold: so did Python
// before 3.12 pickle them. No other attribute is known to be harmless.
bool IsEnumMember(std::string_view module, std::string_view type, std::string_view name);

// Makes instances of the standard library's dict, in order of their keys' insertion.
bool IsDictType(std::string_view module, std::string_view name);

}  // namespace hallmark
