// Members that several machine-readable reports on two models share.
#pragma once

#include "src/json/json_writer.h"
#include "verify/diff/diff_report.h"

namespace hallmark {

// What JSON cannot hold, NaN and the infinities, is null.
void WriteNumber(double number, JsonWriter* json);
// An object of counts and measures; null where no pair is finite. Places only if `places`.
void WriteValues(const ValueComparison& values, bool places, JsonWriter* json);

// Objects.
void WriteSide(const DiffSide& side, JsonWriter* json);
void WriteTensorSide(const TensorDiff::Side& side, JsonWriter* json);
void WriteRounding(const BlockRounding& rounding, JsonWriter* json);

}  // namespace hallmark
