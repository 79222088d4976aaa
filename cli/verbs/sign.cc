// hallmark sign: signatures over statements, lists, any file, and models.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "cli/report/digest_list.h"
#include "cli/report/json.h"
#include "cli/session.h"
#include "cli/signing.h"
#include "cli/verbs/verbs.h"
#include "sign/detached/minisign.h"
#include "sign/detached/signify.h"
#include "sign/detached/sshsig.h"
#include "sign/oms/oms_tree.h"
#include "sign/oms/write_oms.h"
#include "sign/trust/statement_signature.h"
#include "src/base/text.h"
#include "src/hash/hash_files.h"
#include "src/io/atomic_file.h"
#include "src/io/file.h"
#include "verify/signatures/oms_model.h"
#include "verify/signatures/statement_subject.h"

namespace hallmark {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t kMaxStatement = 256'000'000;  // bytes
constexpr std::uint64_t kMaxSignedWhole = 1 << 30;    // of a file whose bytes are signed themselves

Error Usage(std::string message, std::string hint = {}) {
  return {Errc::kUsage, "sign", std::move(message), std::nullopt, std::move(hint)};
}

Result<std::string> ReadText(const fs::path& path, std::uint64_t limit) {
  const std::unique_ptr<File> file = HM_TRY(OpenFile(path));
  std::string text = HM_TRY(ReadWholeFile(*file, limit));
  HM_TRY(file->CheckUnchanged());
  return text;
}

class SignRun {
 public:
  SignRun(const Arguments& arguments, Session& session)
      : arguments_(arguments), session_(session), path_(arguments.Operands()[0]) {}

  Result<ExitCode> Run() {
    HM_TRY(Choose());
    HM_TRY(CheckOptions());
    if (output_.empty()) {
      return Usage("--output is missing: where the signature goes");
    }
    const bool adds = format_ == "statement" && arguments_.Given("--add");
    HM_TRY(CheckTarget(output_, adds || arguments_.Given("--force")));
    for (const std::string& input : {path_.string(), arguments_.Text("--key")}) {
      std::error_code code;
      if (!fs::equivalent(input, output_, code) || code) continue;
      return Usage(fmt::format("{} would be overwritten by its signature", input));
    }
    key_.emplace(HM_TRY(OpenKeyAskedFor(arguments_)));
    const std::string signature = HM_TRY(Sign());
    HM_TRY(WriteFileAtomically(output_, signature, adds || arguments_.Given("--force")));
    if (arguments_.Given("--json")) {
      JsonWriter json = BeginReport("sign", "ok", ExitCode::kOk);
      json.Member("format", format_)
          .Member("signed", path_.string())
          .Member("signature", output_)
          .Member("key", key_->signer->Public().Fingerprint().ToString());
      HM_TRY(session_.Print(EndReport(&json)));
    } else {
      HM_TRY(session_.Print(fmt::format("{}: {} by {}\n", EscapeForPeople(output_), Title(),
                                        key_->signer->Public().Fingerprint().ToString())));
    }
    return ExitCode::kOk;
  }

 private:
  // The form that was asked for, or the one that the operand is best signed in.
  Result<void> Choose() {
    format_ = arguments_.Text("--format");
    output_ = arguments_.Text("--output");
    std::error_code code;
    const bool is_folder = fs::is_directory(path_, code);
    if (format_.empty()) format_ = is_folder ? "oms" : "";
    if (is_folder && format_ != "oms") {
      return Usage(fmt::format("a directory is not signed in the form {}", format_),
                   "write what is in it first: hallmark hash --format manifest");
    }
    const bool is_json = !is_folder && HM_TRY(StartsLikeJson());
    if (is_json) text_ = HM_TRY(ReadText(path_, kMaxStatement));
    is_statement_ = is_json && IsStatement(text_);
    if (format_.empty()) format_ = is_statement_ ? "statement" : "minisign";
    if (!output_.empty() || format_ == "oms" || format_ == "sha256sig") return {};
    output_ = path_.string() + (format_ == "minisign" ? ".minisig" : ".sig");
    return {};
  }

  Result<bool> StartsLikeJson() const {
    const std::unique_ptr<File> file = HM_TRY(OpenFile(path_));
    std::byte first{};
    if (file->Size() > 0) HM_TRY(file->Read(0, {&first, 1}));
    return first == std::byte{'{'};
  }

