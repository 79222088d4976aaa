// The statement "what a release is": files, tensors, groups, weight identity. docs/statements.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/hash/hash_sources.h"
#include "weights/identity.h"

namespace hallmark {

struct ManifestFile {
  std::string path;  // relative, "/" between components
  std::uint64_t size = 0;
  std::vector<Digest> digests;      // sha256 and tree always; others on request
  std::vector<TreeNode> sub_roots;  // 4 MiB each; empty for files of at most 4 MiB
};

// Where a stored tensor lies: what lets a damaged byte be named by the tensor it belongs to.
struct ManifestTensor {
  std::string name;  // canonical
  Dtype dtype;       // canonical element type
  Shape shape;       // canonical, after joining
  IdentityDigest digest;
  struct Place {
    std::string file;  // path of a ManifestFile
    std::string stored_name;
    Dtype stored_dtype;
    Shape stored_shape;
    ByteRange range;  // in that file
  };
  std::vector<Place> places;  // one a shard, or more of one kept in pieces, in joining order
};

struct Manifest {
  std::vector<ManifestFile> files;  // by path bytes
  std::string weights;              // "hm1:…", or empty: no identity
  std::string no_identity_reason;   // why, if empty
  std::string architecture;
  std::vector<GroupIdentity> groups;
  std::vector<ManifestTensor> tensors;
  std::vector<LeftOut> left_out;
  // For signing; absent until then.
  std::string origin;  // "org/model"
  std::optional<std::uint64_t> version, issued, expires;
  std::optional<Digest> previous;
  std::vector<std::string> unknown_fields;  // met while reading: ignored and reported
};

// The file of that path; null: none.
const ManifestFile* FindFile(const Manifest& manifest, std::string_view path);

// Reads every file at or below `root` (a directory or one file): sha256, tree and `extra` digests
// of each, and the weight identity of the model among them. A model that has no identity (or
// several models in one directory) is said in no_identity_reason, not an error. Errors: unreadable
// or changing files, paths that are not UTF-8, kInterrupted.
Result<Manifest> BuildManifest(const std::filesystem::path& root,
                               const std::vector<Algorithm>& extra, const Task& task);

// RFC 8785 canonical JSON with a final newline; the same bytes for the same files on any machine.
// kMalformed if a path or name is not UTF-8.
Result<std::string> WriteManifest(const Manifest& manifest);
// Strict: every digest, size, range and path is checked. `subject` is for messages.
Result<Manifest> ParseManifest(std::string_view json, std::string subject);

}  // namespace hallmark
