// Finds functions that a pickle does not call itself but leaves where something will.
#pragma once

#include <span>
#include <vector>

#include "formats/pickle_graph.h"

namespace hallmark {

// The dangerous globals that can be reached from the arguments of any call, from what was put into
// its result, or from a state that BUILD set (`replaced_states`: those a later BUILD hid). A global
// that only lies in plain containers is not among them. Takes time in proportion to the graph.
std::vector<PickleRef> PlantedGlobals(const PickleGraph& graph,
                                      std::span<const PickleRef> replaced_states);

}  // namespace hallmark
