#include "formats/dcp.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "formats/companions.h"
#include "formats/dcp_metadata.h"
#include "formats/pytorch_tensors.h"
#include "formats/pytorch_zip.h"
#include "formats/tensor_layout.h"
#include "src/base/text.h"

namespace hallmark {
namespace {

constexpr std::string_view kModule = "torch.distributed.checkpoint.metadata";

// One item, opened. The reader looks at the window.
struct Piece {
  std::unique_ptr<File> window;
  std::unique_ptr<ModelReader> reader;
  StoredPlace place;  // of the numbers
};

struct Tensor {
  Shape sizes;  // as torch counts them
  std::vector<TensorBox> boxes;
  std::vector<Piece> pieces;  // of the boxes
};

struct DcpContents {
  std::string detail;
  std::vector<TensorInfo> infos;
  std::vector<Tensor> tensors;  // parallel to infos
  std::vector<CompanionFile> companions;
  std::vector<MetadataEntry> metadata;
  std::vector<Finding> findings;
  std::string root_key;
};

class DcpReader final : public ModelReader {
 public:
  explicit DcpReader(DcpContents contents) : contents_(std::move(contents)) {}

  std::string_view FormatName() const override { return "pytorch-dcp"; }
  std::string FormatDetail() const override { return contents_.detail; }
  std::span<const TensorInfo> Tensors() const override { return contents_.infos; }
  std::span<const MetadataEntry> Metadata() const override { return contents_.metadata; }
  std::span<const Finding> Findings() const override { return contents_.findings; }
  std::string_view RootKey() const override { return contents_.root_key; }
  std::span<const CompanionFile> Companions() const override { return contents_.companions; }

  std::vector<StoredPlace> PlacesOf(std::size_t index) const override {
    std::vector<StoredPlace> places;
    for (const Piece& piece : contents_.tensors[index].pieces) places.push_back(piece.place);
    return places;
  }

  Result<void> ReadTensor(std::size_t index, std::uint64_t offset,
                          MutableByteSpan out) const override {
    if (out.empty()) return {};
    const Tensor& tensor = contents_.tensors[index];
    const auto read = [&](std::size_t piece, std::uint64_t at, MutableByteSpan bytes) {
      return tensor.pieces[piece].reader->ReadTensor(0, at, bytes);
    };
    if (tensor.pieces.size() == 1) return read(0, offset, out);
    return ReadTiles(tensor.sizes, tensor.boxes, InfoOf(contents_.infos[index].dtype).block_bytes,
                     offset, out, read);
  }

 private:
  DcpContents contents_;
};

// Opens the items that the metadata names. Lives for one OpenDcp.
class ItemOpener {
 public:
  ItemOpener(const File& file, DcpMetadata metadata)
      : file_(file), metadata_(std::move(metadata)), companions_(file) {}

  Result<DcpContents> Open(std::vector<Finding> findings) {
    out_.findings = std::move(findings);
    HM_TRY(CheckApart());
    for (DcpTensor& tensor : metadata_.tensors) HM_TRY(AddTensor(tensor));
    for (const DcpObject& object : metadata_.objects) HM_TRY(AddObject(object));
    double payload = 0;
    for (const TensorInfo& info : out_.infos) payload += static_cast<double>(info.payload_bytes);
    HM_TRY(companions_.CheckTotal(payload));
    out_.companions = companions_.Take();
    NoteLeftOut();
    SortByPlace();
    out_.root_key = std::move(metadata_.root_key);
    out_.detail =
        fmt::format("PyTorch distributed checkpoint, version {}, {} files",
                    metadata_.version.empty() ? "unknown" : EscapeForPeople(metadata_.version),
                    out_.companions.size());
    return std::move(out_);
  }

 private:
  Error About(const std::string& name, std::string_view message) const {
    return {Errc::kMalformed, file_.Name(), fmt::format("{}: {}", QuoteName(name), message)};
  }

  // Items that share bytes would let a small checkpoint promise a large one.
  Result<void> CheckApart() const {
    std::vector<const DcpItem*> items;
    for (const DcpTensor& tensor : metadata_.tensors) {
      for (const DcpItem& item : tensor.items) items.push_back(&item);
    }
    for (const DcpObject& object : metadata_.objects) items.push_back(&object.item);
    std::ranges::sort(items, {}, [](const DcpItem* item) {
      return std::tuple(std::string_view(item->path), item->range.offset, item->range.size);
    });
    for (std::size_t i = 1; i < items.size(); ++i) {
      const DcpItem& before = *items[i - 1];
      if (before.path != items[i]->path || before.range.End() <= items[i]->range.offset) continue;
      return Error{Errc::kMalformed, file_.Name(),
                   fmt::format("two items share bytes of {}", QuoteName(before.path))};
    }
    return {};
  }

  // An item, opened as the checkpoint that torch.save made of it. What is said of it is said of the
  // file it lies in.
  Result<Piece> OpenItem(const std::string& name, const DcpItem& item) {
    Piece piece;
    piece.place.file = HM_TRY(companions_.Open(item.path));
    const std::shared_ptr<const File>& file = companions_.At(piece.place.file).file;
    if (item.range.End() > file->Size()) {
      Error error = About(name, fmt::format("it ends beyond the {} bytes of {}", file->Size(),
                                            QuoteName(item.path)));
      error.hint = "that file looks truncated; compare its size with the official listing";
      return error;
    }
    piece.window = std::make_unique<FileWindow>(file, item.range, file->Name());
    auto reader = OpenPytorchZip(*piece.window);
    if (!reader) {
      Error error = std::move(reader).error();
      if (error.offset) *error.offset += item.range.offset;
      return error;
    }
    piece.reader = *std::move(reader);
    for (Finding finding : piece.reader->Findings()) {
      if (finding.severity == Severity::kNote) continue;
      if (finding.offset) *finding.offset += item.range.offset;
      if (finding.subject.empty()) finding.subject = name;
      out_.findings.push_back(std::move(finding));
    }
    return piece;
  }

