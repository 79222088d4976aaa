// hallmark catalogue: the book of known checksums, and one's own additions to it.
#include "verify/catalogue.h"

#include <fmt/format.h>

#include "cli/report/catalogue_report.h"
#include "cli/report/json.h"
#include "cli/session.h"
#include "cli/verbs/verbs.h"
#include "src/base/text.h"
#include "src/io/file.h"

namespace hallmark {
namespace {

constexpr std::uint64_t kMaxFile = 256'000'000;  // bytes of a manifest or an exported catalogue

Result<Catalogue> Load(Session& session) {
  Catalogue catalogue = HM_TRY(Catalogue::Load(UserCatalogueFolder()));
  for (const Finding& finding : catalogue.Findings()) {
    session.Note(fmt::format("{}: {}", finding.subject, finding.message));
  }
  return catalogue;
}

Result<std::filesystem::path> WritableFolder() {
  std::filesystem::path folder = UserCatalogueFolder();
  if (folder.empty()) {
    return Error{Errc::kUsage, "catalogue", "there is no home directory to keep it in",
                 std::nullopt, "set XDG_DATA_HOME"};
  }
  return folder;
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

Result<ExitCode> Import(const Arguments& arguments, Session& session) {
  const std::filesystem::path folder = HM_TRY(WritableFolder());
  const std::string& path = arguments.Operands()[0];
  const std::string text = HM_TRY(ReadText(path));
  const std::vector<std::filesystem::path> written =
      HM_TRY(ImportCatalogue(folder, text, path, arguments.Given("--force")));
  for (const std::filesystem::path& file : written) {
    HM_TRY(session.Print(fmt::format("added {}\n", EscapeForPeople(file.string()))));
  }
  return ExitCode::kOk;
}

// A manifest is read as what it says; anything else is hashed.
Result<Manifest> ManifestOf(const std::string& path, const Task& task) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(path, ignored)) {
    const std::unique_ptr<File> file = HM_TRY(OpenFile(path));
    std::byte first{};
    if (file->Size() > 0) HM_TRY(file->Read(0, {&first, 1}));
    if (first == std::byte{'{'}) return ParseManifest(HM_TRY(ReadText(path)), path);
  }
  return BuildManifest(path, {}, task);
}

Result<ExitCode> Add(const Arguments& arguments, Session& session) {
  const std::filesystem::path folder = HM_TRY(WritableFolder());
  const Manifest manifest = HM_TRY(ManifestOf(arguments.Operands()[0], session.GetTask()));
  const CatalogueEntry entry =
      HM_TRY(EntryFromManifest(manifest, {.id = WithoutScheme(arguments.Operands()[1]),
                                          .family = arguments.Text("--family"),
                                          .model = arguments.Text("--model"),
                                          .release = arguments.Text("--release"),
                                          .publisher = arguments.Text("--publisher")}));
  const std::filesystem::path written = HM_TRY(AddEntry(folder, entry, arguments.Given("--force")));
  HM_TRY(session.Print(fmt::format("added {} as catalogue:{}\n", EscapeForPeople(written.string()),
                                   EscapeForPeople(entry.id))));
  if (manifest.weights.empty()) {
    session.Note("the entry has no weight identity: " + manifest.no_identity_reason);
  }
  return ExitCode::kOk;
}

Option NameOption(std::string_view name, std::string_view help) {
  return {.name = name, .kind = ValueKind::kText, .value = "TEXT", .help = help};
}

const Operand kId = {
    .name = "ID", .help = "an entry's id, such as llama-1/7B", .kind = ValueKind::kText};

}  // namespace

Verb CatalogueVerb() {
  return {
      .name = "catalogue",
      .summary = "the book of known checksums: list, show, export, import, add",
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
               .operands = {{.name = "FILE", .help = "what catalogue export wrote"}},
               .options = {ForceOption()},
               .examples = {{"hallmark catalogue import my-model.json",
                             "believe its author first"}},
               .exits = WithCommonExits({{ExitCode::kOk, "added"}}),
               .run = Import},
              {.name = "add",
               .summary = "add a model you hold, or a manifest, to your catalogue",
               .description = "Hashes every file and computes the weight identity, or takes both "
                              "from a manifest.",
               .operands = {{.name = "MODEL", .help = "a directory, a file, or a manifest"},
                            {.name = "ID",
                             .help = "how it shall be called: name/name",
                             .kind = ValueKind::kText}},
               .options = Joined({NameOption("--family", "family of models it belongs to"),
                                  NameOption("--model", "what its publisher calls it"),
                                  NameOption("--release", "the release it belongs to"),
                                  NameOption("--publisher", "who published it"), ForceOption()},
                                 WorkOptions()),
               .examples = {{"hallmark catalogue add my-model/ my-org/my-model",
                             "then: hallmark verify COPY --against catalogue:my-org/my-model"}},
               .exits = WithCommonExits({{ExitCode::kOk, "added"}}),
               .run = Add},
          },
  };
}

}  // namespace hallmark
