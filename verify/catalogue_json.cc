// Reads and writes hallmark.catalogue/1: docs/schemas/catalogue.schema.json.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <initializer_list>
#include <set>

#include "src/base/text.h"
#include "src/io/directory.h"
#include "src/json/json_reader.h"
#include "src/json/json_writer.h"
#include "verify/catalogue.h"
#include "verify/catalogue_id.h"

namespace hallmark {

bool IsCatalogueId(std::string_view id) {
  if (id.size() > 200 || id.find('/') == std::string_view::npos) return false;
  for (std::size_t at = 0; at <= id.size();) {
    const std::size_t end = std::min(id.find('/', at), id.size());
    const std::string_view part = id.substr(at, end - at);
    if (part.empty() || part[0] == '.' || part[0] == '-') return false;
    for (const char c : part) {
      const bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '.' || c == '_' || c == '-';
      if (!ok) return false;
    }
    at = end + 1;
  }
  return true;
}

bool IsWeightIdentity(std::string_view text) {
  if (text.starts_with("hm1:")) {
    text.remove_prefix(4);
  } else if (text.starts_with("hm1raw:")) {
    text.remove_prefix(7);
  } else {
    return false;
  }
  return text.size() == 64 && FromHex(text) && AsciiLower(text) == text;
}

namespace {

constexpr std::size_t kMostFiles = 200'000;

// Reads one catalogue. `where` in messages is a JSON pointer (RFC 6901) as far as it goes.
class CatalogueReader {
 public:
  explicit CatalogueReader(std::string subject) : subject_(std::move(subject)) {}

  Result<ParsedCatalogue> Read(std::string_view json) {
    const JsonDocument document = HM_TRY(JsonDocument::Parse(json, subject_));
    const JsonValue root = document.Root();
    if (!root.IsObject()) return Malformed("", "a catalogue is a JSON object");
    const std::string schema = HM_TRY(Text(root, "", "schema", true));
    if (schema != "hallmark.catalogue/1") {
      const bool other_version = schema.starts_with("hallmark.catalogue/");
      return Error{
          other_version ? Errc::kUnsupported : Errc::kMalformed, subject_,
          fmt::format("schema is {}, expected hallmark.catalogue/1", EscapeForPeople(schema))};
    }
    HM_TRY(CheckKeys(root, "",
                     {"schema", "family", "release", "publisher", "shared_files", "models"}));
    CatalogueEntry common;
    common.family = HM_TRY(Text(root, "", "family", true));
    common.release = HM_TRY(Text(root, "", "release", false));
    common.publisher = HM_TRY(Text(root, "", "publisher", false));
    if (const auto shared = root.Find("shared_files")) {
      common.files = HM_TRY(ReadFiles(*shared, "/shared_files"));
    }
    const auto models = root.Find("models");
    if (!models || !models->IsArray()) return Malformed("/models", "not an array");
    std::size_t index = 0;
    for (const JsonValue& model : models->Items()) {
      HM_TRY(ReadModel(model, common, fmt::format("/models/{}", index++)));
    }
    if (out_.entries.empty()) return Malformed("/models", "the catalogue lists no model");
    return std::move(out_);
  }

 private:
  Error Malformed(std::string_view where, std::string_view message) const {
    return {Errc::kMalformed, subject_,
            where.empty() ? std::string(message) : fmt::format("{}: {}", where, message)};
  }

  // Fields that are not known are ignored and reported, as in every statement.
  Result<void> CheckKeys(const JsonValue& object, std::string_view where,
                         std::initializer_list<std::string_view> known) {
    if (!object.IsObject()) return Malformed(where, "not an object");
    for (const JsonMember& member : object.Members()) {
      if (std::find(known.begin(), known.end(), member.key) != known.end()) continue;
      out_.findings.push_back(
          {Severity::kNote, "unknown-field", subject_,
           fmt::format("{}/{} is not known here and ignored", where, EscapeForPeople(member.key))});
    }
    return {};
  }

  Result<std::string> Text(const JsonValue& object, std::string_view where, std::string_view key,
                           bool required) const {
    const auto value = object.Find(key);
    if (!value && !required) return std::string();
    const auto text = value ? value->AsString() : std::nullopt;
    if (!text || (required && text->empty())) {
      return Malformed(fmt::format("{}/{}", where, key), value ? "not a text" : "missing");
    }
    return std::string(*text);
  }

