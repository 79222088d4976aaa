#include "weights/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "src/base/checked.h"
#include "src/base/text.h"
#include "src/io/directory.h"
#include "src/json/json_reader.h"
#include "src/json/json_writer.h"

namespace hallmark {
namespace {

constexpr std::string_view kSchema = "hallmark.manifest/1";

void WriteShape(JsonWriter& json, const Shape& shape) {
  json.BeginArray();
  for (const std::uint64_t dimension : shape) json.Unsigned(dimension);
  json.EndArray();
}

void WriteFiles(JsonWriter& json, const std::vector<ManifestFile>& files) {
  json.Key("files").BeginArray();
  for (const ManifestFile& file : files) {
    json.BeginObject().Member("path", file.path).Member("size", file.size);
    json.Key("digests").BeginArray();
    for (const Digest& digest : file.digests) json.String(digest.ToString());
    json.EndArray();
    if (!file.sub_roots.empty()) {
      json.Key("sub_roots").BeginArray();
      for (const TreeNode& node : file.sub_roots) json.String(ToHex(node));
      json.EndArray();
    }
    json.EndObject();
  }
  json.EndArray();
}

void WriteTensors(JsonWriter& json, const std::vector<ManifestTensor>& tensors) {
  json.Key("tensors").BeginArray();
  for (const ManifestTensor& tensor : tensors) {
    json.BeginObject().Member("name", tensor.name).Member("dtype", DtypeName(tensor.dtype));
    WriteShape(json.Key("shape"), tensor.shape);
    json.Member("digest", ToHex(tensor.digest));
    json.Key("stored").BeginArray();
    for (const ManifestTensor::Place& place : tensor.places) {
      json.BeginObject()
          .Member("file", place.file)
          .Member("name", place.stored_name)
          .Member("dtype", DtypeName(place.stored_dtype));
      WriteShape(json.Key("shape"), place.stored_shape);
      json.Member("offset", place.range.offset).Member("size", place.range.size).EndObject();
    }
    json.EndArray().EndObject();
  }
  json.EndArray();
}

Result<void> CheckWritable(const Manifest& manifest) {
  const auto check = [](std::string_view what, const std::string& text) -> Result<void> {
    if (IsValidUtf8(text)) return {};
    return Error{Errc::kMalformed, text, fmt::format("the {} is not valid UTF-8", what)};
  };
  for (const ManifestFile& file : manifest.files) HM_TRY(check("path", file.path));
  for (const ManifestTensor& tensor : manifest.tensors) {
    HM_TRY(check("tensor name", tensor.name));
    for (const auto& place : tensor.places) HM_TRY(check("tensor name", place.stored_name));
  }
  for (const LeftOut& left_out : manifest.left_out) {
    HM_TRY(check("tensor name", left_out.stored_name));
  }
  return {};
}

// Reads the members of one JSON object with typed, checked access and named errors.
class Fields {
 public:
  Fields(const JsonValue& value, const std::string& subject, std::string where)
      : subject_(subject), where_(std::move(where)), members_(value.Members()) {}

  Error Wrong(std::string_view key, std::string_view expected) const {
    return Error{Errc::kMalformed, subject_, fmt::format("{}{}: {}", where_, key, expected)};
  }
  std::optional<JsonValue> Find(std::string_view key) {
    seen_.insert(key);
    for (const JsonMember& member : members_) {
      if (member.key == key) return member.value;
    }
    return std::nullopt;
  }
  Result<std::string> Text(std::string_view key) {
    const auto value = Find(key);
    if (!value || !value->AsString()) return Wrong(key, "a text is needed here");
    return std::string(*value->AsString());
  }
  Result<std::optional<std::string>> OptionalText(std::string_view key) {
    const auto value = Find(key);
    if (!value || value->GetKind() == JsonValue::Kind::kNull) return std::optional<std::string>();
    if (!value->AsString()) return Wrong(key, "a text is needed here");
    return std::optional(std::string(*value->AsString()));
  }
  Result<std::uint64_t> Number(std::string_view key) {
    const auto value = Find(key);
    if (!value || !value->AsU64()) return Wrong(key, "a whole number is needed here");
    if (*value->AsU64() >= kJsonIntegerLimit)
      return Wrong(key, "a number below 2^53 is needed here");
    return *value->AsU64();
  }
  Result<std::optional<std::uint64_t>> OptionalNumber(std::string_view key) {
    if (!Find(key)) return std::optional<std::uint64_t>();
    return std::optional(HM_TRY(Number(key)));
  }
  Result<std::vector<JsonValue>> Array(std::string_view key) {
    const auto value = Find(key);
    if (!value || !value->IsArray()) return Wrong(key, "a list is needed here");
    return value->Items();
  }
  Result<Dtype> ElementType(std::string_view key) {
    const auto dtype = DtypeByName(HM_TRY(Text(key)));
    if (!dtype) return Wrong(key, "this element type is not known");
    return *dtype;
  }
  Result<Shape> Dimensions(std::string_view key) {
    Shape shape;
    for (const JsonValue& item : HM_TRY(Array(key))) {
      if (!item.AsU64()) return Wrong(key, "a dimension is not a whole number");
      shape.push_back(*item.AsU64());
    }
    if (!ElementCount(shape)) return Wrong(key, "more elements than can exist");
    return shape;
  }
  Result<std::array<std::byte, 32>> Hash(std::string_view key) {
    return HashOf(HM_TRY(Text(key)), key);
  }
  Result<std::array<std::byte, 32>> HashOf(std::string_view hex, std::string_view key) const {
    const auto bytes = FromHex(hex);
    if (!bytes || bytes->size() != 32) return Wrong(key, "64 hex digits are needed here");
    std::array<std::byte, 32> hash;
    std::copy(bytes->begin(), bytes->end(), hash.begin());
    return hash;
  }
  std::vector<std::string> Unknown() const {
    std::vector<std::string> unknown;
    for (const JsonMember& member : members_) {
      if (!seen_.contains(member.key)) unknown.push_back(where_ + std::string(member.key));
    }
    return unknown;
  }

