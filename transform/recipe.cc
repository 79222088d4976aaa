#include "transform/recipe.h"

#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "src/base/base64.h"
#include "src/base/bytes.h"
#include "src/base/checked.h"
#include "src/base/text.h"
#include "src/io/directory.h"
#include "src/io/file.h"
#include "src/json/json_fields.h"
#include "src/json/json_reader.h"
#include "src/json/json_writer.h"

namespace hallmark {
namespace {

constexpr std::string_view kSchema = "hallmark.recipe/1";

struct FreeStream {
  void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
};

Result<std::string> Compressed(ByteSpan bytes) {
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  const std::size_t size =
      ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), /*level=*/19);
  if (ZSTD_isError(size)) return Error{Errc::kIo, "zstd", ZSTD_getErrorName(size)};
  out.resize(size);
  return out;
}

// Memory grows with what really comes out.
Result<std::vector<std::byte>> Decompressed(std::string_view compressed, std::uint64_t size,
                                            const std::string& subject) {
  const auto malformed = [&](std::string message) {
    return Error{Errc::kMalformed, subject, std::move(message)};
  };
  const std::unique_ptr<ZSTD_DStream, FreeStream> stream(ZSTD_createDStream());
  std::vector<std::byte> out;
  ZSTD_inBuffer in{compressed.data(), compressed.size(), 0};
  std::vector<std::byte> piece(ZSTD_DStreamOutSize());
  std::size_t left = 1;
  while (in.pos < in.size) {
    ZSTD_outBuffer to{piece.data(), piece.size(), 0};
    left = ZSTD_decompressStream(stream.get(), &to, &in);
    if (ZSTD_isError(left)) {
      return malformed(fmt::format("its literal bytes: {}", ZSTD_getErrorName(left)));
    }
    if (to.pos > size - out.size()) return malformed("it holds more literal bytes than it says");
    out.insert(out.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(to.pos));
    if (left == 0 && in.pos < in.size) return malformed("bytes follow its literal bytes");
  }
  while (left != 0 && !compressed.empty()) {
    ZSTD_outBuffer to{piece.data(), piece.size(), 0};
    left = ZSTD_decompressStream(stream.get(), &to, &in);
    if (ZSTD_isError(left) || (to.pos == 0 && left != 0)) {
      return malformed("its literal bytes are cut short");
    }
    if (to.pos > size - out.size()) return malformed("it holds more literal bytes than it says");
    out.insert(out.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(to.pos));
  }
  if (out.size() != size) return malformed("it holds fewer literal bytes than it says");
  return out;
}

class RecipeParser {
 public:
  RecipeParser(const JsonDocument& document, Recipe* recipe)
      : subject_(document.Subject()), fields_(subject_), root_(document.Root()), recipe_(*recipe) {}

  Result<void> Run() {
    const auto schema = root_.Find("schema");
    if (!schema || schema->AsString() != kSchema) {
      return Error{Errc::kUnsupported, subject_, fmt::format("this is no recipe ({})", kSchema)};
    }
    recipe_.weights = HM_TRY(fields_.Text(root_, "weights"));
    recipe_.payload_bytes = HM_TRY(Number(root_, "payload_bytes"));
    recipe_.literal_payload = HM_TRY(Number(root_, "literal_payload_bytes"));
    for (const JsonValue& item : HM_TRY(fields_.Array(root_, "tensors"))) HM_TRY(Tensor(item));
    for (const JsonValue& item : HM_TRY(fields_.Array(root_, "files"))) HM_TRY(File(item));
    HM_TRY(Literals());
    static constexpr std::string_view kKnown[] = {
        "schema",  "weights", "payload_bytes", "literal_payload_bytes",
        "tensors", "files",   "literals",      "literal_bytes"};
    for (const JsonMember& member : root_.Members()) {
      if (std::ranges::find(kKnown, member.key) == std::end(kKnown)) {
        recipe_.unknown_fields.emplace_back(member.key);
      }
    }
    return {};
  }

