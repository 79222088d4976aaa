// OpenSSF Model Signing bundles (OMS 1.0): a Sigstore bundle whose DSSE envelope holds an in-toto
// statement of the files. Its signature is not checked here. docs/sources/oms.md.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <set>

#include "src/base/base64.h"
#include "src/base/text.h"
#include "src/hash/hasher.h"
#include "src/json/json_reader.h"
#include "verify/sources/dialects.h"
#include "verify/sources/list_source.h"

namespace hallmark {
namespace {

constexpr std::string_view kSignature1 = "https://model_signing/signature/v1.0";
constexpr std::string_view kDigests01 = "https://model_signing/Digests/v0.1";

Error Malformed(std::string message) {
  return {Errc::kMalformed, "", "a model signature: " + std::move(message)};
}

std::string_view TextOf(const JsonValue& object, std::string_view key) {
  const auto value = object.Find(key);
  return value ? value->AsString().value_or("") : "";
}

std::vector<JsonValue> ItemsOf(const JsonValue& object, std::string_view key) {
  const auto value = object.Find(key);
  return value ? value->Items() : std::vector<JsonValue>();
}

bool Sniff(std::string_view text, std::string_view) {
  if (text.find("\"dsseEnvelope\"") == std::string_view::npos) return false;
  const auto document = JsonDocument::Parse(text, "");
  return document && document->Root().Find("dsseEnvelope");
}

// A number that stands behind a colon of a shard's name.
std::optional<std::uint64_t> TakeNumber(std::string_view& name) {
  const std::size_t colon = name.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view digits = name.substr(colon + 1);
  std::uint64_t value = 0;
  const auto [stop, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || code != std::errc() || stop != digits.data() + digits.size()) {
    return std::nullopt;
  }
  name = name.substr(0, colon);
  return value;
}

class StatementReader {
 public:
  Result<Source> Read(const JsonValue& statement) {
    const std::string_view type = TextOf(statement, "predicateType");
    if (type == kSignature1) {
      const auto predicate = statement.Find("predicate");
      if (!predicate) return Malformed("no predicate");
      HM_TRY(ReadPredicate(*predicate));
      HM_TRY(CheckRoot(statement));
    } else if (type == kDigests01) {
      for (const JsonValue& subject : ItemsOf(statement, "subject")) {
        const auto digest = subject.Find("digest");
        HM_TRY(AddFile(TextOf(subject, "name"), "sha256", digest ? TextOf(*digest, "sha256") : ""));
      }
    } else {
      return Error{Errc::kUnsupported, "",
                   fmt::format("a statement of type {}, which lists no model's files",
                               EscapeForPeople(type))};
    }
    source_.files = files_.Take();
    HM_TRY(TakeShards());
    if (source_.files.empty()) return Malformed("the statement lists no file");
    source_.findings.push_back({Severity::kWarning, "signature-not-checked", "",
                                "the statement is signed, but its signature is not checked here"});
    return std::move(source_);
  }

 private:
  struct Shard {
    std::uint64_t begin, end;
    Digest digest;
  };

  Result<std::string> CheckedName(std::string_view name) const {
    if (name == ".") return std::string();  // the one file that was signed
    auto path = CheckListedPath(name, true);
    if (!path) return Malformed(path.error().message);
    return path;
  }

  Result<void> ReadPredicate(const JsonValue& predicate) {
    const auto serialization = predicate.Find("serialization");
    const std::string_view method = serialization ? TextOf(*serialization, "method") : "files";
    if (method != "files" && method != "shards") {
      return Error{Errc::kUnsupported, "",
                   fmt::format("a model signature over {}", EscapeForPeople(method))};
    }
    for (const JsonValue& resource : ItemsOf(predicate, "resources")) {
      const std::string_view name = TextOf(resource, "name");
      std::string_view algorithm = TextOf(resource, "algorithm");
      const std::string_view hex = TextOf(resource, "digest");
      if (method == "shards") {
        algorithm = algorithm.substr(0, algorithm.find("-sharded"));
        HM_TRY(AddShard(name, algorithm, hex));
      } else {
        HM_TRY(AddFile(name, algorithm, hex));
      }
    }
    std::string ignored;
    if (serialization) {
      for (const JsonValue& path : ItemsOf(*serialization, "ignore_paths")) {
        ignored += fmt::format("{}{}", ignored.empty() ? "" : ", ",
                               EscapeForPeople(path.AsString().value_or("")));
      }
    }
    if (!ignored.empty()) {
      source_.findings.push_back(
          {Severity::kNote, "ignored-paths", "", "the statement leaves out: " + ignored});
    }
    return {};
  }

