#include "formats/dcp_metadata.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "formats/pytorch_tensors.h"
#include "formats/tensor_layout.h"
#include "src/io/directory.h"

namespace hallmark {
namespace {

constexpr std::size_t kMaxDimensions = 64;
constexpr std::size_t kMaxAttributes = 64;  // of one object
constexpr std::size_t kMaxText = 4096;      // of a name or path

class MetadataParser {
 public:
  MetadataParser(const PickleReading& pickle, const std::string& subject)
      : graph_(pickle.graph), root_(pickle.root), subject_(subject) {}

  Result<DcpMetadata> Parse() {
    if (!IsA(root_, "Metadata")) return Malformed("this pickle holds no checkpoint metadata");
    HM_TRY(ReadStorage(HM_TRY(Dict(root_, "storage_data"))));
    const std::span<const PicklePair> entries = HM_TRY(Dict(root_, "state_dict_metadata"));
    std::vector<std::string_view> names;
    for (const auto& [key, value] : entries) names.push_back(HM_TRY(Text(key, "a key")));
    HM_TRY(CheckUnique(names, "name", subject_));
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const std::string_view name = names[i];
      const PickleRef value = entries[i].second;
      if (IsA(value, "TensorStorageMetadata")) {
        HM_TRY(ReadTensor(name, value));
      } else if (IsA(value, "BytesStorageMetadata")) {
        out_.objects.push_back({std::string(name), HM_TRY(TakeItem(name, {}))});
      } else {
        return About(name, "it is neither a tensor nor an object");
      }
    }
    if (const auto version = Attribute(root_, "version")) {
      if (graph_.Kind(*version) == PickleKind::kText) {
        out_.version = HM_TRY(Text(version, "its version"));
      }
    }
    out_.strays = items_.size();
    FindRootKey();
    return std::move(out_);
  }

 private:
  Error Malformed(std::string message) const {
    return {Errc::kMalformed, subject_, std::move(message)};
  }
  Error About(std::string_view name, std::string_view message) const {
    return Malformed(fmt::format("{}: {}", QuoteName(name), message));
  }

  // --- objects of dataclasses: what BUILD sets are their attributes

  const PickleGlobal* ClassOf(PickleRef ref) const {
    if (graph_.Kind(ref) != PickleKind::kObject) return nullptr;
    const PickleRef callable = graph_.AsObject(ref).callable;
    return graph_.Kind(callable) == PickleKind::kGlobal ? &graph_.AsGlobal(callable) : nullptr;
  }

  bool IsA(PickleRef ref, std::string_view name) const {
    const PickleGlobal* const type = ClassOf(ref);
    return type != nullptr && type->name == name && type->module.starts_with("torch.distributed.");
  }

  std::optional<PickleRef> Attribute(PickleRef object, std::string_view name) const {
    // Where more than one state, or a call, could have set it, Python knows better.
    const PickleObject& known = graph_.AsObject(object);
    if (known.had_other_state || known.keywords || !graph_.Items(known.arguments).empty()) {
      return std::nullopt;
    }
    const std::optional<PickleRef> state = known.state;
    if (!state || graph_.Kind(*state) != PickleKind::kDict) return std::nullopt;
    // Objects may share one state, and each would search all of it.
    if (graph_.Pairs(*state).size() > kMaxAttributes) return std::nullopt;
    std::optional<PickleRef> found;
    for (const auto& [key, value] : graph_.Pairs(*state)) {
      if (graph_.IsText(key, name)) found = value;  // Python keeps the last
    }
    return found;
  }

  Result<std::span<const PicklePair>> Dict(PickleRef object, std::string_view name) const {
    const auto value = Attribute(object, name);
    if (!value || graph_.Kind(*value) != PickleKind::kDict) {
      return Malformed(fmt::format("its {} is no dict", name));
    }
    return graph_.Pairs(*value);
  }

  Result<std::string_view> Text(std::optional<PickleRef> value, std::string_view what) const {
    if (!value || graph_.Kind(*value) != PickleKind::kText) {
      return Malformed(fmt::format("{} is no text", what));
    }
    const std::string_view text = graph_.AsText(*value);
    if (text.size() <= kMaxText) return text;
    return Malformed(fmt::format("{} of {} bytes, limit {}", what, text.size(), kMaxText));
  }

