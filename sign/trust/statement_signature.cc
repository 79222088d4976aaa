#include "sign/trust/statement_signature.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "src/base/text.h"

namespace hallmark {
namespace {

constexpr std::string_view kHeader = "hallmark-statement/v1";
constexpr std::array<std::string_view, 5> kKinds = {"capsule", "manifest", "receipt", "recipe",
                                                    "root"};
constexpr std::size_t kMaxOriginBytes = 200;

Error Wrong(const std::string& subject, std::string_view field, std::string_view wanted) {
  return {Errc::kMalformed, subject,
          fmt::format("a signed statement: its line \"{}\" is not {}", field, wanted)};
}

// The lines after the header, each "FIELD VALUE", in one order.
class Lines {
 public:
  Lines(std::string_view text, const std::string& subject) : rest_(text), subject_(subject) {}

  Result<std::string_view> Value(std::string_view field) {
    const std::size_t newline = rest_.find('\n');
    if (newline == rest_.npos) return Wrong(subject_, field, "there, with a newline at its end");
    const std::string_view line = rest_.substr(0, newline);
    rest_.remove_prefix(newline + 1);
    if (!line.starts_with(field) || line.size() < field.size() + 2 || line[field.size()] != ' ') {
      return Wrong(subject_, field, "there in its place");
    }
    return line.substr(field.size() + 1);
  }
  Result<std::optional<std::string_view>> OptionalValue(std::string_view field) {
    const std::string_view value = HM_TRY(Value(field));
    return value == "-" ? std::optional<std::string_view>() : std::optional(value);
  }
  Result<std::uint64_t> Number(std::string_view field) {
    return NumberOf(field, HM_TRY(Value(field)));
  }
  Result<std::optional<std::uint64_t>> OptionalNumber(std::string_view field) {
    const auto value = HM_TRY(OptionalValue(field));
    if (!value) return std::optional<std::uint64_t>();
    return std::optional(HM_TRY(NumberOf(field, *value)));
  }
  bool AtEnd() const { return rest_.empty(); }

 private:
  // Decimal, in its shortest form.
  Result<std::uint64_t> NumberOf(std::string_view field, std::string_view digits) const {
    const auto number = ParseDecimal(digits);
    if (!number || std::to_string(*number) != digits) {
      return Wrong(subject_, field, "a whole number");
    }
    return *number;
  }

  std::string_view rest_;
  const std::string& subject_;
};

bool IsIdentityText(std::string_view weights) {
  for (const std::string_view prefix : {"hm1:", "hm1raw:"}) {
    if (!weights.starts_with(prefix)) continue;
    const std::string_view hex = weights.substr(prefix.size());
    return hex.size() == 64 && FromHex(hex) && AsciiLower(hex) == hex;
  }
  return false;
}

}  // namespace

bool IsOrigin(std::string_view origin) {
  // It becomes the name of a file, in which a slash takes three bytes.
  const auto slashes = static_cast<std::size_t>(std::ranges::count(origin, '/'));
  if (origin.empty() || origin.size() + 2 * slashes > kMaxOriginBytes) return false;
  std::size_t begin = 0;
  while (true) {
    const std::size_t slash = origin.find('/', begin);
    const std::string_view part = origin.substr(begin, slash - begin);
    const bool plain = std::ranges::all_of(part, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '.' || c == '_' || c == '-';
    });
    if (part.empty() || !plain || part.front() == '.' || part == "-") return false;
    if (slash == origin.npos) return true;
    begin = slash + 1;
  }
}

std::string WriteStatementText(const StatementText& statement) {
  const auto text_or_dash = [](const std::string& text) { return text.empty() ? "-" : text; };
  const auto number_or_dash = [](const std::optional<std::uint64_t>& number) {
    return number ? std::to_string(*number) : "-";
  };
  return fmt::format(
      "{}\nkind {}\nsha256 {}\nweights {}\norigin {}\nversion {}\nissued {}\nexpires {}\n", kHeader,
      statement.kind, statement.sha256.Hex(), text_or_dash(statement.weights),
      text_or_dash(statement.origin), statement.version, number_or_dash(statement.issued),
      number_or_dash(statement.expires));
}

Result<StatementText> ParseStatementText(std::string_view text, const std::string& subject) {
  const std::size_t newline = text.find('\n');
  const std::string_view header = text.substr(0, newline);
  if (header != kHeader || newline == text.npos) {
    if (header.starts_with("hallmark-statement/")) {
      return Error{Errc::kUnsupported, subject,
                   fmt::format("a signed statement of version {}, known is {}",
                               EscapeForPeople(header), kHeader)};
    }
    return Error{Errc::kMalformed, subject, "a signed note of something else than a statement"};
  }
  Lines lines(text.substr(newline + 1), subject);
  const std::string_view kind = HM_TRY(lines.Value("kind"));
  if (std::ranges::find(kKinds, kind) == kKinds.end()) {
    return Error{Errc::kUnsupported, subject,
                 fmt::format("a signed statement of kind {}", EscapeForPeople(kind))};
  }
  const std::string_view hex = HM_TRY(lines.Value("sha256"));
  const auto sha256 = Digest::FromHex(Algorithm::kSha256, hex);
  if (!sha256 || sha256->Hex() != hex) return Wrong(subject, "sha256", "a digest in lower case");
  StatementText statement{std::string(kind), *sha256};
  const auto weights = HM_TRY(lines.OptionalValue("weights"));
  if (weights && !IsIdentityText(*weights)) return Wrong(subject, "weights", "a weight identity");
  statement.weights = weights.value_or("");
  const auto origin = HM_TRY(lines.OptionalValue("origin"));
  if (origin && !IsOrigin(*origin)) return Wrong(subject, "origin", "an origin");
  statement.origin = origin.value_or("");
  statement.version = HM_TRY(lines.Number("version"));
  statement.issued = HM_TRY(lines.OptionalNumber("issued"));
  statement.expires = HM_TRY(lines.OptionalNumber("expires"));
  if (!lines.AtEnd()) return Wrong(subject, "expires", "the last one");
  return statement;
}

bool LooksLikeStatementSignature(std::string_view text) {
  return text.starts_with("hallmark-statement/");
}

Result<SignedStatement> ParseSignedStatement(std::string_view text, const std::string& subject) {
  SignedNote note = HM_TRY(ParseSignedNote(text, subject));
  StatementText statement = HM_TRY(ParseStatementText(note.text, subject));
  return SignedStatement{std::move(note), std::move(statement)};
}

}  // namespace hallmark
