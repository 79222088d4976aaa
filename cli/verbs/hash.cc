// hallmark hash: digests of files, any set of them in one read; and manifests of models.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include "cli/cached.h"
#include "cli/report/digest_list.h"
#include "cli/report/json.h"
#include "cli/report/part_json.h"
#include "cli/report/remembered.h"
#include "cli/session.h"
#include "cli/signing.h"
#include "cli/verbs/verbs.h"
#include "formats/registry.h"
#include "formats/safetensors.h"
#include "src/base/numbers.h"
#include "src/hash/hash_files.h"
#include "src/hash/hasher.h"
#include "src/io/directory.h"
#include "weights/manifest.h"
#include "weights/tensor_data.h"

namespace hallmark {
namespace {

struct ListedFile {
  std::string name;  // as it is listed
  std::filesystem::path path;
  std::uint64_t size = 0;
  std::vector<Digest> digests = {};
  std::string remembered_from = {};  // UtcText; empty: read now
  std::optional<Error> error = {};
  bool done = false;
};

std::vector<Algorithm> ChosenAlgorithms(const Arguments& arguments) {
  std::vector<Algorithm> algorithms;
  for (const std::string& name : arguments.List("--algo")) {
    const std::optional<Algorithm> algorithm = AlgorithmByName(name);
    HM_CHECK(algorithm.has_value());
    algorithms.push_back(*algorithm);
  }
  return algorithms;
}

// Those of --algo, which must be among the ones that `list` can hold.
Result<std::vector<Algorithm>> ChosenAmong(std::span<const Algorithm> known,
                                           const Arguments& arguments, std::string_view list) {
  std::vector<Algorithm> chosen = ChosenAlgorithms(arguments);
  std::string names;
  for (const Algorithm algorithm : known) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", InfoOf(algorithm).name);
  }
  for (const Algorithm algorithm : chosen) {
    if (std::ranges::find(known, algorithm) != known.end()) continue;
    return Error{Errc::kUsage, "hash", fmt::format("{} holds no {}", list, InfoOf(algorithm).name),
                 std::nullopt, fmt::format("it can hold {}", names)};
  }
  return chosen;
}

// What is asked for, and what came out so far.
class HashRun {
 public:
  HashRun(const Arguments& arguments, Session& session)
      : arguments_(arguments), session_(session), format_(arguments.Text("--format")) {}

  Result<ExitCode> Run() {
    HM_TRY(ChooseAlgorithms());
    HM_TRY(session_.CheckOutput(arguments_.Text("--output"), arguments_.Given("--force")));
    if (format_ == "hashdeep") {
      const std::string header = HashdeepHeader(algorithms_);
      if (IsStreamed()) {
        HM_TRY(session_.PrintNow(header));
      } else {
        text_ = header;
      }
    }
    for (const std::string& operand : arguments_.Operands()) HM_TRY(AddFiles(operand));
    if (const auto part = HM_TRY(PartAskedFor("hash", arguments_))) KeepOnly(*part);
    HM_TRY(HashAll());
    HM_TRY(Finish());
    return exit_;
  }

 private:
  bool IsStreamed() const { return format_ != "json" && arguments_.Text("--output").empty(); }

  Result<void> ChooseAlgorithms() {
    if (arguments_.Given("--json")) format_ = "json";
    if (arguments_.Given("--json-lines")) format_ = "json-lines";
    if (format_ == "checklist") {
      if (arguments_.Given("--algo") && arguments_.Text("--algo") != "md5") {
        return Error{Errc::kUsage, "hash", "a checklist holds md5 digests"};
      }
      algorithms_ = {Algorithm::kMd5};
      return {};
    }
    if (format_ == "hashdeep") {
      // hashdeep's own choice, unless said.
      algorithms_ = {Algorithm::kMd5, Algorithm::kSha256};
      if (arguments_.Given("--algo")) {
        algorithms_ =
            HM_TRY(ChosenAmong(std::array{Algorithm::kMd5, Algorithm::kSha1, Algorithm::kSha256},
                               arguments_, "a hashdeep list"));
      }
      return {};
    }
    algorithms_ = ChosenAlgorithms(arguments_);
    if (format_.empty()) format_ = algorithms_.size() == 1 && IsPlainGnu() ? "gnu" : "bsd";
    if (format_ == "gnu" && algorithms_.size() > 1) {
      return Error{Errc::kUsage, "hash", "a gnu list holds digests of one algorithm", std::nullopt,
                   "use --format bsd, which names the algorithm on every line"};
    }
    if (format_ == "gnu" && !CanBeGnu()) {
      return Error{Errc::kUsage, "hash",
                   fmt::format("{} in a gnu list would be taken for another digest",
                               InfoOf(algorithms_[0]).name),
                   std::nullopt, "use --format bsd, which names the algorithm on every line"};
    }
    return {};
  }

