// countMessages: how many messages of one type there are in a message, inside of every Any too. For the summary of
// `weir check`.
#pragma once

#include <cstddef>
#include <string_view>

namespace google::protobuf {
class Message;
}

namespace weir::server {

// `type` is a full name: "envoy.config.route.v3.Route". An Any whose type is not linked counts for nothing.
size_t countMessages(const google::protobuf::Message& message, std::string_view type);

}  // namespace weir::server