  // Options of one form that make no sense for another.
  Result<void> CheckOptions() const {
    struct Own {
      std::string_view option, format;
    };
    static constexpr Own kOwn[] = {
        {"--add", "statement"},  {"--expires", "statement"}, {"--origin", "statement"},
        {"--name", "statement"}, {"--certificate", "oms"},   {"--oms-hash", "oms"},
        {"--shard-size", "oms"}, {"--oms-compat", "oms"},    {"--ignore", "oms"},
    };
    for (const Own& own : kOwn) {
      if (!arguments_.Given(own.option) || own.format == format_) continue;
      return Usage(fmt::format("{} is for --format {}, not {}", own.option, own.format, format_));
    }
    if (arguments_.Given("--revision") && format_ != "statement" && format_ != "minisign") {
      return Usage(fmt::format("--revision cannot be said in the form {}", format_));
    }
    return {};
  }

  Result<std::string> Sign() {
    if (format_ == "statement") return SignStatement();
    if (format_ == "oms") return SignOms();
    if (format_ == "sha256sig") return SignList();
    const SignedFile file = FileToSign();
    if (format_ == "signify") return SignSignify(*key_, file);
    if (format_ == "ssh") return SignSsh(*key_, file);
    MinisignOptions options{.with_sha256 = true};
    options.time = HM_TRY(TimeAskedFor("sign", arguments_));
    options.version = HM_TRY(RevisionAskedFor("sign", arguments_));
    return SignMinisign(*key_, file, options);
  }

  // Any file, however large: what is signed of it is computed in one read for each digest.
  SignedFile FileToSign() const {
    return {.name = path_.filename().string(),
            .digest = [this](Algorithm algorithm) -> Result<Digest> {
              std::optional<Digest> digest;
              const FileToHash file{path_, {algorithm}, path_.native()};
              std::error_code code;
              session_.GetTask().Begin("hashing", fs::file_size(path_, code), 1);
              HM_TRY(HashFiles({&file, 1}, session_.GetTask(),
                               [&](std::size_t, Result<HashedFile> hashed) -> Result<void> {
                                 digest = HM_TRY(std::move(hashed)).outcome.digests[0];
                                 return {};
                               }));
              return *digest;
            },
            .bytes = [this] { return ReadText(path_, kMaxSignedWhole); }};
  }

  Result<std::string> SignStatement() {
    StatementText statement = HM_TRY(DescribeStatement(text_, path_.string()));
    HM_TRY(FillIn(statement));
    SignedNote note{WriteStatementText(statement), {}};
    std::error_code code;
    if (arguments_.Given("--add") && fs::exists(output_, code)) {
      note = HM_TRY(ReadOwn(note.text));
    }
    const std::string name = arguments_.Given("--name")
                                 ? arguments_.Text("--name")
                                 : fs::path(arguments_.Text("--key")).stem().string();
    NoteSignature line = HM_TRY(SignNote(note, name, *key_->signer));
    std::erase_if(note.signatures, [&](const NoteSignature& other) {
      return other.name == line.name && other.key_id == line.key_id;
    });
    note.signatures.push_back(std::move(line));
    if (statement.origin.empty()) {
      session_.Note("it names no origin: it can be checked by --key, not by what is trusted");
    }
    return WriteSignedNote(note);
  }

  // What the statement does not say itself, options do; what it says they may only repeat.
  Result<void> FillIn(StatementText& statement) const {
    const std::string origin = HM_TRY(OriginAskedFor("sign", arguments_));
    const auto revision = HM_TRY(RevisionAskedFor("sign", arguments_));
    const auto expires = HM_TRY(ExpiryAskedFor("sign", arguments_));
    const auto contradicts = [&](std::string_view option) {
      return Usage(fmt::format("{} says otherwise than {} does", option, path_.string()),
                   "what a statement says of itself is signed as it stands");
    };
    if (!origin.empty()) {
      if (!statement.origin.empty() && statement.origin != origin) return contradicts("--origin");
      statement.origin = origin;
    }
    if (revision) {
      if (statement.version != 0 && statement.version != *revision) {
        return contradicts("--revision");
      }
      statement.version = *revision;
    }
    if (expires) {
      if (statement.expires && statement.expires != expires) return contradicts("--expires");
      statement.expires = expires;
    }
    const auto time = HM_TRY(TimeAskedFor("sign", arguments_));
    if (!statement.issued) {
      statement.issued = time;
    } else if (arguments_.Given("--time") && statement.issued != time) {
      return contradicts("--time");
    }
    return {};
  }