  Result<std::uint64_t> Count(std::optional<PickleRef> value, std::string_view what) const {
    const auto number = value ? graph_.IntegerOf(*value) : std::nullopt;
    if (!number || *number < 0) return Malformed(fmt::format("{} is no count", what));
    return static_cast<std::uint64_t>(*number);
  }

  // A torch.Size, or the bare tuple or list of one.
  Result<Shape> Sizes(std::optional<PickleRef> value, std::string_view what) const {
    if (value && graph_.Kind(*value) == PickleKind::kObject) {
      const PickleGlobal* const type = ClassOf(*value);
      const auto arguments = graph_.Items(graph_.AsObject(*value).arguments);
      const bool is_size = type != nullptr && type->module == "torch" && type->name == "Size";
      value = is_size && arguments.size() == 1 ? std::optional(arguments[0]) : std::nullopt;
    }
    if (!value ||
        (graph_.Kind(*value) != PickleKind::kTuple && graph_.Kind(*value) != PickleKind::kList)) {
      return Malformed(fmt::format("{} is no torch.Size", what));
    }
    if (graph_.Items(*value).size() > kMaxDimensions) {
      return Malformed(fmt::format("{} has {} dimensions, limit {}", what,
                                   graph_.Items(*value).size(), kMaxDimensions));
    }
    Shape sizes;
    for (const PickleRef item : graph_.Items(*value)) sizes.push_back(HM_TRY(Count(item, what)));
    return sizes;
  }

  // --- storage_data: MetadataIndex(fqn, offset) -> _StorageInfo

  Result<void> ReadStorage(std::span<const PicklePair> pairs) {
    for (const auto& [key, value] : pairs) {
      if (!IsA(key, "MetadataIndex") || !IsA(value, "_StorageInfo")) {
        return Malformed("its storage_data maps something other than an index to a place");
      }
      const std::string_view name = HM_TRY(Text(Attribute(key, "fqn"), "the name in an index"));
      std::optional<Shape> offset;
      const auto given = Attribute(key, "offset");
      if (given && graph_.Kind(*given) != PickleKind::kNone) {
        offset = HM_TRY(Sizes(given, "the offset of a piece"));
      }
      DcpItem item = HM_TRY(ReadItem(name, value));
      const bool is_new = items_.emplace(Index(name, std::move(offset)), std::move(item)).second;
      if (!is_new) return About(name, "one piece of it has two places");
    }
    return {};
  }

  Result<DcpItem> ReadItem(std::string_view name, PickleRef info) const {
    const std::string_view path =
        HM_TRY(Text(Attribute(info, "relative_path"), "the path of a file"));
    const auto transforms = Attribute(info, "transform_descriptors");
    if (transforms && graph_.Kind(*transforms) != PickleKind::kNone &&
        !graph_.Items(*transforms).empty()) {
      return Error{
          Errc::kUnsupported, subject_,
          fmt::format("{} was transformed when it was saved (compressed, say)", QuoteName(name)),
          std::nullopt, "load and save it with torch without extensions"};
    }
    Result<std::string> clean = CheckRelativePath(path);
    if (!clean) return About(name, clean.error().message);
    const std::uint64_t offset = HM_TRY(Count(Attribute(info, "offset"), "the offset of an item"));
    const std::uint64_t length = HM_TRY(Count(Attribute(info, "length"), "the length of an item"));
    return DcpItem{*std::move(clean), {offset, length}};  // both below 2^63
  }

  Result<DcpItem> TakeItem(std::string_view name, std::optional<Shape> offset) {
    auto found = items_.extract(Index(name, std::move(offset)));
    if (found.empty()) return About(name, "a piece of it has no place in any file");
    return std::move(found.mapped());
  }

  // --- tensors

