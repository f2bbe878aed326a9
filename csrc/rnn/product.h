// The small matrix product of a step: a few rows times weights.
//
// Weights [K, N] are packed in panels of kPanel columns (the last one may be narrower, but always whole
// vectors): a panel has its columns of row 0, then of row 1, ... A tile keeps its sums in registers over
// all of K, in one order, so that a row's result does not depend on the rows beside it.
#pragma once

#include "rnn/unroll.h"
#include "rnn/vector.h"

namespace varlen::rnn {
namespace VARLEN_ISA {

constexpr int kPanelVectors = 4;
constexpr int kPanel = kPanelVectors * kLanes;
// Weights that are not packed are read faster in longer pieces, for which a single row has the registers.
constexpr int kWideVectors = kTileRows >= 6 && kVectorBytes == 64 ? 16 : 8;
constexpr int kWidePanel = kWideVectors * kLanes;

inline int panel_width(int num_columns, int first) {
  return num_columns - first < kPanel ? num_columns - first : kPanel;
}

// How many of a panel's columns there really are: none, if it lies in what rows are padded with.
inline int real_columns(int num_columns, int first, int width) {
  const int left = num_columns - first;
  return left < 0 ? 0 : left < width ? left : width;
}

// Packs the panel that begins at column `first`: columns from `matrix.num_columns` on are zeros.
inline void pack_panel(const Matrix<Real>& matrix, int num_columns, int first, Real* packed) {
  const int width = panel_width(num_columns, first);
  const int real = real_columns(matrix.num_columns, first, width);
  packed += static_cast<std::ptrdiff_t>(first) * matrix.num_rows;
  if (matrix.column_stride == 1) {
    for (int k = 0; k < matrix.num_rows; ++k) {
      std::memcpy(packed + k * width, matrix.data + k * matrix.row_stride + first,
                  sizeof(Real) * static_cast<std::size_t>(real));
      for (int n = real; n < width; ++n) packed[k * width + n] = 0;
    }
    return;
  }
  // A few rows at a time: along the columns of a transposed matrix whole cache lines are read.
  constexpr int kBlock = 64 / static_cast<int>(sizeof(Real));
  for (int block = 0; block < matrix.num_rows; block += kBlock) {
    const int end = matrix.num_rows - block < kBlock ? matrix.num_rows : block + kBlock;
    for (int n = 0; n < width; ++n) {
      const Real* column = matrix.data + (first + n) * matrix.column_stride;
      for (int k = block; k < end; ++k)
        packed[k * width + n] = n < real ? column[k * matrix.row_stride] : 0;
    }
  }
}

// `rows[r]` are the factors, `begin[r]` what is added to, `results[r]` may be the same.
template <int kRows, int kVectors>
void product_tile(const Real* const* rows, int num_terms, const Real* panel, std::ptrdiff_t stride,
                  const Real* const* begin, Real* const* results) {
  Vector sums[kRows][kVectors];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) sums[r][v] = load(begin[r] + v * kLanes);
  for (int k = 0; k < num_terms; ++k) {
    Vector weights[kVectors];
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) {
      weights[v] = load(panel + v * kLanes);
      __builtin_prefetch(panel + 8 * stride + v * kLanes);
    }
    panel += stride;
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const Vector value = splat(rows[r][k]);
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v) sums[r][v] += value * weights[v];
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) store(results[r] + v * kLanes, sums[r][v]);
}

// The transposed product: result r has column `column + r` of all rows, times the panel's rows.
template <int kRows, int kVectors>
void outer_tile(const Real* const* rows, int column, int num_terms, const Real* panel,
                const Real* const* begin, Real* const* results) {
  Vector sums[kRows][kVectors];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) sums[r][v] = load(begin[r] + v * kLanes);
  for (int k = 0; k < num_terms; ++k) {
    const Real* factors = rows[k] + column;
    Vector weights[kVectors];
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) weights[v] = load(panel + v * kLanes);
    panel += kVectors * kLanes;
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const Vector value = splat(factors[r]);
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v) sums[r][v] += value * weights[v];
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 16
    for (int v = 0; v < kVectors; ++v) store(results[r] + v * kLanes, sums[r][v]);
}

using ProductTile = void (*)(const Real* const*, int, const Real*, std::ptrdiff_t,
                             const Real* const*, Real* const*);
using OuterTile = void (*)(const Real* const*, int, int, const Real*, const Real* const*,
                           Real* const*);

template <int kRows>
struct TilesOfRows {
  static constexpr ProductTile product[kPanelVectors] = {
      product_tile<kRows, 1>, product_tile<kRows, 2>, product_tile<kRows, 3>,
      product_tile<kRows, 4>};
  static constexpr OuterTile outer[kPanelVectors] = {outer_tile<kRows, 1>, outer_tile<kRows, 2>,
                                                     outer_tile<kRows, 3>, outer_tile<kRows, 4>};
};

struct Tiles {
  ProductTile product;
  OuterTile outer;
};

template <int kRows = kTileRows>
Tiles tiles_of(int num_rows, int num_vectors) {
  if constexpr (kRows > 1)
    if (num_rows < kRows) return tiles_of<kRows - 1>(num_rows, num_vectors);
  return {TilesOfRows<kRows>::product[num_vectors - 1], TilesOfRows<kRows>::outer[num_vectors - 1]};
}

// The columns that a product takes at once, and the tile that does it, for at most kTileRows rows.
struct Piece {
  int width;
  ProductTile tile;
  const Real* weights;
  std::ptrdiff_t stride;
};

// Of columns [column, end), which begin at a panel's border. `is_alone`: these rows, all pieces of which are
// of one width, are a single one.
inline Piece piece_of(const Weights<Real>& weights, int num_terms, int num_columns, int column, int end,
                      int num_rows, bool is_alone) {
  if (weights.row_stride == 0) {
    const int width = panel_width(num_columns, column);
    return {width, tiles_of(num_rows, width / kLanes).product,
            weights.data + std::ptrdiff_t{column} * num_terms, width};
  }
  const bool is_wide = is_alone && end - column >= kWidePanel;
  const int width = is_wide ? kWidePanel : panel_width(num_columns, column);
  return {width,
          is_wide ? product_tile<1, kWideVectors> : tiles_of(num_rows, width / kLanes).product,
          weights.data + column, weights.row_stride};
}

// results[r][first .. first + width) = begin[r][...] + rows[r] @ weights[:, first .. first + width),
// for columns that begin at a panel's border.
inline void product(const Real* const* rows, int num_rows, int num_terms, const Weights<Real>& weights,
                    int num_columns, int first, int width, const Real* const* begin,
                    Real* const* results) {
  for (int column = first; column < first + width;) {
    const Piece piece = piece_of(weights, num_terms, num_columns, column, first + width, num_rows,
                                 num_rows == 1);
    const Real* from[kTileRows];
    Real* to[kTileRows];
    for (int r = 0; r < num_rows; ++r) {
      from[r] = begin[r] + column;
      to[r] = results[r] + column;
    }
    piece.tile(rows, num_terms, piece.weights, piece.stride, from, to);
    column += piece.width;
  }
}

}  // namespace VARLEN_ISA
}  // namespace varlen::rnn
