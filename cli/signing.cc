#include "cli/signing.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>

#include "sign/keys/pkcs11_signer.h"
#include "sign/keys/secret_file.h"
#include "sign/keys/signing_key.h"
#include "sign/trust/statement_signature.h"
#include "src/base/text.h"
#include "src/json/json_writer.h"

namespace hallmark {
namespace {

constexpr std::size_t kMaxPassword = 4096;
constexpr std::string_view kTokenScheme = "pkcs11:";

Error WrongValue(std::string_view verb, std::string_view option, std::string_view got,
                 std::string_view wanted) {
  return {Errc::kUsage, std::string(verb),
          fmt::format("{}: got {}, expected {}", option, EscapeForPeople(got), wanted)};
}

Error CannotRead(std::string_view from) {
  return {Errc::kIo, std::string(from), fmt::format("read: {}", std::strerror(errno))};
}

// The first line of what can be read, without its end.
Result<Secret> ReadLine(int descriptor, std::string_view from) {
  Secret line(kMaxPassword);
  std::size_t size = 0;
  while (size < line.Size()) {
    const ssize_t got = read(descriptor, line.Bytes().data() + size, 1);
    if (got < 0 && errno == EINTR) return Error{Errc::kInterrupted, std::string(from), "stopped"};
    if (got < 0) return CannotRead(from);
    if (got == 0 || line.Bytes()[size] == std::byte{'\n'}) {
      if (size > 0 && line.Bytes()[size - 1] == std::byte{'\r'}) --size;
      return Secret::Copy(line.Bytes().first(size));
    }
    ++size;
  }
  return Error{Errc::kUsage, std::string(from),
               fmt::format("the password is longer than {} bytes", kMaxPassword)};
}

// The terminal without echo, put back when it goes away.
class QuietTerminal {
 public:
  explicit QuietTerminal(int descriptor) : descriptor_(descriptor) {
    if (tcgetattr(descriptor_, &before_) != 0) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    changed_ = tcsetattr(descriptor_, TCSAFLUSH, &quiet) == 0;
  }
  QuietTerminal(const QuietTerminal&) = delete;
  QuietTerminal& operator=(const QuietTerminal&) = delete;
  ~QuietTerminal() {
    if (changed_) tcsetattr(descriptor_, TCSAFLUSH, &before_);
  }

