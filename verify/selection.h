// Which files a verification is about: all, those that --include names, those of one part.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "verify/copy.h"
#include "verify/verify.h"

namespace hallmark {

// Files that can only be judged together stay in one part, and are drawn for a sample together:
// those that pieces of one list cross, links to one file, and listed files that are missing with
// those that may be them under other names. `copy` and `sources` outlive it.
class Selection {
 public:
  // `is_source`: files of the copy that are sources themselves, by index.
  Selection(const VerifyOptions& options, const Copy& copy, std::span<const Source> sources,
            const std::vector<bool>& is_source);

  // For each file of source `s`, the file of the copy that it names.
  const std::vector<std::optional<std::size_t>>& MatchOf(std::size_t s) const { return match_[s]; }
  // Whether a listed file counts; `present`: its file in the copy, unfinished ones included.
  bool Has(const ListedFile& listed, std::optional<std::size_t> present) const;
  bool HasPresent(std::size_t p) const;
  // Whether --include asks for that path.
  bool Includes(std::string_view path) const;
  // Likewise, whatever --include says.
  bool InPart(std::size_t p) const { return in_part_.empty() || in_part_[RootOf(p)]; }
  // What the sample of a file that is read whole is drawn by.
  std::string_view KeyOf(std::size_t p) const;

 private:
  void Bind(std::span<const Source> sources, const std::vector<bool>& is_source);
  void BindMissing(const Source& source, std::size_t s, const std::vector<bool>& is_source);
  void BindPieces(const Source& source, std::size_t s);
  std::size_t RootOf(std::size_t node) const;
  void Unite(std::size_t a, std::size_t b);
  void Divide(const Part& part, std::span<const Source> sources,
              const std::vector<bool>& is_source);

  const VerifyOptions& options_;
  const Copy& copy_;
  std::vector<std::vector<std::optional<std::size_t>>> match_;
  // A forest over the files of the copy and one more node: listed files that are missing. A root
  // has the least index of its tree. Empty unless files are divided or drawn.
  mutable std::vector<std::size_t> parent_;
  std::vector<bool> in_part_;  // by node, roots only; empty: all are
};

}  // namespace hallmark