 private:
  // Of statements, which hold no larger numbers.
  Result<std::uint64_t> Number(const JsonValue& object, std::string_view key) const {
    const std::uint64_t number = HM_TRY(fields_.Number(object, key));
    if (number >= kJsonIntegerLimit) return fields_.Malformed(key, "a whole number");
    return number;
  }
  Result<std::optional<RecipeSlice>> Slice(const JsonValue& object, std::string_view key) const {
    const auto value = object.Find(key);
    if (!value) return std::nullopt;
    RecipeSlice slice;
    slice.first = HM_TRY(Number(*value, "first"));
    slice.count = HM_TRY(Number(*value, "count"));
    if (slice.count == 0) return fields_.Malformed(key, "a stretch of at least one");
    return slice;
  }

  Result<void> Tensor(const JsonValue& item) {
    RecipeTensor tensor{.dtype = Dtype::kF32};
    tensor.sources = HM_TRY(fields_.Texts(item, "sources"));
    if (tensor.sources.empty()) return fields_.Malformed("sources", "a list of names");
    const auto dtype = DtypeByName(HM_TRY(fields_.Text(item, "dtype")));
    if (!dtype) return fields_.Malformed("dtype", "an element type known here");
    tensor.dtype = *dtype;
    tensor.size = HM_TRY(Number(item, "size"));
    tensor.rows = HM_TRY(Slice(item, "rows"));
    tensor.columns = HM_TRY(Slice(item, "columns"));
    if (item.Find("rotary_heads")) tensor.rotary_heads = HM_TRY(Number(item, "rotary_heads"));
    if (const auto plus_one = item.Find("plus_one")) {
      if (!plus_one->AsBool()) return fields_.Malformed("plus_one", "true or false");
      tensor.plus_one = *plus_one->AsBool();
    }
    recipe_.tensors.push_back(std::move(tensor));
    return {};
  }

  Result<Digest> DigestOf(const JsonValue& item, std::string_view key, Algorithm algorithm) const {
    const auto digest = Digest::Parse(HM_TRY(fields_.Text(item, key)));
    if (!digest || digest->GetAlgorithm() != algorithm)
      return fields_.Malformed(key, "a digest of its kind");
    return *digest;
  }

  Result<void> File(const JsonValue& item) {
    const std::string path = HM_TRY(fields_.Text(item, "path"));
    const auto checked = CheckRelativePath(path);
    if (!checked || *checked != path) {
      return fields_.Malformed("path", checked ? "in its plain form" : checked.error().message);
    }
    if (!paths_.insert(path).second) return fields_.Malformed("path", "different for each file");
    const std::uint64_t size = HM_TRY(Number(item, "size"));
    const Digest sha256 = HM_TRY(DigestOf(item, "sha256", Algorithm::kSha256));
    const Digest tree = HM_TRY(DigestOf(item, "tree", Algorithm::kTree));
    RecipeFile file{path, size, sha256, tree, {}};
    std::uint64_t filled = 0;
    for (const JsonValue& value : HM_TRY(fields_.Array(item, "segments"))) {
      RecipeSegment segment;
      if (value.Find("tensor")) {
        segment.tensor = HM_TRY(Number(value, "tensor"));
        if (*segment.tensor >= recipe_.tensors.size())
          return fields_.Malformed("tensor", "one of its tensors");
        segment.size = recipe_.tensors[*segment.tensor].size;
      } else {
        segment.size = HM_TRY(Number(value, "literal"));
        if (segment.size == 0) return fields_.Malformed("literal", "a number of bytes");
        literal_bytes_ = CheckedAdd(literal_bytes_, segment.size).value_or(UINT64_MAX);
      }
      filled = CheckedAdd(filled, segment.size).value_or(UINT64_MAX);
      file.segments.push_back(segment);
    }
    if (filled != file.size) {
      return Error{Errc::kMalformed, subject_,
                   fmt::format("the segments of {} are {} bytes, the file has {}",
                               EscapeForPeople(path), filled, file.size)};
    }
    recipe_.files.push_back(std::move(file));
    return {};
  }

