// Two tokenizers by what they do, whichever files they were read from.
#pragma once

#include "transform/tokenizer.h"
#include "verify/diff/fields/compare_fields.h"

namespace hallmark {

// A tokenizer and what of it the files did not say but this project's readers took.
struct ReadTokenizerSide {
  Tokenizer tokenizer;
  bool scores_are_made = false;     // from merges
  bool specials_are_taken = false;  // of Llama 3's ranks: Meta's code has them
};

// Token by token: text, score, kind; merges; the ids with a role; what is put around a text. An id
// with a role that one side lacks is not counted, padding at the end of a vocabulary is ignored.
// Chat templates are compared elsewhere.
void CompareTokenizers(const ReadTokenizerSide& a, const ReadTokenizerSide& b,
                       FieldComparison& out);

}  // namespace hallmark
