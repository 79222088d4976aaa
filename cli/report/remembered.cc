#include "cli/report/remembered.h"

#include <fmt/format.h>

#include "cli/report/text.h"
#include "src/base/text.h"

namespace hallmark {

std::string RememberedText(const RememberedTotal& remembered) {
  if (remembered.files == 0) return {};
  return fmt::format("; {} not read now, {}, remembered from {}{}", Count(remembered.files, "file"),
                     HumanBytes(remembered.bytes), remembered.files == 1 ? "" : "as early as ",
                     remembered.oldest);
}

void WriteRemembered(const RememberedTotal& remembered, JsonWriter* json) {
  if (remembered.files == 0) return;
  json->Member("files_remembered", remembered.files);
  json->Member("bytes_remembered", remembered.bytes);
  json->Member("oldest_remembered", remembered.oldest);
}

}  // namespace hallmark
