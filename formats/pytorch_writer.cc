#include "formats/pytorch_writer.h"

#include <fmt/format.h>

#include <limits>
#include <string>
#include <vector>

#include "formats/layout_builder.h"
#include "formats/pytorch_tensors.h"
#include "formats/tensor_layout.h"
#include "formats/zip_writer.h"
#include "src/base/checked.h"
#include "src/base/text.h"

namespace hallmark {
namespace {

// Opcodes of pickle protocol 2 (Python's pickletools) that torch's weights-only reader takes.
constexpr std::string_view kProtocol2 = "\x80\x02";
constexpr char kStop = '.', kMark = '(', kTuple = 't', kEmptyTuple = ')', kEmptyDict = '}',
               kSetItems = 'u', kGlobal = 'c', kReduce = 'R', kBinPersId = 'Q', kBinUnicode = 'X',
               kBinInt = 'J';
constexpr char kNewFalse = '\x89', kLong1 = '\x8a';

template <std::unsigned_integral T>
std::string Little(T value) {
  std::string text(sizeof value, '\0');
  StoreLittle(reinterpret_cast<std::byte*>(text.data()), value);
  return text;
}

std::string Global(std::string_view module, std::string_view name) {
  return fmt::format("{}{}\n{}\n", kGlobal, module, name);
}

std::string Text(std::string_view text) {
  return kBinUnicode + Little(static_cast<std::uint32_t>(text.size())) + std::string(text);
}

// `value` < 2^63.
std::string Integer(std::uint64_t value) {
  if (value <= std::numeric_limits<std::int32_t>::max()) {
    return kBinInt + Little(static_cast<std::uint32_t>(value));
  }
  return std::string{kLong1, sizeof value} + Little(value);
}

std::string Integers(const Shape& values) {
  if (values.empty()) return std::string{kEmptyTuple};
  std::string text{kMark};
  for (const std::uint64_t value : values) text += Integer(value);
  return text + kTuple;
}

// Of a contiguous tensor, in elements; as torch, a dimension of 0 counts as 1. nullopt: overflow.
std::optional<Shape> ContiguousStrides(const Shape& sizes) {
  Shape strides(sizes.size());
  std::uint64_t stride = 1;
  for (std::size_t i = sizes.size(); i-- > 0;) {
    strides[i] = stride;
    const auto next = CheckedMul(stride, std::max<std::uint64_t>(sizes[i], 1));
    if (!next || *next > std::numeric_limits<std::int64_t>::max()) return std::nullopt;
    stride = *next;
  }
  return strides;
}

// ("storage", class, key, "cpu", number of items), which torch.load turns into a storage.
std::string Storage(std::string_view module, std::string_view kind, std::size_t key,
                    std::uint64_t items) {
  return kMark + Text("storage") + Global(module, kind) + Text(fmt::format("{}", key)) +
         Text("cpu") + Integer(items) + kTuple + kBinPersId;
}

// The call of torch._utils that rebuilds tensor number `key`.
Result<std::string> TensorCall(const TensorToWrite& tensor, std::size_t key, std::uint64_t bytes) {
  const std::string_view name = NameInTorch(tensor.dtype);
  if (name.empty()) return NoTypeFor(tensor, "PyTorch");
  const std::optional<Shape> sizes = SizesInTorch(tensor.dtype, tensor.shape);
  if (!sizes) {
    return InTensorToWrite(tensor, Errc::kUnsupported,
                           fmt::format("rows of {} that are not whole bytes, which PyTorch's {} "
                                       "cannot hold",
                                       DtypeName(tensor.dtype), name));
  }
  const std::optional<Shape> strides = ContiguousStrides(*sizes);
  if (!strides) {
    return InTensorToWrite(tensor, Errc::kUnsupported, "its strides reach 2^63, torch's limit");
  }
  // Types without a storage class, which came after torch gave those up, are views of plain bytes.
  const std::string_view kind = StorageClassInTorch(tensor.dtype);
  const bool is_untyped = kind.empty();
  std::string call =
      Global("torch._utils", is_untyped ? "_rebuild_tensor_v3" : "_rebuild_tensor_v2") + kMark;
  call += is_untyped ? Storage("torch.storage", "UntypedStorage", key, bytes)
                     : Storage("torch", kind, key, bytes / InfoOf(tensor.dtype).block_bytes);
  call += Integer(0);  // the first element's place in the storage
  call += Integers(*sizes) + Integers(*strides);
  call += kNewFalse;                                                     // requires_grad
  call += Global("collections", "OrderedDict") + kEmptyTuple + kReduce;  // backward hooks
  if (is_untyped) call += Global("torch", name);
  return call + kTuple + kReduce;
}

Result<std::string> Pickle(std::span<const TensorToWrite> tensors,
                           std::span<const std::uint64_t> sizes) {
  std::string pickle(kProtocol2);
  pickle += {kEmptyDict, kMark};
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const TensorToWrite& tensor = tensors[i];
    if (!IsValidUtf8(tensor.name)) {
      return InTensorToWrite(tensor, Errc::kMalformed, "its name is not valid UTF-8");
    }
    pickle += Text(tensor.name) + HM_TRY(TensorCall(tensor, i, sizes[i]));
  }
  pickle += {kSetItems, kStop};
  return pickle;
}

}  // namespace

Result<FileLayout> LayOutPytorch(std::span<const TensorToWrite> tensors,
                                 std::string_view top_folder) {
  if (top_folder.find('/') != std::string_view::npos) {
    return Error{Errc::kMalformed, "",
                 fmt::format("the top folder {} is more than one", QuoteName(top_folder))};
  }
  const std::vector<std::uint64_t> sizes = HM_TRY(MeasureTensors(tensors));
  const auto record = [&](std::string_view name) { return fmt::format("{}/{}", top_folder, name); };
  std::vector<ZipEntryToWrite> entries = {
      {record("data.pkl"), HM_TRY(Pickle(tensors, sizes))},
      {record("byteorder"), "little"},
  };
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    entries.push_back({record(fmt::format("data/{}", i)), "", i});
  }
  entries.push_back({record("version"), "3\n"});
  return LayOutZip(entries, sizes);
}

}  // namespace hallmark