  Result<bool> Flag(const JsonValue& object, std::string_view where, std::string_view key,
                    bool otherwise) const {
    const auto value = object.Find(key);
    if (!value) return otherwise;
    const auto flag = value->AsBool();
    if (!flag) return Malformed(fmt::format("{}/{}", where, key), "not true or false");
    return *flag;
  }

  Result<std::optional<std::uint64_t>> Number(const JsonValue& object, std::string_view where,
                                              std::string_view key) const {
    const auto value = object.Find(key);
    if (!value) return std::optional<std::uint64_t>();
    const auto number = value->AsU64();
    if (!number) return Malformed(fmt::format("{}/{}", where, key), "not a whole number");
    return number;
  }

  // Of an object that holds a "value" as well.
  Result<Testimony> ReadTestimony(const JsonValue& value, const std::string& where) {
    HM_TRY(CheckKeys(value, where, {"value", "claim", "witnesses", "further_witnesses"}));
    Testimony out;
    out.claim = HM_TRY(Text(value, where, "claim", true));
    if (out.claim != "publisher" && out.claim != "community" && out.claim != "own") {
      return Malformed(where + "/claim", "not publisher, community or own");
    }
    if (const auto witnesses = value.Find("witnesses")) {
      if (!witnesses->IsArray()) return Malformed(where + "/witnesses", "not an array");
      for (const JsonValue& witness : witnesses->Items()) {
        const auto text = witness.AsString();
        if (!text) return Malformed(where + "/witnesses", "a witness is not a text");
        out.witnesses.emplace_back(*text);
      }
    }
    out.further_witnesses = HM_TRY(Number(value, where, "further_witnesses")).value_or(0);
    return out;
  }

  Result<ListedDigest> ReadDigest(std::string_view algorithm_name, const JsonValue& value,
                                  const std::string& where) {
    Testimony testimony = HM_TRY(ReadTestimony(value, where));
    const auto algorithm = AlgorithmByName(algorithm_name);
    if (!algorithm || InfoOf(*algorithm).name != algorithm_name) {
      return Malformed(where, "no algorithm known here");
    }
    if (!CoversWholeFile(*algorithm)) {
      return Malformed(where, "a digest of a part of a file, which proves nothing of the rest");
    }
    const std::string hex = HM_TRY(Text(value, where, "value", true));
    const auto digest = Digest::FromHex(*algorithm, hex);
    if (!digest) {
      return Malformed(where,
                       fmt::format("{} hex digits expected", InfoOf(*algorithm).digest_bytes * 2));
    }
    return ListedDigest{*digest, std::move(testimony)};
  }

  Result<std::vector<ListedFile>> ReadFiles(const JsonValue& value, const std::string& where) {
    if (!value.IsArray()) return Malformed(where, "not an array");
    std::vector<ListedFile> files;
    std::set<std::string, std::less<>> paths;
    for (const JsonValue& item : value.Items()) {
      const std::string here = fmt::format("{}/{}", where, files.size());
      HM_TRY(CheckKeys(item, here, {"path", "size", "optional", "digests", "note"}));
      ListedFile file;
      auto path = CheckRelativePath(HM_TRY(Text(item, here, "path", true)));
      if (!path) return Malformed(here + "/path", path.error().message);
      file.path = std::move(*path);
      if (!paths.insert(file.path).second) return Malformed(here + "/path", "listed twice");
      file.size = HM_TRY(Number(item, here, "size"));
      file.optional = HM_TRY(Flag(item, here, "optional", false));
      file.note = HM_TRY(Text(item, here, "note", false));
      const auto digests = item.Find("digests");
      if (!digests || !digests->IsObject()) return Malformed(here + "/digests", "not an object");
      for (const JsonMember& member : digests->Members()) {
        const std::string place = fmt::format("{}/digests/{}", here, EscapeForPeople(member.key));
        if (!member.value.IsArray()) {
          file.digests.push_back(HM_TRY(ReadDigest(member.key, member.value, place)));
          continue;
        }
        for (const JsonValue& word : member.value.Items()) {
          ListedDigest digest = HM_TRY(ReadDigest(member.key, word, place));
          if (std::ranges::find(file.digests, digest.digest, &ListedDigest::digest) !=
              file.digests.end()) {
            return Malformed(place, "a value stands twice");
          }
          file.digests.push_back(std::move(digest));
        }
      }
      if (file.digests.empty()) return Malformed(here + "/digests", "no digest");
      files.push_back(std::move(file));
    }
    return files;
  }

