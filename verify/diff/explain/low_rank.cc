#include "verify/diff/explain/low_rank.h"

#define EIGEN_DONT_PARALLELIZE
#include <Eigen/Dense>
#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "src/base/error.h"

namespace hallmark {
namespace {

using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Matrix = Eigen::MatrixXf;
using Vector = Eigen::VectorXf;

constexpr double kNoiseEdge = 1.06;  // up to here a matrix is noise as a whole
constexpr double kLeastGap = 1.1;    // smaller steps between singular values are no candidates
constexpr double kMostRest = 1.5;    // edge of what a rank leaves, at most, to be a candidate
constexpr std::size_t kCandidates = 2;
constexpr int kLanczosSteps = 10;

// splitmix64: numbers that are the same everywhere.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t Next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
  // About normal: the sum of four uniform numbers.
  float Normal() {
    const std::uint64_t bits = Next();
    const auto part = [&](int i) { return static_cast<float>(bits >> (16 * i) & 0xffff); };
    return (part(0) + part(1) + part(2) + part(3)) * (1.0f / 37837.0f) - 3.4641f;
  }

 private:
  std::uint64_t state_;
};

// The largest singular value, from below: Golub and Kahan's bidiagonalisation, a few steps of it.
double LargestSingular(const RowMajor& m) {
  const int steps =
      static_cast<int>(std::min<Eigen::Index>(kLanczosSteps, std::min(m.rows(), m.cols())));
  Random random(1);
  Matrix left(m.rows(), steps), right(m.cols(), steps);
  Vector v(m.cols());
  for (float& x : v) x = random.Normal();
  v.normalize();
  Eigen::MatrixXd bidiagonal = Eigen::MatrixXd::Zero(steps, steps);
  for (int i = 0; i < steps; ++i) {
    right.col(i) = v;
    Vector u = m * v;
    u -= left.leftCols(i) * (left.leftCols(i).transpose() * u);
    const float alpha = u.norm();
    bidiagonal(i, i) = alpha;
    if (!(alpha > 0)) break;
    left.col(i) = u / alpha;
    v.noalias() = m.transpose() * left.col(i);
    v -= right.leftCols(i + 1) * (right.leftCols(i + 1).transpose() * v);
    const float beta = v.norm();
    if (!(beta > 0) || i + 1 == steps) break;
    bidiagonal(i, i + 1) = beta;
    v /= beta;
  }
  const Eigen::MatrixXd gram = bidiagonal * bidiagonal.transpose();
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(gram, Eigen::EigenvaluesOnly);
  return std::sqrt(std::max(0.0, solver.eigenvalues()(steps - 1)));
}

// The largest singular value over that with random signs.
double EdgeOf(const RowMajor& m) {
  RowMajor flipped = m;
  Random random(2);
  std::uint64_t bits = 0;
  for (Eigen::Index i = 0; i < flipped.size(); ++i) {
    if (i % 64 == 0) bits = random.Next();
    float& x = flipped.data()[i];
    x = std::bit_cast<float>(std::bit_cast<std::uint32_t>(x) ^
                             static_cast<std::uint32_t>(bits >> (i % 64) & 1) << 31);
  }
  const double floor = LargestSingular(flipped);
  return floor > 0 ? LargestSingular(m) / floor : 0;
}

Matrix Orthonormal(const Matrix& m) {
  return Eigen::HouseholderQR<Matrix>(m).householderQ() * Matrix::Identity(m.rows(), m.cols());
}

// m is about left * right, the columns of `left` orthonormal and those of right^T as long as the
// singular values say.
struct Directions {
  Matrix left;
  Matrix right;
  std::vector<double> singular;
};

Directions LeadingDirections(const RowMajor& m, std::size_t count) {
  constexpr int kPowerIterations = 2;
  const auto width = static_cast<Eigen::Index>(count);
  Random random(3);
  Matrix start(m.cols(), width);
  for (Eigen::Index i = 0; i < start.size(); ++i) start.data()[i] = random.Normal();
  Matrix range = Orthonormal(m * start);
  for (int i = 0; i < kPowerIterations; ++i) {
    range = Orthonormal(m * Orthonormal(m.transpose() * range));
  }
  const Matrix small = range.transpose() * m;
  const Eigen::MatrixXd wide = small.cast<double>();
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(wide * wide.transpose());
  Directions out;
  const Matrix turn = solver.eigenvectors().rowwise().reverse().cast<float>();
  out.left = range * turn;
  out.right = turn.transpose() * small;
  for (Eigen::Index i = 0; i < width; ++i) {
    out.singular.push_back(std::sqrt(std::max(0.0, solver.eigenvalues()(width - 1 - i))));
  }
  return out;
}

// Ranks after which the singular values fall most, at most `last`.
std::vector<std::size_t> WidestGaps(const std::vector<double>& singular, std::size_t last) {
  std::vector<std::size_t> ranks(last);
  std::iota(ranks.begin(), ranks.end(), 1);
  const auto gap = [&](std::size_t rank) { return singular[rank - 1] / singular[rank]; };
  std::erase_if(ranks, [&](std::size_t rank) {
    return !(singular[rank - 1] > 0) || (singular[rank] > 0 && gap(rank) < kLeastGap);
  });
  std::ranges::stable_sort(ranks, [&](std::size_t x, std::size_t y) {
    if (!(singular[y] > 0)) return false;
    if (!(singular[x] > 0)) return true;
    return gap(x) > gap(y);
  });
  if (ranks.size() > kCandidates) ranks.resize(kCandidates);
  return ranks;
}

}  // namespace