  // The signature that is there, to which another is added.
  Result<SignedNote> ReadOwn(const std::string& text) const {
    SignedStatement known =
        HM_TRY(ParseSignedStatement(HM_TRY(ReadText(output_, kMaxSignatureBytes)), output_));
    if (known.note.text == text) return std::move(known.note);
    return Error{Errc::kUsage, output_,
                 "it signs something else than what would be signed now: bytes, origin, revision "
                 "or dates differ",
                 std::nullopt, "say the same --origin, --revision, --expires and --time"};
  }

  Result<Manifest> ReadManifest() const {
    if (is_statement_) return ParseManifest(text_, path_.string());
    return Error{Errc::kUsage, path_.string(),
                 fmt::format("the form {} is made of a manifest or a directory", format_)};
  }

  // OpenBSD's SHA256.sig: a list of a manifest's files, inside its signature.
  Result<std::string> SignList() {
    const Manifest manifest = HM_TRY(ReadManifest());
    std::string list;
    for (const ManifestFile& file : manifest.files) {
      const auto digest =
          std::ranges::find(file.digests, Algorithm::kSha256, &Digest::GetAlgorithm);
      if (digest == file.digests.end()) {
        return Error{Errc::kUsage, file.path, "the manifest has no sha256 of it"};
      }
      list += BsdLine(*digest, file.path, NameForm::kBytes);
    }
    const std::string signature =
        HM_TRY(SignSignify(*key_, SignedText(fs::path(output_).filename().string(), list)));
    return WriteEmbeddedSignify(signature, list);
  }

  Result<std::string> SignOms() {
    const auto hash = AlgorithmByName(arguments_.Text("--oms-hash"));
    HM_CHECK(hash.has_value());
    OmsModel model;
    if (is_statement_) {
      if (arguments_.Given("--shard-size")) {
        return Usage("a manifest has no digests of shards", "sign the directory itself");
      }
      const Manifest manifest = HM_TRY(ReadManifest());
      model = HM_TRY(OmsModelOf(manifest, path_.stem().string(), *hash));
    } else {
      OmsHashing hashing{.hash = *hash, .ignored_paths = arguments_.Values("--ignore")};
      if (arguments_.Given("--shard-size")) {
        const auto bytes = ParseByteSize(arguments_.Text("--shard-size"));
        if (!bytes || *bytes == 0) return Usage("--shard-size is no size, such as 1GB");
        hashing.shard_bytes = *bytes;
      }
      if (const auto own = OwnPlace()) hashing.ignored_paths.push_back(*own);
      model = HM_TRY(HashOmsModel(path_, hashing, session_.GetTask()));
      HM_TRY(CheckTree(model));
    }
    model.for_model_signing_1_1 = arguments_.Given("--oms-compat");
    std::vector<Certificate> chain;
    for (const std::string& path : arguments_.Values("--certificate")) {
      const std::string pem = HM_TRY(ReadText(path, kMaxSignedWhole));
      for (Certificate& certificate : HM_TRY(Certificate::FromPem(pem, path))) {
        chain.push_back(std::move(certificate));
      }
    }
    return WriteOmsBundle(model, *key_->signer, chain);
  }

  // What could not be verified is not signed: links that leave the model.
  Result<void> CheckTree(const OmsModel& model) const {
    const std::string payload = HM_TRY(WriteOmsStatement(model));
    const OmsStatement statement = HM_TRY(ParseOmsStatement(payload, path_.string()));
    const OmsTree tree = HM_TRY(CompareOmsTree(statement, path_, output_));
    if (tree.problems.empty()) return {};
    const Finding& problem = tree.problems.front();
    return Error{Errc::kUsage, problem.subject, problem.message, std::nullopt,
                 "sign a copy without such links (cp -L), or leave it out with --ignore"};
  }

  // Where the signature goes if that is inside the model: it cannot list itself.
  std::optional<std::string> OwnPlace() const {
    std::error_code code;
    const fs::path inside = fs::absolute(output_, code)
                                .lexically_normal()
                                .lexically_relative(fs::absolute(path_, code).lexically_normal());
    const std::string text = inside.generic_string();
    if (text.empty() || text == "." || text.starts_with("..")) return std::nullopt;
    return text;
  }