  // A gnu list does not name its algorithm. That of these goes by the length of the digest; others
  // of one length are for tools that know what they check (b2sum, b3sum), and said with --format.
  bool IsPlainGnu() const {
    const Algorithm algorithm = algorithms_.front();
    return algorithm == Algorithm::kMd5 || algorithm == Algorithm::kSha1 ||
           algorithm == Algorithm::kSha256 || algorithm == Algorithm::kSha384 ||
           algorithm == Algorithm::kSha512 || algorithm == Algorithm::kXxh64;
  }

  // Of some not even that tells.
  bool CanBeGnu() const {
    static constexpr std::array kAlone = {Algorithm::kTree, Algorithm::kGitBlob, Algorithm::kAutoV1,
                                          Algorithm::kAutoV2, Algorithm::kAutoV3};
    return std::ranges::find_first_of(algorithms_, kAlone) == algorithms_.end();
  }

  Result<void> AddFiles(const std::string& operand) {
    const std::filesystem::path root = operand;
    std::error_code ignored;
    const bool is_directory = std::filesystem::is_directory(root, ignored);
    Result<DirectoryListing> listing = ListFiles(root);
    if (!listing) {
      if (listing.error().code == Errc::kInterrupted) return listing.error();
      ListedFile failed{.name = operand, .path = root};
      failed.error = listing.error();
      files_.push_back(std::move(failed));
      return {};
    }
    for (const DirectoryEntry& entry : listing->files) {
      std::string name = operand;
      if (is_directory) {
        name = format_ == "checklist" ? entry.path : (root / entry.path).string();
      } else if (format_ == "checklist") {
        name = root.filename().string();
      }
      files_.push_back({.name = std::move(name), .path = entry.full_path, .size = entry.size});
    }
    for (const Finding& finding : listing->findings) {
      session_.Note(fmt::format("{}: {}", finding.subject, finding.message));
      if (finding.severity != Severity::kNote) exit_ = Worse(exit_, ExitCode::kInconclusive);
    }
    return {};
  }

  // autov3 begins behind the header of a safetensors file.
  Result<void> CheckDefined(const ListedFile& file) const {
    if (std::ranges::find(algorithms_, Algorithm::kAutoV3) == algorithms_.end()) return {};
    const auto opened = HM_TRY(OpenFile(file.path));
    if (HM_TRY(LooksLikeSafetensors(*opened))) return {};
    return Error{Errc::kUnsupported, file.name, "autov3 is defined for safetensors files only",
                 std::nullopt, "leave autov3 out, or give safetensors files"};
  }

  // Of the files those of one part.
  void KeepOnly(const Part& part) {
    stamp_ = PartStamp{.part = part, .request = RequestOf("hash", arguments_, {"--algo"})};
    Fingerprint print;
    std::vector<WorkItem> items;
    for (const ListedFile& file : files_) {
      items.push_back({file.name, file.size});
      print.AddFile(file.name, file.path);
      stamp_->total_bytes += file.size;
    }
    stamp_->total_files = files_.size();
    stamp_->files = print.Finish();
    const std::vector<std::uint64_t> parts = DivideWork(items, part.count);
    std::vector<ListedFile> kept;
    for (std::size_t i = 0; i < files_.size(); ++i) {
      if (parts[i] == part.index) kept.push_back(std::move(files_[i]));
    }
    files_ = std::move(kept);
  }

  Result<void> HashAll() {
    std::uint64_t bytes = 0;
    std::vector<FileToHash> todo;
    std::vector<std::size_t> index;
    for (std::size_t i = 0; i < files_.size(); ++i) {
      if (files_[i].error) {
        HM_TRY(Done(i));
        continue;
      }
      if (Result<void> can = CheckDefined(files_[i]); !can) {
        files_[i].error = std::move(can).error();
        HM_TRY(Done(i));
        continue;
      }
      bytes += files_[i].size;
      todo.push_back({files_[i].path, algorithms_, files_[i].name});
      index.push_back(i);
    }
    session_.GetTask().Begin("hashing", bytes, todo.size());
    const auto take = [&](std::size_t t, Result<HashedFile> hashed) {
      ListedFile& file = files_[index[t]];
      if (hashed && format_ == "hashdeep" && file.name.find_first_of("\r\n") != std::string::npos) {
        file.error = Error{Errc::kUnsupported, file.name,
                           "a name with a line break cannot stand in a hashdeep list", std::nullopt,
                           "use --format bsd or gnu"};
      } else if (hashed) {
        file.size = hashed->stamp.size;
        file.digests = std::move(hashed->outcome.digests);
        file.remembered_from = std::move(hashed->remembered_from);
      } else {
        file.error = std::move(hashed).error();
      }
      return Done(index[t]);
    };
    const std::unique_ptr<DigestCache> cache = OpenCacheAskedFor(arguments_, session_);
    HM_TRY(HashFiles(todo, session_.GetTask(), take, cache.get()));
    SaveCache(cache.get(), session_);
    return {};
  }

