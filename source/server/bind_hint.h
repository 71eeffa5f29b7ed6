// bindHint: what a person can do about an address that cannot be bound. Pure.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "source/net/address.h"

namespace weir::server {

// The message of `refused`, which came from binding `address`, and the next step.
std::string bindHint(const absl::Status& refused, const net::Address& address);

}  // namespace weir::server