  std::string_view Title() const {
    if (format_ == "statement") return "signed statement";
    if (format_ == "oms") return "model signature";
    if (format_ == "sha256sig") return "signed list";
    if (format_ == "signify") return "signify signature";
    return format_ == "ssh" ? "SSH signature" : "minisign signature";
  }

  const Arguments& arguments_;
  Session& session_;
  fs::path path_;
  std::string format_;
  std::string output_;
  std::string text_;  // of the operand, if it is JSON
  bool is_statement_ = false;
  std::optional<SigningKey> key_;
};

Result<ExitCode> Run(const Arguments& arguments, Session& session) {
  return SignRun(arguments, session).Run();
}

}  // namespace

Verb SignVerb() {
  std::vector<Option> options = SigningKeyOptions();
  options.push_back({.name = "--format",
                     .kind = ValueKind::kChoice,
                     .value = "FORM",
                     .help = "what to write (default: statement for a statement, oms for a "
                             "directory, else minisign)",
                     .choices = {"statement", "minisign", "signify", "ssh", "sha256sig", "oms"}});
  options.push_back(OutputOption(
      "write to FILE (default: beside what is signed, with .sig or .minisig after its name)"));
  options.push_back(OriginOption("for whom and what a statement speaks"));
  options.push_back(RevisionOption());
  options.push_back(ExpiresOption());
  options.push_back(TimeOption());
  options.push_back({.name = "--name",
                     .kind = ValueKind::kText,
                     .value = "NAME",
                     .help = "how a statement's signature calls the key (default: the key file's "
                             "name)"});
  options.push_back(
      {.name = "--add", .help = "add to the signatures that the statement has already"});
  options.push_back({.name = "--certificate",
                     .kind = ValueKind::kPath,
                     .value = "FILE",
                     .help = "the key's certificate in PEM, and those between it and its root",
                     .repeatable = true});
  options.push_back({.name = "--oms-hash",
                     .kind = ValueKind::kChoice,
                     .value = "ALGO",
                     .help = "digests of an OMS signature",
                     .choices = {"sha256", "blake2b", "blake3"},
                     .fallback = "sha256"});
  options.push_back({.name = "--shard-size",
                     .kind = ValueKind::kText,
                     .value = "SIZE",
                     .help = "a digest for each so many bytes of a file"});
  options.push_back({.name = "--ignore",
                     .kind = ValueKind::kPath,
                     .value = "PATH",
                     .help = "leave out a file or folder of the model, and say so",
                     .repeatable = true});
  options.push_back(
      {.name = "--oms-compat", .help = "as version 1.1 of model_signing can check it"});
  options.push_back(ForceOption());
  options.push_back(JsonOption());
  return {
      .name = "sign",
      .summary = "sign a statement, a list, a file or a model",
      .description =
          "A statement is what hallmark writes down: a manifest, a receipt, a recipe, a root. Its "
          "signature names the statement's digest and the weights, so that a converted copy can "
          "be checked by it too. Several keys can sign one statement: the first writes the "
          "signature, others --add to it.\n\n"
          "minisign, signify and ssh sign any file. sha256sig writes OpenBSD's SHA256.sig of a "
          "manifest's files. oms writes an OpenSSF model signature, of a directory, or of a "
          "manifest without reading the files again.\n\n"
          "Nothing of the time is written unless --time or SOURCE_DATE_EPOCH says it: the same "
          "statement and key give the same signature.",
      .operands = {{.name = "PATH", .help = "what to sign"}},
      .options = Joined(std::move(options), WorkOptions()),
      .examples = {{"hallmark sign model.json --key release.key --origin my-org/my-model "
                    "--revision 3 --expires 2027-12-31",
                    "a manifest, for verify"},
                   {"hallmark sign model.json --key second.key --add", "two keys that agree"},
                   {"hallmark sign SHA256SUMS --key release.key", "for minisign -V"},
                   {"hallmark sign model.json --key release.key --format sha256sig -o SHA256.sig",
                    "for signify -C"},
                   {"hallmark sign llama-7b/ --key oms.key --format oms -o llama-7b.sig",
                    "for model_signing"}},
      .exits = WithCommonExits({{ExitCode::kOk, "signed"},
                                {ExitCode::kUntrusted, "the key's file can be read by others"}}),
      .run = Run,
  };
}

}  // namespace hallmark
