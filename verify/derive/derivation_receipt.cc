#include "verify/derive/derivation_receipt.h"

#include <algorithm>
#include <map>
#include <utility>

#include "src/base/checked.h"
#include "src/hash/hash_files.h"
#include "weights/identity.h"

namespace hallmark {
namespace {

namespace fs = std::filesystem;

Result<std::vector<ReceiptFile>> HashFilesOf(const Model& model, const fs::path& path,
                                             const Task& task) {
  const fs::path folder = fs::is_directory(path) ? path : path.parent_path();
  const std::vector<FileOnDisk> on_disk = model.FilesOnDisk();
  std::vector<FileToHash> files;
  std::uint64_t bytes = 0;
  for (const FileOnDisk& file : on_disk) {
    files.push_back({folder / file.path, {Algorithm::kTree}, file.path});
    bytes = CheckedAdd(bytes, file.stamp.size).value_or(UINT64_MAX);
  }
  std::vector<ReceiptFile> told;
  task.Begin("hashing", bytes, files.size());
  HM_TRY(HashFiles(files, task, [&](std::size_t i, Result<HashedFile> hashed) -> Result<void> {
    if (!hashed) return std::move(hashed).error();
    if (hashed->stamp != on_disk[i].stamp) {
      return Error{Errc::kIo, files[i].path.string(), "the file changed while it was being read",
                   std::nullopt, "try again when nothing writes to it"};
    }
    told.push_back({on_disk[i].path, hashed->stamp.size, hashed->outcome.digests.front()});
    return {};
  }));
  std::ranges::sort(told, {}, &ReceiptFile::path);
  return told;
}

// Empty where the tensors have no identity.
Result<std::string> IdentityOf(const Model& model, const Task& task) {
  const Result<WeightIdentity> identity = ComputeIdentity(model, task);
  if (identity) return identity->ToString();
  if (identity.error().code == Errc::kInterrupted) return identity.error();
  return std::string();
}

bool AnyStep(const DerivedTensor& tensor, std::string_view word) {
  return std::ranges::any_of(
      tensor.steps, [&](const std::string& step) { return step.find(word) != std::string::npos; });
}

}  // namespace

Result<Receipt> BeginDerivationReceipt(const Model& suspect, const fs::path& suspect_path,
                                       const Model& official, const fs::path& official_path,
                                       const Task& task) {
  Receipt receipt;
  receipt.inputs = HM_TRY(HashFilesOf(official, official_path, task));
  receipt.outputs = HM_TRY(HashFilesOf(suspect, suspect_path, task));
  receipt.input_weights = HM_TRY(IdentityOf(official, task));
  receipt.output_weights = HM_TRY(IdentityOf(suspect, task));
  return receipt;
}

void FinishDerivationReceipt(const DeriveReport& report, const Model& suspect,
                             std::string_view tool_version, Receipt* receipt) {
  receipt->tool_version = tool_version;
  receipt->request = {{"derived", std::string(DerivationName(report.verdict))},
                      {"name", fs::path(report.suspect.name).filename().string()}};
  std::map<std::string, std::string, std::less<>> file_of;  // by stored name
  for (std::size_t f = 0; f < suspect.Files().size(); ++f) {
    const auto tensors = suspect.Files()[f].reader->Tensors();
    for (std::size_t t = 0; t < tensors.size(); ++t) {
      const std::vector<FileStretch> places = suspect.PlacesOf(f, t);
      file_of.emplace(tensors[t].name, places.empty() ? "" : places.front().path);
    }
  }
  bool quantised = false, dequantised = false;
  for (const DerivedTensor& tensor : report.tensors) {
    ReceiptTensor& told = receipt->tensors.emplace_back();
    told.name = tensor.suspect->stored_name;
    const auto file = file_of.find(told.name);
    if (file != file_of.end()) told.file = file->second;
    told.dtype = tensor.suspect->dtype;
    told.shape = tensor.suspect->shape;
    told.sources = {tensor.official->stored_name};
    told.steps = tensor.steps;
    quantised = quantised || AnyStep(tensor, "quantised to");
    dequantised = dequantised || AnyStep(tensor, "dequantised from");
  }
  receipt->relation = report.verdict == Derivation::kExact ? "same-weights"
                      : quantised                          ? "quantised"
                      : dequantised                        ? "dequantised"
                                                           : "rounded";
}

}  // namespace hallmark
