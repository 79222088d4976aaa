// hallmark catalogue: the book of known checksums, and one's own additions to it.
#include "verify/user_catalogue.h"

#include <fmt/format.h>

#include <optional>
#include <set>

#include "cli/report/catalogue_report.h"
#include "cli/report/json.h"
#include "cli/report/text.h"
#include "cli/session.h"
#include "cli/verbs/verbs.h"
#include "src/base/text.h"
#include "src/io/file.h"

namespace hallmark {
namespace {

constexpr std::uint64_t kMaxFile = 256'000'000;  // bytes of a manifest or an exported catalogue

constexpr std::size_t kShownAlone = 4;

Result<Catalogue> Load(Session& session) {
  Catalogue catalogue = HM_TRY(Catalogue::Load(UserCatalogueFolder()));
  for (const Finding& finding : catalogue.Findings()) {
    session.Note(fmt::format("{}: {}", finding.subject, finding.message));
  }
  return catalogue;
}

Result<ExitCode> List(const Arguments& arguments, Session& session) {
  const Catalogue catalogue = HM_TRY(Load(session));
  if (!arguments.Given("--json")) {
    HM_TRY(session.Print(CatalogueListText(catalogue.Models())));
    return ExitCode::kOk;
  }
  JsonWriter json = BeginReport("catalogue list", "ok", ExitCode::kOk);
  json.Key("entries").BeginArray();
  for (const CatalogueEntry& entry : catalogue.Models()) WriteCatalogueEntry(entry, false, &json);
  json.EndArray();
  HM_TRY(session.Print(EndReport(&json)));
  return ExitCode::kOk;
}

// The id as `list` shows it, or as `--against` takes it.
std::string WithoutScheme(std::string_view id) {
  constexpr std::string_view kScheme = "catalogue:";
  return std::string(id.starts_with(kScheme) ? id.substr(kScheme.size()) : id);
}

Result<ExitCode> Show(const Arguments& arguments, Session& session) {
  const Catalogue catalogue = HM_TRY(Load(session));
  const CatalogueEntry* entry = HM_TRY(catalogue.Require(WithoutScheme(arguments.Operands()[0])));
  if (!arguments.Given("--json")) {
    HM_TRY(session.Print(CatalogueEntryText(*entry, session.Width())));
    return ExitCode::kOk;
  }
  JsonWriter json = BeginReport("catalogue show", "ok", ExitCode::kOk);
  json.Key("entry");
  WriteCatalogueEntry(*entry, true, &json);
  HM_TRY(session.Print(EndReport(&json)));
  return ExitCode::kOk;
}

Result<ExitCode> Export(const Arguments& arguments, Session& session) {
  const Catalogue catalogue = HM_TRY(Load(session));
  const CatalogueEntry* entry = HM_TRY(catalogue.Require(WithoutScheme(arguments.Operands()[0])));
  const std::string text = HM_TRY(ExportEntry(*entry));
  HM_TRY(session.PrintTo(arguments.Text("--output"), arguments.Given("--force"), text));
  return ExitCode::kOk;
}

Result<std::string> ReadText(const std::string& path) {
  const std::unique_ptr<File> file = HM_TRY(OpenFile(path));
  std::string text = HM_TRY(ReadWholeFile(*file, kMaxFile));
  HM_TRY(file->CheckUnchanged());
  return text;
}

IfTaken IfTakenBy(const Arguments& arguments) {
  return {.replace = arguments.Given("--force"), .keep_dissent = arguments.Given("--dissent")};
}

// What became of an entry, and what it contradicts.
Result<void> Tell(const AddedEntry& added, Session& session) {
  const std::string id = EscapeForPeople(added.id);
  std::string text =
      fmt::format("added {} as catalogue:{}\n", EscapeForPeople(added.file.string()), id);
  if (added.file.empty()) {
    text = fmt::format("nothing new about catalogue:{}\n", id);
  } else if (added.joined) {
    text = fmt::format("added {} to catalogue:{}\n", EscapeForPeople(added.file.string()), id);
  }
  HM_TRY(session.Print(text));
  for (const std::string& dissent : added.dissent) session.Note("both are kept: " + dissent);
  if (!added.alone.empty()) {
    session.Note(fmt::format("left out, because the entry says nothing of it: {}",
                             FirstNames(added.alone, kShownAlone)));
  }
  return {};
}

Result<ExitCode> Import(const Arguments& arguments, Session& session) {
  const std::string& path = arguments.Operands()[0];
  const std::string text = HM_TRY(ReadText(path));
  for (const AddedEntry& added : HM_TRY(ImportCatalogue(
           UserCatalogueFolder(), text, path, arguments.Text("--witness"), IfTakenBy(arguments)))) {
    HM_TRY(Tell(added, session));
  }
  return ExitCode::kOk;
}

Result<ExitCode> Remove(const Arguments& arguments, Session& session) {
  const std::string id = WithoutScheme(arguments.Operands()[0]);
  for (const std::filesystem::path& file : HM_TRY(RemoveEntry(UserCatalogueFolder(), id))) {
    HM_TRY(session.Print(fmt::format("removed {}\n", EscapeForPeople(file.string()))));
  }
  const Catalogue catalogue = HM_TRY(Load(session));
  if (catalogue.Find(id) != nullptr) session.Note("what is built in about it stays");
  return ExitCode::kOk;
}

// The algorithms of an entry: a copy that is hashed with them can be compared with it.
std::vector<Algorithm> AlgorithmsOf(const CatalogueEntry& entry) {
  std::set<Algorithm> algorithms;
  for (const ListedFile& file : entry.files) {
    for (const ListedDigest& listed : file.digests) {
      algorithms.insert(listed.digest.GetAlgorithm());
    }
  }
  return {algorithms.begin(), algorithms.end()};
}

// What `path` says if it is a manifest.
Result<std::optional<Manifest>> ReadManifest(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return std::optional<Manifest>();
  const std::unique_ptr<File> file = HM_TRY(OpenFile(path));
  std::byte first{};
  if (file->Size() > 0) HM_TRY(file->Read(0, {&first, 1}));
  if (first != std::byte{'{'}) return std::optional<Manifest>();
  return std::optional<Manifest>(HM_TRY(ParseManifest(HM_TRY(ReadText(path)), path)));
}

Result<ExitCode> Add(const Arguments& arguments, Session& session) {
  const std::string& path = arguments.Operands()[0];
  std::optional<Manifest> manifest = HM_TRY(ReadManifest(path));
  std::string id;
  if (arguments.Operands().size() > 1) {
    id = WithoutScheme(arguments.Operands()[1]);
  } else if (manifest && !manifest->origin.empty()) {
    id = manifest->origin;
  } else {
    return Error{Errc::kUsage, "catalogue add", "ID is missing: how the entry shall be called",
                 std::nullopt, "name/name, such as my-org/my-model"};
  }
  EntryNames names{.id = id,
                   .family = arguments.Text("--family"),
                   .model = arguments.Text("--model"),
                   .release = arguments.Text("--release"),
                   .publisher = arguments.Text("--publisher"),
                   .witness = arguments.Text("--witness")};
  HM_TRY(EntryFromManifest({}, names));  // the id, before anything is hashed
  if (!manifest) {
    const Catalogue catalogue = HM_TRY(Load(session));
    const CatalogueEntry* known = catalogue.Find(id);
    manifest = HM_TRY(
        BuildManifest(path, known == nullptr ? std::vector<Algorithm>() : AlgorithmsOf(*known),
                      session.GetTask()));
  }
  const CatalogueEntry entry = HM_TRY(EntryFromManifest(*manifest, names));
  HM_TRY(Tell(HM_TRY(AddEntry(UserCatalogueFolder(), entry, IfTakenBy(arguments))), session));
  if (manifest->weights.empty()) {
    session.Note("the entry has no weight identity: " + manifest->no_identity_reason);
  }
  return ExitCode::kOk;
}

Option NameOption(std::string_view name, std::string_view help) {
  return {.name = name, .kind = ValueKind::kText, .value = "TEXT", .help = help};
}

Option WitnessOption(std::string_view help) {
  return {.name = "--witness", .kind = ValueKind::kText, .value = "NAME", .help = help};
}

Option DissentOption() {
  return {.name = "--dissent",
          .help = "where it contradicts the catalogue, keep both words and show them"};
}

const Operand kId = {
    .name = "ID", .help = "an entry's id, such as llama-1/7B", .kind = ValueKind::kText};

}  // namespace

Verb CatalogueVerb() {
  return {
      .name = "catalogue",
      .summary = "the book of known checksums: list, show, export, import, add, remove",
      .description =
          "A part is built in: digests that publishers and communities published, each with who "
          "vouches for it. People who hold official files can add what they have, and hand it on. "
          "Every entry is a SOURCE for verify --against catalogue:ID.",
      .verbs =
          {
              {.name = "list",
               .summary = "list all entries",
               .options = {JsonOption()},
               .examples = {{"hallmark catalogue list", "ids, titles, how much is known"}},
               .exits = {{ExitCode::kOk, "listed"}},
               .run = List},
              {.name = "show",
               .summary = "show an entry: files, digests, who vouches for them",
               .operands = {kId},
               .options = {JsonOption()},
               .examples = {{"hallmark catalogue show llama-1/7B", "what is known of a release"}},
               .exits = {{ExitCode::kOk, "shown"}, {ExitCode::kInconclusive, "no such entry"}},
               .run = Show},
              {.name = "export",
               .summary = "write an entry for others to import",
               .operands = {kId},
               .options = {OutputOption("write to FILE, whole or not at all, instead of stdout"),
                           ForceOption()},
               .examples = {{"hallmark catalogue export my-org/my-model -o my-model.json",
                             "to hand it on"}},
               .exits = {{ExitCode::kOk, "written"}, {ExitCode::kInconclusive, "no such entry"}},
               .run = Export},
              {.name = "import",
               .summary = "add the entries of an exported file to your catalogue",
               .description =
                   "An entry whose id is known joins that entry: equal digests get one witness "
                   "more. One that contradicts it is refused, unless --dissent keeps both; what "
                   "the entry does not say at all is left out. Whatever the file says of its "
                   "witnesses, it is the community's word here, and of one witness.",
               .operands = {{.name = "FILE", .help = "what catalogue export wrote"}},
               .options = {WitnessOption(
                               "whose word it is (default: the first witness that the file names)"),
                           DissentOption(),
                           {.name = "--force",
                            .help = "replace entries of yours with the same id"}},
               .examples = {{"hallmark catalogue import my-model.json", "believe its author first"},
                            {"hallmark catalogue import alice.json --witness alice",
                             "one more witness"}},
               .exits = WithCommonExits({{ExitCode::kOk, "added"}}),
               .run = Import},
              {.name = "add",
               .summary = "add a model you hold, or a manifest, to your catalogue",
               .description =
                   "Hashes every file and computes the weight identity, or takes both from a "
                   "manifest. Where the id is known, also a built-in one, yours becomes one more "
                   "witness of it if it says the same. One that contradicts it is refused, unless "
                   "--dissent keeps both; what the entry does not say at all is left out.",
               .operands = {{.name = "MODEL", .help = "a directory, a file, or a manifest"},
                            {.name = "ID",
                             .help = "how it shall be called: name/name (default: the origin that "
                                     "a manifest names)",
                             .kind = ValueKind::kText,
                             .required = false}},
               .options = Joined(
                   {NameOption("--family", "family of models it belongs to"),
                    NameOption("--model", "what its publisher calls it"),
                    NameOption("--release", "the release it belongs to"),
                    NameOption("--publisher", "who published it"),
                    WitnessOption("whose copy it is (default: your own)"),
                    DissentOption(),
                    {.name = "--force", .help = "replace an entry of yours with the same id"}},
                   WorkOptions()),
               .examples = {{"hallmark catalogue add my-model/ my-org/my-model",
                             "then: hallmark verify COPY --against catalogue:my-org/my-model"}},
               .exits = WithCommonExits({{ExitCode::kOk, "added"}}),
               .run = Add},
              {.name = "remove",
               .summary = "remove an entry of yours",
               .description = "Removes your files that speak of the entry, also words that you "
                              "imported. What is built in stays.",
               .operands = {kId},
               .examples = {{"hallmark catalogue remove my-org/my-model", "it is forgotten"}},
               .exits = {{ExitCode::kOk, "removed"},
                         {ExitCode::kUsage, "there is nothing of yours in it"},
                         {ExitCode::kInconclusive, "no such entry"}},
               .run = Remove},
          },
  };
}

}  // namespace hallmark
