#include "bindings/bindings.h"
#include "records/crc32c.h"

namespace nb = nanobind;

namespace varlen::bindings {
namespace {

using Crc32cFunction = std::uint32_t(std::uint32_t, const std::uint8_t*, std::size_t);

std::uint32_t checksum(Crc32cFunction* function, nb::handle data, std::uint32_t crc) {
  const BytesView bytes(data);
  const nb::gil_scoped_release released;
  return function(crc, bytes.data(), bytes.size());
}

}  // namespace

void bind_records(nb::module_& module) {
  module.def(
      "crc32c",
      [](nb::handle data, std::uint32_t crc) { return checksum(records::crc32c, data, crc); },
      nb::arg("data"), nb::arg("crc") = 0);
  // The table version alone, so that a test can compare it where the instruction would be chosen.
  module.def(
      "crc32c_portable",
      [](nb::handle data, std::uint32_t crc) {
        return checksum(records::crc32c_portable, data, crc);
      },
      nb::arg("data"), nb::arg("crc") = 0);
}

}  // namespace varlen::bindings
