#include "weights/views.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "src/base/error.h"
#include "src/kernels/narrow.h"
#include "weights/scratch.h"

namespace hallmark {
namespace {

// Rows as long as this are read one by one, right to where they belong; shorter ones many at once
// into scratch memory.
constexpr std::uint64_t kLongRow = 8192;

class View : public BlockSource {
 public:
  explicit View(std::uint64_t size) : size_(size) {}
  std::uint64_t Size() const final { return size_; }
  Result<void> Read(std::uint64_t offset, MutableByteSpan out) const final {
    if (offset > size_ || out.size() > size_ - offset) {
      return Error{Errc::kIo, "", "a read beyond the end of a tensor", offset};
    }
    if (out.empty()) return {};
    return ReadWithin(offset, out);
  }

 private:
  virtual Result<void> ReadWithin(std::uint64_t offset, MutableByteSpan out) const = 0;

  std::uint64_t size_;
};

class StoredView final : public View {
 public:
  StoredView(const ModelReader& reader, std::size_t index)
      : View(reader.Tensors()[index].payload_bytes), reader_(reader), index_(index) {}

 private:
  Result<void> ReadWithin(std::uint64_t offset, MutableByteSpan out) const override {
    return reader_.ReadTensor(index_, offset, out);
  }

  const ModelReader& reader_;
  std::size_t index_;
};

class SliceView final : public View {
 public:
  SliceView(Bytes base, std::uint64_t offset, std::uint64_t size)
      : View(size), base_(std::move(base)), offset_(offset) {}

 private:
  Result<void> ReadWithin(std::uint64_t offset, MutableByteSpan out) const override {
    return base_->Read(offset_ + offset, out);
  }

  Bytes base_;
  std::uint64_t offset_;
};

std::uint64_t TotalSize(const std::vector<Bytes>& parts) {
  std::uint64_t total = 0;
  for (const Bytes& part : parts) total += part->Size();
  return total;
}

class BorrowedView final : public View {
 public:
  explicit BorrowedView(const BlockSource& base) : View(base.Size()), base_(base) {}

 private:
  Result<void> ReadWithin(std::uint64_t offset, MutableByteSpan out) const override {
    return base_.Read(offset, out);
  }

  const BlockSource& base_;
};

class ColumnSliceView final : public View {
 public:
  ColumnSliceView(Bytes base, std::uint64_t rows, std::uint64_t from, std::uint64_t width)
      : View(rows * width),
        base_(std::move(base)),
        base_width_(base_->Size() / rows),
        from_(from),
        width_(width) {}

 private:
  Result<void> ReadWithin(std::uint64_t offset, MutableByteSpan out) const override {
    while (!out.empty()) {
      const std::uint64_t row = offset / width_, in_row = offset % width_;
      const std::uint64_t whole = in_row == 0 ? out.size() / width_ : 0;
      std::uint64_t n = std::min<std::uint64_t>(out.size(), width_ - in_row);
      if (whole > 1 && base_width_ < kLongRow) {
        const std::uint64_t rows = std::min(whole, Scratch::kBytes / base_width_);
        n = rows * width_;
        HM_TRY(ReadRows(row, rows, out.first(n)));
      } else {
        HM_TRY(base_->Read(row * base_width_ + from_ + in_row, out.first(n)));
      }
      offset += n;
      out = out.subspan(n);
    }
    return {};
  }

  Result<void> ReadRows(std::uint64_t first, std::uint64_t count, MutableByteSpan out) const {
    Scratch scratch;
    const MutableByteSpan block = scratch.First(count * base_width_);
    HM_TRY(base_->Read(first * base_width_, block));
    for (std::uint64_t row = 0; row < count; ++row) {
      std::memcpy(out.data() + row * width_, block.data() + row * base_width_ + from_, width_);
    }
    return {};
  }

  Bytes base_;
  std::uint64_t base_width_, from_, width_;  // bytes a row
};

class RowsView final : public View {
 public:
  explicit RowsView(std::vector<Bytes> parts) : View(TotalSize(parts)), parts_(std::move(parts)) {}