  // Lines come in the order of the files, each as soon as it and all before it are done.
  Result<void> Done(std::size_t i) {
    files_[i].done = true;
    if (files_[i].error) {
      session_.Report(*files_[i].error);
      exit_ = Worse(exit_, ExitCodeFor(*files_[i].error));
    }
    for (; next_ < files_.size() && files_[next_].done; ++next_) {
      if (format_ == "json" || (files_[next_].error && format_ != "json-lines")) continue;
      const std::string lines = Lines(files_[next_]);
      if (!IsStreamed()) {
        text_ += lines;
      } else {
        HM_TRY(session_.PrintNow(lines));
      }
    }
    return {};
  }

  std::string Lines(const ListedFile& file) const {
    if (format_ == "json-lines") {
      JsonWriter json(JsonWriter::Form::kCompact);
      Write(file, &json);
      return json.Take() + "\n";
    }
    const NameForm form =
        IsStreamed() && session_.OutIsTerminal() ? NameForm::kForTerminal : NameForm::kBytes;
    // A list outlives the run: it says itself what was not read for it.
    std::string lines =
        file.remembered_from.empty()
            ? ""
            : fmt::format("# not read now, remembered from {}:\n", file.remembered_from);
    if (format_ == "hashdeep") {
      return lines + HashdeepLine(file.size, file.digests, file.name, form);
    }
    for (const Digest& digest : file.digests) {
      lines +=
          format_ == "bsd" ? BsdLine(digest, file.name, form) : GnuLine(digest, file.name, form);
    }
    return lines;
  }

  static void Write(const ListedFile& file, JsonWriter* json) {
    json->BeginObject();
    json->Member("path", file.name);
    json->Member("size", file.size);
    json->Key("digests").BeginArray();
    for (const Digest& digest : file.digests) json->String(digest.ToString());
    json->EndArray();
    if (!file.remembered_from.empty()) json->Member("remembered_from", file.remembered_from);
    if (file.error) {
      json->Key("error");
      WriteError(*file.error, json);
    }
    json->EndObject();
  }

  Result<void> Finish() {
    if (format_ == "json" || format_ == "json-lines") {
      const bool lines = format_ == "json-lines";
      JsonWriter json = BeginReport("hash", ExitCodeName(exit_), exit_,
                                    lines ? JsonWriter::Form::kCompact : JsonWriter::Form::kPretty);
      if (stamp_) WritePart(*stamp_, &json);
      std::uint64_t hashed = 0, bytes = 0;
      RememberedTotal remembered;
      if (!lines) json.Key("files").BeginArray();
      for (const ListedFile& file : files_) {
        if (!lines) Write(file, &json);
        if (file.error) continue;
        if (!file.remembered_from.empty()) {
          remembered.Add({1, file.size, file.remembered_from});
          continue;
        }
        ++hashed;
        bytes += file.size;
      }
      if (!lines) json.EndArray();
      if (lines) json.Member("records", static_cast<std::uint64_t>(files_.size()));
      json.Member("files_hashed", hashed);
      json.Member("bytes_hashed", bytes);
      WriteRemembered(remembered, &json);
      const std::string report = EndReport(&json);
      if (IsStreamed()) return session_.PrintNow(report);
      text_ += report;
    }
    if (IsStreamed()) return {};
    // A list that lacks files would be taken for that of a smaller release.
    const auto failed = std::ranges::count_if(
        files_, [](const ListedFile& file) { return file.error.has_value(); });
    if (failed > 0 && format_ != "json" && format_ != "json-lines") {
      session_.Note(fmt::format("{} was not written: {} could not be hashed",
                                arguments_.Text("--output"),
                                Count(static_cast<std::uint64_t>(failed), "file")));
      return {};
    }
    return session_.PrintTo(arguments_.Text("--output"), arguments_.Given("--force"), text_);
  }

