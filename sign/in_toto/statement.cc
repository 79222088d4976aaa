#include "sign/in_toto/statement.h"

#include <fmt/format.h>

#include <algorithm>

#include "src/base/text.h"
#include "src/json/json_fields.h"
#include "src/json/json_reader.h"

namespace hallmark {
namespace {

constexpr std::string_view kStatement01 = "https://in-toto.io/Statement/v0.1";
constexpr std::string_view kProvenance1 = "https://slsa.dev/provenance/v1";
constexpr std::string_view kProvenance02 = "https://slsa.dev/provenance/v0.2";
constexpr std::size_t kMaxSubjects = 100'000;

class Reader {
 public:
  explicit Reader(const std::string& subject) : fields_(subject), subject_(subject) {}

  Result<InTotoStatement> Read(const JsonValue& root) const {
    const std::string type = HM_TRY(fields_.Text(root, "_type"));
    if (type != kInTotoStatementType && type != kStatement01) {
      return Error{Errc::kUnsupported, subject_,
                   fmt::format("a statement of type {}, known are in-toto's 0.1 and 1",
                               EscapeForPeople(type))};
    }
    InTotoStatement statement;
    statement.predicate_type = HM_TRY(fields_.Text(root, "predicateType"));
    statement.subjects = HM_TRY(ReadDigested(HM_TRY(fields_.Array(root, "subject")), "name"));
    if (statement.subjects.empty()) return fields_.Malformed("subject", "a list of any subject");
    if (statement.predicate_type == kProvenance1) {
      statement.slsa = HM_TRY(ReadSlsa1(HM_TRY(fields_.Object(root, "predicate"))));
    } else if (statement.predicate_type == kProvenance02) {
      statement.slsa = HM_TRY(ReadSlsa02(HM_TRY(fields_.Object(root, "predicate"))));
    }
    return statement;
  }

 private:
  // Things with digests; their name in the member `name` may be missing.
  Result<std::vector<InTotoSubject>> ReadDigested(const std::vector<JsonValue>& items,
                                                  std::string_view name) const {
    if (items.size() > kMaxSubjects) {
      return fields_.Malformed("subject", fmt::format("a list of at most {}", kMaxSubjects));
    }
    std::vector<InTotoSubject> things;
    for (const JsonValue& item : items) {
      InTotoSubject thing;
      if (!item.IsObject()) return fields_.Malformed("subject", "a list of objects");
      if (item.Find(name)) thing.name = HM_TRY(fields_.Text(item, name));
      if (item.Find("digest")) {
        const JsonValue digests = HM_TRY(fields_.Object(item, "digest"));
        thing.digests = HM_TRY(ReadDigests(digests));
      }
      things.push_back(std::move(thing));
    }
    return things;
  }

  Result<std::vector<Digest>> ReadDigests(const JsonValue& digests) const {
    std::vector<Digest> known;
    for (const JsonMember& member : digests.Members()) {
      const auto algorithm = AlgorithmByName(member.key);
      if (!algorithm) continue;  // in-toto has many: gitCommit, dirHash, …
      const auto hex = member.value.AsString();
      const auto digest = hex ? Digest::FromHex(*algorithm, *hex) : std::nullopt;
      if (!digest) continue;
      if (std::ranges::find(known, *algorithm, &Digest::GetAlgorithm) != known.end()) {
        return fields_.Malformed(member.key, "there once");
      }
      known.push_back(*digest);
    }
    return known;
  }

  Result<SlsaProvenance> ReadSlsa1(const JsonValue& predicate) const {
    const JsonValue definition = HM_TRY(fields_.Object(predicate, "buildDefinition"));
    const JsonValue details = HM_TRY(fields_.Object(predicate, "runDetails"));
    const JsonValue builder = HM_TRY(fields_.Object(details, "builder"));
    SlsaProvenance slsa;
    slsa.builder = HM_TRY(fields_.Text(builder, "id"));
    slsa.build_type = HM_TRY(fields_.Text(definition, "buildType"));
    if (definition.Find("resolvedDependencies")) {
      const auto items = HM_TRY(fields_.Array(definition, "resolvedDependencies"));
      slsa.materials = HM_TRY(ReadDigested(items, "uri"));
    }
    return slsa;
  }

  Result<SlsaProvenance> ReadSlsa02(const JsonValue& predicate) const {
    const JsonValue builder = HM_TRY(fields_.Object(predicate, "builder"));
    SlsaProvenance slsa;
    slsa.builder = HM_TRY(fields_.Text(builder, "id"));
    slsa.build_type = HM_TRY(fields_.Text(predicate, "buildType"));
    if (predicate.Find("materials")) {
      const auto items = HM_TRY(fields_.Array(predicate, "materials"));
      slsa.materials = HM_TRY(ReadDigested(items, "uri"));
    }
    return slsa;
  }

  JsonFields fields_;
  const std::string& subject_;
};

}  // namespace

Result<InTotoStatement> ParseInTotoStatement(std::string_view payload, const std::string& subject) {
  const JsonDocument document = HM_TRY(JsonDocument::Parse(payload, subject));
  return Reader(subject).Read(document.Root());
}

}  // namespace hallmark
