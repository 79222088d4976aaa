#include "cli/report/trust_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>

#include "cli/report/text.h"
#include "src/base/text.h"

namespace hallmark {
namespace {

std::string TimeText(std::uint64_t seconds) {
  return UtcText(std::chrono::system_clock::time_point(std::chrono::seconds(seconds)));
}

const RevokedKey* FindRevoked(const OriginTrust& trust, const NamedKey& key) {
  const Digest fingerprint = key.key.Fingerprint();
  const auto found = std::ranges::find(trust.Revoked(), fingerprint, &RevokedKey::fingerprint);
  return found == trust.Revoked().end() ? nullptr : &*found;
}

std::map<std::string, const AcceptedStatement*> NewestOf(const OriginTrust& trust) {
  std::map<std::string, const AcceptedStatement*> newest;
  for (const AcceptedStatement& accepted : trust.Accepted()) {
    const AcceptedStatement*& known = newest[accepted.kind];
    if (known == nullptr || accepted.root_version >= known->root_version) known = &accepted;
  }
  return newest;
}

std::string HeadLine(const OriginTrust& trust) {
  const TrustRoot& root = trust.Root();
  std::string line = EscapeForPeople(trust.Origin()) + ": ";
  if (root.version > 0) line += fmt::format("root {}, ", root.version);
  line += fmt::format("{} of {}", root.threshold, Count(root.keys.size(), "key"));
  if (root.expires) line += ", expires " + TimeText(*root.expires);
  if (root.witness_threshold > 0) {
    line +=
        fmt::format(", {} of {}", root.witness_threshold, Count(root.witnesses.size(), "witness"));
  }
  return line;
}

}  // namespace

std::string TrustText(const std::vector<OriginTrust>& origins, std::size_t width) {
  width = std::min(width, kMaxTextWidth);
  std::string text;
  for (const OriginTrust& trust : origins) {
    text += Wrapped(HeadLine(trust), width, 4);
    for (const NamedKey& key : trust.Root().keys) {
      std::string line = fmt::format("  {} {}, {}", KeyTypeName(key.key.Type()),
                                     EscapeForPeople(key.name), key.key.Fingerprint().ToString());
      if (const RevokedKey* revoked = FindRevoked(trust, key)) {
        line += ", revoked " + TimeText(revoked->time);
        if (!revoked->reason.empty()) line += ": " + EscapeForPeople(revoked->reason);
      }
      text += Wrapped(line, width, 4);
    }
    for (const auto& [kind, accepted] : NewestOf(trust)) {
      text += Wrapped(fmt::format("  {} version {}, {}, seen {}", kind, accepted->version,
                                  accepted->sha256.ToString(), TimeText(accepted->first_seen)),
                      width, 4);
    }
  }
  return text.empty() ? "nothing is trusted yet\n" : text;
}

std::string TrustHistoryText(const OriginTrust& trust, std::size_t width) {
  width = std::min(width, kMaxTextWidth);
  std::string text;
  for (const TrustEvent& event : trust.Events()) {
    text += Wrapped(
        fmt::format("{} {}: {}", TimeText(event.time), event.what, EscapeForPeople(event.detail)),
        width, 4);
  }
  return text.empty() ? "nothing happened yet\n" : text;
}

void WriteTrust(const OriginTrust& trust, bool history, JsonWriter* json) {
  const TrustRoot& root = trust.Root();
  json->BeginObject()
      .Member("origin", trust.Origin())
      .Member("root_version", root.version)
      .Member("threshold", root.threshold);
  if (trust.RootDigest()) json->Member("root", trust.RootDigest()->ToString());
  if (root.expires) json->Member("expires", TimeText(*root.expires));
  json->Key("keys").BeginArray();
  for (const NamedKey& key : root.keys) {
    json->BeginObject()
        .Member("name", key.name)
        .Member("type", KeyTypeName(key.key.Type()))
        .Member("fingerprint", key.key.Fingerprint().ToString());
    const RevokedKey* const revoked = FindRevoked(trust, key);
    json->Key("revoked").Bool(revoked != nullptr);
    if (revoked != nullptr) json->Member("reason", revoked->reason);
    json->EndObject();
  }
  json->EndArray();
  json->Member("witnesses", static_cast<std::uint64_t>(root.witnesses.size()))
      .Member("witness_threshold", root.witness_threshold);
  json->Key("accepted").BeginArray();
  for (const AcceptedStatement& accepted : trust.Accepted()) {
    // A version may be beyond what every reader of JSON can hold.
    json->BeginObject()
        .Member("kind", accepted.kind)
        .Member("version", std::to_string(accepted.version))
        .Member("sha256", accepted.sha256.ToString())
        .Member("root_version", accepted.root_version)
        .Member("first_seen", TimeText(accepted.first_seen))
        .EndObject();
  }
  json->EndArray();
  if (history) {
    json->Key("events").BeginArray();
    for (const TrustEvent& event : trust.Events()) {
      json->BeginObject()
          .Member("time", TimeText(event.time))
          .Member("what", event.what)
          .Member("detail", event.detail)
          .EndObject();
    }
    json->EndArray();
  }
  json->EndObject();
}

}  // namespace hallmark
