// hallmark identify: which known model is this?
#include "verify/identify.h"

#include <fmt/format.h>

#include <memory>

#include "cli/cached.h"
#include "cli/report/identify_report.h"
#include "cli/session.h"
#include "cli/verbs/verbs.h"
#include "verify/user_catalogue.h"

namespace hallmark {
namespace {

Result<ExitCode> Run(const Arguments& arguments, Session& session) {
  const Catalogue catalogue = HM_TRY(Catalogue::Load(UserCatalogueFolder()));
  const std::unique_ptr<DigestCache> cache = OpenCacheAskedFor(arguments, session);
  IdentifyReport report =
      HM_TRY(Identify(arguments.Operands()[0], catalogue, session.GetTask(), cache.get()));
  SaveCache(cache.get(), session);
  report.findings.insert(report.findings.end(), catalogue.Findings().begin(),
                         catalogue.Findings().end());
  const ExitCode exit = IdentifyExit(report);
  if (arguments.Given("--json")) {
    HM_TRY(session.Print(IdentifyJson(report, exit)));
  } else {
    HM_TRY(session.Print(
        IdentifyText(report, session.IsVerbose(), session.GetStyle(), session.Width())));
  }
  return exit;
}

}  // namespace

Verb IdentifyVerb() {
  return {
      .name = "identify",
      .summary = "which known model is this?",
      .description =
          "Looks for the files, and where files do not settle it for the weights, in the catalogue "
          "of known checksums. A model is found when every file of a complete entry is here, or "
          "when the weights are the entry's, in whatever container; near misses are named with "
          "what is missing or differs. The catalogue says what others published: see hallmark "
          "catalogue show ID for who vouches for what.",
      .operands = {{.name = "MODEL",
                    .help = "a directory, a tar or packed file of one, any one shard, an "
                            "index.json or a single file"}},
      .options = Joined(
          {CachedOption(), VerboseOption("every model, file and name in full"), JsonOption()},
          WorkOptions()),
      .examples = {{"hallmark identify download/", "which release is this?"},
                   {"hallmark identify consolidated.00.pth", "which release has this file?"}},
      .exits = WithCommonExits(
          {{ExitCode::kOk, "found"},
           {ExitCode::kMismatch, "unknown, or a near miss only"},
           {ExitCode::kInconclusive, "not found, and something could not be read"},
           {ExitCode::kDangerous, "not found, and loading it elsewhere could run code"}}),
      .run = Run,
  };
}

}  // namespace hallmark