  Result<void> Literals() {
    const std::uint64_t size = HM_TRY(Number(root_, "literal_bytes"));
    if (size != literal_bytes_)
      return fields_.Malformed("literal_bytes", "the sum of its segments");
    if (size > kMaxRecipeLiterals) {
      return Error{Errc::kUnsupported, subject_,
                   fmt::format("got {} literal bytes, limit {}", size, kMaxRecipeLiterals)};
    }
    const auto compressed = FromBase64(HM_TRY(fields_.Text(root_, "literals")));
    if (!compressed) return fields_.Malformed("literals", "base64");
    recipe_.literals = HM_TRY(Decompressed(*compressed, size, subject_));
    return {};
  }

  const std::string& subject_;
  const JsonFields fields_;
  const JsonValue root_;
  Recipe& recipe_;
  std::set<std::string> paths_;
  std::uint64_t literal_bytes_ = 0;
};

void WriteSlice(std::string_view key, const std::optional<RecipeSlice>& slice, JsonWriter* json) {
  if (!slice) return;
  json->Key(key).BeginObject();
  json->Member("first", slice->first);
  json->Member("count", slice->count);
  json->EndObject();
}

}  // namespace

bool IsWithinRecipeLimit(std::uint64_t literal_payload, std::uint64_t payload_bytes) {
  return literal_payload <= payload_bytes / 1000;
}

Result<std::string> WriteRecipe(const Recipe& recipe) {
  const std::string compressed = HM_TRY(Compressed(recipe.literals));
  JsonWriter json(JsonWriter::Form::kCanonical);
  json.BeginObject();
  json.Member("schema", kSchema);
  json.Member("weights", recipe.weights);
  json.Member("payload_bytes", recipe.payload_bytes);
  json.Member("literal_payload_bytes", recipe.literal_payload);
  json.Key("tensors").BeginArray();
  for (const RecipeTensor& tensor : recipe.tensors) {
    json.BeginObject();
    json.Key("sources").BeginArray();
    for (const std::string& source : tensor.sources) json.String(source);
    json.EndArray();
    json.Member("dtype", DtypeName(tensor.dtype));
    json.Member("size", tensor.size);
    WriteSlice("rows", tensor.rows, &json);
    WriteSlice("columns", tensor.columns, &json);
    if (tensor.rotary_heads != 0) json.Member("rotary_heads", tensor.rotary_heads);
    if (tensor.plus_one) json.Key("plus_one").Bool(true);
    json.EndObject();
  }
  json.EndArray();
  json.Key("files").BeginArray();
  for (const RecipeFile& file : recipe.files) {
    json.BeginObject();
    json.Member("path", file.path);
    json.Member("size", file.size);
    json.Member("sha256", file.sha256.ToString());
    json.Member("tree", file.tree.ToString());
    json.Key("segments").BeginArray();
    for (const RecipeSegment& segment : file.segments) {
      json.BeginObject();
      if (segment.tensor) {
        json.Member("tensor", static_cast<std::uint64_t>(*segment.tensor));
      } else {
        json.Member("literal", segment.size);
      }
      json.EndObject();
    }
    json.EndArray();
    json.EndObject();
  }
  json.EndArray();
  json.Member("literal_bytes", static_cast<std::uint64_t>(recipe.literals.size()));
  json.Member("literals", ToBase64(compressed));
  json.EndObject();
  return json.Take() + "\n";
}

Result<Recipe> ParseRecipe(std::string_view json, std::string subject) {
  const JsonDocument document = HM_TRY(JsonDocument::Parse(
      json, std::move(subject), 0, {.max_bytes = kMaxRecipeBytes, .max_depth = 8}));
  Recipe recipe;
  HM_TRY(RecipeParser(document, &recipe).Run());
  return recipe;
}

Result<Recipe> ReadRecipe(const std::filesystem::path& path) {
  const auto file = HM_TRY(OpenFile(path));
  return ParseRecipe(HM_TRY(ReadWholeFile(*file, kMaxRecipeBytes)), path.string());
}

}  // namespace hallmark
