// What writers_peer.py gives to other tools: a container read, and its tensors written as another.
// usage: write_layout (safetensors|gguf|pytorch|npz) INPUT OUTPUT
#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "formats/gguf_writer.h"
#include "formats/npz_writer.h"
#include "formats/pytorch_writer.h"
#include "formats/registry.h"
#include "formats/safetensors_writer.h"

namespace hallmark {
namespace {

constexpr std::uint64_t kPiece = 1 << 20;

Result<FileLayout> LayOut(std::string_view format, std::span<const TensorToWrite> tensors,
                          std::span<const MetadataEntry> metadata, const std::string& stem) {
  if (format == "gguf") return LayOutGguf(tensors, metadata);
  if (format == "pytorch") return LayOutPytorch(tensors, stem);
  if (format == "npz") return LayOutNpz(tensors);
  std::map<std::string, std::string> texts;
  for (const MetadataEntry& entry : metadata) {
    if (const auto* text = std::get_if<std::string>(&entry.value)) texts[entry.key] = *text;
  }
  return LayOutSafetensors(tensors, texts);
}

void Put(std::ofstream& out, std::uint64_t offset, ByteSpan bytes) {
  out.seekp(static_cast<std::streamoff>(offset));
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
}

// Writes tensor `index` at `offset` and goes on with each of `crcs`. Zeros are left out: the file
// has them where nothing is written.
Result<void> PutTensor(const ModelReader& reader, std::size_t index, std::uint64_t offset,
                       std::span<std::uint32_t> crcs, std::ofstream& out) {
  const std::uint64_t size = reader.Tensors()[index].payload_bytes;
  std::vector<std::byte> piece;
  for (std::uint64_t at = 0; at < size; at += piece.size()) {
    piece.resize(std::min(kPiece, size - at));
    HM_TRY(reader.ReadTensor(index, at, piece));
    for (std::uint32_t& crc : crcs) {
      crc = static_cast<std::uint32_t>(
          crc32_z(crc, reinterpret_cast<const Bytef*>(piece.data()), piece.size()));
    }
    const bool is_zero = std::ranges::all_of(piece, [](std::byte b) { return b == std::byte{0}; });
    if (!is_zero) Put(out, offset + at, piece);
  }
  return {};
}

Result<void> Write(std::string_view format, const std::string& input, const std::string& output) {
  const std::unique_ptr<File> file = HM_TRY(OpenFile(input));
  const std::unique_ptr<ModelReader> reader = HM_TRY(OpenContainer(*file));
  std::vector<TensorToWrite> tensors;
  for (const TensorInfo& tensor : reader->Tensors()) {
    tensors.push_back({tensor.name, tensor.dtype, tensor.shape});
  }
  const std::string stem = std::filesystem::path(output).stem();
  const FileLayout layout = HM_TRY(LayOut(format, tensors, reader->Metadata(), stem));
  std::ofstream out(output, std::ios::binary | std::ios::trunc);
  for (const FileLayout::Literal& literal : layout.literals) {
    Put(out, literal.offset, literal.bytes);
  }
  for (const FileLayout::Payload& payload : layout.payloads) {
    std::vector<FileLayout::Checksum> checksums;
    std::ranges::copy_if(layout.checksums, std::back_inserter(checksums),
                         [&](const auto& checksum) { return checksum.tensor == payload.tensor; });
    std::vector<std::uint32_t> crcs;
    for (const FileLayout::Checksum& checksum : checksums) crcs.push_back(checksum.before);
    HM_TRY(PutTensor(*reader, payload.tensor, payload.offset, crcs, out));
    for (std::size_t i = 0; i < crcs.size(); ++i) {
      std::byte bytes[4];
      StoreLittle(bytes, crcs[i]);
      Put(out, checksums[i].offset, bytes);
    }
  }
  out.close();
  std::filesystem::resize_file(output, layout.size);
  if (!out) return Error{Errc::kIo, output, "cannot be written"};
  return {};
}

}  // namespace
}  // namespace hallmark

int main(int count, char** arguments) {
  if (count != 4) return 2;
  const auto written = hallmark::Write(arguments[1], arguments[2], arguments[3]);
  if (written) return 0;
  const hallmark::Error& error = written.error();
  fmt::print(stderr, "{}: {} ({})\n", error.subject, error.message, error.hint);
  return 1;
}