  Result<void> ReadTensor(std::string_view name, PickleRef ref) {
    DcpTensor tensor;
    tensor.name = name;
    tensor.sizes = HM_TRY(Sizes(Attribute(ref, "size"), "the size of a tensor"));
    const auto chunks = Attribute(ref, "chunks");
    if (!chunks || graph_.Kind(*chunks) != PickleKind::kList)
      return About(name, "it has no pieces");
    // Tensors may share one list, though none that torch wrote do.
    boxes_ += graph_.Items(*chunks).size();
    if (boxes_ > graph_.Size()) return About(name, "its pieces are also those of others");
    for (const PickleRef chunk : graph_.Items(*chunks)) {
      if (!IsA(chunk, "ChunkStorageMetadata")) return About(name, "one of its pieces is none");
      // One after the other: leaving within the braces would leak what stands there already.
      TensorBox box;
      box.offsets = HM_TRY(Sizes(Attribute(chunk, "offsets"), "the offset of a piece"));
      box.sizes = HM_TRY(Sizes(Attribute(chunk, "sizes"), "the size of a piece"));
      tensor.boxes.push_back(std::move(box));
    }
    const Result<std::uint64_t> count = ElementCount(tensor.sizes);
    if (!count) return About(name, count.error().message);
    if (Result<void> tiled = CheckTiles(tensor.sizes, tensor.boxes); !tiled) {
      Error error = About(name, tiled.error().message);
      error.code = tiled.error().code;
      return error;
    }
    std::ranges::sort(tensor.boxes, {}, &TensorBox::offsets);
    // Ranks without a part of a tensor may leave empty pieces, with or without a file.
    std::erase_if(tensor.boxes, [&](const TensorBox& box) {
      if (std::ranges::find(box.sizes, 0u) == box.sizes.end()) return false;
      items_.erase(Index(name, box.offsets));
      return true;
    });
    for (const TensorBox& box : tensor.boxes) {
      tensor.items.push_back(HM_TRY(TakeItem(name, box.offsets)));
    }
    const std::optional<Dtype> dtype = ReadDtype(ref);
    if (!dtype) {
      out_.unsupported.emplace_back(name);
      return {};
    }
    tensor.dtype = *dtype;
    out_.tensors.push_back(std::move(tensor));
    return {};
  }

  // TensorProperties pickles as (dtype, layout, …).
  std::optional<Dtype> ReadDtype(PickleRef tensor) const {
    const auto properties = Attribute(tensor, "properties");
    if (!properties || ClassOf(*properties) == nullptr) return std::nullopt;
    const std::optional<PickleRef> state = graph_.AsObject(*properties).state;
    if (!state || graph_.Kind(*state) != PickleKind::kTuple || graph_.Items(*state).empty()) {
      return std::nullopt;
    }
    const PickleRef dtype = graph_.Items(*state)[0];
    if (graph_.Kind(dtype) != PickleKind::kGlobal || graph_.AsGlobal(dtype).module != "torch") {
      return std::nullopt;
    }
    return DtypeOfTorch(graph_.AsGlobal(dtype).name);
  }

  // planner_data of a nested state dict: flat name -> (key, …).
  void FindRootKey() {
    const auto planner = Attribute(root_, "planner_data");
    if (!planner || graph_.Kind(*planner) != PickleKind::kDict) return;
    std::map<std::string_view, std::string_view> first;
    for (const auto& [key, value] : graph_.Pairs(*planner)) {
      if (graph_.Kind(key) != PickleKind::kText || graph_.Kind(value) != PickleKind::kTuple) return;
      const auto keys = graph_.Items(value);
      if (keys.size() < 2 || graph_.Kind(keys[0]) != PickleKind::kText) continue;
      first[graph_.AsText(key)] = graph_.AsText(keys[0]);
    }
    std::optional<std::string_view> root;
    for (const DcpTensor& tensor : out_.tensors) {
      const auto found = first.find(tensor.name);
      if (found == first.end() || (root && *root != found->second)) return;
      root = found->second;
    }
    if (root) out_.root_key = *root;
  }

  // By name, then by offset; objects have none.
  using Index = std::pair<std::string_view, std::optional<Shape>>;

  const PickleGraph& graph_;
  const PickleRef root_;
  const std::string& subject_;
  std::map<Index, DcpItem> items_;  // that belong to nothing so far
  std::size_t boxes_ = 0;           // of all tensors
  DcpMetadata out_;
};

}  // namespace

Result<DcpMetadata> ParseDcpMetadata(const PickleReading& pickle, const std::string& subject) {
  return MetadataParser(pickle, subject).Parse();
}

}  // namespace hallmark
