// Longer than most files: each way in which torch rebuilds a tensor stands here, and all are held
// to the same checks of storages, sizes and strides.
#include "formats/pytorch_tensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "src/base/checked.h"
#include "src/base/text.h"

namespace hallmark {
namespace {

constexpr std::size_t kMaxWrappers = 16;    // parameter of parameter of …
constexpr std::size_t kMaxFindings = 1000;  // of one code
constexpr std::uint32_t kNoView = std::numeric_limits<std::uint32_t>::max();

struct StorageKind {
  std::string_view name;
  std::optional<Dtype> dtype;
  std::uint32_t item_bytes;
  bool is_quantised = false;
};

// torch.storage's legacy classes.
constexpr StorageKind kStorageKinds[] = {
    {"FloatStorage", Dtype::kF32, 4},
    {"BFloat16Storage", Dtype::kBf16, 2},
    {"HalfStorage", Dtype::kF16, 2},
    {"LongStorage", Dtype::kI64, 8},
    {"DoubleStorage", Dtype::kF64, 8},
    {"IntStorage", Dtype::kI32, 4},
    {"ShortStorage", Dtype::kI16, 2},
    {"CharStorage", Dtype::kI8, 1},
    {"ByteStorage", Dtype::kU8, 1},
    {"BoolStorage", Dtype::kBool, 1},
    {"ComplexFloatStorage", Dtype::kC64, 8},
    {"ComplexDoubleStorage", Dtype::kC128, 16},
    {"UntypedStorage", std::nullopt, 1},
    {"_UntypedStorage", std::nullopt, 1},
    {"QInt8Storage", std::nullopt, 1, true},
    {"QUInt8Storage", std::nullopt, 1, true},
    {"QInt32Storage", std::nullopt, 4, true},
    {"QUInt4x2Storage", std::nullopt, 1, true},
    {"QUInt2x4Storage", std::nullopt, 1, true},
};

struct TorchDtype {
  std::string_view name;
  Dtype dtype;
};

// As torch spells what _rebuild_tensor_v3 is given.
constexpr TorchDtype kDtypeNames[] = {
    {"float8_e4m3fn", Dtype::kF8E4m3},
    {"float8_e5m2", Dtype::kF8E5m2},
    {"float8_e4m3fnuz", Dtype::kF8E4m3fnuz},
    {"float8_e5m2fnuz", Dtype::kF8E5m2fnuz},
    {"float8_e8m0fnu", Dtype::kF8E8m0},
    {"float4_e2m1fn_x2", Dtype::kF4E2m1},
    {"uint16", Dtype::kU16},
    {"uint32", Dtype::kU32},
    {"uint64", Dtype::kU64},
    {"complex32", Dtype::kC32},
    {"chalf", Dtype::kC32},
    {"float64", Dtype::kF64},
    {"double", Dtype::kF64},
    {"float32", Dtype::kF32},
    {"float", Dtype::kF32},
    {"float16", Dtype::kF16},
    {"half", Dtype::kF16},
    {"bfloat16", Dtype::kBf16},
    {"int64", Dtype::kI64},
    {"long", Dtype::kI64},
    {"int32", Dtype::kI32},
    {"int", Dtype::kI32},
    {"int16", Dtype::kI16},
    {"short", Dtype::kI16},
    {"int8", Dtype::kI8},
    {"uint8", Dtype::kU8},
    {"bool", Dtype::kBool},
    {"complex64", Dtype::kC64},
    {"cfloat", Dtype::kC64},
    {"complex128", Dtype::kC128},
    {"cdouble", Dtype::kC128},
};

bool IsComplex(Dtype dtype) {
  return dtype == Dtype::kC32 || dtype == Dtype::kC64 || dtype == Dtype::kC128;
}

// Bytes torch steps over for one index; two of its f4 values share one.
std::uint32_t ItemBytes(Dtype dtype) { return InfoOf(dtype).block_bytes; }

const StorageKind* FindStorageKind(const PickleGlobal& global) {
  if (global.module != "torch" && global.module != "torch.cuda" &&
      global.module != "torch.storage") {
    return nullptr;
  }
  for (const StorageKind& kind : kStorageKinds) {
    if (kind.name == global.name) return &kind;
  }
  return nullptr;
}

}  // namespace

std::optional<Dtype> DtypeOfTorch(std::string_view name) {
  const auto found = std::ranges::find(kDtypeNames, name, &TorchDtype::name);
  if (found == std::end(kDtypeNames)) return std::nullopt;
  return found->dtype;
}

std::string_view NameInTorch(Dtype dtype) {
  const auto found = std::ranges::find(kDtypeNames, dtype, &TorchDtype::dtype);
  return found == std::end(kDtypeNames) ? std::string_view() : found->name;
}

std::string_view StorageClassInTorch(Dtype dtype) {
  const auto found = std::ranges::find(kStorageKinds, dtype, &StorageKind::dtype);
  return found == std::end(kStorageKinds) ? std::string_view() : found->name;
}

std::optional<Shape> ShapeOfTorch(Dtype dtype, Shape sizes) {
  if (dtype != Dtype::kF4E2m1) return sizes;
  if (sizes.empty()) sizes.push_back(1);
  const auto twice = CheckedMul(sizes.back(), 2);
  if (!twice) return std::nullopt;
  sizes.back() = *twice;
  return sizes;
}

std::optional<Shape> SizesInTorch(Dtype dtype, Shape shape) {
  if (dtype != Dtype::kF4E2m1) return shape;
  if (shape.empty() || shape.back() % 2 != 0) return std::nullopt;
  shape.back() /= 2;
  return shape;
}

void FindingLog::Add(Severity severity, std::string code, std::string subject,
                     std::string message) {
  if (++counts_[code] > kMaxFindings) return;
  findings_.push_back(
      {severity, std::move(code), std::move(subject), std::move(message), std::nullopt});
}

std::vector<Finding> FindingLog::Take(const std::string& file) {
  for (const auto& [code, count] : counts_) {
    if (count <= kMaxFindings) continue;
    findings_.push_back({Severity::kNote, "findings-cut", file,
                         fmt::format("{} more of {} are not listed", count - kMaxFindings, code),
                         std::nullopt});
  }
  counts_.clear();
  return std::move(findings_);
}

Error TensorBuilder::Malformed(std::string message, std::optional<std::uint64_t> offset) const {
  return Error{Errc::kMalformed, subject_, std::move(message), offset};
}

// Every persistent id of the stream, also where nothing below shows it.
Result<void> TensorBuilder::CollectStorages() {
  view_of_.assign(graph_.Size(), kNoView);
  visited_.assign(graph_.Size(), false);
  for (std::size_t i = 0; i < graph_.Size(); ++i) {
    const auto ref = static_cast<PickleRef>(i);
    if (graph_.Kind(ref) == PickleKind::kPersistent) HM_TRY(CollectStorage(ref));
  }
  return CheckViewKeys();
}

// torch looks views up among the storages: one called like a storage would be that storage.
Result<void> TensorBuilder::CheckViewKeys() const {
  for (const auto& [key, view] : view_keys_) {
    if (!by_key_.contains(key)) continue;
    return Malformed(fmt::format("a view and a storage are both called {}", EscapeForPeople(key)));
  }
  return {};
}

Result<std::uint64_t> TensorBuilder::Count(PickleRef ref, std::string_view what) const {
  const auto value = graph_.IntegerOf(ref);
  if (!value || *value < 0) return Malformed(fmt::format("{} is no count", what));
  return static_cast<std::uint64_t>(*value);
}

Result<void> TensorBuilder::CollectStorage(PickleRef ref) {
  const PickleRef id = graph_.PersistentId(ref);
  const std::span<const PickleRef> items = graph_.Items(id);
  if (graph_.Kind(id) != PickleKind::kTuple || items.empty()) {
    return Malformed("a persistent id that is no tuple");
  }
  if (layout_ == PytorchLayout::kLegacy && graph_.IsText(items[0], "module")) return {};
  if (!graph_.IsText(items[0], "storage")) {
    return Malformed("a persistent id that names no storage");
  }
  const std::size_t expected = layout_ == PytorchLayout::kLegacy ? 6 : 5;
  if (items.size() != expected) {
    return Malformed(
        fmt::format("a storage is named by {} items, {} are needed", items.size(), expected));
  }
  if (graph_.Kind(items[1]) != PickleKind::kGlobal || graph_.Kind(items[2]) != PickleKind::kText ||
      graph_.Kind(items[3]) != PickleKind::kText) {
    return Malformed("a storage is named without type, key or location");
  }
  const StorageKind* const kind = FindStorageKind(graph_.AsGlobal(items[1]));
  const std::string_view key = graph_.AsText(items[2]);
  if (kind == nullptr) {
    return Error{
        Errc::kUnsupported, subject_,
        fmt::format("storage {} is of type {}.{}, which is not known here", EscapeForPeople(key),
                    EscapeForPeople(graph_.AsGlobal(items[1]).module),
                    EscapeForPeople(graph_.AsGlobal(items[1]).name))};
  }
  PytorchStorage storage;
  storage.key = key;
  storage.dtype = kind->dtype;
  storage.item_bytes = kind->item_bytes;
  storage.is_quantised = kind->is_quantised;
  storage.count = HM_TRY(Count(items[4], "the length of a storage"));
  if (!CheckedMul(storage.count, storage.item_bytes)) {
    return Malformed(fmt::format("storage {} has {} items, more than there are bytes",
                                 EscapeForPeople(key), storage.count));
  }
  StorageView view{0, 0, storage.count};
  if (expected == 6 && graph_.Kind(items[5]) != PickleKind::kNone) {
    const std::span<const PickleRef> part = graph_.Items(items[5]);
    if (graph_.Kind(items[5]) != PickleKind::kTuple || part.size() != 3 ||
        graph_.Kind(part[0]) != PickleKind::kText) {
      return Malformed("the view of a storage is no (key, offset, size)");
    }
    view.offset = HM_TRY(Count(part[1], "the offset of a view"));
    view.count = HM_TRY(Count(part[2], "the size of a view"));
    const auto end = CheckedAdd(view.offset, view.count);
    if (!end || *end > storage.count) {
      return Malformed(fmt::format("a view of storage {} ends beyond its {} items",
                                   EscapeForPeople(key), storage.count));
    }
  }
  const auto [found, is_new] = by_key_.emplace(key, out_.storages.size());
  if (is_new) {
    out_.storages.push_back(std::move(storage));
  } else {
    const PytorchStorage& known = out_.storages[found->second];
    if (known.dtype != storage.dtype || known.item_bytes != storage.item_bytes ||
        known.count != storage.count || known.is_quantised != storage.is_quantised) {
      return Malformed(fmt::format("storage {} is described in two ways", EscapeForPeople(key)));
    }
  }
  view.storage = found->second;
  if (expected == 6 && graph_.Kind(items[5]) == PickleKind::kTuple) {
    const std::string_view view_key = graph_.AsText(graph_.Items(items[5])[0]);
    const auto [known, is_first] = view_keys_.emplace(view_key, views_.size());
    if (!is_first && views_[known->second] != view) {
      return Malformed(
          fmt::format("the view {} is described in two ways", EscapeForPeople(view_key)));
    }
  }
  view_of_[ref] = static_cast<std::uint32_t>(views_.size());
  views_.push_back(view);
  return {};
}

TensorCall TensorBuilder::Unwrap(PickleRef ref) {
  PickleRef callable = graph_.AsObject(ref).callable;
  std::span<const PickleRef> arguments = graph_.Items(graph_.AsObject(ref).arguments);
  std::uint64_t offset = graph_.AsObject(ref).offset;
  for (std::size_t depth = 0; depth < kMaxWrappers; ++depth) {
    if (graph_.Kind(callable) != PickleKind::kGlobal) return {};
    const PickleGlobal& global = graph_.AsGlobal(callable);
    if (global.kind != GlobalKind::kAllowed) return {};
    const bool is_type_call =
        (global.module == "torch._tensor" || global.module == "torch.tensor") &&
        global.name.starts_with("_rebuild_from_type");
    const bool is_parameter =
        (global.module == "torch._utils" && global.name.starts_with("_rebuild_parameter")) ||
        (global.module.starts_with("torch.nn") &&
         (global.name == "Parameter" || global.name == "Buffer"));
    const bool is_class = global.module.starts_with("torch") && global.name.ends_with("Tensor");
    if (!is_type_call && !is_parameter && !is_class && global.module != "torch._utils" &&
        global.name != "UninitializedParameter") {
      return {};
    }
    visited_[ref] = true;
    const PickleObject& object = graph_.AsObject(ref);
    const auto stop = [&](std::string_view why) {
      return TensorCall{global.name, {}, offset, why};
    };
    // Tensor.__setstate__ gives it other numbers.
    if (object.state) return stop("its state is set afterwards");
    if (object.keywords) return stop("made with keywords");
    if (is_type_call) {
      // (function, class, arguments, state): only torch's own classes keep the numbers as they
      // are read.
      if (arguments.size() != 4 || graph_.Kind(arguments[1]) != PickleKind::kGlobal ||
          graph_.AsGlobal(arguments[1]).kind != GlobalKind::kAllowed) {
        return stop("of a class that is not torch's own");
      }
      if (MayChangeNumbers(arguments[3])) return stop("its attributes replace its numbers");
      callable = arguments[0];
      arguments = graph_.Items(arguments[2]);
      continue;
    }
    if (is_parameter) {
      if (arguments.empty() || graph_.Kind(arguments[0]) != PickleKind::kObject) {
        return stop("a parameter of nothing");
      }
      if (global.name.ends_with("_with_state") &&
          (arguments.size() != 4 || MayChangeNumbers(arguments[3]))) {
        return stop("its attributes replace its numbers");
      }
      ref = arguments[0];
      callable = graph_.AsObject(ref).callable;
      arguments = graph_.Items(graph_.AsObject(ref).arguments);
      offset = graph_.AsObject(ref).offset;
      continue;
    }
    if (is_class || global.module != "torch._utils") return stop("made without numbers");
    if (object.is_bare) return stop("made by __new__");
    return {global.name, arguments, offset};
  }
  return {"_rebuild_parameter", {}, offset, "wrapped too often"};
}

// Whether setting such a state on a tensor may give it other numbers.
bool TensorBuilder::MayChangeNumbers(PickleRef state) {
  const auto [known, is_new] = may_change_.try_emplace(state, true);
  if (is_new) known->second = AreSetOnNumbers(state);
  return known->second;
}

// torch sets every key of a state as an attribute, and assigning these writes numbers.
bool TensorBuilder::AreSetOnNumbers(PickleRef state) const {
  const PickleKind kind = graph_.Kind(state);
  if (kind == PickleKind::kNone) return false;
  if (kind == PickleKind::kTuple) {
    const std::span<const PickleRef> parts = graph_.Items(state);
    return parts.size() != 2 || graph_.Kind(parts[0]) == PickleKind::kTuple ||
           graph_.Kind(parts[1]) == PickleKind::kTuple || AreSetOnNumbers(parts[0]) ||
           AreSetOnNumbers(parts[1]);
  }
  if (kind != PickleKind::kDict) return true;
  const std::span<const PicklePair> pairs = graph_.Pairs(state);
  return std::any_of(pairs.begin(), pairs.end(), [&](const PicklePair& pair) {
    if (graph_.Kind(pair.first) != PickleKind::kText) return true;
    const std::string_view key = graph_.AsText(pair.first);
    return key == "data" || key == "real" || key == "imag";
  });
}

void TensorBuilder::Unsupported(const std::string& name, std::string_view why) {
  log_.Add(Severity::kWarning, "unsupported-tensor", name,
           fmt::format("{}; only plain strided tensors are read", why));
}

Result<void> TensorBuilder::AddTensor(const std::string& name, const TensorCall& call) {
  const bool v3 = call.function == "_rebuild_tensor_v3";
  const bool v2 = call.function == "_rebuild_tensor_v2";
  if (!call.obstacle.empty() || (!v3 && !v2 && call.function != "_rebuild_tensor")) {
    Unsupported(name, call.obstacle.empty()
                          ? fmt::format("made by {}", call.function)
                          : fmt::format("made by {}, {}", call.function, call.obstacle));
    return {};
  }
  const std::span<const PickleRef> arguments = call.arguments;
  const auto wrong = [&](std::string_view why) {
    return Malformed(fmt::format("tensor {}: {}", EscapeForPeople(name), why), call.offset);
  };
  const std::size_t least = v3 ? 7 : v2 ? 6 : 4;
  if (arguments.size() < least || arguments.size() > least + (v3 || v2 ? 1 : 0)) {
    return wrong(fmt::format("{} arguments for {}", arguments.size(), call.function));
  }
  if (view_of_[arguments[0]] == kNoView) return wrong("its storage is none");
  const StorageView& part = views_[view_of_[arguments[0]]];
  PytorchStorage& storage = out_.storages[part.storage];
  storage.is_used = true;

  std::optional<Dtype> dtype = storage.dtype;
  if (v3) {
    if (graph_.Kind(arguments[6]) != PickleKind::kGlobal) return wrong("its dtype is no dtype");
    const PickleGlobal& global = graph_.AsGlobal(arguments[6]);
    const std::optional<Dtype> known =
        global.module == "torch" ? DtypeOfTorch(global.name) : std::nullopt;
    if (!known) {
      Unsupported(name, fmt::format("of dtype {}.{}", EscapeForPeople(global.module),
                                    EscapeForPeople(global.name)));
      return {};
    }
    dtype = known;
    if (storage.dtype && storage.dtype != dtype) return wrong("its dtype is not its storage's");
  }
  if (!dtype) {
    if (!storage.is_quantised) return wrong("an untyped storage and no dtype");
    Unsupported(name, "quantised by torch");
    return {};
  }
  std::optional<Dtype>& seen = storage.used_as;
  if (seen && seen != dtype) return wrong("its storage is also used with another dtype");
  seen = dtype;

  StridedTensor tensor;
  tensor.storage = part.storage;
  tensor.view.item_bytes = ItemBytes(*dtype);
  tensor.view.offset = HM_TRY(Count(arguments[1], "the offset of a tensor"));
  HM_TRY(ReadSizes(arguments[2], tensor.view.sizes, name));
  HM_TRY(ReadSizes(arguments[3], tensor.view.strides, name));
  if (tensor.view.sizes.size() != tensor.view.strides.size()) {
    return wrong(fmt::format("{} sizes and {} strides", tensor.view.sizes.size(),
                             tensor.view.strides.size()));
  }
  if (arguments.size() > least) {
    const ViewBits bits = HM_TRY(ReadViewBits(arguments[least], name));
    if (bits.is_strange) {
      Unsupported(name, "with metadata that is not known here");
      return {};
    }
    tensor.is_conjugated = bits.is_conjugated;
    tensor.is_negated = bits.is_negated;
    if (tensor.is_conjugated && !IsComplex(*dtype)) {
      return wrong(fmt::format("conjugated, but of type {}", DtypeName(*dtype)));
    }
    if (tensor.is_negated && !IsComplex(*dtype) && !IsFloatFamily(*dtype)) {
      Unsupported(name, "a lazily negated tensor that is not of floats");
      return {};
    }
  }

  tensor.info.name = name;
  tensor.info.dtype = *dtype;
  std::optional<Shape> shape = ShapeOfTorch(*dtype, tensor.view.sizes);
  if (!shape) return wrong("a size that overflows");
  tensor.info.shape = *std::move(shape);
  const Result<std::uint64_t> bytes = PayloadBytes(*dtype, tensor.info.shape);
  if (!bytes) return wrong(bytes.error().message);
  tensor.info.payload_bytes = *bytes;

  const auto items = TouchedItems(tensor.view);
  const std::uint64_t part_items = storage.dtype ? part.count : part.count / tensor.view.item_bytes;
  if (!items || items->end > part_items) {
    return wrong(fmt::format("its view ends beyond the {} items of storage {}", part_items,
                             EscapeForPeople(storage.key)));
  }
  // A view of a stretch of a storage, in items of the storage; untyped ones count bytes.
  const std::uint64_t shift = part.offset;
  if (!storage.dtype && shift % tensor.view.item_bytes != 0) {
    return wrong("its view begins between two items");
  }
  tensor.view.offset += storage.dtype ? shift : shift / tensor.view.item_bytes;
  total_bytes_ += static_cast<double>(*bytes);
  out_.tensors.push_back(std::move(tensor));
  return {};
}

// A tuple of counts, or the torch.Size of one.
Result<void> TensorBuilder::ReadSizes(PickleRef ref, std::vector<std::uint64_t>& sizes,
                                      const std::string& name) const {
  if (graph_.Kind(ref) == PickleKind::kObject) {
    const PickleObject& object = graph_.AsObject(ref);
    const std::span<const PickleRef> arguments = graph_.Items(object.arguments);
    if (graph_.Kind(object.callable) == PickleKind::kGlobal &&
        graph_.AsGlobal(object.callable).name == "Size" && arguments.size() == 1) {
      ref = arguments[0];
    }
  }
  const PickleKind kind = graph_.Kind(ref);
  if (kind != PickleKind::kTuple && kind != PickleKind::kList) {
    return Malformed(
        fmt::format("tensor {}: its sizes or strides are no tuple", EscapeForPeople(name)));
  }
  const std::span<const PickleRef> items = graph_.Items(ref);
  if (items.size() > 64) {
    return Malformed(
        fmt::format("tensor {}: {} dimensions, limit 64", EscapeForPeople(name), items.size()));
  }
  for (const PickleRef item : items) {
    sizes.push_back(HM_TRY(Count(item, "a size or stride of a tensor")));
  }
  return {};
}

Result<TensorBuilder::ViewBits> TensorBuilder::ReadViewBits(PickleRef ref,
                                                            const std::string& name) {
  if (graph_.Kind(ref) == PickleKind::kNone) return ViewBits{};
  if (graph_.Kind(ref) != PickleKind::kDict) {
    return Malformed(fmt::format("tensor {}: its metadata is no dict", EscapeForPeople(name)));
  }
  const auto [known, is_new] = view_bits_.try_emplace(ref);
  ViewBits& bits = known->second;
  if (!is_new) return bits;
  for (const auto& [key, value] : graph_.Pairs(ref)) {
    const bool is_conj = graph_.IsText(key, "conj");
    const bool is_neg = graph_.IsText(key, "neg");
    // Python takes other values than True for true as well.
    if ((is_conj || is_neg) && graph_.Kind(value) == PickleKind::kBool) {
      (is_conj ? bits.is_conjugated : bits.is_negated) = graph_.AsBool(value);
    } else {
      bits.is_strange = true;
    }
  }
  return bits;
}

// Views can repeat a storage without end: a small file must not promise endless tensors.
Result<void> TensorBuilder::CheckTotal() const {
  double stored = 0;
  for (const PytorchStorage& storage : out_.storages) {
    stored += static_cast<double>(storage.Bytes());
  }
  const double limit = 64.0 * 1024 * 1024 + 16 * stored;
  if (total_bytes_ <= limit) return {};
  return Error{Errc::kUnsupported, subject_,
               fmt::format("its tensors take {:.0f} bytes when written out, made from {:.0f}; "
                           "limit 16-fold",
                           total_bytes_, stored),
               std::nullopt, "such a file is made to exhaust its readers"};
}

// By value: whether it is, or has anywhere within, a tensor or a storage. A value within itself
// counts as one that has.
std::vector<bool> TensorBuilder::FindTensorHolders() const {
  enum : std::uint8_t { kNew, kOpen, kDone };
  std::vector<std::uint8_t> state(graph_.Size(), kNew);
  std::vector<bool> holds(graph_.Size(), false);
  const auto for_each_part = [&](PickleRef ref, const auto& visit) {
    for (const PickleRef item : graph_.Items(ref)) visit(item);
    for (const auto& [key, value] : graph_.Pairs(ref)) visit(value);
    if (graph_.Kind(ref) != PickleKind::kObject) return;
    const PickleObject& object = graph_.AsObject(ref);
    visit(object.arguments);
    if (object.keywords) visit(*object.keywords);
    if (object.state) visit(*object.state);
  };
  std::vector<PickleRef> open;
  for (std::size_t i = 0; i < graph_.Size(); ++i) {
    open.push_back(static_cast<PickleRef>(i));
    while (!open.empty()) {
      const PickleRef ref = open.back();
      if (state[ref] == kNew) {
        state[ref] = kOpen;
        for_each_part(ref, [&](PickleRef part) {
          if (state[part] == kNew) open.push_back(part);
          if (state[part] == kOpen) holds[ref] = true;
        });
        continue;
      }
      open.pop_back();
      if (state[ref] == kDone) continue;
      state[ref] = kDone;
      if (graph_.Kind(ref) == PickleKind::kPersistent) holds[ref] = true;
      for_each_part(ref, [&](PickleRef part) {
        if (holds[part]) holds[ref] = true;
      });
    }
  }
  return holds;
}

// Tensors that the walk never met: inside objects, sets, or under keys that give no name; and those
// handed to calls that are not read, which may return others or change these.
void TensorBuilder::ReportUnreadTensors() {
  std::size_t unread = 0, handed = 0;
  std::optional<std::vector<bool>> holders;
  for (std::size_t i = 0; i < graph_.Size(); ++i) {
    const auto ref = static_cast<PickleRef>(i);
    if (graph_.Kind(ref) != PickleKind::kObject || visited_[ref]) continue;
    const PickleRef callable = graph_.AsObject(ref).callable;
    if (graph_.Kind(callable) != PickleKind::kGlobal) continue;
    const PickleGlobal& global = graph_.AsGlobal(callable);
    const bool makes_tensor =
        global.module == "torch._utils" ||
        (global.module.starts_with("torch") && global.name.starts_with("_rebuild_from_type"));
    if (makes_tensor) {
      ++unread;
    } else if (global.module != "collections") {
      if (!holders) holders = FindTensorHolders();
      const bool is_known = global.kind == GlobalKind::kAllowed;
      if ((*holders)[is_known ? graph_.AsObject(ref).arguments : ref]) ++handed;
    }
  }
  if (unread > 0) {
    log_.Add(Severity::kWarning, "unread-tensor", subject_,
             fmt::format("{} tensors are parts of values that are not read", unread));
  }
  if (handed > 0) {
    log_.Add(Severity::kWarning, "unread-tensor", subject_,
             fmt::format("{} calls that are not read here are given tensors", handed));
  }
}

void TensorBuilder::ReportUnread() {
  ReportUnreadTensors();
  std::size_t count = 0;
  std::string first;
  for (const PytorchStorage& storage : out_.storages) {
    if (storage.is_used || storage.is_quantised) continue;
    if (count++ == 0) first = storage.key;
  }
  if (count == 0) return;
  log_.Add(Severity::kWarning, "unread-storage", subject_,
           fmt::format("{} storages (the first is {}) are only used by values that are not read",
                       count, EscapeForPeople(first)));
}

}  // namespace hallmark
