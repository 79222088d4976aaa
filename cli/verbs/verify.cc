// hallmark verify: is this copy what its source says?
#include "verify/verify.h"
#include "verify/provenance/provenance.h"

#include <fmt/format.h>

#include <memory>
#include <random>

#include "cli/cached.h"
#include "cli/places.h"
#include "cli/report/part_json.h"
#include "cli/report/text.h"
#include "cli/report/verify_report.h"
#include "cli/session.h"
#include "cli/signature_rules.h"
#include "cli/verbs/verbs.h"
#include "src/base/text.h"
#include "verify/verify_rebuilt.h"

namespace hallmark {
namespace {

// A seed that nobody could know before.
std::string FreshSeed() {
  std::random_device device;
  return fmt::format("{:08x}{:08x}", device(), device());
}

Result<std::optional<Sample>> SampleAskedFor(const Arguments& arguments, bool in_parts) {
  const std::string text = arguments.Text("--sample");
  std::string seed = arguments.Text("--seed");
  if (text.empty()) {
    if (seed.empty()) return std::optional<Sample>();
    return Error{Errc::kUsage, "verify", "--seed draws a --sample, and none was asked for"};
  }
  const bool is_subset = text.find('/') != std::string::npos;
  if (seed.empty() && is_subset) seed = "0";  // so that all of them together hold every piece
  if (seed.empty() && in_parts) {
    return Error{Errc::kUsage, "verify", "parts that draw a sample need one --seed for all",
                 std::nullopt, "any text that whoever made the copy could not know"};
  }
  if (seed.empty()) seed = FreshSeed();
  auto sample = Sample::Parse(text, std::move(seed));
  if (sample) return sample;
  return Error{
      Errc::kUsage, "verify",
      fmt::format("--sample: got {}, expected a share such as 5%, or N/T", EscapeForPeople(text))};
}

// The recipe asked for; none otherwise.
Result<std::optional<Recipe>> RecipeAskedFor(const Arguments& arguments) {
  const std::string path = arguments.Text("--recipe");
  if (path.empty()) return std::nullopt;
  for (const std::string_view other :
       {"--part", "--sample", "--cached", "--weights-only", "--no-weights"}) {
    if (!arguments.Given(other)) continue;
    return Error{Errc::kUsage, "verify", fmt::format("{} does not go with --recipe", other)};
  }
  return HM_TRY(ReadRecipe(path));
}

Result<void> CheckProvenanceOptions(const Arguments& arguments) {
  for (const std::string_view other :
       {"--recipe", "--part", "--sample", "--cached", "--include", "--json-lines"}) {
    if (!arguments.Given(other)) continue;
    return Error{Errc::kUsage, "verify", fmt::format("{} does not go with --provenance", other)};
  }
  if (arguments.Given("--against")) return {};
  return Error{Errc::kUsage, "verify", "--against is missing: where the receipts lead back to"};
}

Result<ExitCode> Run(const Arguments& arguments, Session& session) {
  VerifyOptions options;
  const auto recipe = HM_TRY(RecipeAskedFor(arguments));
  const auto part = HM_TRY(PartAskedFor("verify", arguments));
  options.sample = HM_TRY(SampleAskedFor(arguments, part.has_value()));
  if ((part || options.sample) && !arguments.Given("--against")) {
    return Error{Errc::kUsage, "verify", "a part or a sample is checked against a named source",
                 std::nullopt, "name it with --against"};
  }
  if ((part || options.sample) && arguments.Given("--weights-only")) {
    return Error{Errc::kUsage, "verify", "of a part or a sample files are compared, not weights",
                 std::nullopt, "--include chooses files of weights"};
  }
  if (options.sample && arguments.Given("--cached")) {
    return Error{Errc::kUsage, "verify", "a --sample is read; --cached would not read it"};
  }
  std::vector<Source> sources;
  for (const std::string& spec : arguments.Values("--against")) {
    sources.push_back(HM_TRY(OpenSource(spec, session.GetTask())));
  }
  if (arguments.Given("--weights-only") && arguments.Given("--no-weights")) {
    return Error{Errc::kUsage, "verify", "--weights-only and --no-weights leave nothing to do"};
  }
  const SignatureRules signatures = HM_TRY(SignatureRulesAskedFor("verify", arguments, session));
  options.signatures = &signatures;
  options.include = arguments.Values("--include");
  options.ignored_paths = arguments.Values("--ignore");
  options.allow_extra = arguments.Given("--ignore-unsigned-files");
  options.weights_only = arguments.Given("--weights-only");
  options.compare_weights = !arguments.Given("--no-weights");
  options.on_early = [&](const FileVerdict& file) { session.Note(EarlyNote(file)); };
  options.resume.state_folder = StateFolder();
  if (part) {
    options.part = PartOptions{
        *part, RequestOf("verify", arguments,
                         {"--against", "--include", "--no-weights", "--sample", "--seed", "--key",
                          "--origin", "--require-signature", "--ignore-unsigned-files"})};
    options.resume.part = arguments.Text("--part");
  }
  if (arguments.Given("--json-lines")) {
    options.on_match = [&](const FileVerdict& file, const std::string& source) {
      return session.PrintNow(VerifyFileLine(file, source));
    };
  }

  const std::unique_ptr<DigestCache> cache = OpenCacheAskedFor(arguments, session);
  options.cache = cache.get();
  const std::string& copy = arguments.Operands()[0];
  const Task& task = session.GetTask();
  std::vector<SignedReceipt> receipts;
  if (arguments.Given("--provenance")) {
    HM_TRY(CheckProvenanceOptions(arguments));
    const std::vector<std::string>& paths = arguments.Values("--provenance");
    receipts = HM_TRY(OpenReceipts({paths.begin(), paths.end()}, signatures, task));
  }
  const VerifyReport report = HM_TRY(
      recipe             ? VerifyRebuilt(copy, *recipe, std::move(sources), options, task)
      : receipts.empty() ? Verify(copy, std::move(sources), options, task)
                         : VerifyProvenance(copy, std::move(sources), receipts, options, task));
  SaveCache(cache.get(), session);
  const ExitCode exit = VerifyExit(report);
  if (arguments.Given("--json-lines")) {
    HM_TRY(session.Print(VerifyLastLines(report, exit)));
  } else if (arguments.Given("--json")) {
    HM_TRY(session.Print(VerifyJson(report, exit)));
  } else {
    HM_TRY(session.Print(
        VerifyText(report, session.IsVerbose(), session.GetStyle(), session.Width())));
  }
  return exit;
}

}  // namespace

Verb VerifyVerb() {
  return {
      .name = "verify",
      .summary = "is this copy what its source says?",
      .description =
          "Checks files by their digests and, where files differ or are in another container, the "
          "weights by their identity. Says what was read and on whose word the verdict stands.\n\n"
          "The verdict is the first word of the output: authentic (as one of the next two, and the "
          "source is signed by somebody whom you trust), matches (every listed file matches), "
          "same-weights (files differ, or are in another container, but every number is equal), "
          "partial (what was checked matches, but something is missing, unlisted or was not asked "
          "for), "
          "mismatch, or "
          "inconclusive (nothing that could be compared).\n\n"
          "A SOURCE is a checksum list in any common dialect (GNU, BSD, openssl, checklist.chk, a "
          "single hash, hashdeep, llama-gguf-hash, a hub's listing, a git-lfs pointer), a torrent, "
          "a "
          "metalink, an Ollama or OCI manifest, an OMS signature's statement, a hallmark manifest, "
          "another copy of the model, or an entry of the built-in catalogue. Without one, the "
          "catalogue, the lists found around the copy and the names that Hugging Face's and "
          "Ollama's stores give their blobs are tried. A list that came with the copy cannot vouch "
          "for "
          "it, and is named as such.\n\n"
          "A source is signed by a file beside it, or carries its signature: a statement's, "
          "minisign, signify, SSH, OMS. Whom you trust, hallmark trust knows, or --key names. A "
          "signature of theirs that does not hold, is expired or older than one seen before ends "
          "the work before anything is hashed.\n\n"
          "--cached shows that nothing changed since files were read, as far as their file system "
          "says: not that the disk still holds the bytes. Summary and report count what was not "
          "read now.",
      .operands =
          {{.name = "MODEL",
            .help = "the copy to check: a directory, an index.json with its shards, one file, or a "
                    "manifest in Ollama's store"}},
      .options = Joined({{.name = "--against",
                          .kind = ValueKind::kSource,
                          .value = "SOURCE",
                          .help = "what the copy must agree with",
                          .repeatable = true},
                         {.name = "--include",
                          .kind = ValueKind::kText,
                          .value = "GLOB",
                          .help = "check only files whose path matches",
                          .repeatable = true},
                         {.name = "--ignore",
                          .kind = ValueKind::kPath,
                          .value = "PATH",
                          .help = "a file or folder of the copy that a model signature need not "
                                  "list, such as .cache",
                          .repeatable = true},
                         {.name = "--ignore-unsigned-files",
                          .help = "a model signature that does not list a file says nothing of it"},
                         {.name = "--weights-only",
                          .help = "configuration and tokenizer files that differ do not count"},
                         {.name = "--no-weights",
                          .help = "compare files only, read no tensors where they differ"},
                         {.name = "--recipe",
                          .kind = ValueKind::kPath,
                          .value = "FILE",
                          .help = "make the official files of the copy by this recipe, without "
                                  "writing them, and check those"},
                         {.name = "--provenance",
                          .kind = ValueKind::kPath,
                          .value = "PATH",
                          .help = "receipts of how the copy was made, signed, or a folder of "
                                  "them; they must lead back to a source",
                          .repeatable = true},
                         PartOption(),
                         {.name = "--sample",
                          .kind = ValueKind::kText,
                          .value = "SHARE",
                          .help = "read only 5% of the pieces, or the N-th of T samples that "
                                  "together hold all (N/T); the verdict is partial"},
                         {.name = "--seed",
                          .kind = ValueKind::kText,
                          .value = "TEXT",
                          .help = "what the sample is drawn by (default: fresh for 5%, fixed for "
                                  "N/T)"},
                         CachedOption(),
                         VerboseOption("every file, digest and range in full"),
                         JsonOption(),
                         JsonLinesOption()},
                        Joined(SignatureOptions(), WorkOptions())),
      .examples = {{"hallmark verify llama-2-7b/ --against checklist.chk",
                    "against the publisher's list"},
                   {"hallmark verify mirror.gguf --against official.json",
                    "a converted copy against a manifest"},
                   {"hallmark verify mirror.gguf --against official.json --key release.pub",
                    "the same, with the publisher's signature in official.json.sig"},
                   {"hallmark verify mirror.gguf --against checklist.chk --recipe llama-7b.recipe",
                    "a converted copy against the publisher's own list"},
                   {"hallmark verify llama-7b/ --against catalogue:llama-1/7B",
                    "against the known checksums of a release"},
                   {"hallmark verify download/", "against whatever is known about it"},
                   {"hallmark verify mirror/ --against mirror.json --sample 1%",
                    "a look at a hundredth of it"},
                   {"hallmark verify mirror/ --against mirror.sha256 --part 3/16 --json-lines",
                    "one of sixteen workers"}},
      .exits = WithCommonExits(
          {{ExitCode::kOk,
            "authentic, matches or same-weights; partial, where no more was asked for and that "
            "holds"},
           {ExitCode::kMismatch, "mismatch: checked, and it does not hold"},
           {ExitCode::kInconclusive, "partial or inconclusive; a file is missing or unreadable"},
           {ExitCode::kMalformed, "a source breaks its own format"},
           {ExitCode::kUntrusted,
            "a signature that does not hold, is expired or too old, or is asked for and not there"},
           {ExitCode::kDangerous,
            "a file that no digest vouches for could run code when it is loaded"}}),
      .run = Run,
  };
}

}  // namespace hallmark
