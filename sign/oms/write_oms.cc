#include "sign/oms/write_oms.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sign/in_toto/statement.h"
#include "sign/oms/oms_key.h"
#include "sign/sigstore/dsse.h"
#include "src/base/base64.h"
#include "src/base/text.h"
#include "src/hash/hasher.h"
#include "src/json/json_writer.h"

namespace hallmark {
namespace {

constexpr std::string_view kMediaType = "application/vnd.dev.sigstore.bundle.v0.3+json";

struct NamedDigest {
  std::string name;
  const Digest* digest;
};

// By name, whose order as bytes is that of its code points.
Result<std::vector<NamedDigest>> Resources(const OmsModel& model) {
  std::vector<NamedDigest> resources;
  for (const OmsFile& file : model.files) {
    if (!IsValidUtf8(file.path)) {
      return Error{Errc::kUnsupported, file.path, "a name that is not UTF-8 cannot be signed",
                   std::nullopt, "rename the file"};
    }
    const std::string path = model.is_one_file && model.for_model_signing_1_1 ? "." : file.path;
    if (model.shard_bytes == 0) {
      HM_CHECK(file.digests.size() == 1 && file.digests[0].GetAlgorithm() == model.hash);
      resources.push_back({path, &file.digests[0]});
      continue;
    }
    std::uint64_t begin = 0;
    for (const Digest& digest : file.digests) {
      HM_CHECK(begin < file.size && digest.GetAlgorithm() == model.hash);
      const std::uint64_t end = begin + std::min(model.shard_bytes, file.size - begin);
      resources.push_back({fmt::format("{}:{}:{}", path, begin, end), &digest});
      begin = end;
    }
    HM_CHECK(begin == file.size);
  }
  std::ranges::sort(resources, {}, &NamedDigest::name);
  return resources;
}

void WriteSerialization(const OmsModel& model, JsonWriter& json) {
  json.Key("serialization").BeginObject();
  json.Member("method", model.shard_bytes == 0 ? "files" : "shards");
  json.Member("hash_type", InfoOf(model.hash).name);
  json.Key("allow_symlinks").Bool(model.allow_links);
  if (model.shard_bytes != 0) json.Member("shard_size", model.shard_bytes);
  std::vector<std::string> ignored = model.ignored_paths;
  std::ranges::sort(ignored);
  ignored.erase(std::unique(ignored.begin(), ignored.end()), ignored.end());
  if (!ignored.empty()) {
    json.Key("ignore_paths").BeginArray();
    for (const std::string& path : ignored) json.String(path);
    json.EndArray();
  }
  json.EndObject();
}

Result<void> CheckChain(const PublicKey& key, std::span<const Certificate> chain) {
  if (chain.empty()) return {};
  const PublicKey certified = HM_TRY(chain[0].Key());
  if (certified == key) return {};
  return Error{Errc::kUsage, "", "the certificate is of another key than the one that signs",
               std::nullopt, "give the signer's own certificate first"};
}

void WriteMaterial(const PublicKey& key, std::span<const Certificate> chain, JsonWriter& json) {
  json.Key("verificationMaterial").BeginObject();
  if (chain.empty()) {
    json.Key("publicKey").BeginObject().Member("hint", OmsKeyHint(key)).EndObject();
  } else {
    json.Key("x509CertificateChain").BeginObject().Key("certificates").BeginArray();
    for (const Certificate& certificate : chain) {
      json.BeginObject().Member("rawBytes", ToBase64(certificate.Der())).EndObject();
    }
    json.EndArray().EndObject();
  }
  json.Key("tlogEntries").BeginArray().EndArray();
  json.EndObject();
}

}  // namespace

Result<std::string> WriteOmsStatement(const OmsModel& model) {
  HM_CHECK(!model.is_one_file || model.files.size() == 1);
  const std::vector<NamedDigest> resources = HM_TRY(Resources(model));
  const auto root = MakeHasher(Algorithm::kSha256);
  for (const NamedDigest& resource : resources) root->Update(resource.digest->Bytes());

  const std::string_view hash = InfoOf(model.hash).name;
  const std::string algorithm = model.shard_bytes != 0 && model.for_model_signing_1_1
                                    ? fmt::format("{}-sharded-{}", hash, model.shard_bytes)
                                    : std::string(hash);
  JsonWriter json(JsonWriter::Form::kCanonical);
  json.BeginObject();
  json.Member("_type", kInTotoStatementType);
  json.Key("subject").BeginArray().BeginObject().Member("name", model.name);
  json.Key("digest").BeginObject().Member("sha256", root->Finish().Hex()).EndObject();
  json.EndObject().EndArray();
  json.Member("predicateType", kOmsPredicateType);
  json.Key("predicate").BeginObject();
  WriteSerialization(model, json);
  json.Key("resources").BeginArray();
  for (const NamedDigest& resource : resources) {
    json.BeginObject();
    json.Member("name", resource.name);
    json.Member("algorithm", algorithm);
    json.Member("digest", resource.digest->Hex());
    json.EndObject();
  }
  json.EndArray().EndObject().EndObject();
  std::string statement = json.Take();
  // Whatever a reader would refuse is not to be signed.
  HM_TRY(ParseOmsStatement(statement, model.name));
  return statement;
}

Result<std::string> WriteOmsBundle(const OmsModel& model, const Signer& signer,
                                   std::span<const Certificate> chain) {
  const PublicKey& key = signer.Public();
  HM_TRY(CheckOmsKey(key, ""));
  HM_TRY(CheckChain(key, chain));
  const std::string payload = HM_TRY(WriteOmsStatement(model));
  const std::string signature =
      HM_TRY(signer.Sign(AsBytes(DssePreAuthEncoding(kInTotoPayloadType, payload))));

  JsonWriter json(JsonWriter::Form::kCanonical);
  json.BeginObject();
  json.Member("mediaType", kMediaType);
  WriteMaterial(key, chain, json);
  json.Key("dsseEnvelope").BeginObject();
  json.Member("payload", ToBase64(payload));
  json.Member("payloadType", kInTotoPayloadType);
  json.Key("signatures").BeginArray().BeginObject();
  json.Member("sig", ToBase64(signature)).Member("keyid", "");
  json.EndObject().EndArray().EndObject().EndObject();
  return json.Take();
}

}  // namespace hallmark
