// Writes model signatures (OpenSSF Model Signing 1.0) of files that were hashed already.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sign/keys/signer.h"
#include "sign/oms/statement.h"
#include "sign/sigstore/certificate.h"

namespace hallmark {

struct OmsFile {
  std::string path;        // relative and safe, UTF-8
  std::uint64_t size = 0;  // bytes; asked for only where there are shards
  // One of the whole file; or one for each shard, in order, and none for an empty file.
  std::vector<Digest> digests;
};

// The model as it is to be signed.
struct OmsModel {
  std::string name;            // of its folder or of its one file, without folders in front
  bool is_one_file = false;    // no folder, and files[0] is all of it
  std::vector<OmsFile> files;  // in any order
  Algorithm hash = Algorithm::kSha256;  // of all digests; IsOmsHash
  std::uint64_t shard_bytes = 0;        // 0: files are not cut into shards
  bool allow_links = false;
  std::vector<std::string> ignored_paths;  // what was left out, kOmsDefaultIgnored too if it was
  // As model_signing 1.1.1 can check it: one file is ".", shards say their size in their algorithm.
  bool for_model_signing_1_1 = false;
};

// The statement, in RFC 8785 canonical form: the same model gives the same bytes. Resources are in
// the order of their names' code points. Errors: those of ParseOmsStatement, for whatever could not
// be read back; kUnsupported (a name that is not UTF-8).
Result<std::string> WriteOmsStatement(const OmsModel& model);

// The bundle: the statement, signed. With `chain`, which begins with the signer's own certificate,
// the method is `certificate`, else `key`. Errors: those of WriteOmsStatement and of the signer;
// kUnsupported (a key that is not on P-256, P-384 or P-521); kUsage (another key's certificate).
Result<std::string> WriteOmsBundle(const OmsModel& model, const Signer& signer,
                                   std::span<const Certificate> chain = {});

}  // namespace hallmark