  const Arguments& arguments_;
  Session& session_;
  std::string format_;
  std::vector<Algorithm> algorithms_;
  std::vector<ListedFile> files_;
  std::optional<PartStamp> stamp_;
  std::size_t next_ = 0;  // first file whose line was not written
  std::string text_;
  ExitCode exit_ = ExitCode::kOk;
};

// Of the manifest that the new one follows.
Result<Digest> DigestOfManifest(const std::string& path) {
  constexpr std::uint64_t kMaxManifest = 256'000'000;  // bytes
  const auto file = HM_TRY(OpenFile(path));
  const std::string text = HM_TRY(ReadWholeFile(*file, kMaxManifest));
  HM_TRY(ParseManifest(text, path));
  return HashBytes(Algorithm::kSha256, AsBytes(text));
}

Result<ExitCode> WriteModelManifest(const Arguments& arguments, Session& session) {
  if (arguments.Operands().size() != 1) {
    return Error{Errc::kUsage, "hash", "a manifest is about one model", std::nullopt,
                 "give one directory or file"};
  }
  std::vector<Algorithm> extra;
  for (const std::string& name : arguments.List("--algo")) {
    const Algorithm algorithm = AlgorithmByName(name).value_or(Algorithm::kSha256);
    if (algorithm != Algorithm::kSha256 && algorithm != Algorithm::kTree) {
      extra.push_back(algorithm);
    }
  }
  HM_TRY(session.CheckOutput(arguments.Text("--output"), arguments.Given("--force")));
  std::string origin = HM_TRY(OriginAskedFor("hash", arguments));
  const auto revision = HM_TRY(RevisionAskedFor("hash", arguments));
  const auto expires = HM_TRY(ExpiryAskedFor("hash", arguments));
  std::optional<Digest> previous;
  if (arguments.Given("--previous")) {
    previous = HM_TRY(DigestOfManifest(arguments.Text("--previous")));
  }
  Manifest manifest = HM_TRY(BuildManifest(arguments.Operands()[0], extra, session.GetTask()));
  manifest.origin = std::move(origin);
  manifest.version = revision;
  manifest.expires = expires;
  manifest.previous = previous;
  const std::string text = HM_TRY(WriteManifest(manifest));
  HM_TRY(session.PrintTo(arguments.Text("--output"), arguments.Given("--force"), text));
  if (manifest.weights.empty()) {
    session.Note("the manifest has no weight identity: " + manifest.no_identity_reason);
  }
  return ExitCode::kOk;
}

// Digests of tensors' data instead of files, as llama-gguf-hash writes them: of each tensor in file
// order, then of all together.
class TensorHashRun {
 public:
  TensorHashRun(const Arguments& arguments, Session& session)
      : arguments_(arguments), session_(session) {}

  Result<ExitCode> Run() {
    HM_TRY(session_.CheckOutput(arguments_.Text("--output"), arguments_.Given("--force")));
    algorithms_ =
        HM_TRY(ChosenAmong(std::array{Algorithm::kXxh64, Algorithm::kSha1, Algorithm::kSha256},
                           arguments_, "a gguf-hash list"));
    for (const std::string& operand : arguments_.Operands()) {
      if (Result<void> done = Add(operand); !done) {
        if (done.error().code == Errc::kInterrupted) return std::move(done).error();
        session_.Report(done.error());
        exit_ = Worse(exit_, ExitCodeFor(done.error()));
      }
    }
    HM_TRY(session_.PrintTo(arguments_.Text("--output"), arguments_.Given("--force"), text_));
    return exit_;
  }

 private:
  Result<void> Add(const std::string& name) {
    const auto file = HM_TRY(OpenFile(name));
    const auto reader = HM_TRY(OpenContainer(*file));
    if (reader->FormatName() != "gguf") {
      return Error{Errc::kUnsupported, name, "not a GGUF file, of which a gguf-hash list is made"};
    }
    std::vector<TensorDataRequest> requests;
    for (std::size_t i = 0; i < reader->Tensors().size(); ++i) requests.push_back({i, algorithms_});
    requests.push_back({std::nullopt, algorithms_});
    session_.GetTask().Begin("hashing tensors", 2 * file->Size(), 1);
    const auto digests = HM_TRY(HashTensorData(*reader, requests, session_.GetTask()));
    HM_TRY(file->CheckUnchanged());
    const bool to_terminal = arguments_.Text("--output").empty() && session_.OutIsTerminal();
    const NameForm form = to_terminal ? NameForm::kForTerminal : NameForm::kBytes;
    for (std::size_t r = 0; r < requests.size(); ++r) {
      const std::string_view tensor =
          requests[r].tensor ? std::string_view(reader->Tensors()[*requests[r].tensor].name) : "";
      for (const Digest& digest : digests[r]) text_ += GgufHashLine(digest, name, tensor, form);
    }
    return {};
  }