  Result<std::vector<CatalogueTensor>> ReadTensors(const JsonValue& value,
                                                   const std::string& where) {
    if (!value.IsArray()) return Malformed(where, "not an array");
    std::vector<CatalogueTensor> tensors;
    std::set<std::string, std::less<>> names;
    for (const JsonValue& item : value.Items()) {
      const std::string here = fmt::format("{}/{}", where, tensors.size());
      HM_TRY(CheckKeys(item, here, {"name", "digest"}));
      CatalogueTensor tensor;
      tensor.name = HM_TRY(Text(item, here, "name", true));
      if (!names.insert(tensor.name).second) return Malformed(here, "listed twice");
      const auto bytes = FromHex(HM_TRY(Text(item, here, "digest", true)));
      if (!bytes || bytes->size() != tensor.digest.size()) {
        return Malformed(here + "/digest", "not 64 hex digits");
      }
      std::memcpy(tensor.digest.data(), bytes->data(), tensor.digest.size());
      tensors.push_back(std::move(tensor));
    }
    return tensors;
  }

  Result<std::vector<ListedWeights>> ReadWeights(const JsonValue& value, const std::string& where) {
    std::vector<ListedWeights> out;
    const auto add = [&](const JsonValue& word) -> Result<void> {
      ListedWeights weights{{}, HM_TRY(ReadTestimony(word, where))};
      weights.identity = HM_TRY(Text(word, where, "value", true));
      if (!IsWeightIdentity(weights.identity)) {
        return Malformed(where + "/value", "not hm1: or hm1raw: and 64 lower-case hex digits");
      }
      if (std::ranges::find(out, weights.identity, &ListedWeights::identity) != out.end()) {
        return Malformed(where, "a value stands twice");
      }
      out.push_back(std::move(weights));
      return {};
    };
    if (value.IsArray()) {
      for (const JsonValue& word : value.Items()) HM_TRY(add(word));
      if (out.empty()) return Malformed(where, "no weight identity");
    } else {
      HM_TRY(add(value));
    }
    return out;
  }

  Result<void> ReadModel(const JsonValue& value, const CatalogueEntry& common,
                         const std::string& where) {
    HM_TRY(CheckKeys(
        value, where,
        {"id", "model", "complete", "incomplete", "note", "weights", "tensors", "files"}));
    CatalogueEntry entry = common;
    entry.files.clear();
    entry.id = HM_TRY(Text(value, where, "id", true));
    if (!IsCatalogueId(entry.id)) return Malformed(where + "/id", "not of the form release/model");
    if (!ids_.insert(AsciiLower(entry.id)).second) {
      return Malformed(where + "/id", fmt::format("{} stands twice", entry.id));
    }
    entry.model = HM_TRY(Text(value, where, "model", true));
    if (!value.Find("complete")) return Malformed(where + "/complete", "missing");
    entry.complete = HM_TRY(Flag(value, where, "complete", true));
    entry.incomplete = HM_TRY(Text(value, where, "incomplete", !entry.complete));
    entry.note = HM_TRY(Text(value, where, "note", false));
    if (const auto weights = value.Find("weights")) {
      entry.weights = HM_TRY(ReadWeights(*weights, where + "/weights"));
    }
    if (const auto tensors = value.Find("tensors")) {
      entry.tensors = HM_TRY(ReadTensors(*tensors, where + "/tensors"));
    }
    if (const auto files = value.Find("files")) {
      entry.files = HM_TRY(ReadFiles(*files, where + "/files"));
    }
    for (const ListedFile& shared : common.files) {
      const bool own = std::any_of(entry.files.begin(), entry.files.end(),
                                   [&](const ListedFile& f) { return f.path == shared.path; });
      if (!own) entry.files.push_back(shared);
    }
    files_ += entry.files.size();
    if (files_ > kMostFiles) {
      return Error{
          Errc::kUnsupported, subject_,
          fmt::format("more than {} files, shared ones counted for each model", kMostFiles)};
    }
    if (entry.files.empty() && entry.weights.empty()) {
      return Malformed(where, "neither files nor a weight identity");
    }
    out_.entries.push_back(std::move(entry));
    return {};
  }