 private:
  Result<void> ReadWithin(std::uint64_t offset, MutableByteSpan out) const override {
    for (const Bytes& part : parts_) {
      if (out.empty()) break;
      if (offset >= part->Size()) {
        offset -= part->Size();
        continue;
      }
      const std::uint64_t n = std::min<std::uint64_t>(out.size(), part->Size() - offset);
      HM_TRY(part->Read(offset, out.first(n)));
      out = out.subspan(n);
      offset = 0;
    }
    return {};
  }

  std::vector<Bytes> parts_;
};

class ColumnsView final : public View {
 public:
  ColumnsView(std::vector<Bytes> parts, std::uint64_t rows)
      : View(TotalSize(parts)), parts_(std::move(parts)), row_bytes_(Size() / rows) {
    for (const Bytes& part : parts_) widths_.push_back(part->Size() / rows);
  }

 private:
  Result<void> ReadWithin(std::uint64_t offset, MutableByteSpan out) const override {
    // Whole rows in batches; what is cut at either end goes by pieces of one row.
    while (!out.empty()) {
      const std::uint64_t row = offset / row_bytes_;
      const std::uint64_t in_row = offset % row_bytes_;
      std::uint64_t n;
      if (in_row != 0 || out.size() < row_bytes_) {
        n = std::min<std::uint64_t>(out.size(), row_bytes_ - in_row);
        HM_TRY(ReadInRow(row, in_row, out.first(n)));
      } else {
        const std::uint64_t rows = std::min(
            out.size() / row_bytes_, std::max<std::uint64_t>(1, Scratch::kBytes / row_bytes_));
        n = rows * row_bytes_;
        HM_TRY(ReadRows(row, rows, out.first(n)));
      }
      offset += n;
      out = out.subspan(n);
    }
    return {};
  }

  Result<void> ReadInRow(std::uint64_t row, std::uint64_t from, MutableByteSpan out) const {
    for (std::size_t i = 0; i < parts_.size() && !out.empty(); ++i) {
      if (from >= widths_[i]) {
        from -= widths_[i];
        continue;
      }
      const std::uint64_t n = std::min<std::uint64_t>(out.size(), widths_[i] - from);
      HM_TRY(parts_[i]->Read(row * widths_[i] + from, out.first(n)));
      out = out.subspan(n);
      from = 0;
    }
    return {};
  }

  Result<void> ReadRows(std::uint64_t first, std::uint64_t count, MutableByteSpan out) const {
    if (count == 1) return ReadInRow(first, 0, out);
    Scratch scratch;
    std::uint64_t column = 0;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      const std::uint64_t width = widths_[i];
      if (width == 0) continue;
      const bool is_long = width >= kLongRow;
      const MutableByteSpan block = is_long ? MutableByteSpan() : scratch.First(count * width);
      if (!is_long) HM_TRY(parts_[i]->Read(first * width, block));
      for (std::uint64_t row = 0; row < count; ++row) {
        const MutableByteSpan to = out.subspan(row * row_bytes_ + column, width);
        if (is_long) {
          HM_TRY(parts_[i]->Read((first + row) * width, to));
        } else {
          std::memcpy(to.data(), block.data() + row * width, width);
        }
      }
      column += width;
    }
    return {};
  }

  std::vector<Bytes> parts_;
  std::vector<std::uint64_t> widths_;  // bytes a row of each part
  std::uint64_t row_bytes_;
};

// Rows of rotary pairs in another order within their head: either from pairs (i, half) to halves
// (half, i), or back.
class RotaryView final : public View {
 public:
  enum class To { kHalves, kPairs };
  RotaryView(Bytes base, std::uint64_t heads, std::uint64_t rows, To to)
      : View(base->Size()),
        base_(std::move(base)),
        head_rows_(rows / heads),
        row_bytes_(Size() / rows),
        to_(to) {}

