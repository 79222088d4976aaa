#include "verify/provenance/provenance.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <set>
#include <system_error>
#include <utility>

#include "src/base/numbers.h"
#include "src/base/text.h"
#include "src/io/directory.h"
#include "verify/signatures/endorse.h"

namespace hallmark {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kReceiptSuffix = ".receipt.json";

Result<SignedReceipt> OpenReceipt(const fs::path& path, const Task& task) {
  Source source = HM_TRY(OpenSource(path.string(), task));
  if (source.dialect != "receipt") {
    return Error{Errc::kUsage, path.string(), fmt::format("a {}, no receipt", source.title)};
  }
  Receipt receipt = HM_TRY(ParseReceipt(*source.text, path.string()));
  return SignedReceipt{std::move(receipt), std::move(source)};
}

// What can be known again of a file of weights, a tokenizer, a configuration.
std::set<std::pair<Digest, std::uint64_t>> TreesOf(const Source& source) {
  std::set<std::pair<Digest, std::uint64_t>> trees;
  for (const ListedFile& file : source.files) {
    for (const ListedDigest& listed : file.digests) {
      if (listed.digest.GetAlgorithm() == Algorithm::kTree && file.size) {
        trees.emplace(listed.digest, *file.size);
      }
    }
  }
  return trees;
}

// Files of these hold weights and nothing else; a GGUF may hold another tokenizer.
bool HoldsWeightsAlone(std::string_view path) {
  return std::ranges::any_of(
      std::array<std::string_view, 5>{".safetensors", ".pth", ".pt", ".npz", ".distcp"},
      [&](std::string_view suffix) { return path.ends_with(suffix); });
}

// What the step read is what `source` lists: the same weights, or the very files; and all else
// that it read, configuration and tokenizer, are files of the source in either case.
bool ReadFrom(const Receipt& receipt, const Source& source) {
  const bool same_weights =
      !receipt.input_weights.empty() && receipt.input_weights == source.weights;
  const auto trees = TreesOf(source);
  return !receipt.inputs.empty() && std::ranges::all_of(receipt.inputs, [&](const ReceiptFile&
                                                                                file) {
    return trees.contains({file.tree, file.size}) || (same_weights && HoldsWeightsAlone(file.path));
  });
}

// Whoever derived a copy knows of its weights, and not what else is in it.
bool IsOfConversion(const Receipt& receipt) {
  return std::ranges::none_of(receipt.request, [](const ReceiptParameter& parameter) {
    return parameter.name == "derived";
  });
}

bool IsSigned(const Source& source) { return !source.endorsements.empty(); }

// A step counts if it is signed by somebody named for this run, or by whom the user trusts for the
// origin that `official` is signed for: the keys of others speak for other models.
bool CountsFor(const Source& step, const Source& official) {
  return std::ranges::any_of(step.endorsements, [&](const Endorsement& by) {
    return by.for_this_run ||
           std::ranges::any_of(official.endorsements, [&](const Endorsement& theirs) {
             return !by.origin.empty() && by.origin == theirs.origin;
           });
  });
}

// Whether every file that it wrote may be in the copy, by size alone.
bool MayHaveWritten(const SignedReceipt& receipt, const DirectoryListing& listing) {
  std::map<std::uint64_t, std::size_t> sizes;
  for (const DirectoryEntry& file : listing.files) ++sizes[file.size];
  return std::ranges::all_of(receipt.receipt.outputs, [&](const ReceiptFile& file) {
    const auto found = sizes.find(file.size);
    return found != sizes.end() && found->second-- > 0;
  });
}

std::string RequestText(const Receipt& receipt) {
  std::string text;
  for (const ReceiptParameter& parameter : receipt.request) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", parameter.name, parameter.value);
  }
  return text;
}

std::vector<ProvenanceStep> StepsOf(const ReceiptChain& chain) {
  std::vector<ProvenanceStep> steps;
  for (const SignedReceipt* receipt : chain.receipts) {
    steps.push_back({receipt->source.name, receipt->receipt.relation, RequestText(receipt->receipt),
                     receipt->source.endorsements});
  }
  return steps;
}

std::string Relations(const ReceiptChain& chain) {
  std::set<std::string> relations;
  for (const SignedReceipt* receipt : chain.receipts) relations.insert(receipt->receipt.relation);
  std::string text;
  for (const std::string& relation : relations) {
    text += (text.empty() ? "" : ", ") + EscapeForPeople(relation);
  }
  return text;
}

// The copy is what the first receipt wrote, and the chain is whole and signed.
void Conclude(const ReceiptChain& chain, VerifyReport& report) {
  const Source& official = *chain.official;
  report.sources.push_back(Summarise(official));
  std::ranges::copy(official.findings, std::back_inserter(report.findings));
  report.provenance = StepsOf(chain);
  std::string origin = "which is not authenticated";
  report.verdict = Verdict::kMatches;
  if (IsSigned(official)) {
    origin = "signed by " + official.endorsements.front().signer;
    report.verdict = Verdict::kAuthentic;
  }
  report.summary =
      fmt::format("made from {} ({}) in {}, each signed by somebody trusted: {}", official.name,
                  origin, Count(chain.receipts.size(), "step"), Relations(chain));
  report.hint = "that the steps give these very bytes, hallmark derive and convert --replay show";
  const auto others = static_cast<std::uint64_t>(
      std::ranges::count(report.files, FileState::kUnlisted, &FileVerdict::state));
  if (others == 0) return;
  report.verdict = Verdict::kPartial;
  report.summary += fmt::format("; but {} here {} written by none of them", Count(others, "file"),
                                others == 1 ? "was" : "were");
}

}  // namespace

