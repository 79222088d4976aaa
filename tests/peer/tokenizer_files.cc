// What tokenizer_peer.py compares with other tools: the tokenizer of a folder as GGUF's keys, in
// JSON, and the tokenizer of a GGUF, or of a folder, as files of a folder.
// usage: tokenizer_files keys FOLDER [default]  |  tokenizer_files hf|meta SOURCE FOLDER
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "formats/gguf.h"
#include "src/json/json_writer.h"
#include "transform/tokenizer_gguf.h"

namespace hallmark {
namespace {

Result<std::optional<Tokenizer>> ReadAny(const std::filesystem::path& path) {
  if (std::filesystem::is_directory(path)) return ReadTokenizer(*FolderOnDisk(path));
  const auto file = HM_TRY(OpenFile(path));
  const auto reader = HM_TRY(OpenGguf(*file));
  return ReadGgufTokenizer(reader->Metadata(), file->Name());
}

void WriteValue(const MetadataValue& value, JsonWriter& json) {
  if (const auto* flag = std::get_if<bool>(&value)) json.Bool(*flag);
  if (const auto* number = std::get_if<std::uint64_t>(&value)) json.Unsigned(*number);
  if (const auto* number = std::get_if<std::int64_t>(&value)) json.Signed(*number);
  if (const auto* number = std::get_if<double>(&value)) json.Float(*number);
  if (const auto* text = std::get_if<std::string>(&value)) json.String(*text);
  const auto* array = std::get_if<std::shared_ptr<const MetadataArray>>(&value);
  if (array == nullptr) return;
  json.BeginArray();
  for (std::uint64_t i = 0; i < (*array)->Size(); ++i) WriteValue((*array)->At(i), json);
  json.EndArray();
}

Result<void> Run(const std::string& verb, const std::filesystem::path& source,
                 const std::string& last) {
  const auto tokenizer = HM_TRY(ReadAny(source));
  if (!tokenizer) return Error{Errc::kNotFound, source.string(), "no tokenizer"};
  for (const std::string& note : tokenizer->notes) std::fprintf(stderr, "%s\n", note.c_str());
  if (verb == "keys") {
    JsonWriter json(JsonWriter::Form::kCompact);
    json.BeginObject();
    for (const auto& entry : HM_TRY(GgufTokenizer(*tokenizer, {last == "default"}))) {
      json.Key(entry.key);
      WriteValue(entry.value, json);
    }
    std::puts(json.EndObject().Take().c_str());
    return {};
  }
  const auto kind = verb == "meta" ? TokenizerFiles::kMeta : TokenizerFiles::kHuggingFace;
  for (const TokenizerFile& file : HM_TRY(WriteTokenizerFiles(*tokenizer, kind))) {
    std::ofstream out(std::filesystem::path(last) / file.name, std::ios::binary);
    out.write(reinterpret_cast<const char*>(file.bytes.data()),
              static_cast<std::streamsize>(file.bytes.size()));
  }
  return {};
}

}  // namespace
}  // namespace hallmark

int main(int count, char** arguments) {
  if (count < 3) return 2;
  const auto done = hallmark::Run(arguments[1], arguments[2], count > 3 ? arguments[3] : "");
  if (done) return 0;
  std::fprintf(stderr, "%s: %s\n", done.error().subject.c_str(), done.error().message.c_str());
  return 1;
}
