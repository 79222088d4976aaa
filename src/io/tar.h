// Uncompressed tar archives, whose members are files that need no unpacking. The bytes are drawn in
// docs/formats/tar.md.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "src/base/finding.h"
#include "src/io/folder.h"

namespace hallmark {

// Whether to try to read `file` as a tar: also true for a damaged one that carries its magic.
// Errors: kIo.
Result<bool> IsTar(const File& file);

struct TarMember {
  std::string path;  // relative and clean: CheckRelativePath
  ByteRange payload;
};

struct TarContents {
  std::vector<TarMember> members;  // regular files, by NaturalLess of their paths
  // Members that no path here leads to: links, devices, unsafe paths; bytes behind the end.
  std::vector<Finding> findings;
};

// POSIX.1-1988 (ustar) and POSIX.1-2001 (pax), GNU's and the 7th edition's headers; reads headers
// only. Errors: kIo; kMalformed (a checksum, number or record that is broken, a member beyond the
// end, no end mark, a path twice: what another program might read differently); kUnsupported
// (sparse members, archives in several volumes, paths and sizes for all members at once).
Result<TarContents> ReadTar(const File& tar);

// The files of `tar` as a folder; `path` is what a listing of the copy calls the tar. The members'
// names in messages are "model.tar: folder/config.json". Errors: as ReadTar.
Result<std::shared_ptr<const Folder>> FolderInTar(std::shared_ptr<const File> tar,
                                                  std::string path);

}  // namespace hallmark
