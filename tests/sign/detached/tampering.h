// What tests of signatures share: real tools' files, and every small change of a signature.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <string_view>

#include "sign/detached/public_key_file.h"
#include "sign/detached/signature_scheme.h"
#include "tests/support/test_support.h"

namespace hallmark {

// tests/vectors/sign/detached/NAME, as minisign, signify, ssh-keygen or openssl wrote it.
inline std::string SignVector(const std::string& name) {
  return ReadFixture("../sign/detached/" + name);
}
inline NamedKey KeyVector(const std::string& name) {
  return ParsePublicKey(SignVector(name), name).value();
}

using CheckText = std::function<Result<SignatureCheck>(std::string_view)>;

inline bool IsGood(const Result<SignatureCheck>& check) {
  return check && check->state == SignatureCheck::State::kGood;
}

// Every bit flipped, every character replaced by some that texts are made of, left out or doubled,
// and every cut: none may be good. `free` is text that nothing binds (an untrusted comment). Says
// how many were tried.
inline std::size_t ExpectNoChangeIsGood(const std::string& text, std::string_view free,
                                        const CheckText& check) {
  EXPECT_TRUE(IsGood(check(text)));
  const std::size_t free_begin = free.empty() ? text.size() : text.find(free);
  const std::size_t free_end = free_begin + free.size();
  std::size_t tried = 0;
  const auto refuse = [&](const std::string& changed, const char* how, std::size_t at) {
    if (changed == text) return;
    ++tried;
    EXPECT_FALSE(IsGood(check(changed))) << how << " at " << at;
  };
  for (std::size_t at = 0; at < text.size(); ++at) {
    refuse(text.substr(0, at), "cut", at);
    if (at >= free_begin && at < free_end) continue;
    std::string changed = text;
    for (int bit = 0; bit < 8; ++bit) {
      changed[at] = static_cast<char>(text[at] ^ (1 << bit));
      refuse(changed, "bit", at);
    }
    for (const char other : {'\n', '\r', ' ', '\t', '\0', 'A', '=', '+', '-'}) {
      changed[at] = other;
      refuse(changed, "character", at);
    }
    // Lines may be broken elsewhere, and what ends or begins free text may belong to it.
    if (text[at] != '\n' && at + 1 != free_begin && at != free_end) {
      refuse(text.substr(0, at) + text.substr(at + 1), "left out", at);
      refuse(text.substr(0, at) + text[at] + text.substr(at), "doubled", at);
    }
  }
  refuse(text + "\n", "appended", text.size());
  refuse(text + text, "twice", text.size());
  return tried;
}

}  // namespace hallmark