  Result<Digest> ReadDigest(std::string_view name, std::string_view algorithm,
                            std::string_view hex) {
    const auto known = AlgorithmByName(algorithm);
    const auto digest = known ? Digest::FromHex(*known, hex) : std::nullopt;
    if (!digest) {
      return Malformed(fmt::format("{} has no usable {} digest", EscapeForPeople(name),
                                   EscapeForPeople(algorithm)));
    }
    root_->Update(digest->Bytes());
    return *digest;
  }

  Result<void> AddFile(std::string_view name, std::string_view algorithm, std::string_view hex) {
    const Digest digest = HM_TRY(ReadDigest(name, algorithm, hex));
    std::string path = HM_TRY(CheckedName(name));
    if (!paths_.insert(path).second) {
      return Malformed(fmt::format("{} is listed twice", EscapeForPeople(name)));
    }
    return files_.Add(std::move(path), std::nullopt, digest, 0);
  }

  // "name:begin:end"
  Result<void> AddShard(std::string_view name, std::string_view algorithm, std::string_view hex) {
    const Digest digest = HM_TRY(ReadDigest(name, algorithm, hex));
    std::string_view file = name;
    const auto end = TakeNumber(file);
    const auto begin = end ? TakeNumber(file) : std::nullopt;
    if (!begin || *begin >= *end) {
      return Malformed(fmt::format("{} is no shard's name", EscapeForPeople(name)));
    }
    shards_[HM_TRY(CheckedName(file))].push_back({*begin, *end, digest});
    return {};
  }

  // Shards of one file are its pieces: equal, in order and without gaps.
  Result<void> TakeShards() {
    for (auto& [path, shards] : shards_) {
      std::ranges::sort(shards, {}, &Shard::begin);
      const std::uint64_t bytes = shards.back().end;
      PieceList list{shards[0].digest.GetAlgorithm(), shards[0].end, {}, {}};
      for (std::size_t i = 0; i < shards.size(); ++i) {
        const std::uint64_t begin = i == 0 ? 0 : shards[i - 1].end;
        const bool last = i + 1 == shards.size();
        if (shards[i].begin != begin || shards[i].digest.GetAlgorithm() != list.algorithm ||
            (!last && shards[i].end - begin != list.piece_bytes) ||
            shards[i].end - begin > list.piece_bytes) {
          return Malformed(fmt::format("the shards of {} do not make one file of equal pieces",
                                       EscapeForPeople(path)));
        }
        list.digests.insert(list.digests.end(), shards[i].digest.Bytes().begin(),
                            shards[i].digest.Bytes().end());
      }
      list.spans.push_back({PieceSpan::Holder::kFile, source_.files.size(), bytes});
      ListedFile& file = source_.files.emplace_back();
      file.path = path;
      file.size = bytes;
      source_.pieces.push_back(std::move(list));
    }
    return {};
  }

  // The subject's digest is one over all digests, in their order.
  Result<void> CheckRoot(const JsonValue& statement) {
    const std::vector<JsonValue> subjects = ItemsOf(statement, "subject");
    const auto digest = subjects.size() == 1 ? subjects[0].Find("digest") : std::nullopt;
    if (!digest) return Malformed("not one subject with a digest");
    if (Digest::FromHex(Algorithm::kSha256, TextOf(*digest, "sha256")) != root_->Finish()) {
      return Malformed("the subject's digest is not that of the listed digests");
    }
    return {};
  }

  Source source_;
  FileCollector files_;
  std::set<std::string> paths_;
  std::map<std::string, std::vector<Shard>> shards_;
  std::unique_ptr<Hasher> root_ = MakeHasher(Algorithm::kSha256);
};

Result<Source> Parse(std::string_view text, std::string_view) {
  const JsonDocument bundle = HM_TRY(JsonDocument::Parse(text, ""));
  const JsonValue envelope = *bundle.Root().Find("dsseEnvelope");
  if (TextOf(envelope, "payloadType") != "application/vnd.in-toto+json") {
    return Error{Errc::kUnsupported, "", "a Sigstore bundle of something else than a statement"};
  }
  const auto payload = FromBase64(TextOf(envelope, "payload"));
  if (!payload) return Malformed("the payload is not base64");
  const JsonDocument statement = HM_TRY(JsonDocument::Parse(*payload, ""));
  return StatementReader().Read(statement.Root());
}

}  // namespace

const Dialect kOmsDialect = {"oms", "OpenSSF model signature", Sniff, Parse, false};

}  // namespace hallmark
