// Buffers of the core as NumPy arrays, without a copy.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstddef>
#include <cstdlib>
#include <initializer_list>
#include <utility>

#include "features/buffer.h"

namespace varlen::bindings {

template <class T>
nanobind::object as_array(features::Buffer<T> buffer, std::initializer_list<std::size_t> shape) {
  T* const data = buffer.release();
  const nanobind::capsule owner(data, [](void* memory) noexcept { std::free(memory); });
  return nanobind::cast(nanobind::ndarray<nanobind::numpy, T>(data, shape, owner));
}

template <class T>
nanobind::object as_array(features::Buffer<T> buffer) {
  const std::size_t size = buffer.size();
  return as_array(std::move(buffer), {size});
}

}  // namespace varlen::bindings
