// The small matrix product of a step: a few rows times weights that were packed beforehand.
//
// Weights [K, N] are packed in panels of kPanel columns (the last one may be narrower, but always whole
// vectors): a panel has its columns of row 0, then of row 1, ... A tile keeps its sums in registers over
// all of K, in one order, so that a row's result does not depend on the rows beside it.
#pragma once

#include "rnn/vector.h"

namespace varlen::rnn {
namespace VARLEN_ISA {

constexpr int kPanelVectors = 4;
constexpr int kPanel = kPanelVectors * kLanes;

constexpr int kPackedRows = 64;

inline int panel_width(int num_columns, int first) {
  return num_columns - first < kPanel ? num_columns - first : kPanel;
}

// weights[k, n] is at weights[k * row_stride + n * column_stride]; num_columns is a multiple of kLanes.
inline void pack(const float* weights, std::ptrdiff_t row_stride, std::ptrdiff_t column_stride,
                 int num_rows, int num_columns, float* packed) {
  for (int first = 0; first < num_columns; first += kPanel) {
    const int width = panel_width(num_columns, first);
    // In the order of the weights in memory, a few rows at a time, so that both sides stay in the cache.
    for (int block = 0; block < num_rows; block += kPackedRows) {
      const int end = num_rows - block < kPackedRows ? num_rows : block + kPackedRows;
      if (column_stride == 1) {
        for (int k = block; k < end; ++k)
          std::memcpy(packed + k * width, weights + k * row_stride + first,
                      sizeof(float) * static_cast<std::size_t>(width));
      } else {
        for (int n = 0; n < width; ++n)
          for (int k = block; k < end; ++k)
            packed[k * width + n] = weights[k * row_stride + (first + n) * column_stride];
      }
    }
    packed += static_cast<std::ptrdiff_t>(num_rows) * width;
  }
}

template <int kRows, int kVectors>
void product_tile(const float* const* rows, int num_terms, const float* panel,
                  const float* const* begin, float* const* results) {
  Vector sums[kRows][kVectors];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) sums[r][v] = load(begin[r] + v * kLanes);
  for (int k = 0; k < num_terms; ++k) {
    Vector weights[kVectors];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) weights[v] = load(panel + v * kLanes);
    panel += kVectors * kLanes;
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const Vector value = splat(rows[r][k]);
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) sums[r][v] += value * weights[v];
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) store(results[r] + v * kLanes, sums[r][v]);
}

using ProductTile = void (*)(const float* const*, int, const float*, const float* const*,
                             float* const*);

template <int kRows>
ProductTile product_tile_of(int num_vectors) {
  static constexpr ProductTile tiles[kPanelVectors] = {
      product_tile<kRows, 1>, product_tile<kRows, 2>, product_tile<kRows, 3>,
      product_tile<kRows, 4>};
  return tiles[num_vectors - 1];
}

inline ProductTile product_tile_of(int num_rows, int num_vectors) {
  switch (num_rows) {
    case 1: return product_tile_of<1>(num_vectors);
    case 2: return product_tile_of<2>(num_vectors);
#if defined(__AVX512F__) || defined(__AVX2__) || defined(__aarch64__)
    case 3: return product_tile_of<3>(num_vectors);
#endif
#if defined(__AVX512F__) || defined(__aarch64__)
    case 4: return product_tile_of<4>(num_vectors);
    case 5: return product_tile_of<5>(num_vectors);
    case 6: return product_tile_of<6>(num_vectors);
#endif
  }
  return nullptr;
}

// results[r][first .. first + width) = begin[r][...] + rows[r] @ weights[:, first .. first + width),
// for columns that begin at a panel's border.
inline void product(const float* const* rows, int num_rows, int num_terms, const float* packed,
                    int num_columns, int first, int width, const float* const* begin,
                    float* const* results) {
  const float* from[kTileRows];
  float* to[kTileRows];
  for (int column = first; column < first + width; column += kPanel) {
    const int panel = panel_width(num_columns, column);
    for (int r = 0; r < num_rows; ++r) {
      from[r] = begin[r] + column;
      to[r] = results[r] + column;
    }
    product_tile_of(num_rows, panel / kLanes)(
        rows, num_terms, packed + static_cast<std::ptrdiff_t>(column) * num_terms, from, to);
  }
}

}  // namespace VARLEN_ISA
}  // namespace varlen::rnn