 private:
  Result<void> ReadWithin(std::uint64_t offset, MutableByteSpan out) const override {
    while (!out.empty()) {
      const std::uint64_t row = offset / row_bytes_;
      const std::uint64_t in_row = offset % row_bytes_;
      std::uint64_t n;
      if (in_row != 0 || out.size() < row_bytes_) {
        n = std::min<std::uint64_t>(out.size(), row_bytes_ - in_row);
        HM_TRY(base_->Read(BaseRow(row) * row_bytes_ + in_row, out.first(n)));
      } else {
        // As many whole rows as are wanted of this head.
        const std::uint64_t head_end = (row / head_rows_ + 1) * head_rows_;
        const std::uint64_t rows = std::min(out.size() / row_bytes_, head_end - row);
        n = rows * row_bytes_;
        HM_TRY(ReadRows(row, rows, out.first(n)));
      }
      offset += n;
      out = out.subspan(n);
    }
    return {};
  }

  std::uint64_t PairsToHalves(std::uint64_t in_head) const {
    return in_head % 2 * (head_rows_ / 2) + in_head / 2;
  }
  std::uint64_t HalvesToPairs(std::uint64_t in_head) const {
    const std::uint64_t pairs = head_rows_ / 2;
    return in_head % pairs * 2 + in_head / pairs;
  }
  // Which row of the base is this row of the view, and the other way round.
  std::uint64_t BaseRow(std::uint64_t row) const {
    const std::uint64_t in_head = row % head_rows_;
    return row - in_head + (to_ == To::kHalves ? HalvesToPairs(in_head) : PairsToHalves(in_head));
  }
  std::uint64_t RowOfBase(std::uint64_t base) const {
    const std::uint64_t in_head = base % head_rows_;
    return base - in_head + (to_ == To::kHalves ? PairsToHalves(in_head) : HalvesToPairs(in_head));
  }

  // Rows of one head, scattered over a stretch.
  Result<void> ReadRows(std::uint64_t first, std::uint64_t count, MutableByteSpan out) const {
    if (count == 1 || row_bytes_ >= kLongRow) {
      for (std::uint64_t i = 0; i < count; ++i) {
        HM_TRY(
            base_->Read(BaseRow(first + i) * row_bytes_, out.subspan(i * row_bytes_, row_bytes_)));
      }
      return {};
    }
    // A head of many short rows goes in batches of the base's rows.
    std::uint64_t lowest = BaseRow(first), highest = lowest;
    for (std::uint64_t row = first + 1; row < first + count; ++row) {
      lowest = std::min(lowest, BaseRow(row));
      highest = std::max(highest, BaseRow(row));
    }
    const std::uint64_t batch = std::max<std::uint64_t>(1, Scratch::kBytes / row_bytes_);
    Scratch scratch;
    for (std::uint64_t from = lowest; from <= highest; from += batch) {
      const std::uint64_t n = std::min(batch, highest - from + 1);
      const MutableByteSpan block = scratch.First(n * row_bytes_);
      HM_TRY(base_->Read(from * row_bytes_, block));
      for (std::uint64_t i = 0; i < n; ++i) {
        const std::uint64_t row = RowOfBase(from + i);
        if (row < first || row >= first + count) continue;
        std::memcpy(out.data() + (row - first) * row_bytes_, block.data() + i * row_bytes_,
                    row_bytes_);
      }
    }
    return {};
  }

  Bytes base_;
  std::uint64_t head_rows_;
  std::uint64_t row_bytes_;
  To to_;
};

class MinusOneView final : public View {
 public:
  MinusOneView(Bytes base, Dtype dtype)
      : View(base->Size() / InfoOf(dtype).block_bytes * sizeof(double)),
        base_(std::move(base)),
        dtype_(dtype),
        element_(InfoOf(dtype).block_bytes) {}

