#include "formats/registry.h"

#include <fmt/format.h>

#include <array>

#include "formats/dcp.h"
#include "formats/ggml_legacy.h"
#include "formats/gguf.h"
#include "formats/llama2c.h"
#include "formats/npy.h"
#include "formats/npz.h"
#include "formats/onnx.h"
#include "formats/pytorch_legacy.h"
#include "formats/pytorch_zip.h"
#include "formats/safetensors.h"

namespace hallmark {
namespace {

// Those without a magic number come last: any eight bytes can be the length of a safetensors
// header.
constexpr std::array kFormats = {
    Format{"gguf", "GGUF", SniffGguf, OpenGguf},
    Format{"npz", "numpy archive", SniffNpz, OpenNpz},
    Format{"pytorch-zip", "PyTorch zip", SniffPytorchZip, OpenPytorchZip},
    Format{"pytorch-dcp", "PyTorch distributed checkpoint", SniffDcp, OpenDcp},
    Format{"pytorch-legacy", "PyTorch legacy", SniffPytorchLegacy, OpenPytorchLegacy},
    Format{"npy", "numpy array", SniffNpy, OpenNpy},
    Format{"onnx", "ONNX", SniffOnnx, OpenOnnx},
    Format{"ggml-legacy", "legacy GGML", SniffGgmlLegacy, OpenGgmlLegacy},
    Format{"safetensors", "safetensors", SniffSafetensors, OpenSafetensors},
    Format{"llama2c", "llama2.c", SniffLlama2c, OpenLlama2c},
    Format{"pytorch-tar", "PyTorch tar", SniffPytorchTar, OpenPytorchTar},
};

const Format* FindFormat(const FileHead& head) {
  for (const Format& format : kFormats) {
    if (format.sniff(head)) return &format;
  }
  return nullptr;
}

Error NotAContainer(const File& file, const FileHead& head) {
  ForeignKind kind = RecogniseForeign(head);
  if (kind.what.empty()) {
    return Error{Errc::kUnsupported, file.Name(),
                 fmt::format("{} bytes of no format known here", head.size), std::nullopt,
                 "if it should hold weights, compare its size with the official listing"};
  }
  return Error{kind.code, file.Name(), fmt::format("this is {}, no weights", kind.what),
               std::nullopt, std::move(kind.hint)};
}

}  // namespace

std::span<const Format> AllFormats() { return kFormats; }

Result<const Format*> SniffFormat(const File& file) {
  const std::vector<std::byte> bytes = HM_TRY(ReadHead(file));
  return FindFormat({bytes, file.Size()});
}

Result<std::unique_ptr<ModelReader>> OpenContainer(const File& file) {
  const std::vector<std::byte> bytes = HM_TRY(ReadHead(file));
  const FileHead head{bytes, file.Size()};
  const Format* format = FindFormat(head);
  if (format == nullptr) return NotAContainer(file, head);
  return format->open(file);
}

}  // namespace hallmark
