// The large products over all steps, in pieces that threads share out among themselves. Rows are given by
// address, so that no layout is copied.
#pragma once

#include "rnn/product.h"

namespace varlen::rnn {
namespace VARLEN_ISA {

inline void copy_row(const Real* from, int width, Real* to) {
  std::memcpy(to, from, sizeof(Real) * static_cast<std::size_t>(width));
}

// Some rows of a product, at most kTileRows, and some of its columns.
inline void multiply_piece(const RowsProduct<Real>& p, std::int64_t row, int num_rows, int column,
                           const Piece& piece) {
  alignas(64) Real scratch[kTileRows * kPanel];
  const int real = real_columns(p.true_columns, column, piece.width);
  const Real *at[kTileRows], *from[kTileRows];
  Real* to[kTileRows];
  for (int r = 0; r < num_rows; ++r) {
    from[r] = p.bias + column;
    to[r] = real < piece.width ? scratch + r * kPanel : p.results[row + r] + column;
  }
  const Real* weights = piece.weights;
  for (int i = 0; i < p.num_blocks; ++i) {
    const RowBlock& block = p.blocks[i];
    for (int r = 0; r < num_rows; ++r) at[r] = p.rows[row + r] + block.offset;
    piece.tile(at, block.num_terms, weights, piece.stride, from, to);
    for (int r = 0; r < num_rows; ++r) from[r] = to[r];
    weights += block.num_terms * piece.stride;
  }
  if (real < piece.width)
    for (int r = 0; r < num_rows; ++r) copy_row(to[r], real, p.results[row + r] + column);
}

// Rows [first, first + count) of a product; each panel of the weights serves them all.
inline void multiply_rows(const RowsProduct<Real>& p, std::int64_t first, std::int64_t count) {
  for (int column = 0, width; column < p.num_columns; column += width) {
    width = 0;
    for (std::int64_t row = first; row < first + count; row += kTileRows) {
      const std::int64_t left = first + count - row;
      const int num_rows = left < kTileRows ? static_cast<int>(left) : kTileRows;
      const Piece piece = piece_of(p.weights, p.num_terms, p.num_columns, column, p.true_columns,
                                   num_rows, count == 1);
      width = piece.width;
      multiply_piece(p, row, num_rows, column, piece);
    }
  }
}

constexpr int kChunkSteps = 128;

// A few factors of one set, for one panel of columns and a chunk of the steps: added to what is there, or
// written if this chunk is the first.
inline void multiply_chunk(const Factors<Real>& set, int first, int count, std::int64_t step,
                           int num_steps, const Real* panel, int width, int column, int real) {
  alignas(64) Real scratch[kTileRows * kPanel];
  alignas(64) static const Real zeros[kPanel] = {};
  for (int factor = first; factor < first + count; factor += kTileRows) {
    const int left = first + count - factor;
    const int num_rows = left < kTileRows ? left : kTileRows;
    const Real* from[kTileRows];
    Real *to[kTileRows], *results[kTileRows];
    for (int r = 0; r < num_rows; ++r) {
      results[r] = set.results + (factor + r) * set.stride + column;
      to[r] = real < width ? scratch + r * kPanel : results[r];
      from[r] = real < width || step == 0 ? zeros : results[r];
    }
    tiles_of(num_rows, width / kLanes)
        .outer(set.rows + step, factor, num_steps, panel, from, to);
    if (real == width) continue;
    for (int r = 0; r < num_rows; ++r)
      for (int n = 0; n < real; ++n)
        results[r][n] = step == 0 ? to[r][n] : results[r][n] + to[r][n];
  }
}

// Factors [first, first + count), counted through all sets, for the panel that begins at `column`.
inline void multiply_outer(const OuterProduct<Real>& p, int column, int first, int count) {
  alignas(64) Real chunk[kChunkSteps * kPanel];
  const int width = panel_width(p.num_columns, column);
  const int real = real_columns(p.true_columns, column, width);
  // Without a step the sums are zeros, which the first chunk writes.
  for (std::int64_t step = 0; step == 0 || step < p.num_steps; step += kChunkSteps) {
    const std::int64_t left = p.num_steps - step;
    const int num_steps = left < kChunkSteps ? static_cast<int>(left) : kChunkSteps;
    for (int k = 0; k < num_steps; ++k)
      copy_row(p.gradients + (step + k) * p.stride + column, width, chunk + k * width);
    int before = 0;
    for (int i = 0; i < p.num_sets; ++i) {
      const Factors<Real>& set = p.sets[i];
      const int begin = first > before ? first - before : 0;
      const int end = first + count - before < set.count ? first + count - before : set.count;
      if (begin < end)
        multiply_chunk(set, begin, end - begin, step, num_steps, chunk, width, column, real);
      before += set.count;
    }
  }
}

}  // namespace VARLEN_ISA
}  // namespace varlen::rnn