 private:
  const std::string& subject_;
  std::string where_;
  std::vector<JsonMember> members_;
  std::set<std::string_view> seen_;
};

Result<ManifestFile> ParseFile(Fields& fields) {
  ManifestFile file;
  file.path = HM_TRY(fields.Text("path"));
  const Result<std::string> clean = CheckRelativePath(file.path);
  if (!clean || *clean != file.path) {
    return fields.Wrong("path", "a plain relative path is needed here");
  }
  file.size = HM_TRY(fields.Number("size"));
  for (const JsonValue& item : HM_TRY(fields.Array("digests"))) {
    const auto text = item.AsString();
    const auto digest = text ? Digest::Parse(*text) : std::nullopt;
    if (!digest) return fields.Wrong("digests", "not a digest written algorithm:hex");
    file.digests.push_back(*digest);
  }
  if (!fields.Find("sub_roots")) return file;
  for (const JsonValue& item : HM_TRY(fields.Array("sub_roots"))) {
    file.sub_roots.push_back(
        HM_TRY(fields.HashOf(item.AsString().value_or(std::string_view()), "sub_roots")));
  }
  const std::uint64_t expected =
      file.size > kSubRootSpan ? file.size / kSubRootSpan + (file.size % kSubRootSpan != 0) : 0;
  if (file.sub_roots.size() != expected) {
    return fields.Wrong("sub_roots", fmt::format("{} of them, {} for a file of {} bytes",
                                                 file.sub_roots.size(), expected, file.size));
  }
  // The sub-roots must add up to the root they stand for, or they could point at the wrong place.
  const TreeNode root = TreeRoot(file.sub_roots, kSubRootHeight);
  for (const Digest& digest : file.digests) {
    if (digest.GetAlgorithm() == Algorithm::kTree &&
        !std::equal(root.begin(), root.end(), digest.Bytes().begin())) {
      return fields.Wrong("sub_roots", "they do not add up to the tree digest");
    }
  }
  return file;
}

Result<ManifestTensor> ParseTensor(Fields& fields, const std::string& subject,
                                   const std::vector<ManifestFile>& files,
                                   std::vector<std::string>& unknown) {
  ManifestTensor tensor;
  tensor.name = HM_TRY(fields.Text("name"));
  tensor.dtype = HM_TRY(fields.ElementType("dtype"));
  tensor.shape = HM_TRY(fields.Dimensions("shape"));
  tensor.digest = HM_TRY(fields.Hash("digest"));
  for (const JsonValue& item : HM_TRY(fields.Array("stored"))) {
    Fields stored(item, subject, "tensors.stored.");
    ManifestTensor::Place place;
    place.file = HM_TRY(stored.Text("file"));
    place.stored_name = HM_TRY(stored.Text("name"));
    place.stored_dtype = HM_TRY(stored.ElementType("dtype"));
    place.stored_shape = HM_TRY(stored.Dimensions("shape"));
    place.range.offset = HM_TRY(stored.Number("offset"));
    place.range.size = HM_TRY(stored.Number("size"));
    const auto file = std::lower_bound(
        files.begin(), files.end(), place.file,
        [](const ManifestFile& a, const std::string& path) { return a.path < path; });
    if (file == files.end() || file->path != place.file) {
      return stored.Wrong("file", "this file is not among the manifest's files");
    }
    const auto end = CheckedAdd(place.range.offset, place.range.size);
    if (!end || *end > file->size) {
      return stored.Wrong("size",
                          fmt::format("the range ends beyond the file's {} bytes", file->size));
    }
    for (std::string& field : stored.Unknown()) unknown.push_back(std::move(field));
    tensor.places.push_back(std::move(place));
  }
  return tensor;
}

}  // namespace

const ManifestFile* FindFile(const Manifest& manifest, std::string_view path) {
  const auto found = std::ranges::lower_bound(manifest.files, path, {}, &ManifestFile::path);
  return found != manifest.files.end() && found->path == path ? &*found : nullptr;
}

Result<std::string> WriteManifest(const Manifest& manifest) {
  HM_TRY(CheckWritable(manifest));
  JsonWriter json(JsonWriter::Form::kCanonical);
  json.BeginObject().Member("schema", kSchema);
  WriteFiles(json, manifest.files);
  if (!manifest.architecture.empty()) json.Member("architecture", manifest.architecture);
  if (!manifest.weights.empty()) {
    json.Member("weights", manifest.weights);
  } else {
    json.Key("weights").Null().Member("no_identity", manifest.no_identity_reason);
  }
  json.Key("groups").BeginArray();
  for (const GroupIdentity& group : manifest.groups) {
    json.BeginObject().Member("key", group.key).Member("digest", ToHex(group.digest)).EndObject();
  }
  json.EndArray();
  WriteTensors(json, manifest.tensors);
  json.Key("left_out").BeginArray();
  for (const LeftOut& left_out : manifest.left_out) {
    json.BeginObject()
        .Member("name", left_out.stored_name)
        .Member("reason", left_out.reason)
        .EndObject();
  }
  json.EndArray();
  if (!manifest.origin.empty()) json.Member("origin", manifest.origin);
  if (manifest.version) json.Member("version", *manifest.version);
  if (manifest.issued) json.Member("issued", *manifest.issued);
  if (manifest.expires) json.Member("expires", *manifest.expires);
  if (manifest.previous) json.Member("previous", manifest.previous->ToString());
  json.EndObject();
  return json.Take() + "\n";
}

Result<Manifest> ParseManifest(std::string_view json, std::string subject) {
  const JsonDocument document = HM_TRY(JsonDocument::Parse(json, subject));
  if (!document.Root().IsObject()) {
    return Error{Errc::kMalformed, subject, "a manifest is a JSON object"};
  }
  Fields top(document.Root(), subject, "");
  const std::string schema = HM_TRY(top.Text("schema"));
  if (schema != kSchema) {
    const bool ours = schema.starts_with("hallmark.manifest/");
    return Error{ours ? Errc::kUnsupported : Errc::kMalformed, subject,
                 fmt::format("the schema is {}, expected {}", EscapeForPeople(schema), kSchema)};
  }
  Manifest manifest;
  std::vector<std::string>& unknown = manifest.unknown_fields;
  const auto keep_unknown = [&](const Fields& fields) {
    for (std::string& field : fields.Unknown()) unknown.push_back(std::move(field));
  };

  for (const JsonValue& item : HM_TRY(top.Array("files"))) {
    Fields fields(item, subject, "files.");
    ManifestFile file = HM_TRY(ParseFile(fields));
    if (!manifest.files.empty() && manifest.files.back().path >= file.path) {
      return fields.Wrong("path", "the files are not in the order of their paths, each once");
    }
    manifest.files.push_back(std::move(file));
    keep_unknown(fields);
  }
  manifest.architecture = HM_TRY(top.OptionalText("architecture")).value_or("");
  manifest.weights = HM_TRY(top.OptionalText("weights")).value_or("");
  const std::string_view weights = manifest.weights;
  if (!weights.empty()) {
    const bool raw = weights.starts_with("hm1raw:");
    if (!raw && !weights.starts_with("hm1:")) {
      return top.Wrong("weights", "an identity begins with hm1: or hm1raw:");
    }
    HM_TRY(top.HashOf(weights.substr(raw ? 7 : 4), "weights"));
  }
  manifest.no_identity_reason = HM_TRY(top.OptionalText("no_identity")).value_or("");
  for (const JsonValue& item : HM_TRY(top.Array("groups"))) {
    Fields fields(item, subject, "groups.");
    GroupIdentity group;
    group.key = HM_TRY(fields.Text("key"));
    group.digest = HM_TRY(fields.Hash("digest"));
    manifest.groups.push_back(std::move(group));
    keep_unknown(fields);
  }
  for (const JsonValue& item : HM_TRY(top.Array("tensors"))) {
    Fields fields(item, subject, "tensors.");
    manifest.tensors.push_back(HM_TRY(ParseTensor(fields, subject, manifest.files, unknown)));
    keep_unknown(fields);
  }
  for (const JsonValue& item : HM_TRY(top.Array("left_out"))) {
    Fields fields(item, subject, "left_out.");
    LeftOut left_out;
    left_out.stored_name = HM_TRY(fields.Text("name"));
    left_out.reason = HM_TRY(fields.Text("reason"));
    manifest.left_out.push_back(std::move(left_out));
    keep_unknown(fields);
  }
  manifest.origin = HM_TRY(top.OptionalText("origin")).value_or("");
  manifest.version = HM_TRY(top.OptionalNumber("version"));
  manifest.issued = HM_TRY(top.OptionalNumber("issued"));
  manifest.expires = HM_TRY(top.OptionalNumber("expires"));
  if (const auto previous = HM_TRY(top.OptionalText("previous"))) {
    manifest.previous = Digest::Parse(*previous);
    if (!manifest.previous) return top.Wrong("previous", "not a digest written algorithm:hex");
  }
  keep_unknown(top);
  std::sort(unknown.begin(), unknown.end());
  unknown.erase(std::unique(unknown.begin(), unknown.end()), unknown.end());
  return manifest;
}

}  // namespace hallmark