  std::string subject_;
  ParsedCatalogue out_;
  std::set<std::string> ids_;  // in lower case
  std::size_t files_ = 0;
};

void WriteWord(JsonWriter& json, const std::string& value, const Testimony& testimony) {
  json.BeginObject().Member("value", value).Member("claim", testimony.claim);
  json.Key("witnesses").BeginArray();
  for (const std::string& witness : testimony.witnesses) json.String(witness);
  json.EndArray().Member("further_witnesses", testimony.further_witnesses).EndObject();
}

void WriteFile(JsonWriter& json, const ListedFile& file) {
  json.BeginObject().Member("path", file.path);
  if (file.size) json.Member("size", *file.size);
  if (file.optional) json.Key("optional").Bool(true);
  json.Key("digests").BeginObject();
  std::set<Algorithm> written;
  for (const ListedDigest& first : file.digests) {
    const Algorithm algorithm = first.digest.GetAlgorithm();
    if (!written.insert(algorithm).second) continue;
    const auto is_of_it = [&](const ListedDigest& listed) {
      return listed.digest.GetAlgorithm() == algorithm;
    };
    const bool disputed = std::ranges::count_if(file.digests, is_of_it) > 1;
    json.Key(InfoOf(algorithm).name);
    if (disputed) json.BeginArray();
    for (const ListedDigest& listed : file.digests) {
      if (is_of_it(listed)) WriteWord(json, listed.digest.Hex(), listed.testimony);
    }
    if (disputed) json.EndArray();
  }
  json.EndObject();
  if (!file.note.empty()) json.Member("note", file.note);
  json.EndObject();
}

}  // namespace

Result<ParsedCatalogue> ParseCatalogue(std::string_view json, std::string subject) {
  return CatalogueReader(std::move(subject)).Read(json);
}

Result<std::string> ExportEntry(const CatalogueEntry& entry) {
  for (const ListedFile& file : entry.files) {
    if (!IsValidUtf8(file.path)) {
      return Error{Errc::kMalformed, entry.id,
                   fmt::format("the path {} is not UTF-8", EscapeForPeople(file.path))};
    }
  }
  for (const CatalogueTensor& tensor : entry.tensors) {
    if (!IsValidUtf8(tensor.name)) {
      return Error{Errc::kMalformed, entry.id,
                   fmt::format("the tensor name {} is not UTF-8", EscapeForPeople(tensor.name))};
    }
  }
  JsonWriter json(JsonWriter::Form::kPretty);
  json.BeginObject().Member("schema", "hallmark.catalogue/1").Member("family", entry.family);
  json.Member("release", entry.release).Member("publisher", entry.publisher);
  json.Key("models").BeginArray().BeginObject();
  json.Member("id", entry.id).Member("model", entry.model);
  json.Key("complete").Bool(entry.complete);
  if (!entry.complete) json.Member("incomplete", entry.incomplete);
  if (!entry.note.empty()) json.Member("note", entry.note);
  if (!entry.weights.empty()) {
    const bool disputed = entry.weights.size() > 1;
    json.Key("weights");
    if (disputed) json.BeginArray();
    for (const ListedWeights& weights : entry.weights) {
      WriteWord(json, weights.identity, weights.testimony);
    }
    if (disputed) json.EndArray();
  }
  json.Key("files").BeginArray();
  for (const ListedFile& file : entry.files) WriteFile(json, file);
  json.EndArray();
  if (!entry.tensors.empty()) {
    json.Key("tensors").BeginArray();
    for (const CatalogueTensor& tensor : entry.tensors) {
      json.BeginObject().Member("name", tensor.name);
      json.Member("digest", ToHex(tensor.digest)).EndObject();
    }
    json.EndArray();
  }
  json.EndObject().EndArray().EndObject();
  return json.Take() + "\n";
}

}  // namespace hallmark
