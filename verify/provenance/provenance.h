// How a copy came about: receipts of conversions, each of what the one before wrote, back to the
// official files. docs/trust.md.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "src/base/task.h"
#include "transform/receipt.h"
#include "verify/sources/source.h"
#include "verify/verify.h"

namespace hallmark {

// A receipt, and what it wrote as a source, with its signatures.
struct SignedReceipt {
  Receipt receipt;
  Source source;
};

// The receipts at `paths`: files, or folders with NAME.receipt.json in them. Signatures are looked
// for beside each. Errors: as OpenSource and EndorseAll; kUsage where there is no receipt.
Result<std::vector<SignedReceipt>> OpenReceipts(const std::vector<std::filesystem::path>& paths,
                                                const SignatureRules& rules, const Task& task);

// The receipts that lead from what `first` wrote back to one of `official`, `first` among them.
struct ReceiptChain {
  std::vector<const SignedReceipt*> receipts;  // the last step first
  const Source* official = nullptr;            // null: it ends before
};
ReceiptChain FindChain(const SignedReceipt& first, const std::vector<SignedReceipt>& receipts,
                       const std::vector<Source>& official);

// As Verify of `copy` against `official`. Where the copy is what a receipt says that was written,
// and receipts that are all signed by somebody trusted lead back to a source, that is enough:
// the verdict is authentic if the source is signed too, else matches, also of a copy whose values
// were rounded or quantised. VerifyReport::provenance holds the steps. Of `options`, part and
// sample must not be set.
Result<VerifyReport> VerifyProvenance(const std::filesystem::path& copy,
                                      std::vector<Source> official,
                                      const std::vector<SignedReceipt>& receipts,
                                      const VerifyOptions& options, const Task& task);

}  // namespace hallmark