  const Arguments& arguments_;
  Session& session_;
  std::vector<Algorithm> algorithms_;
  std::string text_;
  ExitCode exit_ = ExitCode::kOk;
};

Result<ExitCode> Run(const Arguments& arguments, Session& session) {
  const std::string format = arguments.Text("--format");
  if (arguments.Given("--part") && (format == "gguf-hash" || format == "manifest")) {
    return Error{Errc::kUsage, "hash", fmt::format("a {} is not made in parts", format)};
  }
  if (arguments.Given("--cached") && (format == "gguf-hash" || format == "manifest")) {
    return Error{Errc::kUsage, "hash",
                 fmt::format("a {} is made of what is read, not of digests of files", format),
                 std::nullopt, "leave --cached out"};
  }
  for (const std::string_view option : {"--origin", "--revision", "--expires", "--previous"}) {
    if (!arguments.Given(option) || format == "manifest") continue;
    return Error{Errc::kUsage, "hash", fmt::format("{} is for --format manifest", option)};
  }
  if (format == "gguf-hash") return TensorHashRun(arguments, session).Run();
  if (format == "manifest") return WriteModelManifest(arguments, session);
  return HashRun(arguments, session).Run();
}

}  // namespace

Verb HashVerb() {
  return {
      .name = "hash",
      .summary = "compute digests of files, or write a model's manifest",
      .description =
          "Reads every file once, whatever the number of digests. Lists of --format gnu and bsd "
          "can "
          "be checked by coreutils and read by verify --against; a checklist is Meta's (md5, names "
          "without the directory). hashdeep writes sizes too. gguf-hash is llama-gguf-hash's list, "
          "of the data of each tensor of a GGUF file instead of files.\n\n"
          "--format manifest writes what a release is: files with sizes, sha256, tree roots and "
          "the "
          "roots of each 4 MiB; tensors with their places and digests; the weight identity. "
          "Against "
          "a manifest, verify names the damaged ranges and tensors, and accepts the same weights "
          "in "
          "another container. Manifests of the same files are the same bytes on any machine.\n\n"
          "With --cached a comment before each file that was not read now says so, with the "
          "date.\n\n"
          "md5, sha1, crc32, xxh64, git-blob and autov1 to autov3 guard against accidents, not "
          "attackers.",
      .operands = {{.name = "PATH",
                    .help = "files, or directories to hash all files of",
                    .many = true}},
      .options = Joined(
          {{.name = "--algo",
            .kind = ValueKind::kChoices,
            .value = "LIST",
            .help = "digests to compute, separated by commas",
            .choices = {"sha256", "md5", "sha1", "sha384", "sha512", "blake2b", "blake3", "crc32",
                        "xxh64", "git-blob", "tree", "autov1", "autov2", "autov3"},
            .fallback = "sha256"},
           {.name = "--format",
            .kind = ValueKind::kChoice,
            .value = "FORMAT",
            .help = "gnu for one algorithm and bsd for several, unless said",
            .choices = {"gnu", "bsd", "checklist", "hashdeep", "gguf-hash", "manifest", "json"}},
           OutputOption("write to FILE, whole or not at all, instead of stdout"),
           ForceOption(),
           CachedOption(),
           PartOption(),
           JsonOption(),
           JsonLinesOption(),
           OriginOption("in a manifest: for whom and what it speaks"),
           RevisionOption(),
           ExpiresOption(),
           {.name = "--previous",
            .kind = ValueKind::kPath,
            .value = "MANIFEST",
            .help = "the manifest that this one follows"}},
          WorkOptions()),
      .examples = {{"hallmark hash model.safetensors", "a line that sha256sum -c can check"},
                   {"hallmark hash --algo md5,sha256,tree llama-2-7b/", "three digests, one read"},
                   {"hallmark hash --part 3/16 --json-lines mirror/", "one of sixteen workers"},
                   {"hallmark hash --format manifest -o llama-2-7b.json llama-2-7b/",
                    "write down what an official copy is"}},
      .exits = WithCommonExits({{ExitCode::kOk, "every file was read and hashed"}}),
      .run = Run,
  };
}

}  // namespace hallmark
