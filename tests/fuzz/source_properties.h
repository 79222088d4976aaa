// What must hold of every source, however hostile the text it was read from.
#pragma once

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "src/base/error.h"
#include "verify/sources/list_source.h"
#include "verify/sources/source.h"

namespace hallmark {

inline std::string_view FuzzText(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

inline void CheckSource(const Result<Source>& source, std::string_view name) {
  if (!source) {
    HM_CHECK(source.error().subject == name);
    HM_CHECK(!source.error().message.empty());
    return;
  }
  // Witnesses of a catalogue may disagree, also about the weights that are all it lists.
  const bool may_disagree = source->dialect == "catalogue";
  HM_CHECK(!source->files.empty() || !source->weights.empty() || may_disagree);
  HM_CHECK(!source->dialect.empty() && !source->title.empty());
  for (const PieceList& list : source->pieces) {
    HM_CHECK(list.piece_bytes > 0);
    std::uint64_t total = 0;
    std::set<std::size_t> files;
    for (const PieceSpan& span : list.spans) {
      total += span.bytes;
      if (span.holder != PieceSpan::Holder::kFile) continue;
      HM_CHECK(span.file < source->files.size() && files.insert(span.file).second);
      HM_CHECK(source->files[span.file].size == span.bytes);
    }
    const std::uint64_t count = total / list.piece_bytes + (total % list.piece_bytes != 0);
    HM_CHECK(list.digests.size() == count * InfoOf(list.algorithm).digest_bytes);
  }
  for (const ListedTensor& tensor : source->tensors) {
    HM_CHECK(tensor.file < source->files.size() && !tensor.digests.empty());
  }
  std::set<std::string_view> paths;
  for (const ListedFile& file : source->files) {
    HM_CHECK(paths.insert(file.path).second);
    if (!file.path.empty()) {
      const auto checked = CheckListedPath(file.path, true);
      HM_CHECK(checked.has_value() && *checked == file.path);
    }
    std::set<Algorithm> algorithms;
    for (const ListedDigest& listed : file.digests) {
      HM_CHECK(algorithms.insert(listed.digest.GetAlgorithm()).second || may_disagree);
      HM_CHECK(listed.digest.Bytes().size() == InfoOf(listed.digest.GetAlgorithm()).digest_bytes);
    }
  }
}

}  // namespace hallmark