Spectrum LookAtSpectrum(std::span<const float> difference, std::size_t rows, std::size_t columns) {
  HM_CHECK(difference.size() == rows * columns);
  Spectrum out;
  if (difference.empty()) return out;
  RowMajor m = Eigen::Map<const RowMajor>(difference.data(), static_cast<Eigen::Index>(rows),
                                          static_cast<Eigen::Index>(columns));
  // Sums of squares stay within f32 whatever the values are.
  const float largest = m.cwiseAbs().maxCoeff();
  if (!(largest > 0)) return out;
  const float scale = std::ldexp(1.0f, -std::clamp(std::ilogb(largest), -120, 120));
  m *= scale;
  const auto unscaled = [&](double x) { return x / scale; };
  const double energy = m.cast<double>().squaredNorm();
  out.energy = unscaled(unscaled(energy));
  out.edge = EdgeOf(m);
  const std::size_t smaller = std::min(rows, columns);
  // A few rows that are others make a low rank by their number alone.
  const auto touched = static_cast<std::size_t>(
      std::min((m.array() != 0).rowwise().any().count(), (m.array() != 0).colwise().any().count()));
  for (const std::size_t most : {std::size_t{24}, std::size_t{72}}) {
    const std::size_t count = std::min(most + 8, smaller);
    const Directions found = LeadingDirections(m, count);
    out.singular.clear();
    for (const double x : found.singular) out.singular.push_back(unscaled(x));
    if (out.edge <= kNoiseEdge || count < 4) return out;
    const std::size_t last = std::min({most, count - 2, touched / 3});
    for (const std::size_t rank : WidestGaps(found.singular, last)) {
      const auto r = static_cast<Eigen::Index>(rank);
      const RowMajor left_over = m - found.left.leftCols(r) * found.right.topRows(r);
      const double left_energy = left_over.cast<double>().squaredNorm();
      const bool nothing_left = left_energy <= energy * 1e-10;
      const double rest = nothing_left ? 1 : EdgeOf(left_over);
      if (rest > kMostRest) continue;
      out.rank = rank;
      out.rest = rest;
      out.gap = found.singular[rank] > 0 ? found.singular[rank - 1] / found.singular[rank] : 1e9;
      out.energy_share = 1 - left_energy / energy;
      return out;
    }
    if (count == smaller || smaller < 3 * 24) break;
  }
  return out;
}

}  // namespace hallmark
