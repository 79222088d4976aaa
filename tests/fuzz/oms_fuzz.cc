// Model signatures: the input as a bundle, which nobody has signed, and as the statement in one. A
// statement that can be read can be written, and says the same when it is read again. And base64 as
// such: what can be read has one spelling.
#include <algorithm>
#include <map>
#include <tuple>

#include "sign/oms/verify_oms.h"
#include "sign/oms/write_oms.h"
#include "src/base/base64.h"
#include "tests/fuzz/source_properties.h"

namespace {

using namespace hallmark;

// Of RFC 6979, A.2.5, whose private half signs none of the seeds.
constexpr std::string_view kKey =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYP7UuiVanTHJYet0xjVtaMBJuJI7\n"
    "Yfps5mliLmDyn7Z5A/4QCLi8maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimQ==\n"
    "-----END PUBLIC KEY-----\n";

OmsModel ModelOf(const OmsStatement& statement) {
  OmsModel model;
  model.name = "model";
  model.hash = statement.hash;
  model.shard_bytes = statement.shard_bytes;
  model.allow_links = statement.allow_links;
  model.ignored_paths = statement.ignored_paths;
  model.for_model_signing_1_1 = model.is_one_file = statement.resources[0].path.empty();
  std::vector<const OmsResource*> sorted;
  for (const OmsResource& resource : statement.resources) sorted.push_back(&resource);
  std::ranges::sort(sorted, {}, [](const OmsResource* resource) {
    return std::pair<std::string_view, std::uint64_t>(resource->path, resource->range.offset);
  });
  for (const OmsResource* resource : sorted) {
    const std::string path = resource->path.empty() ? "file" : resource->path;
    if (model.files.empty() || model.files.back().path != path) {
      model.files.push_back({path, 0, {}});
    }
    model.files.back().size = resource->range.End();
    model.files.back().digests.push_back(resource->digest);
  }
  return model;
}

auto Comparable(const OmsStatement& statement) {
  std::vector<std::tuple<std::string, std::uint64_t, std::uint64_t, Digest>> resources;
  for (const OmsResource& resource : statement.resources) {
    resources.emplace_back(resource.path, resource.range.offset, resource.range.size,
                           resource.digest);
  }
  std::ranges::sort(resources);
  return std::tuple(std::move(resources), statement.method, statement.hash, statement.shard_bytes,
                    statement.allow_links);
}

void CheckStatement(std::string_view payload) {
  const auto statement = ParseOmsStatement(payload, "model.sig");
  const std::string bundle =
      R"({"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":)"
      R"({"publicKey":{}},"dsseEnvelope":{"payloadType":"application/vnd.in-toto+json","payload":")" +
      ToBase64(payload) + R"(","signatures":[{"sig":"MAA="}]}})";
  const auto source = ParseSource(bundle, "model.sig");
  CheckSource(source, "model.sig");
  // Other statements are other dialects' affair.
  HM_CHECK(statement.has_value() == (source.has_value() && source->dialect == "oms"));
  if (!statement) {
    HM_CHECK(statement.error().subject == "model.sig" && !statement.error().message.empty());
    return;
  }
  const auto written = WriteOmsStatement(ModelOf(*statement));
  HM_CHECK(written.has_value());
  const auto again = ParseOmsStatement(*written, "model.sig");
  HM_CHECK(again.has_value() && Comparable(*again) == Comparable(*statement));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = FuzzText(data, size);
  HM_CHECK(FromBase64(ToBase64(text)) == text);
  if (const auto bytes = FromBase64(text)) HM_CHECK(ToBase64(*bytes) == text);
  CheckStatement(text);
  static const PublicKey key = PublicKey::FromPem(kKey, "key").value();
  CheckSource(ParseSource(text, "model.sig"), "model.sig");
  HM_CHECK(!VerifyOmsBundle(text, {key, 0, true}, "model.sig"));
  return 0;
}
