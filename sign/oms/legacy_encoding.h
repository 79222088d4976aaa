// What version 0.2 of model_signing signed in place of DSSE's encoding: Python's text for a
// payload, not the payload.
#pragma once

#include <string>
#include <string_view>

namespace hallmark {

// `bytes` as repr() of Python 3 writes them: b'…'.
std::string PythonBytesText(std::string_view bytes);

// "DSSEV1", and type and payload with their lengths; the payload as its PythonBytesText.
std::string LegacyPreAuthEncoding(std::string_view payload_type, std::string_view payload);

}  // namespace hallmark