 private:
  Result<void> ReadWithin(std::uint64_t offset, MutableByteSpan out) const override {
    constexpr std::uint64_t kBatch = 4096;
    std::byte stored[kBatch * sizeof(double)];
    while (!out.empty()) {
      const std::uint64_t first = offset / sizeof(double);
      const std::uint64_t skip = offset % sizeof(double);
      const std::uint64_t wanted = (skip + out.size() + sizeof(double) - 1) / sizeof(double);
      const std::uint64_t n = std::min(kBatch, wanted);
      HM_TRY(base_->Read(first * element_, {stored, n * element_}));
      std::uint64_t shifted[kBatch];
      for (std::uint64_t i = 0; i < n; ++i) {
        std::uint64_t bits = 0;
        std::memcpy(&bits, stored + i * element_, element_);
        shifted[i] = LessOne(WidenBits(dtype_, bits));
      }
      const std::uint64_t taken = std::min<std::uint64_t>(out.size(), n * sizeof(double) - skip);
      std::memcpy(out.data(), reinterpret_cast<const std::byte*>(shifted) + skip, taken);
      offset += taken;
      out = out.subspan(taken);
    }
    return {};
  }

  // Processors differ in what becomes of a NaN, so it does not go through theirs.
  static std::uint64_t LessOne(std::uint64_t bits) {
    const auto value = std::bit_cast<double>(bits);
    if (std::isnan(value)) return bits | 1ull << 51;
    return std::bit_cast<std::uint64_t>(value - 1.0);
  }

  Bytes base_;
  Dtype dtype_;
  std::uint64_t element_;
};

}  // namespace

Bytes StoredBytes(const ModelReader& reader, std::size_t index) {
  return std::make_unique<StoredView>(reader, index);
}

Bytes Slice(Bytes base, std::uint64_t offset, std::uint64_t size) {
  HM_CHECK(offset <= base->Size() && size <= base->Size() - offset);
  return std::make_unique<SliceView>(std::move(base), offset, size);
}

Bytes JoinRows(std::vector<Bytes> parts) {
  HM_CHECK(!parts.empty());
  if (parts.size() == 1) return std::move(parts[0]);
  return std::make_unique<RowsView>(std::move(parts));
}

Bytes JoinColumns(std::vector<Bytes> parts, std::uint64_t rows) {
  HM_CHECK(!parts.empty() && rows != 0);
  for (const Bytes& part : parts) HM_CHECK(part->Size() % rows == 0);
  if (parts.size() == 1) return std::move(parts[0]);
  return std::make_unique<ColumnsView>(std::move(parts), rows);
}

namespace {

Bytes ReorderRotary(Bytes base, std::uint64_t heads, std::uint64_t rows, RotaryView::To to) {
  HM_CHECK(heads != 0 && rows != 0 && rows % heads == 0 && rows / heads % 2 == 0);
  HM_CHECK(base->Size() != 0 && base->Size() % rows == 0);
  return std::make_unique<RotaryView>(std::move(base), heads, rows, to);
}

}  // namespace

Bytes SplitRotaryPairs(Bytes base, std::uint64_t heads, std::uint64_t rows) {
  return ReorderRotary(std::move(base), heads, rows, RotaryView::To::kHalves);
}

Bytes JoinRotaryPairs(Bytes base, std::uint64_t heads, std::uint64_t rows) {
  return ReorderRotary(std::move(base), heads, rows, RotaryView::To::kPairs);
}

Bytes Borrow(const BlockSource& base) { return std::make_unique<BorrowedView>(base); }

Bytes SliceColumns(Bytes base, std::uint64_t rows, std::uint64_t from, std::uint64_t width) {
  HM_CHECK(rows != 0 && width != 0 && base->Size() % rows == 0);
  HM_CHECK(from <= base->Size() / rows && width <= base->Size() / rows - from);
  return std::make_unique<ColumnSliceView>(std::move(base), rows, from, width);
}

Bytes MinusOne(Bytes base, Dtype dtype) {
  HM_CHECK(IsFloatFamily(dtype));
  return std::make_unique<MinusOneView>(std::move(base), dtype);
}

}  // namespace hallmark
