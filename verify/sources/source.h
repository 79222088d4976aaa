// A SOURCE: somebody's word on what the files of a release are.
#pragma once

#include <filesystem>
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

struct ListedDigest {
  Digest digest;
  std::string claim;                   // "publisher", "community", or "" where nobody says
  std::vector<std::string> witnesses;  // who published it, where the source says so
  std::uint64_t further_witnesses = 0;
};

// One file as a source lists it.
struct ListedFile {
  std::string path;  // relative and safe; empty where a list names none (a lone hash)
  std::optional<std::uint64_t> size;
  std::vector<ListedDigest> digests;  // may be empty: then only name and size are said
  std::uint64_t line = 0;             // in the list, 1-based; 0 if it has no lines
};

struct Source {
  std::string name;     // as the user named it: "checklist.chk", "catalogue:llama-1/7B"
  std::string dialect;  // slug of what it was read as: "gnu", "manifest", "catalogue"
  std::string title;    // for people: "GNU checksum list"
  std::vector<ListedFile> files;
  // False if the source is known not to list every file of the release (an incomplete catalogue
  // entry, a single hash): unlisted files are then no finding, and all-matching is partial.
  bool complete = true;
  bool inside_copy = false;  // found in or below the copy it is about: it cannot vouch for it
  std::string weights;       // "hm1:…" where the source says one
  std::optional<Manifest> manifest;            // if the source is one
  std::optional<std::filesystem::path> model;  // if the source is another copy on disk
  std::vector<Finding> findings;               // lines not understood, weak algorithms, notes
};

// How one dialect is told and read. `text` is the whole source.
struct Dialect {
  std::string_view name;
  std::string_view title;
  // Confidence by content; `file_name` (last component) may tip a balance, never decide alone.
  bool (*sniff)(std::string_view text, std::string_view file_name);
  // Errors: kMalformed, naming line or offset. Fills files, weights, manifest, complete, findings.
  Result<Source> (*parse)(std::string_view text, std::string_view file_name);
};
std::span<const Dialect> AllDialects();

// Sniffs and parses. Errors name what the text is instead: a saved web page, a git-lfs pointer's
// cousin, an empty list, a wrong-length hex (with its line), weights instead of a list.
Result<Source> ParseSource(std::string_view text, std::string name);

// Opens what `--against` names: a path to a list, a manifest or another copy, or a scheme
// (catalogue:ID). Another copy is hashed (sha256) with `task`.
Result<Source> OpenSource(const std::string& spec, const Task& task);

}  // namespace hallmark
