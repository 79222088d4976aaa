// HALLMARK_VERSION comes from the project() line, so that only this file is rebuilt for it.
#include "cli/version.h"

namespace hallmark {

std::string_view VersionText() { return HALLMARK_VERSION; }

}  // namespace hallmark
