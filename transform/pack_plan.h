// How each byte of a file is to be packed, before any is read.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "formats/packed_frame.h"
#include "src/tensor/dtype.h"

namespace hallmark {

// The parts of a stored element of this type. Numbers that are no floats have no structure here.
PlaneLayout LayoutOf(Dtype dtype);

// A stretch of a file that consists of elements of one layout.
struct PackRegion {
  ByteRange range;
  PlaneLayout layout;
  std::optional<BasePlace> base;  // of the first byte
};

// Puts regions in order, joins those that continue each other, and leaves out those that begin in
// another one or are too small to be worth a piece; what is in no region is bytes without
// structure.
std::vector<PackRegion> ArrangeRegions(std::vector<PackRegion> regions);

// The pieces of the frame that holds `frame` of the file. `regions` come from ArrangeRegions.
std::vector<FramePiece> PiecesOf(std::span<const PackRegion> regions, ByteRange frame);

}  // namespace hallmark
