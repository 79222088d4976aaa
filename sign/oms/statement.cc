#include "sign/oms/statement.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <utility>

#include "sign/in_toto/statement.h"
#include "src/base/text.h"
#include "src/hash/hasher.h"
#include "src/io/directory.h"
#include "src/json/json_fields.h"
#include "src/json/json_writer.h"

namespace hallmark {
namespace {

constexpr std::size_t kMaxPath = 4096;
constexpr std::size_t kMaxTold = 16;  // unknown members that are named

bool HasControl(std::string_view text) {
  return std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

// The number behind the last colon of a shard's name, which is cut off. One spelling only, else two
// names were one shard.
std::optional<std::uint64_t> TakeNumber(std::string_view& name) {
  const std::size_t colon = name.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view digits = name.substr(colon + 1);
  const auto value = ParseDecimal(digits);
  if (!value || (digits.size() > 1 && digits.front() == '0')) return std::nullopt;
  name = name.substr(0, colon);
  return value;
}

// Whether `path` or a folder that it is in is one of `sorted`.
bool IsAtOrBelow(std::string_view path, const std::vector<std::string>& sorted) {
  for (std::size_t end = path.find('/');; end = path.find('/', end + 1)) {
    if (std::ranges::binary_search(sorted, path.substr(0, end), std::less<>())) return true;
    if (end == std::string_view::npos) return false;
  }
}

class StatementReader {
 public:
  explicit StatementReader(const std::string& subject) : subject_(subject), fields_(subject) {}

  Result<OmsStatement> Read(const JsonValue& root) {
    if (!root.IsObject()) return Malformed("the payload is no statement");
    const std::string type = HM_TRY(fields_.Text(root, "_type"));
    if (type != kInTotoStatementType) {
      return Unsupported(fmt::format("a payload of type {}", EscapeForPeople(type)));
    }
    const std::string predicate_type = HM_TRY(fields_.Text(root, "predicateType"));
    NoteUnknown(root, {"_type", "predicateType", "subject", "predicate"});
    if (predicate_type == kOmsPredicateType) {
      HM_TRY(ReadPredicate(HM_TRY(fields_.Object(root, "predicate"))));
      HM_TRY(CheckRoot(HM_TRY(fields_.Array(root, "subject"))));
    } else if (predicate_type == kOmsLegacyPredicateType) {
      HM_TRY(ReadLegacy(root));
    } else {
      return Unsupported(fmt::format("a statement of type {}, which lists no model's files",
                                     EscapeForPeople(predicate_type)));
    }
    HM_TRY(CheckResources());
    AddFindings();
    return std::move(statement_);
  }

 private:
  Error Malformed(std::string message) const {
    return {Errc::kMalformed, subject_, std::move(message)};
  }
  Error Unsupported(std::string message) const {
    return {Errc::kUnsupported, subject_, std::move(message)};
  }

  void NoteUnknown(const JsonValue& object, std::initializer_list<std::string_view> known) {
    for (const JsonMember& member : object.Members()) {
      if (std::ranges::find(known, member.key) != known.end()) continue;
      if (unknown_.size() < kMaxTold) unknown_.push_back(EscapeForPeople(member.key));
      ++unknown_members_;
    }
  }

  void AddFindings() {
    if (unknown_.empty()) return;
    statement_.findings.push_back(
        {Severity::kNote, "unknown-field", "",
         fmt::format("the statement has members that are not known here: {}{}",
                     fmt::join(unknown_, ", "), unknown_members_ > unknown_.size() ? ", …" : "")});
  }

  // As it is written and no other spelling: names are compared as bytes.
  Result<std::string> CheckedPath(std::string_view name) const {
    if (name.size() > kMaxPath) {
      return Malformed(fmt::format("a path of {} bytes, limit {}", name.size(), kMaxPath));
    }
    auto path = CheckRelativePath(name);
    if (!path) return Malformed(path.error().message);
    if (*path != name || HasControl(name)) {
      return Malformed(
          fmt::format("the path {} {}", EscapeForPeople(name),
                      *path != name ? "is not in its shortest form" : "holds a control character"));
    }
    return path;
  }

  Result<void> ReadPredicate(const JsonValue& predicate) {
    NoteUnknown(predicate, {"serialization", "resources"});
    HM_TRY(ReadSerialization(HM_TRY(fields_.Object(predicate, "serialization"))));
    for (const JsonValue& resource : HM_TRY(fields_.Array(predicate, "resources"))) {
      const std::string name = HM_TRY(fields_.Text(resource, "name"));
      HM_TRY(CheckAlgorithm(name, HM_TRY(fields_.Text(resource, "algorithm"))));
      HM_TRY(AddResource(name, HM_TRY(fields_.Text(resource, "digest"))));
    }
    return {};
  }

  Result<void> ReadSerialization(const JsonValue& serialization) {
    NoteUnknown(serialization,
                {"method", "hash_type", "shard_size", "allow_symlinks", "ignore_paths"});
    const std::string method = HM_TRY(fields_.Text(serialization, "method"));
    if (method != "files" && method != "shards") {
      return Unsupported(fmt::format("a model signature over {}", EscapeForPeople(method)));
    }
    const std::string hash = HM_TRY(fields_.Text(serialization, "hash_type"));
    const auto algorithm = AlgorithmByName(hash);
    // Other tools' spellings of the names are not OMS's.
    if (!algorithm || !IsOmsHash(*algorithm) || InfoOf(*algorithm).name != hash) {
      return Unsupported(fmt::format("a model signature of {} digests", EscapeForPeople(hash)));
    }
    statement_.hash = *algorithm;
    const auto links = serialization.Find("allow_symlinks");
    if (!links || !links->AsBool()) return fields_.Malformed("allow_symlinks", "true or false");
    statement_.allow_links = *links->AsBool();
    if (method == "shards") {
      statement_.method = OmsMethod::kShards;
      statement_.shard_bytes = HM_TRY(ReadShardSize(serialization));
    } else if (serialization.Find("shard_size")) {
      return Malformed("it has a \"shard_size\", though its files are not in shards");
    }
    if (!serialization.Find("ignore_paths")) return {};
    for (const std::string& path : HM_TRY(fields_.Texts(serialization, "ignore_paths"))) {
      if (path.find_first_of("*?[") != std::string::npos) {
        return Malformed(
            fmt::format("the ignored path {} holds a wildcard", EscapeForPeople(path)));
      }
      if (path == ".") return Malformed("it ignores the whole model");
      statement_.ignored_paths.push_back(HM_TRY(CheckedPath(path)));
    }
    std::ranges::sort(statement_.ignored_paths);
    return {};
  }

  // model_signing writes whole numbers as floating point.
  Result<std::uint64_t> ReadShardSize(const JsonValue& serialization) const {
    const auto value = serialization.Find("shard_size");
    const double size = value ? value->AsDouble().value_or(0) : 0;
    const auto bytes = static_cast<std::uint64_t>(
        size >= 1 && size < static_cast<double>(kJsonIntegerLimit) ? size : 0);
    if (bytes == 0 || static_cast<double>(bytes) != size) {
      return fields_.Malformed("shard_size", "a whole number of bytes");
    }
    return bytes;
  }

  // "sha256"; of shards also as model_signing writes it, "sha256-sharded-1000".
  Result<void> CheckAlgorithm(std::string_view name, std::string_view algorithm) const {
    const std::string_view hash = InfoOf(statement_.hash).name;
    if (algorithm == hash ||
        (statement_.method == OmsMethod::kShards &&
         algorithm == fmt::format("{}-sharded-{}", hash, statement_.shard_bytes))) {
      return {};
    }
    return Malformed(fmt::format("{} has a digest of {} in a statement of {}",
                                 EscapeForPeople(name), EscapeForPeople(algorithm), hash));
  }

  Result<void> AddResource(std::string_view name, std::string_view hex) {
    const auto digest = Digest::FromHex(statement_.hash, hex);
    if (!digest || digest->Hex() != hex) {
      return Malformed(fmt::format("{} has no usable {} digest, in lower-case hex",
                                   EscapeForPeople(name), InfoOf(statement_.hash).name));
    }
    OmsResource resource{"", {}, *digest};
    std::string_view path = name;
    if (statement_.method == OmsMethod::kShards) {
      const auto end = TakeNumber(path);
      const auto begin = end ? TakeNumber(path) : std::nullopt;
      if (!begin || *begin >= *end) {
        return Malformed(fmt::format("{} is no shard's name", EscapeForPeople(name)));
      }
      resource.range = {*begin, *end - *begin};
    }
    if (path != ".") resource.path = HM_TRY(CheckedPath(path));
    statement_.resources.push_back(std::move(resource));
    return {};
  }

  // Version 0.2: the files are the subjects, and the predicate says nothing.
  Result<void> ReadLegacy(const JsonValue& root) {
    statement_.is_legacy = true;
    const auto predicate = root.Find("predicate");
    if (predicate && (predicate->Find("resources") || predicate->Find("serialization"))) {
      return Malformed("it has the type of one version and the members of another");
    }
    for (const JsonValue& subject : HM_TRY(fields_.Array(root, "subject"))) {
      const std::string name = HM_TRY(fields_.Text(subject, "name"));
      const JsonValue digest = HM_TRY(fields_.Object(subject, "digest"));
      HM_TRY(AddResource(name, HM_TRY(fields_.Text(digest, "sha256"))));
    }
    statement_.root = RootOfResources();
    return {};
  }

  Digest RootOfResources() const {
    const auto hasher = MakeHasher(Algorithm::kSha256);
    for (const OmsResource& resource : statement_.resources) {
      hasher->Update(resource.digest.Bytes());
    }
    return hasher->Finish();
  }

  Result<void> CheckRoot(const std::vector<JsonValue>& subjects) {
    if (subjects.size() != 1) {
      return Malformed(fmt::format("got {} subjects, wanted the model alone", subjects.size()));
    }
    statement_.model_name = HM_TRY(fields_.Text(subjects[0], "name"));
    if (statement_.model_name.empty()) return Malformed("the model's name is empty");
    const JsonValue digest = HM_TRY(fields_.Object(subjects[0], "digest"));
    statement_.root = RootOfResources();
    if (HM_TRY(fields_.Text(digest, "sha256")) != statement_.root.Hex()) {
      return Malformed("the subject's digest is not that of the listed digests");
    }
    return {};
  }

  // What must hold of all resources together.
  Result<void> CheckResources() const {
    if (statement_.resources.empty()) return Malformed("the statement lists no file");
    std::vector<const OmsResource*> sorted;
    for (const OmsResource& resource : statement_.resources) sorted.push_back(&resource);
    std::ranges::sort(sorted, {}, [](const OmsResource* resource) {
      return std::pair<std::string_view, std::uint64_t>(resource->path, resource->range.offset);
    });
    if (sorted.front()->path.empty() && !sorted.back()->path.empty()) {
      return Malformed("it lists a model that is one file, and other files");
    }
    for (std::size_t i = 0; i < sorted.size(); ++i) {
      const OmsResource& resource = *sorted[i];
      const OmsResource* before =
          i > 0 && sorted[i - 1]->path == resource.path ? sorted[i - 1] : nullptr;
      HM_TRY(statement_.method == OmsMethod::kShards ? CheckShard(resource, before)
                                                     : CheckAlone(resource, before));
      if (IsAtOrBelow(resource.path, statement_.ignored_paths)) {
        return Malformed(fmt::format("{} is listed and ignored", EscapeForPeople(resource.path)));
      }
    }
    return {};
  }

  Result<void> CheckAlone(const OmsResource& resource, const OmsResource* before) const {
    if (!before) return {};
    return Malformed(fmt::format("{} is listed twice",
                                 resource.path.empty() ? "." : EscapeForPeople(resource.path)));
  }

  // Shards of a file follow each other from its begin on; all but the last are full.
  Result<void> CheckShard(const OmsResource& shard, const OmsResource* before) const {
    const bool follows = before ? shard.range.offset == before->range.End() &&
                                      before->range.size == statement_.shard_bytes
                                : shard.range.offset == 0;
    if (follows && shard.range.size <= statement_.shard_bytes) return {};
    return Malformed(fmt::format("the shards of {} do not make one file",
                                 shard.path.empty() ? "." : EscapeForPeople(shard.path)));
  }

  const std::string& subject_;
  JsonFields fields_;
  OmsStatement statement_;
  std::vector<std::string> unknown_;
  std::size_t unknown_members_ = 0;
};

}  // namespace

bool IsOmsHash(Algorithm algorithm) {
  return algorithm == Algorithm::kSha256 || algorithm == Algorithm::kBlake2b ||
         algorithm == Algorithm::kBlake3;
}

Result<OmsStatement> ParseOmsStatement(std::string_view payload, const std::string& subject) {
  const JsonDocument document = HM_TRY(JsonDocument::Parse(payload, subject));
  return StatementReader(subject).Read(document.Root());
}

}  // namespace hallmark
