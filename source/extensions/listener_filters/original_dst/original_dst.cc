#include "source/extensions/listener_filters/original_dst/original_dst.h"

#include <optional>
#include <string>

#include "envoy/extensions/filters/listener/original_dst/v3/original_dst.pb.h"

namespace weir::extensions::original_dst {
namespace {

using envoy::extensions::filters::listener::original_dst::v3::OriginalDst;

class Filter final : public proxy::ListenerFilter {
 public:
  Verdict inspect(Look& look, proxy::Inspected& result) const override {
    const std::optional<net::Address> address = look.socket.originalDestination();
    // Of a connection that was not redirected the kernel says where it has arrived: here.
    if (!address.has_value() || *address == look.socket.localAddress()) return Verdict::kDone;
    result.local = *address;
    result.local_restored = true;
    return Verdict::kDone;
  }
  size_t maxBytes() const override { return 0; }
};

}  // namespace

proxy::ListenerFilterType originalDstType() {
  return {
      std::string(OriginalDst::descriptor()->full_name()), "envoy.filters.listener.original_dst",
      [](const google::protobuf::Message&, const proxy::ListenerFilterContext&) { return std::make_unique<Filter>(); }};
}

std::unique_ptr<const proxy::ListenerFilter> makeOriginalDst() { return std::make_unique<const Filter>(); }

}  // namespace weir::extensions::original_dst