  Result<void> AddTensor(DcpTensor& described) {
    const std::string& name = described.name;
    TensorInfo info{.name = name, .dtype = described.dtype};
    std::optional<Shape> shape = ShapeOfTorch(described.dtype, described.sizes);
    if (!shape) return About(name, "a size that overflows");
    info.shape = *std::move(shape);
    const Result<std::uint64_t> payload = PayloadBytes(info.dtype, info.shape);
    if (!payload) return About(name, payload.error().message);
    info.payload_bytes = *payload;

    Tensor tensor{std::move(described.sizes), std::move(described.boxes), {}};
    for (std::size_t i = 0; i < tensor.boxes.size(); ++i) {
      const DcpItem& item = described.items[i];
      Piece piece = HM_TRY(OpenItem(name, item));
      const auto expected = ShapeOfTorch(described.dtype, tensor.boxes[i].sizes);
      const auto held = piece.reader->Tensors();
      if (held.size() != 1 || held[0].dtype != described.dtype || held[0].shape != expected) {
        return About(name, fmt::format("its piece at byte {} of {} is not as the metadata says",
                                       item.range.offset, QuoteName(item.path)));
      }
      piece.place.range = {item.range.offset + held[0].stored.offset, held[0].stored.size};
      info.verbatim = tensor.boxes.size() == 1 && held[0].verbatim;
      tensor.pieces.push_back(std::move(piece));
    }
    if (!tensor.pieces.empty()) {
      info.file = tensor.pieces[0].place.file;
      info.stored = tensor.pieces[0].place.range;
    }
    out_.infos.push_back(std::move(info));
    out_.tensors.push_back(std::move(tensor));
    return {};
  }

  // Loading a checkpoint unpickles these too.
  Result<void> AddObject(const DcpObject& object) {
    Result<Piece> piece = OpenItem(object.name, object.item);
    if (!piece) {
      if (piece.error().code != Errc::kUnsupported) return std::move(piece).error();
      out_.findings.push_back(
          {Severity::kWarning, "unread-tensor", object.name, piece.error().message});
      return {};
    }
    for (const MetadataEntry& entry : piece->reader->Metadata()) {
      out_.metadata.push_back(
          {entry.key.empty() ? object.name : fmt::format("{}.{}", object.name, entry.key),
           entry.value});
    }
    if (!piece->reader->Tensors().empty()) {
      out_.findings.push_back({Severity::kWarning, "unread-tensor", object.name,
                               "an object that holds tensors is not read"});
    }
    return {};
  }

  void NoteLeftOut() {
    for (std::string& name : metadata_.unsupported) {
      out_.findings.push_back({Severity::kWarning, "unsupported-tensor", std::move(name),
                               "of a dtype that is not known here"});
    }
    if (metadata_.strays == 0) return;
    out_.findings.push_back(
        {Severity::kWarning, "stray-record", file_.Name(),
         fmt::format("{} items belong to nothing that the metadata describes", metadata_.strays)});
  }

  void SortByPlace() {
    std::vector<std::size_t> order(out_.infos.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::stable_sort(order, {}, [&](std::size_t i) {
      return std::pair(out_.infos[i].file, out_.infos[i].stored.offset);
    });
    std::vector<TensorInfo> infos;
    std::vector<Tensor> tensors;
    for (const std::size_t i : order) {
      infos.push_back(std::move(out_.infos[i]));
      tensors.push_back(std::move(out_.tensors[i]));
    }
    out_.infos = std::move(infos);
    out_.tensors = std::move(tensors);
  }

  const File& file_;
  DcpMetadata metadata_;
  Companions companions_;
  DcpContents out_;
};

}  // namespace

bool SniffDcp(const FileHead& head) {
  const std::string_view text = AsText(head.bytes);
  if (!text.starts_with('\x80')) return false;
  // The first name that the stream looks up: behind protocol and frame, and followed by the class.
  const std::size_t module = text.substr(0, 80).find(kModule);
  return module != std::string_view::npos &&
         text.substr(module, 64).find("Metadata") != std::string_view::npos;
}

Result<std::unique_ptr<ModelReader>> OpenDcp(const File& file) {
  const std::string text = HM_TRY(ReadWholeFile(file, kMaxPickle));
  ByteCursor cursor(AsBytes(text), file.Name());
  PickleReading pickle = HM_TRY(ReadPickle(cursor));
  if (!cursor.AtEnd()) {
    return cursor.Malformed(fmt::format("{} bytes follow the pickle", cursor.Remaining()));
  }
  DcpMetadata metadata = HM_TRY(ParseDcpMetadata(pickle, file.Name()));
  return std::make_unique<DcpReader>(
      HM_TRY(ItemOpener(file, std::move(metadata)).Open(std::move(pickle.findings))));
}

}  // namespace hallmark
