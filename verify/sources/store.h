// Models inside the stores that tools keep on disk, which name blobs by their digests: Hugging
// Face's cache, Ollama's models, OCI image layouts. docs/sources/stores.md.
#pragma once

#include <filesystem>
#include <optional>

#include "src/io/directory.h"
#include "verify/sources/source.h"

namespace hallmark {

// What the names in a copy say of its files: blobs and links to them, the notes beside a download
// of Hugging Face's client, the manifests of Ollama. Nothing where no name says anything. The
// source came with the copy: it can show that the copy is whole, and no more. `listing` is of
// `copy`.
std::optional<Source> SourceFromStore(const std::filesystem::path& copy,
                                      const DirectoryListing& listing);

// A model that is named by its manifest in a store: the blobs it lists, read where they lie.
struct StoredModel {
  Source source;  // the manifest; inside the copy
  DirectoryListing
      listing;  // of the blobs that are there, under the names that `source` gives them
};
// Nothing where `path` is no OCI or Ollama manifest that lies in a store. Errors: a manifest there
// that is broken.
Result<std::optional<StoredModel>> OpenStoredModel(const std::filesystem::path& path);

}  // namespace hallmark
