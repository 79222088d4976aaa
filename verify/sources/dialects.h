// The dialects of checksum sources, one .cc each; the order in which they are tried is source.cc's.
#pragma once

#include "verify/sources/source.h"

namespace hallmark {

extern const Dialect kManifestDialect;
extern const Dialect kStatementDialect;
extern const Dialect kCatalogueDialect;
extern const Dialect kHubTreeDialect;
extern const Dialect kLfsPointerDialect;
extern const Dialect kOciDialect;
extern const Dialect kOmsDialect;
extern const Dialect kInTotoDialect;
extern const Dialect kSigstoreDialect;
extern const Dialect kReceiptDialect;
extern const Dialect kModelScopeDialect;
extern const Dialect kCivitaiDialect;
extern const Dialect kTorrentDialect;
extern const Dialect kMetalinkDialect;
extern const Dialect kHashdeepDialect;
extern const Dialect kGgufHashDialect;
extern const Dialect kChecklistDialect;
extern const Dialect kGnuDialect;
extern const Dialect kBsdDialect;
extern const Dialect kOpensslDialect;
extern const Dialect kSfvDialect;
extern const Dialect kLoneHashDialect;

}  // namespace hallmark
