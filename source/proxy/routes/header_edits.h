// HeaderEdits: what a route, virtual host, route table or cluster weight adds to or removes from a head. Compiled at
// load, immutable. Values may hold command operators (%DOWNSTREAM_REMOTE_ADDRESS%, %REQ(x)%, ...), compiled into a
// substitution format; plain text costs one copy.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "source/filter/stream_info.h"
#include "source/filter/substitution_format.h"
#include "source/http/head.h"

namespace weir::proxy {

struct HeaderEdit {
  enum class Action : uint8_t { kAppend, kAddIfAbsent, kOverwriteOrAdd, kOverwriteIfExists };
  Action action = Action::kAppend;
  std::string name;  // lower case; ":path", ":authority", ":method", ":scheme", ":status" or host where allowed
  std::shared_ptr<const filter::SubstitutionFormat> value;
  bool keep_empty = false;
};

struct HeaderEdits {
  std::vector<std::string> remove;  // lower case; removed before anything is added
  std::vector<HeaderEdit> add;

  bool empty() const { return remove.empty() && add.empty(); }
  void apply(http::Head& head, const filter::StreamInfo& info) const;
};

}  // namespace weir::proxy
