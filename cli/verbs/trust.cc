// hallmark trust: whom to believe about what.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "cli/places.h"
#include "cli/report/json.h"
#include "cli/report/trust_report.h"
#include "cli/session.h"
#include "cli/signing.h"
#include "cli/verbs/verbs.h"
#include "sign/detached/public_key_file.h"
#include "sign/trust/trust_store.h"
#include "src/base/text.h"
#include "src/hash/hasher.h"
#include "src/io/file.h"

namespace hallmark {
namespace {

constexpr std::uint64_t kMaxFile = 1 << 20;  // bytes of a key, a root or a signature

Result<std::string> ReadText(const std::string& path) {
  const std::unique_ptr<File> file = HM_TRY(OpenFile(path));
  return ReadWholeFile(*file, kMaxFile);
}

// What a key is called that nobody gave a name: "release" of "keys/release.pub".
std::string KeyFileName(const std::string& path) {
  return std::filesystem::path(path).stem().string();
}

// A root's file, and its signature beside it.
Result<SignedRoot> ReadRoot(const std::string& path) {
  std::string json = HM_TRY(ReadText(path));
  auto signature = ReadText(path + ".sig");
  if (!signature) {
    Error error = std::move(signature).error();
    error.hint = "the signature of a root lies beside it: hallmark sign writes it";
    return error;
  }
  return ReadSignedRoot(std::move(json), *std::move(signature), path);
}

Result<OriginTrust> FindTrusted(const std::string& origin) {
  auto trust = HM_TRY(UserTrust().Find(origin));
  if (trust) return *std::move(trust);
  return Error{Errc::kNotFound, EscapeForPeople(origin), "nothing is trusted of it", std::nullopt,
               "hallmark trust list shows all origins"};
}

Result<ExitCode> List(const Arguments& arguments, Session& session) {
  std::vector<OriginTrust> origins;
  if (arguments.Operands().empty()) {
    origins = HM_TRY(UserTrust().List());
  } else {
    origins.push_back(HM_TRY(FindTrusted(arguments.Operands()[0])));
  }
  if (!arguments.Given("--json")) {
    HM_TRY(session.Print(TrustText(origins, session.Width())));
    return ExitCode::kOk;
  }
  JsonWriter json = BeginReport("trust list", "ok", ExitCode::kOk);
  json.Key("origins").BeginArray();
  for (const OriginTrust& trust : origins) WriteTrust(trust, false, &json);
  json.EndArray();
  HM_TRY(session.Print(EndReport(&json)));
  return ExitCode::kOk;
}

Result<ExitCode> History(const Arguments& arguments, Session& session) {
  const OriginTrust trust = HM_TRY(FindTrusted(arguments.Operands()[0]));
  if (!arguments.Given("--json")) {
    HM_TRY(session.Print(TrustHistoryText(trust, session.Width())));
    return ExitCode::kOk;
  }
  JsonWriter json = BeginReport("trust history", "ok", ExitCode::kOk);
  json.Key("origin");
  WriteTrust(trust, true, &json);
  HM_TRY(session.Print(EndReport(&json)));
  return ExitCode::kOk;
}

Result<ExitCode> Add(const Arguments& arguments, Session& session) {
  const std::string& path = arguments.Operands()[0];
  const std::string& origin = arguments.Operands()[1];
  NamedKey key = HM_TRY(ParsePublicKey(HM_TRY(ReadText(path)), path));
  key.name = arguments.Given("--name") ? arguments.Text("--name") : KeyFileName(path);
  const std::string name = key.name;
  const std::string fingerprint = key.key.Fingerprint().ToString();
  HM_TRY(UserTrust().Change(
      origin, [&](OriginTrust& trust) { return trust.AddKey(std::move(key), Now()); }));
  HM_TRY(session.Print(fmt::format("{} is believed about {}\nfingerprint: {}\n",
                                   EscapeForPeople(name), EscapeForPeople(origin), fingerprint)));
  return ExitCode::kOk;
}

Result<ExitCode> Pin(const Arguments& arguments, Session& session) {
  const SignedRoot root = HM_TRY(ReadRoot(arguments.Operands()[0]));
  const bool first_use = arguments.Given("--first-use");
  if (arguments.Given("--digest") == first_use) {
    return Error{Errc::kUsage, "trust pin",
                 first_use ? "--digest does not go with --first-use"
                           : "--digest is missing: what the publisher says the root's is",
                 std::nullopt,
                 first_use ? ""
                           : fmt::format("of this file it is {}; --first-use believes it "
                                         "unseen",
                                         root.sha256.ToString())};
  }
  if (!first_use) {
    const std::string text = arguments.Text("--digest");
    const auto digest = text.find(':') == text.npos ? Digest::FromHex(Algorithm::kSha256, text)
                                                    : Digest::Parse(text);
    if (!digest || digest->GetAlgorithm() != Algorithm::kSha256) {
      return Error{Errc::kUsage, "trust pin",
                   fmt::format("--digest: got {}, expected sha256:hex", EscapeForPeople(text))};
    }
    if (*digest != root.sha256) {
      return Error{Errc::kUntrusted, arguments.Operands()[0],
                   fmt::format("its digest is {}", root.sha256.ToString())};
    }
  }
  HM_TRY(UserTrust().Change(root.root.origin, [&](OriginTrust& trust) {
    return trust.SetRoot(root, first_use ? "first-use" : "pinned", Now());
  }));
  HM_TRY(session.Print(fmt::format("root {} is in force for {}: {} of {} keys\ndigest: {}\n",
                                   root.root.version, root.root.origin, root.root.threshold,
                                   root.root.keys.size(), root.sha256.ToString())));
  return ExitCode::kOk;
}

Result<ExitCode> Rotate(const Arguments& arguments, Session& session) {
  std::vector<SignedRoot> roots;
  for (const std::string& path : arguments.Operands()) roots.push_back(HM_TRY(ReadRoot(path)));
  const std::string origin = roots.front().root.origin;
  HM_TRY(
      UserTrust().Change(origin, [&](OriginTrust& trust) { return trust.Rotate(roots, Now()); }));
  HM_TRY(session.Print(
      fmt::format("root {} is in force for {}\n", roots.back().root.version, origin)));
  return ExitCode::kOk;
}

Result<ExitCode> Revoke(const Arguments& arguments, Session& session) {
  const std::string& origin = arguments.Operands()[0];
  const std::string& key = arguments.Operands()[1];
  HM_TRY(FindTrusted(origin));
  HM_TRY(UserTrust().Change(origin, [&](OriginTrust& trust) {
    return trust.Revoke(key, arguments.Text("--reason"), Now());
  }));
  HM_TRY(session.Print(fmt::format("{} is believed no more about {}\n", EscapeForPeople(key),
                                   EscapeForPeople(origin))));
  return ExitCode::kOk;
}

Result<ExitCode> Forget(const Arguments& arguments, Session& session) {
  const std::string& origin = arguments.Operands()[0];
  HM_TRY(UserTrust().Forget(origin));
  HM_TRY(session.Print(fmt::format("nothing is known of {} any more\n", EscapeForPeople(origin))));
  return ExitCode::kOk;
}

// A new root, or the next one after --after.
Result<ExitCode> MakeRoot(const Arguments& arguments, Session& session) {
  const std::string output = arguments.Text("--output");
  HM_TRY(session.CheckOutput(output, arguments.Given("--force")));
  TrustRoot root;
  root.version = 1;
  root.origin = HM_TRY(OriginAskedFor("trust root", arguments));
  root.expires = HM_TRY(ExpiryAskedFor("trust root", arguments));
  if (arguments.Given("--after")) {
    const std::string path = arguments.Text("--after");
    const TrustRoot before = HM_TRY(ParseTrustRoot(HM_TRY(ReadText(path)), path));
    if (root.origin.empty()) root.origin = before.origin;
    root.version = before.version + 1;
  }
  if (root.origin.empty()) {
    return Error{Errc::kUsage, "trust root", "--origin is missing: for whom the keys speak"};
  }
  for (const std::string& path : arguments.Operands()) {
    NamedKey key = HM_TRY(ParsePublicKey(HM_TRY(ReadText(path)), path));
    key.name = KeyFileName(path);
    if (key.key.Type() != KeyType::kEd25519 || !IsNoteName(key.name)) {
      return Error{Errc::kUsage, path,
                   "a root has keys of ed25519 in files whose names have no white space and no +"};
    }
    root.keys.push_back(std::move(key));
  }
  root.threshold = arguments.Number("--threshold").value_or(1);
  for (const std::string& text : arguments.Values("--witness")) {
    root.witnesses.push_back(HM_TRY(ParseNoteKey(text, "--witness")));
  }
  for (const std::string& text : arguments.Values("--log")) {
    root.logs.push_back(HM_TRY(ParseNoteKey(text, "--log")));
  }
  root.witness_threshold = arguments.Number("--witness-threshold").value_or(root.witnesses.size());
  const std::string text = WriteTrustRoot(root);
  // What cannot be read back is no root: too few keys, one of them twice.
  if (const auto again = ParseTrustRoot(text, "the root"); !again) {
    return Error{Errc::kUsage, "trust root", again.error().message};
  }
  HM_TRY(session.PrintTo(output, arguments.Given("--force"), text));
  session.Note(
      fmt::format("its digest is {}", HashBytes(Algorithm::kSha256, AsBytes(text)).ToString()));
  return ExitCode::kOk;
}

const Operand kOrigin = {
    .name = "ORIGIN", .help = "for whom keys speak: org/model", .kind = ValueKind::kText};

}  // namespace

Verb TrustVerb() {
  const Operand root = {.name = "ROOT", .help = "a root, with its signature in ROOT.sig"};
  return {
      .name = "trust",
      .summary = "whom to believe: list, add, pin, rotate, revoke, forget, history, root",
      .description =
          "verify calls a copy authentic when somebody who is trusted here has signed what it is "
          "held against. A key is trusted for an origin, such as org/model: one by one, or by a "
          "root, a file in which a publisher names its keys and how many of them must agree. The "
          "next root is signed by the keys of the one before.\n\n"
          "What was accepted is remembered: an older statement, a second one of the same version "
          "and one that is expired are refused.",
      .verbs =
          {
              {.name = "list",
               .summary = "list whom you trust about what",
               .operands = {{.name = "ORIGIN",
                             .help = "only this one",
                             .kind = ValueKind::kText,
                             .required = false}},
               .options = {JsonOption()},
               .examples = {{"hallmark trust list", "origins, keys, newest statements"}},
               .exits = WithCommonExits({{ExitCode::kOk, "listed"}}),
               .run = List},
              {.name = "add",
               .summary = "believe a key about an origin",
               .operands = {{.name = "KEY",
                             .help = "a public key: of minisign, signify, OpenSSH, PEM or a note"},
                            kOrigin},
               .options = {{.name = "--name",
                            .kind = ValueKind::kText,
                            .value = "TEXT",
                            .help = "how to call it (default: the file's name)"}},
               .examples = {{"hallmark trust add release.pub my-org/my-model",
                             "a key that you got from its owner"}},
               .exits = WithCommonExits({{ExitCode::kOk, "added, or known already"}}),
               .run = Add},
              {.name = "pin",
               .summary = "believe a root, by its digest",
               .operands = {root},
               .options = {{.name = "--digest",
                            .kind = ValueKind::kText,
                            .value = "SHA256",
                            .help = "what the publisher says that it is"},
                           {.name = "--first-use",
                            .help = "believe it unseen, and notice if it changes"}},
               .examples = {{"hallmark trust pin root.json --digest sha256:…",
                             "with a digest from a channel that you trust"}},
               .exits = WithCommonExits({{ExitCode::kOk, "in force"},
                                         {ExitCode::kUntrusted, "another root, or expired"}}),
               .run = Pin},
              {.name = "rotate",
               .summary = "go on to the next root",
               .operands = {{.name = "ROOT",
                             .help = "the next root, and those after it, in order",
                             .many = true}},
               .examples = {{"hallmark trust rotate root-2.json root-3.json",
                             "each is signed by the keys of the one before"}},
               .exits = WithCommonExits({{ExitCode::kOk, "in force"},
                                         {ExitCode::kUntrusted, "not the next one, or expired"}}),
               .run = Rotate},
              {.name = "revoke",
               .summary = "believe a key no more",
               .operands = {kOrigin,
                            {.name = "KEY",
                             .help = "its name or fingerprint, as list shows it",
                             .kind = ValueKind::kText}},
               .options = {{.name = "--reason",
                            .kind = ValueKind::kText,
                            .value = "TEXT",
                            .help = "why, for later"}},
               .examples = {{"hallmark trust revoke my-org/my-model release --reason stolen", ""}},
               .exits = WithCommonExits({{ExitCode::kOk, "revoked"}}),
               .run = Revoke},
              {.name = "forget",
               .summary = "forget an origin: keys, root, and what was accepted",
               .operands = {kOrigin},
               .examples = {{"hallmark trust forget my-org/my-model", "to start anew"}},
               .exits = WithCommonExits({{ExitCode::kOk, "forgotten"}}),
               .run = Forget},
              {.name = "history",
               .summary = "show what was done and noticed about an origin",
               .operands = {kOrigin},
               .options = {JsonOption()},
               .examples = {{"hallmark trust history my-org/my-model", ""}},
               .exits = WithCommonExits({{ExitCode::kOk, "shown"}}),
               .run = History},
              {.name = "root",
               .summary = "write a root: the keys that speak for an origin",
               .operands = {{.name = "KEY", .help = "public keys, of ed25519", .many = true}},
               .options = {OutputOption("write to FILE, whole or not at all, instead of stdout"),
                           OriginOption("for whom and what the keys speak"),
                           ExpiresOption(),
                           {.name = "--threshold",
                            .kind = ValueKind::kNumber,
                            .value = "K",
                            .help = "how many keys must agree",
                            .fallback = "1"},
                           {.name = "--after",
                            .kind = ValueKind::kPath,
                            .value = "ROOT",
                            .help = "it is the next one after this"},
                           {.name = "--witness",
                            .kind = ValueKind::kText,
                            .value = "KEY",
                            .help = "a witness's verifier key, name+hash+base64",
                            .repeatable = true},
                           {.name = "--witness-threshold",
                            .kind = ValueKind::kNumber,
                            .value = "K",
                            .help = "how many witnesses must have cosigned (default: all)"},
                           {.name = "--log",
                            .kind = ValueKind::kText,
                            .value = "KEY",
                            .help = "a log in which statements may stand, by its verifier key",
                            .repeatable = true},
                           ForceOption()},
               .examples = {{"hallmark trust root a.pub b.pub c.pub --threshold 2 --origin "
                             "my-org/my-model -o root.json",
                             "two of three; then hallmark sign root.json --key a.key"}},
               .exits = WithCommonExits({{ExitCode::kOk, "written"}}),
               .run = MakeRoot},
          },
  };
}

}  // namespace hallmark
