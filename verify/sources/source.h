// A SOURCE: somebody's word on what the files of a release are.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/finding.h"
#include "src/base/task.h"
#include "src/hash/digest.h"
#include "src/hash/tree.h"
#include "weights/manifest.h"

namespace hallmark {

struct OmsStatement;

// Who says that a number is right.
struct Testimony {
  std::string claim;                   // "publisher", "community", "own", or "" where nobody says
  std::vector<std::string> witnesses;  // who published it, where the source says so
  std::uint64_t further_witnesses = 0;
};

struct ListedDigest {
  Digest digest;
  Testimony testimony = {};
};

// Roots of the subtrees over equal stretches of one file, as torrents of version 2 have them; the
// last one is padded as the tree is.
struct TreeLayer {
  std::uint64_t piece_bytes = 0;  // 16 KiB times a power of two
  std::vector<TreeNode> nodes;
};

// One file as a source lists it.
struct ListedFile {
  std::string path;  // relative and safe; empty where a list names none (a lone hash)
  std::optional<std::uint64_t> size;
  std::vector<ListedDigest> digests;  // may be empty: then only name and size are said
  std::uint64_t line = 0;             // in the list, 1-based; 0 if it has no lines
  // True if its absence from a copy leaves no gap: a list of the publisher's, or a file that the
  // official layout keeps elsewhere (the tokenizer beside LLaMA's size folders).
  bool optional = false;
  std::string note = {};  // what the source says about it, for people; or empty
  std::shared_ptr<const TreeLayer> layer = {};  // proven to lead to the tree's root; or null
};

// A stretch of what a piece list is about, in its order.
struct PieceSpan {
  enum class Holder : std::uint8_t {
    kFile,       // all of Source::files[file]
    kZeros,      // padding that no file holds (BEP 47)
    kElsewhere,  // a file that this source no longer speaks of
  };
  Holder holder;
  std::size_t file;  // for kFile
  std::uint64_t bytes;
};

// Digests of equal pieces of some files laid end to end, as torrents of version 1 have them; the
// last piece is what is left. A list of one file is the pieces of that file (metalink).
struct PieceList {
  Algorithm algorithm;
  std::uint64_t piece_bytes;       // not 0
  std::vector<std::byte> digests;  // of all pieces, one after another
  std::vector<PieceSpan> spans;    // no file twice
};

// What a list says of the data of one tensor, or of all tensors of a file in their order
// (llama-gguf-hash).
struct ListedTensor {
  std::size_t file;  // index into Source::files
  std::string name;  // as stored; empty: all of the file's tensor data
  std::vector<Digest> digests;
};

// Somebody whom the user trusts has signed a source.
struct Endorsement {
  std::string signer;         // who, for people: the names of keys, or an identity
  std::string scheme;         // "signed statement", "minisign signature"
  std::string origin = {};    // for whom those keys speak, where that is known: "org/model"
  std::string comment = {};   // what was signed beside the list: version, trusted comment
  bool for_this_run = false;  // whom the user named now, not whom they keep for that origin
};

struct Source {
  std::string name;     // as the user named it: "checklist.chk", "catalogue:llama-1/7B"
  std::string dialect;  // slug of what it was read as: "gnu", "manifest", "catalogue"
  std::string title;    // for people: "GNU checksum list"
  std::vector<ListedFile> files;
  std::vector<PieceList> pieces;
  std::vector<ListedTensor> tensors;  // by file
  std::string folder;  // what the release's own directory is called, where the source says so
  // False if the source is known not to list every file of the release (an incomplete catalogue
  // entry, a single hash): unlisted files are then no finding, and all-matching is partial.
  bool complete = true;
  bool inside_copy = false;  // found in or below the copy it is about: it cannot vouch for it
  std::string weights;       // "hm1:…" where the source says one
  std::optional<Manifest> manifest;  // if the source is one
  // If it is a model signature: then it says of every file where it is, and that there are no
  // others.
  std::shared_ptr<const OmsStatement> oms = {};
  std::optional<std::filesystem::path> model;  // if the source is another copy on disk
  std::vector<Finding> findings;               // lines not understood, weak algorithms, notes
  std::filesystem::path file;                  // what it was read from; empty if not from disk
  std::shared_ptr<const std::string> text;     // all of that file; null if not from a list
  std::string builder = {};                    // who built its files, by SLSA provenance
  std::string embedded_signature = {};         // signify's, where the list stands inside it
  std::vector<Endorsement> endorsements = {};  // by signatures that were checked
};

// The file of that path in the source's manifest; null: none, or it is no manifest.
const ManifestFile* FindInManifest(const Source& source, const std::string& path);

// How one dialect is told and read. `text` is the whole source.
struct Dialect {
  std::string_view name;
  std::string_view title;
  // Told by content; `file_name` (last component) may tip a balance, never decide alone.
  bool (*sniff)(std::string_view text, std::string_view file_name);
  // Errors: kMalformed, naming line or offset. Fills files, weights, manifest, complete, findings;
  // an empty subject in errors and findings means the source itself, and ParseSource fills it in.
  Result<Source> (*parse)(std::string_view text, std::string_view file_name);
  bool by_lines = true;  // false: JSON
};
std::span<const Dialect> AllDialects();  // in the order they are tried

// Sniffs and parses. Errors name what the text is instead: a saved web page, a git-lfs pointer's
// cousin, an empty list, a wrong-length hex (with its line), weights instead of a list.
Result<Source> ParseSource(std::string_view text, std::string name);

// Opens what `--against` names: a path to a list, a manifest or another copy, or a scheme
// (catalogue:ID). Another copy is hashed (sha256) with `task`.
Result<Source> OpenSource(const std::string& spec, const Task& task);

// Another copy as a source: a directory or one file of weights, its files hashed (sha256). A file
// that cannot be read is listed without a digest, and a finding says why.
Result<Source> SourceFromCopy(const std::filesystem::path& path, const Task& task);

// The lists that lie in, below or right beside a copy (a directory or one file), with paths rebased
// to it: llama/7B/checklist.chk names 7B/consolidated.00.pth of llama, llama/SHA256SUMS the
// 7B/params.json of llama/7B. Told by typical names, then by content. What lies in the copy, or
// beside a copy that is one file, has inside_copy set. `findings` names the lists that are broken.
struct SourcesAround {
  std::vector<Source> sources;
  std::vector<Finding> findings;
};
Result<SourcesAround> FindSourcesAround(const std::filesystem::path& copy, const Task& task);

// True if a digest of `file` binds its bytes against attackers. A tree root does so only together
// with the size: the two top nodes as a file of 64 bytes have the same root.
bool ResistsAttackers(const ListedFile& file);

// For each file of `source`, whether its digests or its pieces do so. Digests of tensors' data do
// not: they bind neither names nor shapes.
std::vector<bool> ResistingFiles(const Source& source);

// Adds the finding that some or all files have only digests that attackers can match.
void NoteWeakDigests(Source& source);

// Takes out digests that do not cover their files, with a finding.
void DropPartialDigests(Source& source);

}  // namespace hallmark