Result<std::vector<SignedReceipt>> OpenReceipts(const std::vector<fs::path>& paths,
                                                const SignatureRules& rules, const Task& task) {
  std::vector<SignedReceipt> receipts;
  for (const fs::path& path : paths) {
    std::error_code code;
    if (!fs::is_directory(path, code)) {
      receipts.push_back(HM_TRY(OpenReceipt(path, task)));
      continue;
    }
    const DirectoryListing listing = HM_TRY(ListFiles(path));
    for (const DirectoryEntry& file : listing.files) {
      if (!file.path.ends_with(kReceiptSuffix)) continue;
      receipts.push_back(HM_TRY(OpenReceipt(file.full_path, task)));
    }
  }
  if (receipts.empty()) {
    return Error{Errc::kUsage, paths.empty() ? "" : paths.front().string(),
                 "there is no receipt here", std::nullopt,
                 "hallmark convert writes NAME.receipt.json beside what it makes"};
  }
  SignatureRules lenient = rules;
  lenient.required = false;
  lenient.files.clear();
  for (SignedReceipt& receipt : receipts) {
    std::vector<Source> one;
    one.push_back(std::move(receipt.source));
    auto endorsed = EndorseAll(lenient, one);
    // One that is signed badly is worth as little as one that is not; it may not even be needed.
    if (!endorsed && endorsed.error().code != Errc::kUntrusted) return std::move(endorsed).error();
    receipt.source = std::move(one.front());
    if (!endorsed) receipt.source.endorsements.clear();
  }
  return receipts;
}

ReceiptChain FindChain(const SignedReceipt& first, const std::vector<SignedReceipt>& receipts,
                       const std::vector<Source>& official) {
  // Breadth first: the shortest chain.
  std::map<const SignedReceipt*, const SignedReceipt*> later;  // by receipt: what it was read for
  std::deque<const SignedReceipt*> open = {&first};
  later[&first] = nullptr;
  ReceiptChain chain{{&first}, nullptr};
  while (!open.empty()) {
    const SignedReceipt* const step = open.front();
    open.pop_front();
    const auto reached = std::ranges::find_if(
        official, [&](const Source& source) { return ReadFrom(step->receipt, source); });
    if (reached != official.end()) {
      chain.receipts.clear();
      for (const SignedReceipt* at = step; at != nullptr; at = later[at]) {
        chain.receipts.insert(chain.receipts.begin(), at);
      }
      chain.official = &*reached;
      return chain;
    }
    for (const SignedReceipt& earlier : receipts) {
      if (later.contains(&earlier) || !ReadFrom(step->receipt, earlier.source)) continue;
      later[&earlier] = step;
      open.push_back(&earlier);
    }
  }
  return chain;
}

Result<VerifyReport> VerifyProvenance(const fs::path& copy, std::vector<Source> official,
                                      const std::vector<SignedReceipt>& receipts,
                                      const VerifyOptions& options, const Task& task) {
  HM_CHECK(!options.part && !options.sample);
  if (official.size() != 1) {
    return Error{Errc::kUsage, copy.string(),
                 fmt::format("receipts lead back to one source, got {}", official.size())};
  }
  if (options.signatures) HM_TRY(EndorseAll(*options.signatures, official));
  VerifyOptions files_only = options;
  files_only.compare_weights = false;
  files_only.signatures = nullptr;
  files_only.on_match = {};
  // Only what is signed counts, and is worth reading the copy for.
  std::vector<SignedReceipt> counting;
  for (const SignedReceipt& receipt : receipts) {
    const bool counts = std::ranges::any_of(
        official, [&](const Source& source) { return CountsFor(receipt.source, source); });
    if (counts && IsOfConversion(receipt.receipt)) counting.push_back(receipt);
  }
  const DirectoryListing listing = HM_TRY(ListFiles(copy));
  std::string why = counting.empty() ? "none of its receipts is signed by somebody trusted for it"
                                     : "no receipt that is signed by somebody trusted is of it";
  for (const SignedReceipt& receipt : counting) {
    if (!MayHaveWritten(receipt, listing)) continue;
    VerifyReport report = HM_TRY(Verify(copy, {receipt.source}, files_only, task));
    if (report.verdict != Verdict::kAuthentic && report.verdict != Verdict::kMatches) continue;
    const ReceiptChain chain = FindChain(receipt, counting, official);
    const bool whole = chain.official != nullptr &&
                       std::ranges::all_of(chain.receipts, [&](const SignedReceipt* step) {
                         return CountsFor(step->source, *chain.official);
                       });
    if (whole) {
      Conclude(chain, report);
      return report;
    }
    why = official.front().weights.empty() && TreesOf(official.front()).empty()
              ? "the source lists neither weights nor tree roots, by which receipts know files"
              : "its signed receipts do not lead back to the source, with all that was read";
  }
  VerifyOptions endorsed = options;
  endorsed.signatures = nullptr;  // they were looked at
  VerifyReport report = HM_TRY(Verify(copy, std::move(official), endorsed, task));
  report.findings.push_back({Severity::kWarning, "no-provenance", copy.string(), std::move(why)});
  return report;
}

}  // namespace hallmark