 private:
  int descriptor_;
  termios before_{};
  bool changed_ = false;
};

Result<Secret> AskOnce(int terminal, std::string_view prompt) {
  if (write(terminal, prompt.data(), prompt.size()) < 0) return CannotRead("/dev/tty");
  Result<Secret> line = [&] {
    const QuietTerminal quiet(terminal);
    return ReadLine(terminal, "/dev/tty");
  }();
  if (write(terminal, "\n", 1) < 0) return CannotRead("/dev/tty");
  return line;
}

Result<Secret> AskTerminal(std::string_view what, bool twice) {
  const int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
  if (terminal < 0) {
    return Error{Errc::kUsage, std::string(what), "there is no terminal to ask at", std::nullopt,
                 "give it with --password-file or --password-fd"};
  }
  auto first = AskOnce(terminal, EscapeForPeople(what) + ": ");
  if (first && twice) {
    const auto second = AskOnce(terminal, "again: ");
    if (!second) {
      first = second.error();
    } else if (second->Text() != first->Text()) {
      first = Error{Errc::kUsage, std::string(what), "the two are not the same"};
    }
  }
  close(terminal);
  return first;
}

}  // namespace

std::vector<Option> PasswordOptions() {
  return {{.name = "--password-file",
           .kind = ValueKind::kPath,
           .value = "FILE",
           .help = "read the password from the first line of FILE, which only you may read"},
          {.name = "--password-fd",
           .kind = ValueKind::kText,
           .value = "N",
           .help = "read the password from file descriptor N"}};
}

Result<PasswordSource> PasswordAskedFor(const Arguments& arguments, bool twice) {
  const std::string file = arguments.Text("--password-file");
  const std::string descriptor = arguments.Text("--password-fd");
  if (!file.empty() && !descriptor.empty()) {
    return Error{Errc::kUsage, "--password-fd", "does not go with --password-file"};
  }
  if (!file.empty()) {
    return PasswordSource([file](std::string_view) -> Result<Secret> {
      const Secret text = HM_TRY(ReadSecretFile(file));
      std::size_t size = std::min(text.Text().find('\n'), text.Size());
      if (size > 0 && text.Text()[size - 1] == '\r') --size;
      return Secret::Copy(text.Bytes().first(size));
    });
  }
  if (!descriptor.empty()) {
    const auto number = ParseDecimal(descriptor);
    if (!number || *number > 1023) {
      return Error{Errc::kUsage, "--password-fd",
                   fmt::format("got {}, expected a number", EscapeForPeople(descriptor))};
    }
    return PasswordSource([number = static_cast<int>(*number)](std::string_view) {
      return ReadLine(number, fmt::format("file descriptor {}", number));
    });
  }
  return PasswordSource([twice](std::string_view what) { return AskTerminal(what, twice); });
}

std::vector<Option> SigningKeyOptions() {
  return Joined({{.name = "--key",
                  .kind = ValueKind::kPath,
                  .value = "FILE",
                  .help = "secret key: of minisign, signify, OpenSSH or PEM, or a token's as "
                          "pkcs11:token=…;object=…"},
                 {.name = "--pkcs11-module",
                  .kind = ValueKind::kPath,
                  .value = "FILE",
                  .help = "the token's library, for a --key that is a token's"}},
                PasswordOptions());
}

Result<SigningKey> OpenKeyAskedFor(const Arguments& arguments) {
  const std::string key = arguments.Text("--key");
  if (key.empty()) {
    return Error{Errc::kUsage, "--key", "is missing: the secret key to sign with", std::nullopt,
                 "hallmark keygen makes one"};
  }
  const PasswordSource password = HM_TRY(PasswordAskedFor(arguments, false));
  const std::string module = arguments.Text("--pkcs11-module");
  if (!key.starts_with(kTokenScheme)) {
    if (!module.empty()) {
      return Error{Errc::kUsage, "--pkcs11-module", "is for a --key that is a token's"};
    }
    return OpenSigningKey(key, password);
  }
  if (module.empty()) {
    return Error{Errc::kUsage, "--pkcs11-module", "is missing: the library of the token"};
  }
  std::unique_ptr<Signer> signer = HM_TRY(OpenPkcs11Key(key, module, password));
  return SigningKey{std::move(signer)};
}

Option OriginOption(std::string_view help) {
  return {.name = "--origin", .kind = ValueKind::kText, .value = "ORG/MODEL", .help = help};
}

Option RevisionOption() {
  return {.name = "--revision",
          .kind = ValueKind::kText,
          .value = "N",
          .help = "which of the origin's statements it is; each has a higher number"};
}

Option ExpiresOption() {
  return {.name = "--expires",
          .kind = ValueKind::kText,
          .value = "DATE",
          .help = "from when on it counts as old: 2027-12-31, a UTC time or unix seconds"};
}

Result<std::string> OriginAskedFor(std::string_view verb, const Arguments& arguments) {
  std::string origin = arguments.Text("--origin");
  if (origin.empty() || IsOrigin(origin)) return origin;
  return WrongValue(verb, "--origin", origin, "letters, digits and ._- between slashes");
}

Result<std::optional<std::uint64_t>> RevisionAskedFor(std::string_view verb,
                                                      const Arguments& arguments) {
  if (!arguments.Given("--revision")) return std::optional<std::uint64_t>();
  const std::string text = arguments.Text("--revision");
  const auto revision = ParseDecimal(text);
  if (revision && *revision < kJsonIntegerLimit) return revision;  // a manifest can hold no more
  return WrongValue(verb, "--revision", text, "a number below 2^53");
}

Result<std::optional<std::uint64_t>> ExpiryAskedFor(std::string_view verb,
                                                    const Arguments& arguments) {
  if (!arguments.Given("--expires")) return std::optional<std::uint64_t>();
  const std::string text = arguments.Text("--expires");
  if (const auto expires = ParseUtc(text)) return expires;
  return WrongValue(verb, "--expires", text, "a date such as 2027-12-31");
}

Option TimeOption() {
  return {.name = "--time",
          .kind = ValueKind::kText,
          .value = "DATE",
          .help =
              "write that it was signed then, or \"now\" (default: SOURCE_DATE_EPOCH, else "
              "nothing)"};
}

Result<std::optional<std::uint64_t>> TimeAskedFor(std::string_view verb,
                                                  const Arguments& arguments) {
  std::string text = arguments.Text("--time");
  if (text == "now") return std::optional(Now());
  if (text.empty()) {
    const char* const epoch = std::getenv("SOURCE_DATE_EPOCH");
    if (epoch == nullptr || *epoch == '\0') return std::optional<std::uint64_t>();
    text = epoch;
  }
  if (const auto time = ParseUtc(text)) return time;
  return WrongValue(verb, "--time", text, "a date such as 2026-12-31");
}

std::uint64_t Now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now).count();
  return seconds < 0 ? 0 : static_cast<std::uint64_t>(seconds);
}

}  // namespace hallmark
