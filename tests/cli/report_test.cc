#include <clocale>

#include "cli/progress.h"
#include "cli/report/digest_list.h"
#include "cli/report/fold.h"
#include "cli/report/text.h"
#include "cli/terminal.h"
#include "src/hash/hasher.h"
#include "tests/cli/fake_terminal.h"
#include "tests/support/test_support.h"

namespace hallmark {
namespace {

std::vector<std::string> Folded(const std::vector<std::string>& names) {
  std::vector<TensorInfo> tensors;
  for (const std::string& name : names) {
    tensors.push_back(TensorInfo{name, Dtype::kF16, {2, 3}, 12, {}, true});
  }
  std::vector<const TensorInfo*> pointers;
  for (const TensorInfo& tensor : tensors) pointers.push_back(&tensor);
  std::vector<std::string> patterns;
  for (const TensorPattern& pattern : FoldTensors(pointers)) {
    patterns.push_back(pattern.pattern + " x" + std::to_string(pattern.tensors));
  }
  return patterns;
}

TEST(FoldTensors, LayersBecomeRanges) {
  EXPECT_EQ(Folded({"layers.0.w", "norm", "layers.1.w", "layers.2.w", "layers.4.w"}),
            (std::vector<std::string>{"layers.{0-2,4}.w x4", "norm x1"}));
}

TEST(FoldTensors, ExpertsFoldOnlyWhenAllCombinationsAreThere) {
  EXPECT_EQ(Folded({"l.0.e.0.w", "l.0.e.1.w", "l.1.e.0.w", "l.1.e.1.w"}),
            std::vector<std::string>{"l.{0-1}.e.{0-1}.w x4"});
  // Layer 1 has no expert 1: folding both would claim a tensor that is not there.
  EXPECT_EQ(Folded({"l.0.e.0.w", "l.0.e.1.w", "l.1.e.0.w"}),
            (std::vector<std::string>{"l.0.e.{0-1}.w x2", "l.1.e.0.w x1"}));
}

TEST(FoldTensors, ShardsOfOneTensorCountOnceEach) {
  EXPECT_EQ(Folded({"wq.0", "wq.1", "wq.0", "wq.1"}), std::vector<std::string>{"wq.{0-1} x4"});
}

TEST(FoldTensors, OnlyPlainNumbersFold) {
  EXPECT_EQ(Folded({"a.01.w", "a.1.w", "a.9999999999.w", ""}),
            (std::vector<std::string>{"a.01.w x1", "a.1.w x1", "a.9999999999.w x1", " x1"}));
  EXPECT_EQ(Folded({"1.2.3.4.5", "1.2.3.4.6"}),
            (std::vector<std::string>{"1.2.3.4.5 x1", "1.2.3.4.6 x1"}));
}

TEST(DigestList, WritesNamesAsCoreutilsDoes) {
  const Digest digest = HashBytes(Algorithm::kMd5, {});
  const std::string hex = "d41d8cd98f00b204e9800998ecf8427e";  // RFC 1321, A.5
  EXPECT_EQ(GnuLine(digest, "a b", NameForm::kBytes), hex + "  a b\n");
  EXPECT_EQ(GnuLine(digest, "a\r\\\n", NameForm::kBytes), "\\" + hex + "  a\\r\\\\\\n\n");
  EXPECT_EQ(BsdLine(digest, "a\nb", NameForm::kBytes), "\\MD5 (a\\nb) = " + hex + "\n");
  EXPECT_EQ(GnuLine(digest, "a\x1b", NameForm::kBytes), hex + "  a\x1b\n");
  EXPECT_EQ(GnuLine(digest, "a\x1b", NameForm::kForTerminal), "\\" + hex + "  a\\x1b\n");
}

TEST(Wrapped, BreaksBetweenWordsAndIndents) {
  EXPECT_EQ(Wrapped("aa bb cc", 5, 2), "aa bb\n  cc\n");
  EXPECT_EQ(Wrapped("aa bb", 8, 2, 4), "aa\n  bb\n");
  EXPECT_EQ(Wrapped("a-word-that-is-too-long b", 5, 0), "a-word-that-is-too-long\nb\n");
  EXPECT_EQ(Wrapped("", 5, 0), "\n");
}

TEST(TextTable, AlignsByCodePointsAndPaintsTheFirstCell) {
  TextTable table(2);
  table.AlignRight(1);
  table.Add({"ä", "1", "x"}, Tone::kBad);
  table.AddLine("between", 3);
  table.Add({"long", "20"});
  EXPECT_EQ(table.ToString(Style()), "  ä      1  x\n           between\n  long  20\n");
  EXPECT_EQ(table.ToString(Style(true)).substr(0, 15), "  \x1b[1;31mä\x1b[0m");
}

TEST(ErrorText, IsWhatTheContractSays) {
  const Error error{Errc::kMalformed, "cut\x1b.bin", "got 99, limit 2", 0x40, "look\nthere"};
  EXPECT_EQ(ErrorText(error),
            "hallmark: error: cut\\x1b.bin: at byte 0x40: got 99, limit 2\n"
            "hallmark: hint: look\\nthere\n");
}

TEST(Numbers, ReadWell) {
  EXPECT_EQ(WithCommas(0), "0");
  EXPECT_EQ(WithCommas(999), "999");
  EXPECT_EQ(WithCommas(1000), "1,000");
  EXPECT_EQ(WithCommas(6'738'415'616), "6,738,415,616");
  EXPECT_EQ(HumanDuration(0), "0 s");
  EXPECT_EQ(HumanDuration(59.6), "1 min 0 s");
  EXPECT_EQ(HumanDuration(7500), "2 h 5 min");
  EXPECT_EQ(HumanDuration(1e18), "days");
}

TEST(ProgressBar, FitsItsWidthAndDropsTheLeastImportant) {
  const ProgressState state{"hashing", 500'000'000, 1'000'000'000, 1, 4, 5.0};
  EXPECT_EQ(ProgressBar(state, 120),
            "hashing  [==========>         ]   50%  500.0 MB of 1.0 GB  100.0 MB/s  5 s left"
            "  file 2 of 4");
  for (std::size_t width = 1; width < 120; ++width) {
    EXPECT_LE(Columns(ProgressBar(state, width)), width);
  }
  EXPECT_EQ(ProgressLine(state),
            "hallmark: hashing: 50%, 500.0 MB of 1.0 GB, 100.0 MB/s, 5 s left, file 2 of 4\n");
}

// What is read twice, or a total that was wrong, must not show 120 %.
TEST(ProgressBar, NeverGoesBeyondTheWhole) {
  const ProgressState state{"x", 12, 10, 9, 3, 1.0};
  EXPECT_THAT(ProgressBar(state, 100), testing::HasSubstr("100%"));
  EXPECT_THAT(ProgressBar(state, 100), testing::HasSubstr("file 3 of 3"));
}

TEST(ProgressDisplay, LeavesNoBarBehind) {
  FakeTerminal terminal;
  {
    ProgressDisplay display(&terminal, ProgressDisplay::Kind::kBar);
    display.Begin("hashing", 100, 1);
    display.Advance(50);
    while (true) {
      const std::lock_guard lock(terminal.mutex);
      if (!terminal.error.empty()) break;
    }
    display.WriteError("a message\n");
    display.Finish();
  }
  const std::string& text = terminal.error;
  EXPECT_THAT(text, testing::HasSubstr("\r\0"[0] + std::string("hashing")));
  EXPECT_THAT(text, testing::HasSubstr(" \ra message\n"));
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace hallmark
